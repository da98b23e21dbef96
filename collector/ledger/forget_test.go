package ledger

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github_workflow_exporter/collector/family"
)

func TestExpire(t *testing.T) {
	c := newClock()
	o := c.options(fastDir(t))
	l := open(t, o)
	old := entry(1, conclusion("old", "success"), conclusion("kept", "success"), duration("old", 5), lastCompletion("success", 100))
	commitBatch(t, l, entries(old))
	b := Batch{Repository: 2, Account: account(2), Entries: []Entry{entry(1, lastCompletionOf("octo/two", 100))}}
	b.Account.Name = "octo/two"
	commitBatch(t, l, b)
	c.pass(10 * time.Hour)
	b = entries(entry(2, conclusion("kept", "success"), conclusion("new", "success")))
	b.Account = sweptAccount(1)
	commitBatch(t, l, b)
	c.pass(10 * time.Hour)
	snapshot := l.Series(family.JobConclusions)

	expire := func(ttl time.Duration, want ...string) {
		t.Helper()
		removed, err := l.Expire(t.Context(), c.now(), ttl, func(repo int64) bool { return repo == 1 })
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range removed {
			got = append(got, family.Get(s.Family).Kind.String()+" "+s.Values[2]+" "+s.Values[len(s.Values)-1])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("expired after %v (-want +got):\n%s", ttl, diff)
		}
	}
	expire(0)
	expire(21 * time.Hour)
	expire(20*time.Hour, "histogram old success", "counter old success", "gauge push success")
	expire(20 * time.Hour)
	if len(snapshot) != 3 || snapshot[0].Values[2] != "old" {
		t.Error("a snapshot taken before has changed")
	}
	before := dump(t, l)
	l = reopen(t, l, o)
	same(t, "reopened", before, dump(t, l))

	// It is born again, as new; what was counted stays counted.
	r := commitBatch(t, l, entries(old))
	if len(r.Recorded) != 0 || len(r.Changed) != 0 {
		t.Errorf("seen marks were lost: %+v", r)
	}
	commitBatch(t, l, entries(entry(3, conclusion("old", "success"))))
	s := find(t, l, family.JobConclusions, "old")
	if s.State().Value != 1 || !s.Created.Equal(c.now()) || s.ID <= snapshot[2].ID {
		t.Errorf("born again as %+v with %+v", s, s.State())
	}
	if l.Count(family.JobConclusions) != 3 {
		t.Errorf("Count = %d", l.Count(family.JobConclusions))
	}
	c.pass(30 * time.Hour)
	if _, err := l.Expire(t.Context(), c.now(), time.Hour, nil); err != nil {
		t.Fatal(err)
	}
	for _, f := range family.All() {
		if len(l.Series(f.ID)) != 0 {
			t.Errorf("%s left when nothing is watched", f.Name)
		}
	}
	if len(l.index.m) != 0 || len(l.intern.m) != 0 {
		t.Errorf("memory keeps %d series, %d values", len(l.index.m), len(l.intern.m))
	}
	if _, err := checkClosed(t, l); err != nil {
		t.Error(err)
	}
}

func lastCompletionOf(repository string, unix float64) Sample {
	s := lastCompletion("success", unix)
	s.Values[0] = repository
	return s
}

// Gauges stay while their repository is watched, which is not so of one under a name that nobody has any more.
func TestExpireGauges(t *testing.T) {
	const ttl = 24 * time.Hour
	type named struct {
		id   int64
		name string
	}
	for _, c := range []struct {
		name    string
		history []named // one after the other; each sets the gauges of its own name and of its team
		watched []int64
		want    []string
	}{
		{"watched", []named{{1, "a"}}, []int64{1}, []string{"a", "team 1"}},
		{"not watched", []named{{1, "a"}}, nil, nil},
		{"renamed", []named{{1, "a"}, {1, "b"}}, []int64{1}, []string{"team 1", "b"}},
		{"renamed twice", []named{{1, "a"}, {1, "b"}, {1, "c"}}, []int64{1}, []string{"team 1", "c"}},
		{"renamed and back", []named{{1, "a"}, {1, "b"}, {1, "a"}}, []int64{1}, []string{"a", "team 1"}},
		{"the old name taken by another", []named{{1, "a"}, {1, "b"}, {2, "a"}}, []int64{1, 2}, []string{"a", "team 1", "b", "team 2"}},
		{"of another that is not watched", []named{{1, "a"}, {1, "b"}, {2, "a"}}, []int64{1}, []string{"team 1", "b"}},
		{"deleted, and made anew under its name", []named{{1, "a"}, {2, "a"}}, []int64{2}, []string{"a", "team 2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ck := newClock()
			o := ck.options(fastDir(t))
			l := open(t, o)
			for i, h := range c.history {
				a := account(h.id)
				a.Name = h.name
				team := fmt.Sprint("team ", h.id) // as relabelling may have it
				commitBatch(t, l, Batch{Repository: h.id, Account: a, Entries: []Entry{
					entry(int64(i+1), lastCompletionOf(h.name, 100), lastCompletionOf(team, 100))}})
				ck.pass(time.Hour)
			}
			for range 2 {
				l = reopen(t, l, o)
				ck.pass(ttl)
				if _, err := l.Expire(t.Context(), ck.now(), ttl, func(id int64) bool { return slices.Contains(c.watched, id) }); err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, s := range l.Series(family.RunLastCompletion) {
					got = append(got, s.Values[0])
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("gauges left (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestPrune(t *testing.T) {
	c := newClock()
	o := c.options(fastDir(t))
	l := open(t, o)
	at := func(hours int) time.Time { return start.Add(time.Duration(hours) * time.Hour).Truncate(time.Second) }
	run := func(id int64, hours int, open bool) RunChange {
		return RunChange{Run: id, Created: at(0), Started: at(hours), Open: open, Close: []Closing{{Attempt: 1}}}
	}
	for _, repo := range []int64{1, 2} {
		commitBatch(t, l, Batch{Repository: repo, Account: account(repo),
			Runs: []RunChange{run(10, 1, false), run(11, 5, false), run(12, 1, true), run(13, 1, false), run(14, 2, false)},
			Entries: []Entry{
				{Run: 10, ID: 1, Attempt: 1, Samples: []Sample{conclusion("a", "success")}},
				{Run: 11, ID: 2, Attempt: 1},
				{Run: 12, ID: 3, Attempt: 1},
				{Run: 20, ID: 4, Attempt: 1}, // delivered before its run was seen: its start is not known
			}})
	}
	commitBatch(t, l, Batch{Repository: 1, Runs: []RunChange{run(13, 6, false)}}) // re-run
	prune := func(before time.Time, want int) {
		t.Helper()
		n, err := l.Prune(t.Context(), 1, before)
		if err != nil || n != want {
			t.Fatalf("Prune(%v) = %d, %v, want %d", before, n, err, want)
		}
	}
	known := func(l *Ledger, want ...int64) {
		t.Helper()
		var got []int64
		for id := int64(1); id < 30; id++ {
			rec, found, err := l.run(1, id)
			if err != nil {
				t.Fatal(err)
			}
			if found {
				got = append(got, id)
			}
			if !found && len(rec.Executed) > 0 {
				t.Error("executions without a run")
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("runs known (-want +got):\n%s", diff)
		}
	}
	prune(at(-100), 0)
	if a, _ := l.Account(1); !a.Pruned.Equal(at(-100)) {
		t.Errorf("Pruned = %v", a.Pruned)
	}
	prune(at(0), 0)
	prune(at(2), 2) // the run without a start is taken for as old as its commit
	known(l, 11, 12, 13, 14)
	prune(at(3), 1)
	known(l, 11, 12, 13)
	prune(at(1), 0)
	a, _ := l.Account(1)
	if !a.Pruned.Equal(at(3)) {
		t.Errorf("Pruned went back to %v", a.Pruned)
	}
	l = reopen(t, l, o)
	if b, _ := l.Account(1); a != b {
		t.Errorf("reopened as %+v", b)
	}
	known(l, 11, 12, 13)
	if open, _ := l.OpenRuns(1); !cmp.Equal(open, []int64{12}) {
		t.Errorf("open runs %v", open)
	}
	if done, _ := l.hasExecuted(1, 12, 3); !done {
		t.Error("the open run's seen marks are gone")
	}
	if done, _ := l.hasExecuted(2, 10, 1); !done {
		t.Error("another repository's seen marks are gone")
	}
	if find(t, l, family.JobConclusions, "a").State().Value != 2 || l.Recorded() != 8 {
		t.Error("pruning changed what has been counted")
	}
	if _, err := l.Prune(t.Context(), 7, at(1)); err == nil {
		t.Error("pruning an unknown repository")
	}
	if _, err := checkClosed(t, l); err != nil {
		t.Error(err)
	}
}

// TestPruneInChunks: more runs than one transaction looks at, with some to keep in between.
func TestPruneInChunks(t *testing.T) {
	o := newClock().options(fastDir(t))
	l := open(t, o)
	const runs = 2*pruneChunk + 500
	b := Batch{Repository: 1, Account: account(1)}
	keep := 0
	for i := range int64(runs) {
		rc := RunChange{Run: i + 1, Started: start, Open: i%1000 == 0}
		if rc.Open {
			keep++
		}
		b.Runs = append(b.Runs, rc)
	}
	commitBatch(t, l, b)
	n, err := l.Prune(t.Context(), 1, start.Add(time.Hour))
	if err != nil || n != runs-keep {
		t.Errorf("Prune = %d, %v, want %d", n, err, runs-keep)
	}
	report, err := checkClosed(t, l)
	if err != nil || report.Runs != keep || report.OpenRuns != keep {
		t.Errorf("%+v, %v", report, err)
	}
}
