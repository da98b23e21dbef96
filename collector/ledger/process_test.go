package ledger

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
	"go.uber.org/goleak"

	"github_workflow_exporter/collector/family"
)

// The test binary is its own second process: see helperProcess.
const helperEnv = "LEDGER_TEST_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(helperEnv) != "" {
		helperProcess(os.Getenv(helperEnv), os.Args[1:])
		return
	}
	// Each check of the model opens and reopens ledgers: -rapid.checks=100 takes seconds.
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err)
	}
	flag.Parse() // where another number may be given
	goleak.VerifyTestMain(m)
}

// helperProcess is what a child does.
func helperProcess(what string, args []string) {
	switch what {
	case "hold": // the ledger open until stdin ends
		_, err := Open(Options{Dir: args[0], Host: testHost})
		fmt.Println("open", err)
		_, _ = bufio.NewReader(os.Stdin).ReadString(0)
	case "crash":
		crashChild(args[0])
	}
}

func helper(t *testing.T, what string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), helperEnv+"="+what)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestSecondOpener(t *testing.T) {
	dir := fastDir(t)
	o := Options{Dir: dir, Host: testHost, LockTimeout: 20 * time.Millisecond}
	refused := func(t *testing.T) {
		t.Helper()
		path, backup := filepath.Join(dir, fileName), filepath.Join(t.TempDir(), "b")
		synctest.Test(t, func(t *testing.T) { // no need to wait for those who wait
			_, openErr := Open(o)
			_, checkErr := Check(dir)
			for _, err := range []error{openErr, checkErr, Backup(dir, backup)} {
				if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "another process holds the ledger "+path) {
					t.Errorf("%v, want ErrLocked", err)
				}
			}
		})
	}
	t.Run("this process", func(t *testing.T) {
		l := open(t, o)
		refused(t)
		commitBatch(t, l, entries(entry(1, conclusion("a", "success"))))
		l.Close()
	})
	t.Run("another process", func(t *testing.T) {
		cmd := helper(t, "hold", dir)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "open <nil>\n" {
			t.Fatalf("helper said %q, %v", line, err)
		}
		refused(t)
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("bbolt's own tools", func(t *testing.T) {
		db, err := bolt.Open(filepath.Join(dir, fileName), 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		refused(t)
	})
	t.Run("a check under way", func(t *testing.T) {
		f, err := openIdle(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := Open(o); !errors.Is(err, ErrLocked) {
			t.Errorf("%v, want ErrLocked", err)
		}
		if _, err := Check(dir); err != nil {
			t.Errorf("a second check: %v", err)
		}
	})
	l := open(t, o)
	if l.Recorded() != 1 {
		t.Error("the ledger lost what was in it")
	}
}

// TestBirthRace: of many who open a new ledger at once, one gets it, the others are told why not.
func TestBirthRace(t *testing.T) {
	for range 10 {
		dir := fastDir(t)
		var opened, locked int
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				l, err := Open(Options{Dir: dir, Host: testHost, LockTimeout: time.Nanosecond})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					opened++
					t.Cleanup(func() { l.Close() })
				case errors.Is(err, ErrLocked):
					locked++
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if opened != 1 || locked != 5 {
			t.Errorf("%d opened it, %d were refused", opened, locked)
		}
	}
}

// TestReadersBesideWriter: scrapes, look-ups and commits at the same time; for the race detector.
func TestReadersBesideWriter(t *testing.T) {
	l := open(t, Options{Dir: fastDir(t), Host: testHost, SeriesLimit: 50})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				for _, f := range family.All() {
					last := uint64(0)
					for _, s := range l.Series(f.ID) {
						st := s.State()
						s.Shown()
						if s.ID <= last || f.Kind == family.Histogram && (len(st.Buckets) != len(s.Bounds())+1 || !st.consistent()) {
							t.Errorf("series %d: %+v", s.ID, st)
						}
						last = s.ID
					}
					l.Count(f.ID)
				}
				l.Accounts()
				l.Discards()
				l.Overflowed()
				l.Recorded()
				l.Size()
				l.Warnings()
				l.WorkflowName(1, 1)
				if _, _, err := l.History(1, 1); err != nil {
					t.Error(err)
				}
				if _, err := l.OpenRuns(1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range int64(100) {
		b := entries(entry(i, conclusion(fmt.Sprint(i), "success"), duration(fmt.Sprint(i%7), float64(i))))
		b.Account.Through = start.Add(time.Duration(i))
		b.WorkflowNames = map[int64]string{1: fmt.Sprint(i)}
		b.Runs = []RunChange{{Run: i, Open: i%2 == 0}}
		commitBatch(t, l, b)
		switch i % 20 {
		case 3, 13:
			if _, err := l.Reveal(ctx, time.Duration(i%2)*time.Nanosecond); err != nil {
				t.Error(err)
			}
		case 5:
			if _, err := l.Configure(layouts(1, float64(i)+2), nil, 40); err != nil {
				t.Error(err)
			}
		case 15:
			if _, err := l.Expire(ctx, time.Now().Add(time.Hour), time.Minute, nil); err != nil {
				t.Error(err)
			}
			if _, err := l.Prune(ctx, 1, time.Now().Add(-time.Hour)); err != nil {
				t.Error(err)
			}
		}
	}
	cancel()
	wg.Wait()
}

// TestVanishingFile: a fault in the mapped file is an error, not the end of the process.
func TestVanishingFile(t *testing.T) {
	l := open(t, newClock().options(t.TempDir()))
	commitBatch(t, l, entries(entry(1, conclusion("a", "success"))))
	if err := os.Truncate(l.Path(), 0); err != nil {
		t.Fatal(err)
	}
	var corrupt *CorruptError
	if _, _, err := l.Run(1, 1); !errors.As(err, &corrupt) {
		t.Errorf("Run = %v, want a CorruptError", err)
	}
	for range 2 {
		if _, err := l.Commit(t.Context(), entries(entry(2, conclusion("a", "success")))); !errors.As(err, &corrupt) {
			t.Errorf("Commit = %v, want a CorruptError", err)
		}
	}
	if l.Recorded() != 1 || find(t, l, family.JobConclusions, "a").State().Value != 1 {
		t.Error("memory changed")
	}
	if err := l.Close(); err != nil && !errors.As(err, &corrupt) {
		t.Errorf("Close: %v", err)
	}
}
