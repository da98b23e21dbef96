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

// promtool3 returns the promtool of Prometheus 3: the one that PROMTOOL3 names, else the one pinned in tools/prometheus, which
// takes minutes to build the first time and is therefore built only where nothing may be left out (REQUIRE_E2E=1).
func promtool3(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("PROMTOOL3"); path != "" {
		return path
	}
	if os.Getenv("REQUIRE_E2E") != "1" {
		t.Skip("PROMTOOL3 is not set, and REQUIRE_E2E=1 neither, with which it would be built: (cd tools/prometheus && go tool -n promtool) prints its path")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	// -n builds it and prints where it is.
	command := exec.CommandContext(ctx, "go", "tool", "-n", "promtool")
	command.Dir = "../prometheus"
	var complaints strings.Builder
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		t.Fatalf("building promtool: %v\n%s", err, complaints.String())
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
	tool := promtool3(t)
	run(t, rulesDir, tool, slices.Concat([]string{"check", "rules", "--lint=all", "--lint-fatal"}, classicFiles)...)
	run(t, rulesDir, tool, slices.Concat([]string{"check", "rules", "--lint=all", "--lint-fatal"}, nativeFiles)...)
	run(t, rulesDir, tool, "check", "config", "prometheus.yml")
	run(t, rulesDir, tool, "check", "config", "prometheus.native.yml")
	for _, f := range testFiles(t) {
		t.Run(f.name, func(t *testing.T) { run(t, filepath.Join(rulesDir, "tests"), tool, "test", "rules", f.name) })
	}
}

// TestPromtool2 runs what does not need native histograms under that of Prometheus 2, which many still have.
func TestPromtool2(t *testing.T) {
	tool := promtool2(t)
	run(t, rulesDir, tool, slices.Concat([]string{"check", "rules"}, classicFiles)...)
	run(t, rulesDir, tool, "check", "config", "prometheus.yml")
	for _, f := range testFiles(t) {
		if !f.native() {
			t.Run(f.name, func(t *testing.T) { run(t, filepath.Join(rulesDir, "tests"), tool, "test", "rules", f.name) })
		}
	}
}
