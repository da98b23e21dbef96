package ledger

import (
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github_workflow_exporter/collector/family"
)

// oldLedger puts a ledger as an earlier version wrote it into a directory: two repositories' worth of queue series over a
// limit of 2, two runs, the second open.
func oldLedger(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "format1.db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, fileName), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestUpgrade: what an earlier version counted goes on, under label sets that Prometheus takes for the same.
func TestUpgrade(t *testing.T) {
	o := newClock().options(fastDir(t))
	o.SeriesLimit = 2
	oldLedger(t, o.Dir)
	if _, err := Check(o.Dir); err != nil {
		t.Fatalf("an old ledger does not pass the check: %v", err)
	}
	l := open(t, o)
	queue := func(label string) []string { return []string{"octo/a", "CI", "r", label, ""} }
	check := func(when string, x, sumX float64) {
		t.Helper()
		s := l.index.find(family.JobQueueDuration, queue("x"))
		if s == nil || float64(s.State().Count) != x || s.State().Sum != sumX {
			t.Fatalf("%s: %v", when, s)
		}
		over := find(t, l, family.JobQueueDuration, family.OverflowValue)
		if !over.Overflow || !cmp.Equal(over.Values, []string{"_overflow", "_overflow", "_overflow", "_overflow", "_overflow"}) || over.State().Sum != 17 {
			t.Errorf("%s: overflow %q %+v", when, over.Values, over.State())
		}
		if w := l.Warnings(); len(w) != 0 {
			t.Errorf("%s: warnings %q", when, w)
		}
		if n := l.Count(family.JobQueueDuration); n != 2 {
			t.Errorf("%s: %d series count against the limit", when, n)
		}
	}
	check("opened", 2, 11)
	executions, held, err := l.History(1, 1)
	want := []Execution{{ID: 10, Attempt: 1, Fingerprint: 100}, {ID: 11, Attempt: 1, Fingerprint: 101}}
	if diff := cmp.Diff(want, executions); diff != "" || err != nil || held != nil {
		t.Errorf("%v, held %v\n%s", err, held, diff)
	}
	if open, err := l.OpenRuns(1); err != nil || !cmp.Equal(open, []int64{2}) {
		t.Errorf("open runs %v, %v", open, err)
	}
	// The seen marks hold, and what comes now adds up with what was there.
	b := Batch{Repository: 1, Entries: []Entry{
		{Run: 1, ID: 10, Attempt: 1, Samples: []Sample{{Family: family.JobQueueDuration, Values: queue("x"), Value: 1000}}},
		{Run: 2, ID: 22, Attempt: 1, Name: 5, Failed: true, Reason: "step", Ended: start, Samples: []Sample{{Family: family.JobQueueDuration, Values: queue("x"), Value: 4}}},
	}}
	commitBatch(t, l, b)
	check("counted on", 3, 15)
	l = reopen(t, l, o)
	check("opened again", 3, 15)
	if r, err := checkClosed(t, l); err != nil || r.Format != formatVersion {
		t.Errorf("%+v, %v", r, err)
	}
}

func branchBatch(run int64, attempt int, name string, s BranchState) Batch {
	return Batch{Repository: 1, Account: account(1), Runs: []RunChange{{Run: run, Started: start, Close: []Closing{
		{Attempt: attempt, Branch: &BranchChange{Workflow: 3, Name: name, State: s}},
	}}}}
}

// TestBranches: what a closing makes of a branch is kept with it, once.
func TestBranches(t *testing.T) {
	o := newClock().options(fastDir(t))
	l := open(t, o)
	red := BranchState{
		Runs:     []Verdict{{Run: 1, Created: start, Ended: start.Add(time.Minute)}, {Run: 2, Created: start.Add(1), Ended: start.Add(time.Hour), Red: true}},
		Behind:   Verdict{Run: -4, Created: start.Add(-time.Hour)},
		RedSince: start.Add(time.Hour), Failures: 1, Ended: start.Add(time.Hour),
		SinceLabels: []string{"octo/repo", "CI", "main"}, FailuresLabels: []string{"octo/repo", "CI", "main"},
	}
	green := BranchState{Ended: start.Add(2 * time.Hour), FailuresLabels: []string{"octo/repo", "CI", ""}}
	commitBatch(t, l, branchBatch(2, 1, "main", red))
	commitBatch(t, l, branchBatch(3, 1, "release/ü", green))
	commitBatch(t, l, branchBatch(2, 1, "main", green)) // the attempt is closed already
	for range 2 {
		for name, want := range map[string]BranchState{"main": red, "release/ü": green, "none": {}} {
			got, err := l.Branch(1, 3, name)
			if diff := cmp.Diff(asStored(want), got); diff != "" || err != nil {
				t.Errorf("%s: %v\n%s", name, err, diff)
			}
		}
		shown := map[string]BranchState{}
		for _, b := range l.Branches() {
			if b.Repository != 1 || b.Workflow != 3 {
				t.Errorf("%+v", b)
			}
			shown[b.Name] = b.BranchState
		}
		for name, want := range map[string]BranchState{"main": red, "release/ü": green} {
			if diff := cmp.Diff(asStored(want).shown(), shown[name]); diff != "" {
				t.Errorf("%s as shown:\n%s", name, diff)
			}
		}
		l = reopen(t, l, o)
	}
	if n, err := l.ForgetBranches(context.Background(), start.Add(90*time.Minute)); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	for range 2 {
		if b := l.Branches(); len(b) != 1 || b[0].Name != "release/ü" {
			t.Errorf("left are %+v", b)
		}
		l = reopen(t, l, o)
	}
}

// asStored is a state as it is read back.
func asStored(s BranchState) BranchState {
	for i := range s.Runs {
		s.Runs[i].Created, s.Runs[i].Ended = stored(s.Runs[i].Created), stored(s.Runs[i].Ended)
	}
	return s
}

// TestHeld: what holds a job back is remembered until the job is recorded or its run is over.
func TestHeld(t *testing.T) {
	o := newClock().options(fastDir(t))
	l := open(t, o)
	mark := func(open bool, held ...Held) Batch {
		return Batch{Repository: 1, Account: account(1), Runs: []RunChange{{Run: 1, Started: start, Open: open, Held: held}}}
	}
	want := func(held ...Held) {
		t.Helper()
		_, got, err := l.History(1, 1)
		if diff := cmp.Diff(held, got); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
	}
	commitBatch(t, l, mark(true, Held{20, "approval"}, Held{10, "concurrency"}))
	commitBatch(t, l, mark(true, Held{10, "concurrency"}, Held{10, "approval"}))
	l = reopen(t, l, o)
	want(Held{10, "approval"}, Held{10, "concurrency"}, Held{20, "approval"})
	commitBatch(t, l, entries(entry(10)))
	want(Held{20, "approval"})
	commitBatch(t, l, mark(true, Held{10, "approval"})) // by an answer that was late
	want(Held{20, "approval"})
	commitBatch(t, l, mark(false, Held{30, "approval"}))
	want()
}

// TestOutcomes: what an execution was is read back as it was told, in whole seconds.
func TestOutcomes(t *testing.T) {
	o := newClock().options(fastDir(t))
	l := open(t, o)
	b := entries(
		Entry{Run: 1, ID: 1, Attempt: 1, Name: 7, Ended: start, Failed: true, Reason: "runner_lost"},
		Entry{Run: 1, ID: 2, Attempt: 1, Name: 1<<32 - 1},
		Entry{Run: 1, ID: 3, Attempt: 2, Ended: start.Add(-400 * 24 * time.Hour), Reason: "cancelled"},
	)
	b.Runs = []RunChange{{Run: 1, Started: start.Add(-time.Minute), Open: true}}
	commitBatch(t, l, b)
	commitBatch(t, l, Batch{Repository: 1, Runs: []RunChange{{Run: 1, Started: start.Add(time.Hour), Open: true}}}) // what they are told by moves
	l = reopen(t, l, o)
	got, _, err := l.History(1, 1)
	whole := stored(start).Truncate(time.Second)
	want := []Execution{
		{ID: 1, Attempt: 1, Name: 7, Ended: whole, Failed: true, Reason: "runner_lost"},
		{ID: 2, Attempt: 1, Name: 1<<32 - 1},
		{ID: 3, Attempt: 2, Ended: whole.Add(-400 * 24 * time.Hour), Reason: "cancelled"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}
