package app

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/internal/simulator"
)

// writings are pieces written into the file of a running program, each at an offset, after it has been cut to a size.
type writing struct {
	name  string
	cut   int // -1: not
	at    int
	bytes []byte
}

func writings(sound []byte) []writing {
	random := func(n int) []byte {
		b := make([]byte, n)
		rand.NewChaCha8([32]byte{byte(n)}).Read(b)
		return b
	}
	const page = 4096
	half := len(sound) / 2
	all := []writing{
		{"a backup copied over it, cut first", 0, 0, sound},
		{"a backup copied over it", -1, 0, sound},
		{"the front of a backup", -1, 0, sound[:half]},
		{"the rest of a backup", -1, half, sound[half:]},
		{"emptied", 0, 0, nil},
		{"cut in half", half, 0, nil},
		{"cut to its headers", 2 * page, 0, nil},
		{"zeros", -1, 0, make([]byte, len(sound))},
		{"zeros behind the headers", -1, 2 * page, make([]byte, len(sound)-2*page)},
		{"text", 0, 0, []byte("not a ledger\n")},
		{"random", -1, 0, random(len(sound))},
		{"random behind the headers", -1, 2 * page, random(len(sound) - 2*page)},
		{"random headers", -1, 0, random(2 * page)},
		{"the pages, one further", -1, 3 * page, sound[2*page : len(sound)-page]},
	}
	for i := range longer(2, 8) {
		at := 2*page + i*half/longer(2, 8) // the last part has never been used
		all = append(all, writing{fmt.Sprint("random from ", at), -1, at, random(len(sound) - at)})
	}
	return all
}

// TestLedgerOverwrittenInUse: whatever is written into the ledger's file ends the program with exit code 1 and one line
// that says so, and a start afterwards says what the file is now.
func TestLedgerOverwrittenInUse(t *testing.T) {
	t.Parallel()
	first, _ := recorded(t)
	config, err := os.ReadFile(first.config)
	if err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(first.ledger())
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range writings(sound) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, string(config))
			if err := os.Mkdir(p.data(), 0o700); err != nil {
				t.Fatal(err)
			}
			p.write(p.ledger(), string(sound))
			running := p.serve("--storage.path=" + p.data())
			const executions = namespace + "_executions_recorded_total"
			before := running.scrape().value(executions)
			running.until("more to be recorded", func(s scrape) bool { return s.value(executions) > before })
			if c.cut >= 0 {
				if err := os.Truncate(p.ledger(), int64(c.cut)); err != nil {
					t.Fatal(err)
				}
			}
			f, err := os.OpenFile(p.ledger(), os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.WriteAt(c.bytes, int64(c.at))
			f.Close()
			if err != nil {
				t.Fatal(err)
			}
			if i > 0 { // else it is found without anybody's doing
				_ = running.cmd.Process.Signal(syscall.SIGHUP) // it may have ended already
			}
			if code := running.exit(patience); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			said := running.stderr.text()
			last := ""
			for line := range strings.Lines(said) {
				if !strings.Contains(line, "reloading failed") { // by the signal, which may come when it is stopping already
					last = line
				}
			}
			if !holds(last, []string{"level=error", "msg=failed", p.ledger(), "was changed from outside, or broke, while in use", "Start again"}) {
				t.Errorf("the last line is %s", last)
			}
			for _, never := range []string{"panic", "goroutine ", "SIGBUS", "SIGSEGV", "fatal error"} {
				if strings.Contains(said, never) {
					t.Errorf("%s: %s", never, said)
				}
			}
		})
	}
}

// TestLedgerTakenAway: the ledger's directory is moved away under the running program and back again. Meanwhile it is not
// ready and says so once; nothing is missing in the end.
func TestLedgerTakenAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Seed: 3, Repositories: simulator.Repositories(2, 48)})
		w.config.Storage.Path = filepath.Join(w.config.Storage.Path, "data")
		said := w.listen()
		w.start()
		defer func() { w.stop() }()
		const available, missing = namespace + "_ledger_available", "there is no"
		time.Sleep(4 * time.Hour)
		w.shows(1, available)
		before := w.scrape()
		if err := os.Rename(w.config.Storage.Path, w.config.Storage.Path+"2"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookEvery + time.Second)
		w.shows(0, available)
		s := &serving{exporter: w.exporter}
		if err := s.isReady(); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("ready: %v", err)
		}
		time.Sleep(3 * time.Hour)
		if wrong := w.scrape().setBack(before.durable()); wrong != nil {
			t.Errorf("while it is away: %q", wrong)
		}
		if now, then := w.scrape().value(namespace+"_executions_recorded_total"), before.value(namespace+"_executions_recorded_total"); now != then {
			t.Errorf("%v executions recorded without a ledger", now-then)
		}
		if n := strings.Count(said.text(), "level=error"); n != 1 || !said.has("level=error", "the ledger cannot be used", missing) {
			t.Errorf("said %d times:\n%s", n, said.text())
		}
		if _, err := os.Stat(w.config.Storage.Path); err == nil {
			t.Error("something was made in its place")
		}
		if err := os.Rename(w.config.Storage.Path+"2", w.config.Storage.Path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(eventually)
		w.shows(1, available)
		if err := s.isReady(); err != nil {
			t.Errorf("ready: %v", err)
		}
		if !said.has("level=info", "the ledger can be used again") {
			t.Error("its return was not said")
		}
		w.matchesTruth()
		w.restart()
		w.matchesTruth()
	})
}

// TestDataDirectoryDeletedInUse: the first process stays, not ready; a second one is refused until it has ended.
func TestDataDirectoryDeletedInUse(t *testing.T) {
	t.Parallel()
	p, _ := recorded(t)
	running := p.serve()
	if err := os.RemoveAll(p.data()); err != nil {
		t.Fatal(err)
	}
	running.says("level=error", "the ledger cannot be used", p.ledger())
	running.answers("GET", "/-/ready", http.StatusServiceUnavailable, "there is no", p.ledger())
	running.answers("GET", "/-/healthy", http.StatusOK)
	if n := running.scrape().value(namespace + "_ledger_available"); n != 0 {
		t.Errorf("ledger_available %v", n)
	}
	refused(t, []string{"--config.file=" + p.config, "--web.listen-address=127.0.0.1:0"}, "another process holds the ledger", p.ledger())
	if code := running.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p.serve()
}

// TestLedgerWithALostHeader: a transaction that is lost with its header is said, by check with exit code 1, and gone on
// without.
func TestLedgerWithALostHeader(t *testing.T) {
	t.Parallel()
	p, _ := recorded(t)
	sound, err := os.ReadFile(p.ledger())
	if err != nil {
		t.Fatal(err)
	}
	check := []string{"ledger", "check", "--config.file=" + p.config}
	warned, noted := 0, 0
	for _, at := range []int{16 + 20, 4096 + 16 + 20} {
		file := bytes.Clone(sound)
		file[at] ^= 4
		p.write(p.ledger(), string(file))
		code, stdout, stderr := run(t, nil, check...)
		running := p.serve()
		switch {
		case code == 1 && holds(stdout, []string{"is sound", "warning ", "newer one of the two headers"}) && strings.Contains(stderr, "transaction may be lost"):
			warned++
			running.says("level=warn", "newer one of the two headers", p.ledger())
		case code == 0 && holds(stdout, []string{"is sound", "note ", "nothing is lost"}):
			noted++
			running.says("level=info", "older one of the two headers", p.ledger())
		default:
			t.Errorf("check: exit code %d\n%s%s", code, stdout, stderr)
		}
		running.stop()
	}
	if warned != 1 || noted != 1 {
		t.Errorf("%d warned of, %d noted, want one of each", warned, noted)
	}
}
