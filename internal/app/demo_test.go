package app

import (
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// demo starts the demo on free ports of loopback and waits until it has told where to look.
func demo(t *testing.T, env []string, arguments ...string) *process {
	t.Helper()
	p := start(t, env, append([]string{"demo", "--web.listen-address=127.0.0.1:0"}, arguments...)...)
	p.prints("Ctrl-C ends it")
	p.url = p.told("Metrics", `(https?://127[.]0[.]0[.]1:[0-9]+)/metrics `)
	return p
}

// told is what a line of where to look holds in the place of the pattern's group.
func (p *process) told(what, pattern string) string {
	p.Helper()
	line := p.prints(what + ": ")
	m := regexp.MustCompile(pattern).FindStringSubmatch(line)
	if m == nil {
		p.Fatalf("no %s in %s", pattern, line)
	}
	return m[1]
}

func (p *process) untilUp(want float64) {
	p.Helper()
	p.until("up to change", func(s scrape) bool { return s.value(namespace+"_up") == want })
}

// TestDemo does what the README proposes: look at the metrics, list the faults, switch them.
func TestDemo(t *testing.T) {
	t.Parallel()
	temporary := t.TempDir()
	p := demo(t, []string{"TMPDIR=" + temporary}, "--demo.control-address=127.0.0.1:0")
	control := p.told("Faults", `curl -s (http://127[.]0[.]0[.]1:[0-9]+/) `)
	p.until("counters to move", func(s scrape) bool { return total(s.truth().Counters[jobConclusions]) > 0 })
	if left, err := os.ReadDir(temporary); err != nil || len(left) != 1 {
		t.Errorf("the ledger's directory is not where temporary files belong: %v, %v", left, err)
	}

	answer := func(method, path string, into any) {
		t.Helper()
		status, body := p.ask(method, control+path)
		if err := json.Unmarshal([]byte(body), into); err != nil || status != http.StatusOK {
			t.Fatalf("%s %s: %d, %v: %s", method, path, status, err, body)
		}
	}
	var names []string
	set := func(name, on string) {
		t.Helper()
		var state map[string]bool
		answer("POST", "faults/"+name+"?on="+on, &state)
		for _, other := range names {
			if state[other] != (other == name && on == "true") {
				t.Errorf("with %s=%s: %v", name, on, state)
			}
		}
	}
	var list struct {
		Faults []struct {
			Name, What string
			On         bool
		}
	}
	answer("GET", "", &list)
	for _, fault := range list.Faults {
		if names = append(names, fault.Name); fault.On || fault.What == "" {
			t.Errorf("at the start: %+v", fault)
		}
	}
	// First the one whose effect is waited for: others, even for a moment, may make the poller pause.
	p.untilUp(1)
	set("dead_token", "true")
	p.untilUp(0)
	set("dead_token", "false")
	p.untilUp(1)
	for _, name := range names {
		set(name, "true")
		set(name, "false")
	}
	if status, body := p.ask("POST", control+"faults/nonsense?on=true"); status != http.StatusNotFound {
		t.Errorf("an unknown fault: %d %s", status, body)
	}

	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestDemoWithFlags: a ledger that is kept, again and again, and the flags of the web pages.
func TestDemoWithFlags(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "")
	authorities := p.certificate()
	web := filepath.Join(p.dir, "web.yml")
	p.write(web, "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n")
	ledgers := map[string]bool{}
	for n := range 3 {
		running := demo(t, nil, "--storage.path="+p.data(), "--web.config.file="+web, "--web.enable-lifecycle")
		running.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities}}
		running.answers("POST", "/-/reload", 200, "reloaded")
		running.until("executions to be recorded", func(s scrape) bool { return s.value(namespace+"_executions_recorded_total") > 0 })
		ledger := running.told("Ledger", `Ledger: +(\S+) `)
		if code := running.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if code, stdout, stderr := run(t, nil, "ledger", "check", "--storage.path="+ledger); code != 0 || !strings.Contains(stdout, "is sound") {
			t.Errorf("checking %s: exit code %d\n%s%s", ledger, code, stdout, stderr)
		}
		if n == 0 && ledger != p.data() || n > 0 && filepath.Dir(ledger) != p.data() || ledgers[ledger] {
			t.Errorf("start %d: a ledger in %s, want %s itself first and then one of its own below it", n, ledger, p.data())
		}
		ledgers[ledger] = true
	}
}

// TestDemoListensOnLoopbackOnly: by itself, the demo is for who started it; and a page of another site switches nothing.
func TestDemoListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", DemoAddress) // whether it is free or not, nothing else may be listened on
	if err == nil {
		defer taken.Close()
	}
	if code, _, stderr := run(t, nil, "demo"); code != 1 || !strings.Contains(stderr, "listening on "+DemoAddress) {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	p := demo(t, nil, "--demo.control-address=127.0.0.1:0")
	control := p.told("Faults", `curl -s (http://127[.]0[.]0[.]1:[0-9]+/) `)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, control+"faults/outage?on=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://evil.example")
	a, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another site is answered %s", a.Status)
	}
}
