package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a started program. It is stopped at the end of the test, and its output shown if the test failed.
type process struct {
	name   string
	cmd    *exec.Cmd
	output *tail
	exited chan struct{} // closed once err is set
	err    error
}

func start(t *testing.T, name string, arguments ...string) *process {
	t.Helper()
	p := &process{name: filepath.Base(name), cmd: exec.Command(name, arguments...), output: &tail{limit: 32 << 10}, exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.Dir = t.TempDir()
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", p.name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		if err := p.stop(20 * time.Second); err != nil {
			t.Errorf("stopping %s: %v", p.name, err)
		}
		if t.Failed() {
			t.Logf("last output of %s:\n%s", p.name, p.output)
		}
	})
	return p
}

// stop asks the process to end and waits for it; an exit code other than 0 is an error, too slow an end as well.
func (p *process) stop(within time.Duration) error {
	select {
	case <-p.exited:
		return p.err
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.exited:
		return p.err
	case <-time.After(within):
		_ = p.cmd.Process.Kill()
		<-p.exited
		return fmt.Errorf("still running %s after SIGTERM", within)
	}
}

// running fails the test if the process has ended by itself.
func (p *process) running(t *testing.T) {
	t.Helper()
	select {
	case <-p.exited:
		t.Fatalf("%s ended by itself: %v", p.name, p.err)
	default:
	}
}

// tail keeps the last bytes written to it.
type tail struct {
	mu    sync.Mutex
	kept  bytes.Buffer
	limit int
}

func (w *tail) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept.Write(b)
	if over := w.kept.Len() - w.limit; over > 0 {
		w.kept.Next(over)
	}
	return len(b), nil
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept.String()
}

// buildExporter builds the program from this checkout, as make build does but for the version.
func buildExporter(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "github_workflow_exporter")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-o", binary, ".")
	build.Dir = filepath.Join("..", "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the exporter: %v\n%s", err, out)
	}
	return binary
}

// findPrometheus returns the server to test with.
func findPrometheus(t *testing.T) string {
	t.Helper()
	name := os.Getenv("PROMETHEUS")
	if name == "" {
		name = "prometheus"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("REQUIRE_E2E") == "1" {
			t.Fatalf("no Prometheus and REQUIRE_E2E=1: %v", err)
		}
		t.Skipf("no Prometheus: %v", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// freeAddress finds a port on loopback that nobody listens on right now.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// eventually asks again and again until there is nothing left to wait for; what is left is said when time is up.
func eventually(t *testing.T, what string, within, every time.Duration, missing func() string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	began := time.Now()
	for {
		left := missing()
		if left == "" {
			t.Logf("%s after %s", what, time.Since(began).Round(time.Second))
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not within %s: %s: %s", within, what, left)
		case <-ticker.C:
		}
	}
}
