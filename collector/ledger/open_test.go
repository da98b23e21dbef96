package ledger

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
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

// TestUnfinishedBirth: what a crash during the birth leaves behind is no ledger yet and does not stand in the way.
func TestUnfinishedBirth(t *testing.T) {
	good, _ := sampleFile(t)
	for _, left := range [][]byte{{}, good[:5000], good} {
		o := newClock().options(fastDir(t))
		if err := os.MkdirAll(o.Dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(o.Dir, newFileName), left, 0o600); err != nil {
			t.Fatal(err)
		}
		if l := open(t, o); len(l.Accounts()) != 0 {
			t.Error("a ledger was made of the rest of a birth")
		}
	}
}

func TestHost(t *testing.T) {
	o := newClock().options(fastDir(t))
	l := open(t, o)
	commitBatch(t, l, entries(entry(1, conclusion("a", "success"))))
	l.Close()
	before, _ := os.ReadFile(l.Path())
	other := o
	other.Host = "https://ghe.example.com/api/v3"
	_, err := Open(other)
	if !errors.Is(err, ErrOtherHost) || !strings.Contains(err.Error(), testHost) || !strings.Contains(err.Error(), other.Host) {
		t.Errorf("%v, want ErrOtherHost naming both", err)
	}
	if after, _ := os.ReadFile(l.Path()); !bytes.Equal(before, after) {
		t.Error("the refused ledger was changed")
	}
	if l := open(t, o); l.Recorded() != 1 {
		t.Error("the right host finds nothing")
	}
	if _, err := Open(Options{Dir: fastDir(t)}); err == nil {
		t.Error("opened without a host")
	}
}

func TestNewerFormat(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(tx *bolt.Tx) error
	}{
		{"format", "its format is 2, this version knows 1", func(tx *bolt.Tx) error {
			// Whatever else has changed, the format is still found.
			_ = tx.DeleteBucket([]byte("state"))
			return put(tx, metaTable, metaFormat, binary.AppendUvarint(begin(nil), formatVersion+1))
		}},
		{"family", "it counts github_workflow_new_total", func(tx *bolt.Tx) error {
			return put(tx, familyTable, []byte("github_workflow_new_total"), appendFamily(begin(nil), familyRecord{Number: 50}))
		}},
		{"family of the present", "which this version does not know", func(tx *bolt.Tx) error {
			return put(tx, familyTable, []byte(family.Get(family.JobsNow).Name), appendFamily(begin(nil), familyRecord{Number: 50}))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, file := tamper(t, c.change)
			_, err := Open(o)
			_, checkErr := Check(o.Dir)
			var corrupt *CorruptError
			for _, err := range []error{err, checkErr} {
				if !errors.Is(err, ErrNewerFormat) || errors.As(err, &corrupt) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, want ErrNewerFormat with %q", err, c.want)
				}
			}
			if now, _ := os.ReadFile(filepath.Join(o.Dir, fileName)); !bytes.Equal(now, file) {
				t.Error("the refused ledger was changed")
			}
		})
	}
}

// TestAddedFamily: a file from a version that had fewer families is welcome.
func TestAddedFamily(t *testing.T) {
	o := newClock().options(fastDir(t))
	l := open(t, o)
	commitBatch(t, l, entries(entry(1, duration("a", 1))))
	err := l.db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(familyTable.name)).Delete([]byte(family.Get(family.JobConclusions).Name))
	})
	if err != nil {
		t.Fatal(err)
	}
	l = reopen(t, l, o)
	commitBatch(t, l, entries(entry(2, conclusion("a", "success"))))
	l = reopen(t, l, o)
	if find(t, l, family.JobConclusions, "a").State().Value != 1 || find(t, l, family.JobDuration, "a").State().Count != 1 || len(l.Warnings()) != 0 {
		t.Errorf("warnings %q", l.Warnings())
	}
}

func TestDirectory(t *testing.T) {
	base := t.TempDir()
	file := filepath.Join(base, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(base, "a", "b", "c")
	l := open(t, Options{Dir: dir, Host: testHost})
	for path, want := range map[string]fs.FileMode{dir: 0o700, filepath.Join(base, "a"): 0o700, l.Path(): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	for _, bad := range []string{file, filepath.Join(file, "x")} {
		if _, err := Open(Options{Dir: bad, Host: testHost}); err == nil || !strings.Contains(err.Error(), file) ||
			!strings.Contains(err.Error(), "directory") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := Check(filepath.Join(base, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Check of nothing: %v", err)
	}
	if _, err := os.Stat(filepath.Join(base, "none")); err == nil {
		t.Error("Check created a directory")
	}
}

func TestUnwritableDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir, Host: testHost}); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "must be writable") {
		t.Errorf("Open = %v", err)
	}
}

func TestClosed(t *testing.T) {
	c := newClock()
	l := open(t, c.options(fastDir(t)))
	commitBatch(t, l, entries(entry(1, conclusion("a", "success"))))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, commitErr := l.Commit(t.Context(), entries(entry(2)))
	_, configureErr := l.Configure(nil, nil, 0)
	_, expireErr := l.Expire(t.Context(), start, time.Hour, nil)
	_, pruneErr := l.Prune(t.Context(), 1, start)
	_, _, runErr := l.Run(1, 1)
	_, openErr := l.OpenRuns(1)
	_, executionsErr := l.Executions(1, 1)
	_, executedErr := l.Executed(1, 1, 1)
	_, omittedErr := l.Omitted(1, 1, 1, 1)
	for what, err := range map[string]error{"Commit": commitErr, "Configure": configureErr, "Expire": expireErr, "Prune": pruneErr,
		"Run": runErr, "OpenRuns": openErr, "Executions": executionsErr, "Executed": executedErr, "Omitted": omittedErr, "Close": l.Close()} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", what, err)
		}
	}
	// What is in memory can still be shown.
	if l.Recorded() != 1 || len(l.Accounts()) != 1 || len(l.Series(family.JobConclusions)) != 1 || l.Size() == 0 || l.Warnings() != nil ||
		len(l.Discards())+len(l.Overflowed()) != 0 || l.WorkflowName(1, 1) != "" {
		t.Error("the memory of a closed ledger is gone")
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
				if _, err := l.Executions(1, 1); err != nil {
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
