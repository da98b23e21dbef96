package prom

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// tool returns the path of a program: the one that a variable of the environment names, else the one that is pinned in a
// module of tools/. That takes up to minutes to build the first time, so it is built only where nothing may be left out
// (REQUIRE_E2E=1).
func tool(t *testing.T, variable, module, name string) string {
	t.Helper()
	if path := os.Getenv(variable); path != "" {
		return path
	}
	if os.Getenv("REQUIRE_E2E") != "1" {
		t.Skipf("%s is not set: (cd tools/%s && go tool -n %s) builds it and prints its path; REQUIRE_E2E=1 does so here", variable, module, name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "go", "tool", "-n", name)
	command.Dir = "../" + module
	var complaints strings.Builder
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		t.Fatalf("building %s: %v\n%s", name, err, complaints.String())
	}
	return strings.TrimSpace(string(out))
}

// promtool2 returns the promtool of an older server, the one that PROMTOOL names or that is in PATH.
func promtool2(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("PROMTOOL"); path != "" {
		return path
	}
	path, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("REQUIRE_E2E") == "1" {
			t.Fatal("no promtool: PROMTOOL is not set and there is none in PATH; Debian has it in its package prometheus")
		}
		t.Skip("no promtool: PROMTOOL is not set and there is none in PATH")
	}
	return path
}

// run runs a tool in a directory and fails the test with what it says if it does.
func run(t *testing.T, dir, tool string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), tool, args...)
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s", filepath.Base(tool), strings.Join(args, " "), err, out)
	}
}

// TestPromtool3 runs everything under the tool of Prometheus 3.
func TestPromtool3(t *testing.T) {
	promtool := tool(t, "PROMTOOL3", "prometheus", "promtool")
	run(t, rulesDir, promtool, slices.Concat([]string{"check", "rules", "--lint=all", "--lint-fatal"}, classicFiles)...)
	run(t, rulesDir, promtool, slices.Concat([]string{"check", "rules", "--lint=all", "--lint-fatal"}, nativeFiles)...)
	run(t, rulesDir, promtool, "check", "config", "prometheus.yml")
	run(t, rulesDir, promtool, "check", "config", "prometheus.native.yml")
	for _, f := range testFiles(t) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			run(t, filepath.Join(rulesDir, "tests"), promtool, "test", "rules", f.name)
		})
	}
}

// TestPromtool2 runs what does not need native histograms under that of Prometheus 2, which many still have.
func TestPromtool2(t *testing.T) {
	promtool := promtool2(t)
	run(t, rulesDir, promtool, slices.Concat([]string{"check", "rules"}, classicFiles)...)
	run(t, rulesDir, promtool, "check", "config", "prometheus.yml")
	for _, f := range testFiles(t) {
		if !f.native() {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				run(t, filepath.Join(rulesDir, "tests"), promtool, "test", "rules", f.name)
			})
		}
	}
}
