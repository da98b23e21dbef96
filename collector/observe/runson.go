package observe

import (
	"slices"
	"strings"
)

// BuiltinLabelRules are the rules for runs-on labels that follow the user's own, in order. They see labels in lower case.
// Some products ask to put the id of the run into a label so that no other run's job takes the runner; each would be a
// label value of its own. A label of which nothing is left is left out. The result is a fresh slice.
//
// Labels that name no run stay as they are, so those of BuildJet, Blacksmith, Depot, Namespace, Ubicloud and Actuated.
func BuiltinLabelRules() []Rule {
	return []Rule{
		builtin(`(codebuild-.+)-\d+-\d{1,3}((?:-[a-z].*)?)`, `$1$2`, "AWS CodeBuild", "codebuild-ci-17000000001-1", "codebuild-ci"),
		builtin(`runs-on=\d[^/,]*(.*)`, `runs-on$1`, "RunsOn", "runs-on=17000000001/runner=2cpu-linux-x64", "runs-on/runner=2cpu-linux-x64"),
		builtin(`(.+)[/,]run-id=[^/,]*(.*)`, `$1$2`, "RunsOn, as one of several parts", "runs-on/runner=2cpu-linux-x64/run-id=17000000001", "runs-on/runner=2cpu-linux-x64"),
		builtin(`run[-_]?id[=:].*`, ``, "RunsOn, as a label of its own", "run-id=17000000001", ""),
		builtin(`(cirun-.+?)--.+`, `$1`, "Cirun", "cirun-aws-runner--17000000001", "cirun-aws-runner"),
		builtin(`(jobid)=.*`, `$1`, "1ES hosted pool", "jobid=build-17000000001-4711-1", "jobid"),
		builtin(`(.+?)[-_./:=]+`+uuid, `$1`, "UUID behind a name", "builder-3f2504e0-4f89-41d3-9a0c-0305e82c3301", "builder"),
		builtin(uuid, ``, "UUID", "3f2504e0-4f89-41d3-9a0c-0305e82c3301", ""),
		builtin(`\d{9,20}(?:[-_.]\d{1,6}){0,2}`, ``, "id of a run, as ec2-action-builder has it", "17000000001", ""),
		builtin(`\d{9,20}(?:[-_.]\d{1,6}){0,2}[-_.]+(.*[a-z].*)`, `$1`, "id of a run in front", "17000000001-gpu", "gpu"),
		builtin(`(.*[a-z].*?)[-_.=]+\d{9,20}(?:[-_.]\d{1,6}){0,2}`, `$1`, "id of a run behind a name, perhaps with its number and attempt", "gpu-17000000001-1", "gpu"),
		builtin(`(.+?)[-_]+(?P<id>[0-9a-f]{12,64})`, `$1`, "twelve or more hexadecimal digits behind a name", "ci-6d5f0e9a1a2b", "ci").where(mixed),
		builtin(`(.+?)[-_]+(?P<id>[0-9a-z]{12,64})`, `$1`, "twelve or more letters and digits that no person puts together, behind a name", "ci-7f3kq2m8vt1xa", "ci").where(madeUp),
	}
}

// lowered are the labels of a job as text that is equal for equal ones: GitHub keeps neither their case nor their order.
func lowered(labels []string) []string {
	lower := make([]string, 0, len(labels))
	for _, l := range labels {
		if l = strings.ToLower(valid(l)); l != "" {
			lower = append(lower, l)
		}
	}
	return sorted(lower)
}

// runsOn folds labels that lowered gave and joins them.
func (o *Observer) runsOn(labels []string, who identity) string {
	if len(labels) == 0 {
		return ""
	}
	folded := make([]string, 0, len(labels))
	for _, l := range labels {
		if l = strings.ToLower(who.strip(o.labels.fold(clean(l)), true)); l != "" {
			folded = append(folded, l)
		}
	}
	return strings.Join(sorted(folded), ",")
}

// sorted sorts in place and leaves each value once.
func sorted(values []string) []string {
	slices.Sort(values)
	return slices.Compact(values)
}
