package observe

import (
	"testing"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/githubapi"
)

// checkTable holds a table of built-in rules to what it says of itself.
func checkTable(t *testing.T, rules []Rule) {
	t.Helper()
	for _, r := range rules {
		if r.About == "" || r.Example == "" {
			t.Errorf("rule %s lacks its description", r.Regex)
		}
		if _, ok := r.Apply(r.Example); !ok {
			t.Errorf("%s: the rule does not match its example %q", r.About, r.Example)
		}
		if got, _ := first(rules, r.Example); got != r.Folded {
			t.Errorf("%s: %q becomes %q, want %q", r.About, r.Example, got, r.Folded)
		}
	}
}

func TestBuiltinRunnerRules(t *testing.T) {
	checkTable(t, BuiltinRunnerRules())
	for name, want := range map[string]string{
		"": "",
		// GitHub
		"GitHub Actions 2": "GitHub Actions", "GitHub Actions 1000149203": "GitHub Actions", "Hosted Agent 2": "Hosted Agent",
		// Kubernetes
		"arc-runner-set-x8dn9-runner-kcqxf": "arc-runner-set", "linux-arm64-4x-2k6fj-runner-7ndxc": "linux-arm64-4x",
		"org-runners-kz7wd-5dv8t": "org-runners", "runners-6d8f7c9b5d-x2x9z": "runners", "ci-runner-x7k2p": "ci-runner", "build-runners-9wvt5": "build-runners",
		"gke-prod-ci-pool-1a2b3c4d-x7kz": "gke-prod-ci-pool", "gha-job-x7k2p9q-8bcdf": "gha-job",
		// EC2
		"i-072415b8c326cdca9": "ec2", "i-12345678": "ec2", "gpu-i-0d31a5b95a2441490": "gpu", "philips-spot_i-0d31a5b95a2441490": "philips-spot",
		"i-072415b8c326cdca9.eu-west-1.compute.internal": "ec2", "ip-172-31-0-4": "ec2", "ip-10-0-1-23.ec2.internal": "ec2", "ip-10-0-1-23-a": "ec2",
		"gpu-ip-10-0-1-23": "gpu", "EC2AMAZ-7G3K2LQ": "ec2", "17000000001-ip-10-0-1-23": "ec2", "17000000001-i-072415b8c326cdca9": "ec2",
		// products
		"runs-on--i-059a8a2ea5f9ad8dd--JNGXVVMrED": "runs-on", "runs-on--i-059a8a2ea5f9ad8dd": "runs-on", "depot-1zk9w4vtq2": "depot",
		"garm-Pu2rIBGrVNOV": "garm", "garm-abcdefghijKl": "garm", "nsc-runner-7f3kq2m8vt1xa": "nsc-runner", "nsc-runner-35s2fpgxt932z": "nsc-runner",
		"nsc-runner-abcdefghijklm": "nsc-runner", "blacksmith-01hzy3v5w8q2k7n4m6p9r1s3td": "blacksmith", "cirun-aws-runner--17000000001": "cirun-aws-runner",
		"cirun-gcp--7f3kq2m8": "cirun-gcp", "foo-kVnPzHXDa2Gv7": "foo", "foo-45KyBBoFsETyy": "foo", "github-runner-AAAAAAAAAAAA1": "github-runner",
		"vmss000001": "vmss", "ci-vmss_00001A": "ci-vmss", "buildjet-x64-4vcpu-9f3kq2m8vt1x": "buildjet-x64-4vcpu",
		// ids behind, before and instead of a name
		"big-box_abcdef0123456789": "big-box", "runner-20260301101500": "runner", "runner-17000000001": "runner", "BUILD-0A1B2C3D4E": "BUILD",
		"3F2504E0-4F89-41D3-9A0C-0305E82C3301": "uuid", "nomad-3f2504e0-4f89-41d3-9a0c-0305e82c3301": "nomad",
		"3f2504e0-4f89-41d3-9a0c-0305e82c3301-large": "large", "a-b-3f2504e0-4f89-41d3-9a0c-0305e82c33": "a-b-3f2504e0-4f89-41d3-9a0c",
		"6d5f0e9a1a2b": "container", "17000000001-foo": "foo", "17000000001_build-host": "build-host", "17000000001": "id", "45KyBBoFsETyy": "id",
		"ci_6d5f0e9a1a2b_7f3kq2m8vt1xa": "ci", "win.7F3KQ2M8VT1XA": "win",
	} {
		if got := New(Options{}).runners.fold(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

// Names that people give stay: nothing but names of one job is folded.
func TestRunnerNamesOfPeopleStay(t *testing.T) {
	o := New(Options{})
	for _, name := range []string{
		"build-01", "builder-5", "mac-mini-3", "gpu-runner-2", "my runner", "f10cs10-n150", "torch-n150-2", "linux-arm64", "n300-5", "GitHub Actions",
		"depot-production", "garm-linux", "garm-linuxbuilder", "ci-2024", "win-2022-x64-4", "ip-phone", "i-mac-27", "rack-4-slot-12",
		"self-hosted-runner", "ubuntu-22.04-large", "i-081648", "runner-1234567", "node-00000a", "postgres-runner-small", "Hosted Agent",
		"gpu-a100-2", "ubuntu-2204-x64", "win2019", "node12", "DESKTOP-7G3K2LQ", "LAPTOP-0A1B2C3D", "LAPTOP-Q2W3E4R", "WIN-7G3K2LQ8H9A", "Marys-MacBook-Pro",
		"iMac27Retina5K", "MacBookPro16M1", "ubuntu2204arm64", "lab-ubuntu2204arm64", "ci-windows2022x64", "db-postgres16alpine", "dc1-r12u04",
		"b12r04u22s1", "srvbln01dc02", "SRVBLN01DC02", "build.example.com", "ci-01.eu-west-1.example.com", "10.0.0.7", "192-168-1-20", "runner-k8s-3",
		"my-runner-mssql", "site-runner-html5", "arc-runner-small", "k8s-runner-0", "runners-1", "github-runner-productionbox", "nsc-runner-2",
		"vm-0001", "azure-vm-12", "orka-m2-ultra-7", "jetson-orin-nx-04", "raspberrypi4", "hil-bench-stm32h743", "fpga-zcu102-a", "sgx-icelake-8380",
		"team-platform-linux-xlarge", "actions-runner-1", "selfhosted", "release_signer", "Dell-R6525-02",
	} {
		if got := o.runners.fold(name); got != name {
			t.Errorf("the plain name %q becomes %q", name, got)
		}
	}
}

func mustRule(t *testing.T, regex, replacement string) Rule {
	t.Helper()
	r, err := NewRule(regex, replacement)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRunnerRulesOfTheUserComeFirst(t *testing.T) {
	o := New(Options{RunnerRules: []Rule{
		mustRule(t, `GitHub Actions .*`, "hosted"),
		mustRule(t, `(?P<site>[a-z]+)-rack-\d+`, "${site}"),
		mustRule(t, `lost-.*`, ""),
		mustRule(t, `build`, "never"),
		mustRule(t, `keep-(?P<id>.+)`, "$0"),
	}})
	for name, want := range map[string]string{
		"GitHub Actions 12":   "hosted",
		"berlin-rack-7":       "berlin",
		"lost-1":              "",
		"build-1":             "build-1", // a rule must match the whole name
		"keep-6d5f0e9a1a2b":   "keep-6d5f0e9a1a2b",
		"i-0816487061695bd61": "ec2", // the built-in ones follow
	} {
		if got := o.runners.fold(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
	got := New(Options{RunnerRules: []Rule{mustRule(t, `GitHub Actions .*`, "hosted")}}).Jobs(repo, attempt(1, job()), "CI", Known{}, false)
	if l := labelOf(t, got[0].Samples, family.JobQueueDuration, family.Runner); l != "hosted" {
		t.Errorf("runner label %q", l)
	}
}

func TestNewRuleRefusesBadExpressions(t *testing.T) {
	for _, regex := range []string{"(", "a)b", "[z-a]"} {
		if _, err := NewRule(regex, "x"); err == nil {
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
