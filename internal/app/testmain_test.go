package app

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain finds goroutines that outlive the tests, and removes the program that some of them built.
func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := removeProgram(); err != nil {
			fmt.Fprintln(os.Stderr, "removing the built program:", err)
			code = max(code, 1)
		}
		os.Exit(code)
	}))
}
