package observe

import (
	"slices"
	"testing"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/githubapi"
)

// labelValue is the label of a job of run 17000000001, number 4711, attempt 2.
func labelValue(t *testing.T, o Options, labels ...string) string {
	t.Helper()
	a := attempt(2, job(func(j *githubapi.Job) { j.ID, j.Labels = 48000000009, labels }))
	a.Run.ID, a.Run.RunNumber = 17000000001, 4711
	got := New(o).Jobs(repo, a, "CI", Known{}, false)
	return labelOf(t, got[0].Samples, family.JobConclusions, family.Label)
}

func TestRunsOnLabel(t *testing.T) {
	for _, tt := range []struct {
		labels []string
		want   string
	}{
		{nil, ""},
		{[]string{}, ""},
		{[]string{"self-hosted", "foo", "bar"}, "bar,foo,self-hosted"},
		{[]string{"Ubuntu-latest"}, "ubuntu-latest"},
		{[]string{"X64", "x64", "Linux"}, "linux,x64"},
		{[]string{"", "a"}, "a"},
		{[]string{"a-17000000001", "A"}, "a"},
		{[]string{"17000000001"}, ""},
		{[]string{"self-hosted", "17000000001-2"}, "self-hosted"},
	} {
		if l := labelValue(t, Options{}, tt.labels...); l != tt.want {
			t.Errorf("%v: label %q, want %q", tt.labels, l, tt.want)
		}
	}
}

func TestLabelsThatNameARunAreFolded(t *testing.T) {
	checkTable(t, BuiltinLabelRules())
	for label, want := range map[string]string{
		// By the products' own shapes, whatever the run: ids of young servers are short.
		"codebuild-ci-18000000001-1":                         "codebuild-ci",
		"codebuild-ci-18-1":                                  "codebuild-ci",
		"CodeBuild-web-2-17000000001-2":                      "codebuild-web-2",
		"codebuild-ci-17000000001-2-arm-3.0-small":           "codebuild-ci-arm-3.0-small",
		"runs-on=17000000001":                                "runs-on",
		"runs-on=12":                                         "runs-on",
		"runs-on=17000000001-unit-3/runner=2cpu-linux-x64":   "runs-on/runner=2cpu-linux-x64",
		"runs-on=17000000001/runner=2cpu/run-id=17000000001": "runs-on/runner=2cpu",
		"runs-on/runner=2cpu-linux-x64/run-id=123":           "runs-on/runner=2cpu-linux-x64",
		"runs-on,runner=2cpu-linux-x64,run-id=17000000001":   "runs-on,runner=2cpu-linux-x64",
		"runs-on/run-id=17000000001/runner=2cpu/spot=false":  "runs-on/runner=2cpu/spot=false",
		"run-id=123":                                   "",
		"cirun-aws-runner--17000000001":                "cirun-aws-runner",
		"cirun-gpu--7f3kq2m8vt1xa":                     "cirun-gpu",
		"JobId=build-17000000001-4711-2":               "jobid",
		"builder-3f2504e0-4f89-41d3-9a0c-0305e82c3301": "builder",
		"18000000001":                                  "", // the id of another run, as after workflow_run
		"gpu-18000000001-3":                            "gpu",
		"ci-6d5f0e9a1a2b3c4d5e6f6d5f0e9a1a2b3c4d5e6f":  "ci",
		"ci-7f3kq2m8vt1xa":                             "ci",
		"ephemeral_18000000001":                        "ephemeral",

		// By what the answer itself tells.
		"17000000001":                    "",
		"17000000001-2":                  "",
		"17000000001-4711-2":             "",
		"gpu-17000000001":                "gpu",
		"gpu-17000000001-2":              "gpu",
		"gpu-17000000001-4711-2":         "gpu",
		"gpu-17000000001-4711-2-large":   "gpu-large",
		"gpu-17000000001-attempt-2":      "gpu",
		"gpu_17000000001_large":          "gpu_large",
		"gpu17000000001":                 "gpu",
		"17000000001-gpu":                "gpu",
		"pool(17000000001)":              "pool",
		"vm.17000000001.eu":              "vm.eu",
		"image=big/run=17000000001/spot": "image=big/spot",
		"name=17000000001-foo":           "name=foo",
		"a/48000000009/b":                "a/b",
		"job-48000000009":                "job",
		"gpu-4711":                       "gpu",
		"gpu-4711-2":                     "gpu",
		"gpu-4711-large":                 "gpu-large",
		"gpu-run-4711":                   "gpu-run",
		"gpu-run-number-4711":            "gpu-run-number",
		"gpu-attempt-2":                  "gpu-attempt",
		"gpu-run_attempt=2":              "gpu-run_attempt",
		"gpu-2-17000000001-2":            "gpu-2",
		"gpu-170000000019":               "gpu", // a number of this length is no person's
	} {
		if l := labelValue(t, Options{}, label); l != want {
			t.Errorf("%q becomes %q, want %q", label, l, want)
		}
	}
}

func TestLabelsThatNameNoRunStay(t *testing.T) {
	for _, label := range []string{
		"2", "1", "ubuntu-24.04", "ubuntu-latest", "gpu-1", "gpu-2", "windows-2022", "macos-14-xlarge", "x64", "linux", "arm64", "self-hosted",
		"blacksmith-4vcpu-ubuntu-2204", "nscloud-ubuntu-22.04-amd64-4x16", "namespace-profile-default", "nscloud-cache-tag-my-cache",
		"depot-ubuntu-22.04-arm-4", "buildjet-16vcpu-ubuntu-2204", "ubicloud-standard-4-arm", "actuated-arm64-4cpu-16gb", "warp-ubuntu-latest-x64-4x",
		"image:linux-5.0", "image:custom-linux-123456789012.dkr.ecr.us-east-1.amazonaws.com/ci:latest", "instance-size:large", "fleet:my-fleet",
		"buildspec-override:true", "1es.pool=my-pool", "1es.imageoverride=ubuntu-22.04", "family=m7a+m7i", "cpu=4", "runs-on", "runner=16cpu-linux-x64",
		"linux.g5.4xlarge.nvidia.gpu", "am2", "node-471", "v4711x", "47110", "attempt-3", "try-2", "run-3", "dry-run-2", "rack-17-2", "gpu-a100-2",
		"lab-ubuntu2204arm64", "cirun-aws-runner", "codebuild-ci", "codebuild-web-2", "20260301", "team-17000", "vs2022enterprise",
	} {
		if l := labelValue(t, Options{}, label); l != label {
			t.Errorf("the plain label %q becomes %q", label, l)
		}
	}
}

// Ids of young servers are short, and a short number in a label is mostly no id.
func TestShortIDsNeedAWord(t *testing.T) {
	for label, want := range map[string]string{
		"ubuntu-24.04": "ubuntu-24.04", "gpu-24": "gpu-24", "24": "24", "run-24": "run", "ci-run-id-24": "ci-run-id", "gpu_run24": "gpu_run",
		"gpu-1": "gpu-1", "gpu-7": "gpu-7", "run-7": "run",
	} {
		a := attempt(1, job(func(j *githubapi.Job) { j.Labels = []string{label} }))
		a.Run.ID, a.Run.RunNumber = 24, 7
		got := New(Options{}).Jobs(repo, a, "CI", Known{}, false)
		if l := labelOf(t, got[0].Samples, family.JobConclusions, family.Label); l != want {
			t.Errorf("%q becomes %q, want %q", label, l, want)
		}
	}
}

func TestRunIDsDoNotStayInRunnerNames(t *testing.T) {
	for name, want := range map[string]string{
		"17000000001-foo": "foo", "foo-17000000001-2": "foo", "foo.17000000001": "foo", "box-4711": "box", "box-2": "box-2",
		"foo-48000000009": "foo",
	} {
		a := attempt(2, job(func(j *githubapi.Job) { j.ID, j.RunnerName = 48000000009, name }))
		a.Run.ID, a.Run.RunNumber = 17000000001, 4711
		got := New(Options{}).Jobs(repo, a, "CI", Known{}, false)
		if l := labelOf(t, got[0].Samples, family.JobConclusions, family.Runner); l != want {
			t.Errorf("%q becomes %q, want %q", name, l, want)
		}
	}
}

func TestLabelRulesOfTheUserComeFirst(t *testing.T) {
	o := Options{LabelRules: []Rule{
		mustRule(t, `codebuild-.*`, "CodeBuild"),
		mustRule(t, `(spot)-[a-z0-9]{5}`, "$1"),
		mustRule(t, `secret-.*`, ""),
		mustRule(t, `keep-.*`, "$0"),
	}}
	for label, want := range map[string]string{
		"CODEBUILD-ci-17000000001-1": "codebuild", // rules see lower case, and so does the label
		"spot-abcde":                 "spot",
		"secret-7":                   "",
		"keep-18000000001":           "keep-18000000001", // another run's id, if the user wants
		"keep-17000000001":           "keep",             // this run's never
		"cirun-x--1":                 "cirun-x",
	} {
		if l := labelValue(t, o, label); l != want {
			t.Errorf("%q becomes %q, want %q", label, l, want)
		}
	}
}

// Two runs of one workflow count in the same series, whatever their ids.
func TestRunsShareTheirSeries(t *testing.T) {
	var first []Sample
	for i, id := range []string{"17000000001", "17000000002"} {
		a := attempt(1, job(func(j *githubapi.Job) { j.Labels = []string{"codebuild-ci-" + id + "-1", "pool-" + id} }))
		a.Run.ID = 17000000001 + int64(i)
		got := New(Options{}).Jobs(repo, a, "CI", Known{}, false)[0].Samples
		if i == 0 {
			first = got
			continue
		}
		for k := range got {
			if at := slices.Index(family.Get(got[k].Family).Labels, family.Label); got[k].Values[at] == "" || !slices.Equal(got[k].Values, first[k].Values) {
				t.Errorf("%s: %q and %q", family.Get(got[k].Family).Name, first[k].Values, got[k].Values)
			}
		}
	}
}
