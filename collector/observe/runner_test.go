package observe

import (
	"testing"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/githubapi"
)

func TestBuiltinRunnerRules(t *testing.T) {
	o := New(Options{})
	for _, r := range BuiltinRunnerRules() {
		if r.About == "" || r.Example == "" || r.Folded == "" {
			t.Errorf("rule %s lacks its description", r.Regex)
		}
		if got := o.runner(r.Example); got != r.Folded {
			t.Errorf("%s: %q becomes %q, want %q", r.About, r.Example, got, r.Folded)
		}
		if !r.Regex.MatchString(r.Example) {
			t.Errorf("%s: an earlier rule takes the example %q", r.About, r.Example)
		}
	}
	for name, want := range map[string]string{
		"":                                       "",
		"GitHub Actions 2":                       "GitHub Actions",
		"Hosted Agent":                           "Hosted Agent",
		"Hosted Agent 2":                         "Hosted Agent",
		"arc-runner-set-x8dn9-runner-kcqxf":      "arc-runner-set",
		"org-runners-kz7wd-5dv8t":                "org-runners",
		"runners-6d8f7c9b5d-x2x9z":               "runners",
		"i-072415b8c326cdca9":                    "i",
		"i-12345678":                             "i",
		"gpu-i-0d31a5b95a2441490":                "gpu-i",
		"ip-172-31-0-4":                          "ip",
		"ip-10-0-1-23.ec2.internal":              "ip",
		"ip-10-0-1-23-a":                         "ip",
		"depot-1zk9w4vtq2":                       "depot",
		"big-box_abcdef0123456789":               "big-box",
		"runner-20260301101500":                  "runner",
		"BUILD-0A1B2C3D4E":                       "BUILD",
		"3F2504E0-4F89-41D3-9A0C-0305E82C3301":   "uuid",
		"a-b-3f2504e0-4f89-41d3-9a0c-0305e82c33": "a-b-3f2504e0-4f89-41d3-9a0c",
	} {
		if got := o.runner(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
	for _, plain := range []string{
		"build-01", "builder-5", "mac-mini-3", "gpu-runner-2", "my runner", "f10cs10-n150", "torch-n150-2", "linux-arm64",
		"depot-production", "garm-linux", "ci-2024", "win-2022-x64-4", "ip-phone", "i-mac-27", "rack-4-slot-12", "self-hosted-runner",
		"ubuntu-22.04-large", "i-081648", "runner-1234567", "GitHub Actions", "node-00000a", "postgres-runner-small",
	} {
		if got := o.runner(plain); got != plain {
			t.Errorf("the plain name %q becomes %q", plain, got)
		}
	}
}

func TestRunnerRulesOfTheUserComeFirst(t *testing.T) {
	rule := func(regex, replacement string) RunnerRule {
		t.Helper()
		r, err := NewRunnerRule(regex, replacement)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	o := New(Options{RunnerRules: []RunnerRule{
		rule(`GitHub Actions .*`, "hosted"),
		rule(`(?P<site>[a-z]+)-rack-\d+`, "${site}"),
		rule(`lost-.*`, ""),
		rule(`build`, "never"),
	}})
	for name, want := range map[string]string{
		"GitHub Actions 12":   "hosted",
		"berlin-rack-7":       "berlin",
		"lost-1":              "",
		"build-1":             "build-1", // a rule must match the whole name
		"i-0816487061695bd61": "i",       // the built-in ones follow
	} {
		if got := o.runner(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
	got := New(Options{RunnerRules: []RunnerRule{rule(`GitHub Actions .*`, "hosted")}}).Jobs(repo, attempt(1, job()), "CI", nil, false)
	if l := labelOf(t, got[0].Samples, family.JobQueueDuration, family.Runner); l != "hosted" {
		t.Errorf("runner label %q", l)
	}
}

func TestNewRunnerRuleRefusesBadExpressions(t *testing.T) {
	for _, regex := range []string{"(", "a)b", "[z-a]"} {
		if _, err := NewRunnerRule(regex, "x"); err == nil {
			t.Errorf("%q compiles", regex)
		}
	}
}

func TestJobWithoutRunnerHasEmptyRunnerLabel(t *testing.T) {
	got := observeJob(t, Options{}, job(func(j *githubapi.Job) { j.RunnerID, j.RunnerName, j.Steps, j.Conclusion = 0, "", nil, "skipped" }))
	if l := labelOf(t, got.Samples, family.JobConclusions, family.Runner); l != "" {
		t.Errorf("runner label %q, want none", l)
	}
}
