package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github_workflow_exporter/collector/family"
)

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
		{"format", "its format is 3, this version knows 2", func(tx *bolt.Tx) error {
			// Whatever else has changed, the format is still found.
			_ = tx.DeleteBucket([]byte("state"))
			return put(tx, metaTable, metaFormat, binary.AppendUvarint(begin(), formatVersion+1))
		}},
		{"family", "it counts github_workflow_new_total", func(tx *bolt.Tx) error {
			return put(tx, familyTable, []byte("github_workflow_new_total"), appendFamily(begin(), familyRecord{Number: 50}))
		}},
		{"family of the present", "which this version does not know", func(tx *bolt.Tx) error {
			return put(tx, familyTable, []byte(family.Get(family.JobsNow).Name), appendFamily(begin(), familyRecord{Number: 50}))
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
	_, _, executionsErr := l.History(1, 1)
	_, executedErr := l.hasExecuted(1, 1, 1)
	_, omittedErr := l.hasOmitted(1, 1, 1, 1)
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
