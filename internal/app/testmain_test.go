package app

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"

	"go.uber.org/goleak"
)

var long = flag.Bool("long", false, "live through the long worlds too: more days, repositories and runs than a test needs that is run often")

// longer picks the size of a world: usual is enough to fail without what the test is for.
func longer[T any](usual, lasting T) T {
	if *long {
		return lasting
	}
	return usual
}

// fastDir is a directory in which syncing costs nothing, where there is one: what a disk does is tested by processes.
func fastDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "github_workflow_exporter-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "data")
}

// TestMain finds goroutines that outlive the tests, and removes the program that some of them built.
func TestMain(m *testing.M) {
	flag.Parse()
	// The heaps of the worlds are small, so that a fifth of all time would go into collecting them.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := removeProgram(); err != nil {
			fmt.Fprintln(os.Stderr, "removing the built program:", err)
			code = max(code, 1)
		}
		os.Exit(code)
	}))
}
