package app

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github_workflow_exporter/internal/simulator"
)

// refused runs the program, which must end with exit code 1 and say what texts name, on one line and nothing else.
func refused(t *testing.T, arguments []string, texts ...string) {
	t.Helper()
	code, stdout, stderr := run(t, nil, arguments...)
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	// What was said before it was found out is no error.
	var errors []string
	for line := range strings.Lines(stderr) {
		if !strings.Contains(line, "level=info") {
			errors = append(errors, line)
		}
	}
	if len(errors) != 1 || !holds(stderr, texts) || stdout != "" {
		t.Errorf("want one line with %q, got\n%s%s", texts, stderr, stdout)
	}
}

func TestWrongConfigurationIsNamedOnOneLine(t *testing.T) {
	t.Parallel()
	const targets = "targets: {repositories: [octo-org/octo-repo]}\n"
	for name, test := range map[string]struct {
		yaml string
		says []string
	}{
		"unknown key":      {targets + "poll:\n  intervall: 60s\n", []string{"config.yml:3:", "poll.intervall", "interval"}},
		"wrong type":       {targets + "metrics:\n  series_limit: many\n", []string{"config.yml:3:", "metrics.series_limit", "many"}},
		"impossible value": {targets + "github:\n  api_url: x\n", []string{"config.yml:3:", "github.api_url", "https://api.github.com"}},
		"relabel rule": {
			targets + "metrics:\n  relabel_configs:\n    - {source_labels: [job_name], regex: '('}\n",
			[]string{"config.yml:4:", "metrics.relabel_configs[0]"},
		},
		"syntax":    {targets + "poll: {\n", []string{"config.yml:"}},
		"no target": {"poll: {interval: 60s}\n", []string{"config.yml", "targets", "octo-org/octo-repo", "--github.repository"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, test.yaml)
			refused(t, []string{"--config.file=" + p.config}, test.says...)
			if _, err := os.Stat(p.data()); err == nil {
				t.Error("a ledger was born for a wrong configuration")
			}
		})
	}
	t.Run("no file", func(t *testing.T) {
		refused(t, []string{"--config.file=/no/such/config.yml"}, "/no/such/config.yml", "no such file")
	})
	t.Run("nothing at all", func(t *testing.T) { refused(t, nil, "targets", "octo-org/octo-repo", "--github.repository") })
	t.Run("flag", func(t *testing.T) {
		refused(t, []string{"--github.repository=octo-org"}, "--github.repository", "octo-org/octo-repo")
	})
	t.Run("telemetry path", func(t *testing.T) {
		p := newPlace(t, targets)
		for _, path := range []string{"/", "metrics", "/-/ready", "/{$}", "/{x...}", "/a b", "/metrics/", "/a/../b", "//metrics", "/metrics?x"} {
			refused(t, []string{"--config.file=" + p.config, "--web.listen-address=127.0.0.1:0", "--web.telemetry-path=" + path},
				"--web.telemetry-path", "such as /metrics")
		}
	})
	t.Run("web configuration", func(t *testing.T) {
		p := newPlace(t, targets)
		web := filepath.Join(p.dir, "web.yml")
		p.write(web, "tls_server_config: {cert_file: none.pem, key_file: none.pem}\n")
		refused(t, []string{"--config.file=" + p.config, "--web.listen-address=127.0.0.1:0", "--web.config.file=" + web}, web, "none.pem")
	})
}

func TestTakenPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := newPlace(t, watching("http://127.0.0.1:1"))
	refused(t, []string{"--config.file=" + p.config, "--web.listen-address=" + l.Addr().String()}, l.Addr().String(), "in use")
	if _, err := os.Stat(p.data()); err == nil {
		t.Error("a ledger was born although the port is taken")
	}
}

func TestDataDirectoryThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	p := newPlace(t, watching("http://127.0.0.1:1"))
	p.write(p.data(), "a file where the directory should be")
	arguments := []string{"--config.file=" + p.config, "--web.listen-address=127.0.0.1:0"}
	refused(t, arguments, p.data(), "not a directory")

	if err := os.Remove(p.data()); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // root may read everything but what does not exist
		refused(t, append(arguments, "--storage.path=/proc/no/such"), "/proc/no", "directory")
		return
	}
	if err := os.Mkdir(p.data(), 0); err != nil {
		t.Fatal(err)
	}
	refused(t, arguments, p.data(), "permission denied")
}

// recorded is a place with a ledger in which something was recorded, and its GitHub.
func recorded(t *testing.T) (place, *simulator.GitHub) {
	t.Helper()
	github, api := loopback(t, pastWorld(1, 0))
	p := newPlace(t, watching(api)+"metrics: {initial_zero: 0s}\n")
	running := p.serve()
	running.until("some executions to be recorded", func(s scrape) bool { return s.value(namespace+"_executions_recorded_total") > 20 })
	if code := running.stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	return p, github
}

// TestLedgersThatAreRefused: a ledger that cannot be used is refused with exit code 1 and what to do, by every command,
// and left as it was found.
func TestLedgersThatAreRefused(t *testing.T) {
	t.Parallel()
	p, _ := recorded(t)
	serve := []string{"--config.file=" + p.config, "--web.listen-address=127.0.0.1:0"}
	check := []string{"ledger", "check", "--config.file=" + p.config}
	backup := []string{"ledger", "backup", "--config.file=" + p.config, filepath.Join(p.dir, "copy.db")}
	sound, err := os.ReadFile(p.ledger())
	if err != nil {
		t.Fatal(err)
	}

	t.Run("of another host", func(t *testing.T) {
		other := newPlace(t, watching("http://127.0.0.1:1/api/v3")+"storage: {path: "+p.data()+"}\n")
		refused(t, []string{"--config.file=" + other.config, "--web.listen-address=127.0.0.1:0"},
			p.ledger(), "another host", "http://127.0.0.1:1/api/v3", "use another directory")
	})
	unchanged(t, p.ledger(), sound)

	for name, damage := range map[string]func([]byte) []byte{
		"flipped bits": func(b []byte) []byte {
			for i := 2*4096 + 100; i < len(b); i += 4096 { // one in each page, used or not
				b[i] ^= 0x10
			}
			return b
		},
		"cut in half":    func(b []byte) []byte { return b[:len(b)/2] },
		"empty":          func([]byte) []byte { return nil },
		"another format": func([]byte) []byte { return []byte("not a ledger at all\n") },
	} {
		t.Run(name, func(t *testing.T) {
			damaged := damage(bytes.Clone(sound))
			p.write(p.ledger(), string(damaged))
			for _, command := range [][]string{serve, check, backup} {
				refused(t, command, p.ledger(), "damaged", "restore a backup", "move the file away")
				unchanged(t, p.ledger(), damaged)
			}
			if _, err := os.Stat(backup[len(backup)-1]); err == nil {
				t.Error("a copy of a damaged ledger was made")
			}
		})
	}
}

func unchanged(t *testing.T, path string, want []byte) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s was changed (%d bytes of %d, %v)", path, len(got), len(want), err)
	}
}

func TestLedgerCommandsAndTheSecondProcess(t *testing.T) {
	t.Parallel()
	p, _ := recorded(t)
	copied := filepath.Join(p.dir, "copy.db")
	check := []string{"ledger", "check", "--config.file=" + p.config}
	backup := []string{"ledger", "backup", copied, "--config.file=" + p.config}
	done := func(command []string, texts ...string) {
		t.Helper()
		if code, stdout, stderr := run(t, nil, command...); code != 0 || stderr != "" || !holds(stdout, texts) {
			t.Errorf("%v: exit code %d, want %q of\n%s%s", command, code, texts, stdout, stderr)
		}
	}
	done(check, p.ledger()+" is sound", "repositories  3", "github_workflow_job_conclusions_total")
	done([]string{"ledger", "check", "--storage.path=" + p.data()}, "is sound")
	done(backup, copied, "verified")
	refused(t, backup, copied, "exists")
	original, err := os.ReadFile(p.ledger())
	if err != nil {
		t.Fatal(err)
	}
	unchanged(t, copied, original)
	refused(t, []string{"ledger", "check", "--storage.path=" + filepath.Join(p.dir, "nothing")}, "nothing", "no such file")

	running := p.serve()
	busy := []string{"another process holds the ledger", p.ledger()}
	refused(t, check, busy...)
	refused(t, []string{"ledger", "backup", filepath.Join(p.dir, "second.db"), "--config.file=" + p.config}, busy...)
	refused(t, []string{"--config.file=" + p.config, "--web.listen-address=127.0.0.1:0"}, busy...)
	running.scrape() // the first one is not disturbed
	if code := running.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}

	// A backup is restored by putting it in the ledger's place.
	if err := os.Rename(copied, p.ledger()); err != nil {
		t.Fatal(err)
	}
	restored := p.serve()
	if n := restored.scrape().value(namespace + "_executions_recorded_total"); n < 20 {
		t.Errorf("%v executions after restoring a backup", n)
	}
}
