package observe

import (
	"fmt"

	"github_workflow_exporter/internal/relabel"
)

// RunnerRule folds the names of runners into one label value.
type RunnerRule struct {
	// Regex has to match the whole name, as in relabelling.
	Regex relabel.Regexp
	// Replacement becomes the label value, with $1 or ${name} for what the groups matched.
	Replacement string
	// About, Example and Folded describe a built-in rule to readers: Example becomes Folded.
	About, Example, Folded string
}

// NewRunnerRule compiles a rule of the settings.
func NewRunnerRule(regex, replacement string) (RunnerRule, error) {
	re, err := relabel.NewRegexp(regex)
	if err != nil {
		return RunnerRule{}, fmt.Errorf("compiling runner rule: %w", err)
	}
	return RunnerRule{Regex: re, Replacement: replacement}, nil
}

// runner folds a runner's name by the first rule that matches it; a name that matches nothing stays.
func (o *Observer) runner(name string) string {
	if name == "" {
		return ""
	}
	for _, r := range o.runnerRules {
		if at := r.Regex.FindStringSubmatchIndex(name); at != nil {
			return string(r.Regex.ExpandString(nil, r.Replacement, name, at))
		}
	}
	return name
}

// kubernetes is the alphabet of the suffixes that Kubernetes makes up: no vowels, no digits that look like them. A
// name of plain words cannot be mistaken for one.
const kubernetes = `[bcdfghjklmnpqrstvwxz2456789]`

// BuiltinRunnerRules are the rules that follow the user's own, in order. They fold names of runners that live for one
// job, or for a few, each of which would otherwise be a label value of its own for ever. The result is a fresh slice.
func BuiltinRunnerRules() []RunnerRule {
	rule := func(regex, replacement, about, example, folded string) RunnerRule {
		r, err := NewRunnerRule(regex, replacement)
		if err != nil {
			panic(err) // the table below is wrong, as regexp.MustCompile would say
		}
		r.About, r.Example, r.Folded = about, example, folded
		return r
	}
	return []RunnerRule{
		rule(`(GitHub Actions|Hosted Agent) \d+`, `$1`, "GitHub-hosted runner", "GitHub Actions 1000149203", "GitHub Actions"),
		rule(`(.+)-`+kubernetes+`{5}-runner-`+kubernetes+`{5}`, `$1`, "Actions Runner Controller, scale set", "linux-x64-dv8bd-runner-9wvt5", "linux-x64"),
		rule(`(.+?)-`+kubernetes+`{5,10}-`+kubernetes+`{5}`, `$1`, "Actions Runner Controller, RunnerDeployment; pod of a Deployment", "ci-runners-7xkq2-mzp4d", "ci-runners"),
		rule(`(runs-on)--i-[0-9a-f]{8,17}(?:--.*)?`, `$1`, "RunsOn", "runs-on--i-059a8a2ea5f9ad8dd--JNGXVVMrED", "runs-on"),
		rule(`(i|.+-i)-(?:[0-9a-f]{17}|[0-9a-f]{8})`, `$1`, "EC2 instance id", "i-0816487061695bd61", "i"),
		rule(`(ip)(?:-\d{1,3}){4}(?:[.-].*)?`, `$1`, "EC2 private host name", "ip-10-0-1-23.eu-west-1.compute.internal", "ip"),
		rule(`(depot)-[bcdfghjklmnpqrstvwxz0-9]{10}`, `$1`, "Depot", "depot-ptc3146psq", "depot"),
		rule(`(garm)-[0-9A-Za-z]{12}`, `$1`, "garm", "garm-Pu2rIBGrVNOV", "garm"),
		rule(`(.+)[-_][0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`, `$1`, "UUID suffix", "builder-3f2504e0-4f89-41d3-9a0c-0305e82c3301", "builder"),
		rule(`[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`, `uuid`, "bare UUID", "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "uuid"),
		rule(`(.+)[-_][0-7][0-9a-hjkmnp-tv-zA-HJKMNP-TV-Z]{25}`, `$1`, "ULID suffix", "blacksmith-01hzy3v5w8q2k7n4m6p9r1s3td", "blacksmith"),
		rule(`(.+?)[-_](?:[0-9a-f]{8,}|[0-9A-F]{8,})`, `$1`, "suffix of eight or more hexadecimal digits", "ubuntu-16-cores_6d5f0e9a1a2b", "ubuntu-16-cores"),
	}
}
