package observe

import "strings"

// Parts of the expressions below.
const (
	// pod is the alphabet of the suffixes that Kubernetes makes up: no vowels, no digits that look like them. A name of
	// plain words cannot be mistaken for one.
	pod  = `[bcdfghjklmnpqrstvwxz2456789]`
	uuid = `[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`
	ulid = `[0-7][0-9a-hjkmnp-tv-zA-HJKMNP-TV-Z]{25}`
	ec2  = `i-(?:[0-9a-f]{17}|[0-9a-f]{8})(?:\..*)?`
	ip   = `ip(?:-\d{1,3}){4}(?:[.-].*)?`
)

// BuiltinRunnerRules are the rules that follow the user's own, in order. They fold names of runners that live for one
// job, or for a few, each of which would otherwise be a label value of its own for ever. The result is a fresh slice.
func BuiltinRunnerRules() []Rule {
	return []Rule{
		builtin(`(GitHub Actions|Hosted Agent) \d+`, `$1`, "GitHub-hosted runner", "GitHub Actions 1000149203", "GitHub Actions"),
		builtin(`DESKTOP-[0-9A-Z]{7}|LAPTOP-[0-9A-Z]{8}|WIN-[0-9A-Z]{11}`, `$0`, "Windows' own name for a machine: it stays", "DESKTOP-7G3K2LQ", "DESKTOP-7G3K2LQ"),
		builtin(`EC2AMAZ-[0-9A-Z]{7}`, `ec2`, "EC2 instance with Windows", "EC2AMAZ-7G3K2LQ", "ec2"),
		builtin(`(.+)-`+pod+`{5}-runner-`+pod+`{5}`, `$1`, "Actions Runner Controller, scale set", "linux-x64-dv8bd-runner-9wvt5", "linux-x64"),
		builtin(`(.+?)-`+pod+`{5,10}-`+pod+`{5}`, `$1`, "Actions Runner Controller, RunnerDeployment; pod of a Deployment", "ci-runners-7xkq2-mzp4d", "ci-runners"),
		builtin(`(.+-runners?)-(?P<id>`+pod+`{5})`, `$1`, "Actions Runner Controller, RunnerSet; pod of a Job", "gpu-runner-x7k2p", "gpu-runner").where(podSuffix),
		builtin(`(gke-.+)-[0-9a-f]{8}-[0-9a-z]{4}`, `$1`, "GKE node", "gke-ci-default-pool-3f9d2c1a-k8xz", "gke-ci-default-pool"),
		builtin(`\d{9,20}[-_](.+)`, `$1`, "id of a run in front", "17000000001-build-host", "build-host"),
		builtin(`(runs-on)--.+`, `$1`, "RunsOn", "runs-on--i-059a8a2ea5f9ad8dd--JNGXVVMrED", "runs-on"),
		builtin(`(cirun-.+?)--.+`, `$1`, "Cirun", "cirun-aws-runner--17000000001", "cirun-aws-runner"),
		builtin(`(nsc-runner)-[0-9a-z]{10,}`, `$1`, "Namespace", "nsc-runner-7f3kq2m8vt1xa", "nsc-runner"),
		builtin(`(depot)-[bcdfghjklmnpqrstvwxz0-9]{10}`, `$1`, "Depot", "depot-ptc3146psq", "depot"),
		builtin(`(garm)-(?P<id>[0-9A-Za-z]{12})`, `$1`, "garm", "garm-Pu2rIBGrVNOV", "garm").where(mixed),
		builtin(`(github-runner)-(?P<id>[0-9A-Za-z]{13})`, `$1`, "container of myoung34/github-runner", "github-runner-kVnPzHXDa2Gv7", "github-runner").where(mixed),
		builtin(ec2, `ec2`, "EC2 instance id", "i-0816487061695bd61", "ec2"),
		builtin(`(.+?)[-_.]+`+ec2, `$1`, "EC2 instance id behind a name", "gpu_i-0816487061695bd61", "gpu"),
		builtin(ip, `ec2`, "EC2 private host name", "ip-10-0-1-23.eu-west-1.compute.internal", "ec2"),
		builtin(`(.+?)[-_.]+`+ip, `$1`, "EC2 private host name behind a name", "gpu-ip-10-0-1-23", "gpu"),
		builtin(`(?i)(.*vmss)[-_]?[0-9a-z]{6}`, `$1`, "instance of an Azure scale set", "ci-vmss00001A", "ci-vmss"),
		builtin(`(.+?)[-_.]+`+uuid, `$1`, "UUID behind a name", "builder-3f2504e0-4f89-41d3-9a0c-0305e82c3301", "builder"),
		builtin(uuid+`[-_.]+(.+)`, `$1`, "UUID in front", "3f2504e0-4f89-41d3-9a0c-0305e82c3301-builder", "builder"),
		builtin(uuid, `uuid`, "UUID", "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "uuid"),
		builtin(`(.+?)[-_.]+`+ulid, `$1`, "ULID behind a name", "blacksmith-01hzy3v5w8q2k7n4m6p9r1s3td", "blacksmith"),
		builtin(`(.+?)[-_]+(?:[0-9a-f]{8,}|[0-9A-F]{8,})`, `$1`, "eight or more hexadecimal digits behind a name", "ubuntu-16-cores_6d5f0e9a1a2b", "ubuntu-16-cores"),
		builtin(`(.+?)[-_.]+(?P<id>[0-9A-Za-z]{10,64})`, `$1`, "ten or more letters and digits that no person puts together, behind a name", "foo-kVnPzHXDa2Gv7", "foo").where(madeUp),
		builtin(`(?P<id>[0-9a-f]{12}|[0-9a-f]{64})`, `container`, "container id", "6d5f0e9a1a2b", "container").where(mixed),
		builtin(`(?P<id>[0-9A-Za-z]{12,64})`, `id`, "the same without a name", "45KyBBoFsETyy", "id").where(madeUp),
		builtin(`\d{9,20}`, `id`, "number of nine or more digits", "17000000001", "id"),
	}
}

// mixed tells whether a text is not of small letters, of capitals or of digits alone, as words and numbers are.
func mixed(id string) bool {
	kinds := map[byte]bool{}
	for i := range len(id) {
		kinds[kindOf(id[i])] = true
	}
	return len(kinds) > 1
}

// podSuffix excepts the few terms that can be written in the alphabet of pods.
func podSuffix(id string) bool {
	switch id {
	case "mssql", "html5", "mpssh", "nvmcp":
		return false
	}
	return strings.Trim(id, "2456789") != ""
}
