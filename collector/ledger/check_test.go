package ledger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github_workflow_exporter/collector/family"
)

func TestCheck(t *testing.T) {
	c := newClock()
	o := c.options(fastDir(t))
	o.Disabled = map[family.ID]bool{family.JobDuration: true}
	l := open(t, o)
	commitBatch(t, l, Batch{Repository: 1, Account: account(1),
		Entries: []Entry{entry(1, conclusion("a", "success")), entry(2, conclusion("b", "success")), {Run: 2, ID: 3, Omitted: "check_run"}},
		Runs:    []RunChange{{Run: 1, Open: true}, {Run: 5}}})
	l.Close()
	before, _ := os.Stat(l.Path())
	got, err := Check(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	series := map[string]int{}
	for _, f := range family.All() {
		if f.Durable {
			series[f.Name] = 0
		}
	}
	series[family.Get(family.JobConclusions).Name] = 2
	want := Report{Path: l.Path(), Bytes: before.Size(), Format: 2, Host: testHost, Born: start, Accounts: 1, Runs: 3, OpenRuns: 1,
		Executions: 2, Recorded: 2, Series: series}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if after, _ := os.Stat(l.Path()); !after.ModTime().Equal(before.ModTime()) {
		t.Error("Check wrote to the file")
	}
}

func TestBackup(t *testing.T) {
	good, contents := sampleFile(t)
	o := plant(t, good)
	dest := filepath.Join(t.TempDir(), "backup.db")
	if err := Backup(o.Dir, dest); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dest); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	// It is restored by putting it in place.
	b, err := os.ReadFile(dest)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "restored", contents[1], dump(t, open(t, plant(t, b))))

	// What is there is not overwritten.
	if err := os.WriteFile(dest, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Backup(o.Dir, dest); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "choose another name") {
		t.Errorf("onto an existing file: %v", err)
	}
	if b, _ := os.ReadFile(dest); string(b) != "mine" {
		t.Error("the existing file was overwritten")
	}
	if err := Backup(o.Dir, filepath.Join(t.TempDir(), "no", "such")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("into no directory: %v", err)
	}
	if err := Backup(t.TempDir(), filepath.Join(t.TempDir(), "b")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no ledger: %v", err)
	}
}
