package app

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long tests wait for a process before they call it stuck. Nothing waits for so long unless it fails.
const patience = time.Minute

var programDir = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "github_workflow_exporter-test-") })

// program builds the program, once for all tests that are about processes; linking is quicker without symbols.
var program = sync.OnceValues(func() (string, error) {
	dir, err := programDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "github_workflow_exporter")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", path, "github_workflow_exporter").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return path, nil
})

func removeProgram() error {
	dir, err := programDir()
	if err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// process is the program running by itself. Tests of it run beside each other: most of their time is spent waiting.
type process struct {
	*testing.T
	cmd    *exec.Cmd
	client *http.Client
	url    string // once it is ready
	stdout lines
	stderr lines
	exited chan struct{}
}

// start starts the program, with an environment that holds nothing of the tests' own but what is given as NAME=value.
func start(t *testing.T, env []string, arguments ...string) *process {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{T: t, cmd: exec.Command(path, arguments...), exited: make(chan struct{})}
	p.client = &http.Client{Timeout: patience, Transport: &http.Transport{}}
	p.cmd.Env = append([]string{"TZ=UTC"}, env...)
	p.cmd.Dir = t.TempDir()
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // its exit code is what tests look at
		p.stdout.end()
		p.stderr.end()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%v said:\n%s", arguments, p.stderr.text())
		}
	})
	return p
}

// serve starts the program on a free port of loopback and waits until it is ready.
func serve(t *testing.T, env []string, arguments ...string) *process {
	t.Helper()
	p := start(t, env, append([]string{"--web.listen-address=127.0.0.1:0"}, arguments...)...)
	p.ready("http")
	return p
}

var listening = regexp.MustCompile(`addresses"?[=:]"?\[([^ \]]+)`)

func (p *process) ready(scheme string) {
	p.Helper()
	line := p.says("ready", "addresses")
	m := listening.FindStringSubmatch(line)
	if m == nil {
		p.Fatalf("no address in %s", line)
	}
	p.url = scheme + "://" + m[1]
}

// says waits for a log line that holds all the texts, and returns it.
func (p *process) says(texts ...string) string {
	p.Helper()
	return p.line(&p.stderr, texts)
}

// prints does the same for standard output.
func (p *process) prints(texts ...string) string {
	p.Helper()
	return p.line(&p.stdout, texts)
}

func (p *process) line(of *lines, texts []string) string {
	p.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		line, changed, ended := of.find(texts)
		switch {
		case line != "":
			return line
		case ended:
			p.Fatalf("ended with exit code %d without saying %q", p.cmd.ProcessState.ExitCode(), texts)
		}
		select {
		case <-changed:
		case <-deadline.C:
			p.Fatalf("does not say %q", texts)
		}
	}
}

// get asks the program; anything but an answer is fatal.
func (p *process) get(path string) (status int, body string) {
	p.Helper()
	return p.request(http.MethodGet, path)
}

func (p *process) request(method, path string) (status int, body string) {
	p.Helper()
	return p.ask(method, p.url+path)
}

func (p *process) ask(method, url string) (status int, body string) {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), method, url, nil)
	if err != nil {
		p.Fatal(err)
	}
	a, err := p.client.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		p.Fatal(err)
	}
	return a.StatusCode, string(b)
}

// scrape reads /metrics.
func (p *process) scrape() scrape {
	p.Helper()
	status, body := p.get("/metrics")
	if status != http.StatusOK {
		p.Fatalf("/metrics answers %d: %s", status, body)
	}
	s, err := parseScrape(body)
	if err != nil {
		p.Fatal(err)
	}
	return s
}

// until scrapes until a condition holds, and returns that scrape; the last one if it does not.
func (p *process) until(what string, holds func(scrape) bool) scrape {
	p.Helper()
	return p.untilWithin(patience, what, holds)
}

func (p *process) untilWithin(most time.Duration, what string, holds func(scrape) bool) scrape {
	p.Helper()
	deadline := time.Now().Add(most)
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, 160*time.Millisecond) {
		s := p.scrape()
		if holds(s) {
			return s
		}
		if time.Now().After(deadline) {
			p.Errorf("waited in vain for %s", what)
			return s
		}
		p.wait(pause)
	}
}

// wait waits, or until the process has ended.
func (p *process) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.exited:
	}
}

// exit waits for the process to end and returns its exit code.
func (p *process) exit(within time.Duration) int {
	p.Helper()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-timer.C:
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // what it does goes to its standard error, which a failed test shows
		select {
		case <-p.exited:
		case <-time.After(5 * time.Second):
		}
		p.Fatalf("still runs after %s", within)
		return -1
	}
}

// stop ends the process as an operator does and returns its exit code.
func (p *process) stop() int {
	p.Helper()
	p.signal(syscall.SIGTERM)
	return p.exit(10 * time.Second)
}

func (p *process) signal(s os.Signal) {
	p.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.Fatal(err)
	}
}

// kill ends the process as a crash does.
func (p *process) kill() {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.Error(err)
	}
	<-p.exited
	p.client.CloseIdleConnections()
}

// run runs the program to its end.
func run(t *testing.T, env []string, arguments ...string) (code int, stdout, stderr string) {
	t.Helper()
	p := start(t, env, arguments...)
	code = p.exit(patience)
	return code, p.stdout.text(), p.stderr.text()
}
