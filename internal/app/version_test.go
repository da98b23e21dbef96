package app

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStamped(t *testing.T) {
	setting := func(pairs ...string) (all []debug.BuildSetting) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, debug.BuildSetting{Key: pairs[i], Value: pairs[i+1]})
		}
		return all
	}
	for name, test := range map[string]struct {
		info *debug.BuildInfo
		want stamp
	}{
		"no record": {nil, stamp{"unknown", "unknown", "unknown"}},
		"go run":    {&debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, stamp{"devel", "unknown", "unknown"}},
		"a clean checkout": {
			&debug.BuildInfo{Main: debug.Module{Version: "v0.3.1"}, Settings: setting("vcs.revision", "0123abc", "vcs.time", "2026-11-02T03:04:05Z", "vcs.modified", "false")},
			stamp{"v0.3.1", "0123abc", "2026-11-02T03:04:05Z (of the commit)"},
		},
		"a changed one": {
			&debug.BuildInfo{Main: debug.Module{Version: "v0.3.2-0.20261102030405-0123abc+dirty"}, Settings: setting("vcs.revision", "0123abc", "vcs.time", "2026-11-02T03:04:05Z", "vcs.modified", "true")},
			stamp{"v0.3.2-0.20261102030405-0123abc+dirty", "0123abc-modified", "2026-11-02T03:04:05Z (of the commit)"},
		},
	} {
		if diff := cmp.Diff(test.want, stamped(test.info), cmp.AllowUnexported(stamp{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestVersionOfTheProgram: the linker's word wins, and without it nothing is empty; the same in --version, in the log and in
// build_info.
func TestVersionOfTheProgram(t *testing.T) {
	t.Parallel()
	code, stdout, _ := run(t, nil, "--version")
	if code != 0 || !strings.HasPrefix(stdout, "github_workflow_exporter, version devel (branch: unknown, revision: unknown)\n") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
	const flags = "-s -w -X github.com/prometheus/common/version.Version=1.2.3 -X github.com/prometheus/common/version.Revision=abc -X github.com/prometheus/common/version.BuildDate=today"
	path := filepath.Join(t.TempDir(), "linked")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-ldflags", flags, "-o", path, "github_workflow_exporter").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), path, "--version").Output()
	if err != nil || !holds(string(out), []string{"version 1.2.3 (branch: unknown, revision: abc)", "today"}) {
		t.Errorf("%v\n%s", err, out)
	}
	p := newPlace(t, watching("http://127.0.0.1:1"))
	running := p.serve()
	running.says("starting github_workflow_exporter", "version=devel", "revision=unknown", "build_date=unknown")
	if n := running.scrape().value(namespace+"_build_info", "branch", "unknown", "goarch", runtime.GOARCH, "goos", runtime.GOOS, "goversion", runtime.Version(), "revision", "unknown", "tags", "unknown", "version", "devel"); n != 1 {
		t.Errorf("build_info is %v", n)
	}
}
