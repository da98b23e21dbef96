package ledger

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRunMarks(t *testing.T) {
	h := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour).Truncate(time.Second) }
	c := newClock()
	o := c.options(fastDir(t))
	l := open(t, o)
	steps := []struct {
		change RunChange
		want   RunMark
		open   []int64
	}{
		{RunChange{Run: 8, Open: true}, RunMark{Open: true}, []int64{8}},
		{RunChange{Run: 8, Created: h(1), Started: h(2), Open: true}, RunMark{Created: h(1), Started: h(2), Open: true}, []int64{8}},
		{RunChange{Run: 8, Created: h(5), Started: h(1), Close: []Closing{{Attempt: 2}}},
			RunMark{Created: h(1), Started: h(2), Closed: []int{2}}, nil},
		{RunChange{Run: 8, Started: h(3), Open: true, Close: []Closing{{Attempt: 1}, {Attempt: 2}}},
			RunMark{Created: h(1), Started: h(3), Open: true, Closed: []int{1, 2}}, []int64{8}},
		{RunChange{Run: 8, Close: []Closing{{Attempt: 3}}}, RunMark{Created: h(1), Started: h(3), Closed: []int{1, 2, 3}}, nil},
	}
	for i, s := range steps {
		commitBatch(t, l, Batch{Repository: 1, Account: account(1), Runs: []RunChange{s.change}})
		if i%2 == 1 {
			l = reopen(t, l, o)
		}
		got, ok, err := l.Run(1, 8)
		if !ok || err != nil {
			t.Fatalf("step %d: %v, %v", i, ok, err)
		}
		if diff := cmp.Diff(s.want, got); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
		open, err := l.OpenRuns(1)
		if diff := cmp.Diff(s.open, open); diff != "" || err != nil {
			t.Errorf("step %d: open runs: %v\n%s", i, err, diff)
		}
	}
	if _, ok, err := l.Run(1, 9); ok || err != nil {
		t.Errorf("a run never seen: %v, %v", ok, err)
	}
	if _, ok, err := l.Run(2, 8); ok || err != nil {
		t.Errorf("the run of another repository: %v, %v", ok, err)
	}
}

func TestOpenRunsByRepository(t *testing.T) {
	l := open(t, newClock().options(fastDir(t)))
	for _, repo := range []int64{1, 2, 1 << 40} {
		b := Batch{Repository: repo, Account: account(repo)}
		for _, run := range []int64{300, 20, 100, 1 << 33} {
			b.Runs = append(b.Runs, RunChange{Run: run * repo, Open: true}, RunChange{Run: run*repo + 1})
		}
		commitBatch(t, l, b)
	}
	got, err := l.OpenRuns(2)
	if diff := cmp.Diff([]int64{40, 200, 600, 1 << 34}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if got, err := l.OpenRuns(3); len(got) != 0 || err != nil {
		t.Errorf("OpenRuns(3) = %v, %v", got, err)
	}
}

func TestLookups(t *testing.T) {
	l := open(t, newClock().options(fastDir(t)))
	commitBatch(t, l, entries(
		Entry{Run: 1, ID: 20, Attempt: 2, Fingerprint: 200}, Entry{Run: 1, ID: 10, Attempt: 1, Fingerprint: 100},
		Entry{Run: 1, ID: 15, Attempt: 2, Omitted: "carried_over"}, Entry{Run: 2, ID: 30, Attempt: 1}))
	got, _, err := l.History(1, 1)
	if diff := cmp.Diff([]Execution{{ID: 10, Attempt: 1, Fingerprint: 100}, {ID: 20, Attempt: 2, Fingerprint: 200}}, got); diff != "" || err != nil {
		t.Errorf("Executions: %v\n%s", err, diff)
	}
	for _, c := range []struct {
		run, id int64
		want    bool
	}{{1, 10, true}, {1, 20, true}, {1, 15, false}, {2, 10, false}, {2, 30, true}, {3, 1, false}} {
		if got, err := l.hasExecuted(1, c.run, c.id); got != c.want || err != nil {
			t.Errorf("Executed(1, %d, %d) = %v, %v", c.run, c.id, got, err)
		}
	}
	for _, c := range []struct {
		id      int64
		attempt int
		want    bool
	}{{15, 2, true}, {15, 1, false}, {10, 1, false}} {
		if got, err := l.hasOmitted(1, 1, c.id, c.attempt); got != c.want || err != nil {
			t.Errorf("Omitted(%d, %d) = %v, %v", c.id, c.attempt, got, err)
		}
	}
	if _, ok, err := l.Run(1, 1); ok || err != nil {
		t.Errorf("a run of which there are only jobs: %v, %v", ok, err)
	}
}

func TestAccount(t *testing.T) {
	o := newClock().options(fastDir(t))
	l := open(t, o)
	given := []Account{
		{ID: 1, Name: "octo/old", Since: start, Through: start.Add(time.Hour), Pruned: start},
		{ID: 1, Name: "octo/new", Since: start.Add(-time.Hour), Swept: true, Through: start.Add(2 * time.Hour), Pruned: start.Add(time.Minute)},
		{ID: 1, Name: "octo/new", Through: start.Add(time.Minute)},
	}
	want := []Account{
		given[0],
		{ID: 1, Name: "octo/new", Since: start, Swept: true, Through: start.Add(2 * time.Hour), Pruned: start.Add(time.Minute)},
		{ID: 1, Name: "octo/new", Since: start, Swept: true, Through: start.Add(time.Minute), Pruned: start.Add(time.Minute)},
	}
	for i := range given {
		commitBatch(t, l, Batch{Repository: 1, Account: &given[i]})
		got, ok := l.Account(1)
		if diff := cmp.Diff(want[i], got); diff != "" || !ok {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
		l = reopen(t, l, o)
		if got, _ := l.Account(1); got != want[i] {
			t.Errorf("step %d: reopened as %+v", i, got)
		}
	}
	commitBatch(t, l, Batch{Repository: -5, Account: account(-5)})
	if all := l.Accounts(); len(all) != 2 || all[0].ID != -5 || all[1].ID != 1 {
		t.Errorf("Accounts = %+v", all)
	}
	if _, ok := l.Account(3); ok {
		t.Error("an account of nobody")
	}
}

func TestWorkflowNames(t *testing.T) {
	o := newClock().options(fastDir(t))
	l := open(t, o)
	commitBatch(t, l, Batch{Repository: 1, Account: account(1), WorkflowNames: map[int64]string{7: "CI", 8: "Release"}})
	commitBatch(t, l, Batch{Repository: 1, WorkflowNames: map[int64]string{7: "Build"}})
	commitBatch(t, l, Batch{Repository: 2, Account: account(2), WorkflowNames: map[int64]string{7: "Other"}})
	for _, l := range []*Ledger{l, reopen(t, l, o)} {
		for _, c := range []struct {
			repo, workflow int64
			want           string
		}{{1, 7, "Build"}, {1, 8, "Release"}, {2, 7, "Other"}, {2, 8, ""}, {3, 7, ""}} {
			if got := l.WorkflowName(c.repo, c.workflow); got != c.want {
				t.Errorf("WorkflowName(%d, %d) = %q, want %q", c.repo, c.workflow, got, c.want)
			}
		}
	}
}

// hasExecuted tells whether the job has been committed as executed.
func (l *Ledger) hasExecuted(repository, run, job int64) (bool, error) {
	rec, _, err := l.run(repository, run)
	_, found := rec.executed(job)
	return found, err
}

// hasOmitted tells whether the job has been committed as left out of an attempt.
func (l *Ledger) hasOmitted(repository, run, job int64, attempt int) (bool, error) {
	rec, _, err := l.run(repository, run)
	_, found := slices.BinarySearchFunc(rec.Omitted, omission{job, attempt}, compareOmissions)
	return found, err
}
