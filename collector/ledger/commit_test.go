package ledger

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github_workflow_exporter/collector/family"
)

// TestCommitOnce: what is offered again adds nothing, whatever it comes with.
func TestCommitOnce(t *testing.T) {
	executed := entry(7, conclusion("build", "success"), duration("build", 12))
	again := executed
	again.Attempt, again.Fingerprint, again.Discards = 2, 99, []Discard{{"missing_time", 1}}
	omitted := Entry{Run: 1, ID: 7, Attempt: 2, Omitted: "carried_over"}
	omittedLater := Entry{Run: 1, ID: 7, Attempt: 3, Omitted: "carried_over"}
	otherRun := executed
	otherRun.Run = 2
	closing := func(attempt int) RunChange {
		return RunChange{Run: 1, Open: true, Close: []Closing{{Attempt: attempt, Samples: []Sample{conclusion("run", "success")},
			Discards: []Discard{{"never_finished", 3}}}}}
	}
	for _, c := range []struct {
		name             string
		offer            []Batch
		recorded, closed int
		builds, runs     float64
		discards         map[string]uint64
	}{
		{name: "a job once", offer: []Batch{entries(executed)}, recorded: 1, builds: 1},
		{name: "a job in two batches", offer: []Batch{entries(executed), entries(executed)}, recorded: 1, builds: 1},
		{name: "a job twice in one batch", offer: []Batch{entries(executed, executed)}, recorded: 1, builds: 1},
		{name: "a job under a later attempt, discards too", offer: []Batch{entries(executed), entries(again)}, recorded: 1, builds: 1},
		{name: "a job id in another run is another job", offer: []Batch{entries(executed, otherRun)}, recorded: 2, builds: 2},
		{name: "omitted by id and attempt", offer: []Batch{entries(omitted, omitted), entries(omitted), entries(omittedLater)},
			discards: map[string]uint64{"carried_over": 2}},
		{name: "omitted first does not block the execution", offer: []Batch{entries(omitted), entries(executed)},
			recorded: 1, builds: 1, discards: map[string]uint64{"carried_over": 1}},
		{name: "executed first does not block the omission", offer: []Batch{entries(executed), entries(omitted), entries(executed)},
			recorded: 1, builds: 1, discards: map[string]uint64{"carried_over": 1}},
		{name: "discards of an executed job", offer: []Batch{entries(again), entries(again)}, recorded: 1, builds: 1,
			discards: map[string]uint64{"missing_time": 1}},
		{name: "an attempt closes once", offer: []Batch{{Repository: 1, Account: account(1), Runs: []RunChange{closing(1), closing(1)}},
			{Repository: 1, Runs: []RunChange{closing(1)}}, {Repository: 1, Runs: []RunChange{closing(2)}}},
			closed: 2, runs: 2, discards: map[string]uint64{"never_finished": 6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newClock().options(fastDir(t))
			l := open(t, o)
			recorded, closed := 0, 0
			for _, b := range c.offer {
				r := commitBatch(t, l, b)
				recorded, closed = recorded+len(r.Recorded), closed+r.Closed
			}
			check := func(l *Ledger) {
				t.Helper()
				if recorded != c.recorded || closed != c.closed || l.Recorded() != uint64(c.recorded) {
					t.Errorf("recorded %d (total %d), closed %d, want %d, %d", recorded, l.Recorded(), closed, c.recorded, c.closed)
				}
				want := c.discards
				if want == nil {
					want = map[string]uint64{}
				}
				if diff := cmp.Diff(want, l.Discards()); diff != "" {
					t.Errorf("discards (-want +got):\n%s", diff)
				}
				for job, n := range map[string]float64{"build": c.builds, "run": c.runs} {
					got := 0.0
					for _, s := range l.Series(family.JobConclusions) {
						if s.Values[2] == job {
							got += s.State().Value
						}
					}
					if got != n {
						t.Errorf("%s counted %g times, want %g", job, got, n)
					}
				}
			}
			check(l)
			check(reopen(t, l, o))
		})
	}
}

func TestCommitResult(t *testing.T) {
	l := open(t, newClock().options(fastDir(t)))
	commitBatch(t, l, entries(entry(1, conclusion("a", "success"))))
	r := commitBatch(t, l, Batch{Repository: 1, Entries: []Entry{
		entry(1, conclusion("a", "success")),
		entry(2, conclusion("a", "success"), conclusion("b", "success"), conclusion("a", "success")),
		{Run: 1, ID: 3, Attempt: 1, Omitted: "check_run"},
		entry(4, conclusion("b", "success")),
	}, Runs: []RunChange{{Run: 1, Close: []Closing{{Attempt: 1}, {Attempt: 2}}}}})
	if diff := cmp.Diff([]int{1, 3}, r.Recorded); diff != "" {
		t.Errorf("Recorded (-want +got):\n%s", diff)
	}
	if r.Closed != 2 || r.Overflowed != nil {
		t.Errorf("Closed = %d, Overflowed = %v", r.Closed, r.Overflowed)
	}
	a, b := find(t, l, family.JobConclusions, "a"), find(t, l, family.JobConclusions, "b")
	if len(r.Changed) != 2 || r.Changed[0] != a || r.Changed[1] != b {
		t.Errorf("Changed = %v, want each of the two series once", r.Changed)
	}
	if a.State().Value != 3 || b.State().Value != 2 {
		t.Errorf("a = %g, b = %g, want 3, 2", a.State().Value, b.State().Value)
	}
}

// TestNothingNewWritesNothing: idle polling must not wear the disk.
func TestNothingNewWritesNothing(t *testing.T) {
	c := newClock()
	l := open(t, c.options(fastDir(t)))
	b := entries(entry(1, conclusion("a", "success")), Entry{Run: 1, ID: 2, Attempt: 1, Omitted: "check_run"})
	b.Runs = []RunChange{{Run: 1, Created: start, Started: start, Open: true, Close: []Closing{{Attempt: 1}}}, {Run: 3}}
	b.WorkflowNames = map[int64]string{5: "CI"}
	commitBatch(t, l, b)
	before, _ := l.txid()
	c.pass(time.Hour)
	r := commitBatch(t, l, b)
	if after, _ := l.txid(); after != before {
		t.Errorf("a batch without news made transaction %d after %d", after, before)
	}
	if len(r.Recorded)+r.Closed+len(r.Changed) != 0 {
		t.Errorf("a batch without news changed %+v", r)
	}
}

func TestBirth(t *testing.T) {
	c := newClock()
	o := c.options(fastDir(t))
	l := open(t, o)
	since := account(1).Since
	commitBatch(t, l, entries(entry(1, conclusion("first sweep", "success"))))
	c.pass(time.Minute)
	// The batch that ends the first sweep still belongs to it.
	b := entries(entry(2, conclusion("last of the sweep", "success"), conclusion("first sweep", "success")))
	b.Account = sweptAccount(1)
	commitBatch(t, l, b)
	c.pass(time.Minute)
	commitBatch(t, l, Batch{Repository: 1, Entries: []Entry{entry(3, conclusion("later", "success"), conclusion("first sweep", "success"))}})
	c.pass(time.Minute)
	// Even if it says that it is swept, a new account has a first sweep.
	b = Batch{Repository: 2, Account: sweptAccount(2), Entries: []Entry{entry(3, conclusion("other repository", "success"))}}
	commitBatch(t, l, b)
	for _, l := range []*Ledger{l, reopen(t, l, o)} {
		for _, w := range []struct {
			job      string
			repo     int64
			born     time.Time
			created  time.Time
			baseline bool
			value    float64
		}{
			{"first sweep", 1, start, since, true, 3},
			{"last of the sweep", 1, start.Add(time.Minute), since, true, 1},
			{"later", 1, start.Add(2 * time.Minute), start.Add(2 * time.Minute), false, 1},
			{"other repository", 2, start.Add(3 * time.Minute), since, true, 1},
		} {
			s := find(t, l, family.JobConclusions, w.job)
			if s.Repository != w.repo || !s.Born.Equal(w.born) || !s.Created.Equal(w.created) || s.Baseline != w.baseline || s.State().Value != w.value {
				t.Errorf("%s: %+v with %+v, want %+v", w.job, s, s.State(), w)
			}
		}
		for i, s := range l.Series(family.JobConclusions) {
			if i > 0 && s.ID <= l.Series(family.JobConclusions)[i-1].ID {
				t.Error("series are not in order of birth")
			}
		}
	}
}

// TestNewSeriesStart: nothing is there before the first increment, and a histogram starts with all buckets.
func TestNewSeriesStart(t *testing.T) {
	l := open(t, newClock().options(fastDir(t)))
	for _, f := range family.All() {
		if len(l.Series(f.ID)) != 0 || l.Count(f.ID) != 0 {
			t.Errorf("a new ledger has series of %s", f.Name)
		}
	}
	commitBatch(t, l, entries(entry(1, duration("build", 0), duration("build", 61))))
	s := find(t, l, family.JobDuration, "build")
	bounds := family.Get(family.JobDuration).Buckets
	want := newState(bounds)
	want.observe(bounds, 0, nil)
	want.observe(bounds, 61, nil)
	want.Updated = start
	if diff := cmp.Diff(want, s.State()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(bounds, s.Bounds()); diff != "" {
		t.Errorf("bounds:\n%s", diff)
	}
}

func TestGaugeIsAMaximum(t *testing.T) {
	o := newClock().options(fastDir(t))
	l := open(t, o)
	for i, v := range []float64{500, 400, 700, 600} {
		commitBatch(t, l, entries(entry(int64(i+1), lastCompletion("success", v))))
		if got, want := find(t, l, family.RunLastCompletion, "success").State().Value, []float64{500, 500, 700, 700}[i]; got != want {
			t.Errorf("after %g: %g, want %g", v, got, want)
		}
	}
	l = reopen(t, l, o)
	commitBatch(t, l, entries(entry(9, lastCompletion("success", 650))))
	if got := find(t, l, family.RunLastCompletion, "success").State().Value; got != 700 {
		t.Errorf("set back to %g", got)
	}
}

func TestExemplars(t *testing.T) {
	o := newClock().options(fastDir(t))
	l := open(t, o)
	with := func(s Sample, job int64) Sample {
		s.Exemplar = &Exemplar{RunID: 1, JobID: job, At: start}
		return s
	}
	commitBatch(t, l, entries(entry(1, with(conclusion("a", "success"), 1), with(duration("a", 3), 1), duration("a", 4))))
	commitBatch(t, l, entries(entry(2, with(conclusion("a", "success"), 2), with(duration("a", 4), 2), with(duration("a", 1e6), 3))))
	commitBatch(t, l, entries(entry(3, conclusion("a", "success"))))
	counter, histogram := find(t, l, family.JobConclusions, "a").State(), find(t, l, family.JobDuration, "a").State()
	if len(counter.Exemplars) != 1 || counter.Exemplars[0].JobID != 2 {
		t.Errorf("counter has %v", counter.Exemplars)
	}
	got := map[int]Observed{}
	for i, e := range histogram.Exemplars {
		if e != nil {
			got[i] = *e
		}
	}
	want := map[int]Observed{1: {Exemplar{1, 2, start}, 4}, 16: {Exemplar{1, 3, start}, 1e6}}
	if diff := cmp.Diff(want, got); diff != "" || len(histogram.Exemplars) != len(histogram.Buckets) {
		t.Errorf("histogram exemplars (-want +got):\n%s", diff)
	}
	l = reopen(t, l, o)
	if s := find(t, l, family.JobDuration, "a").State(); s.Exemplars != nil {
		t.Errorf("exemplars survived: %v", s.Exemplars)
	}
}

// TestRefusedBatches: mistakes of the caller are errors that name the place, and change nothing.
func TestRefusedBatches(t *testing.T) {
	l := open(t, newClock().options(fastDir(t)))
	commitBatch(t, l, entries(entry(1, conclusion("a", "success"))))
	before := dump(t, l)
	bad := func(change func(*Sample)) Batch {
		s := duration("a", 1)
		change(&s)
		return entries(entry(2, conclusion("b", "success")), entry(3, s))
	}
	for _, c := range []struct {
		name string
		b    Batch
		want string
	}{
		{"no account", Batch{Repository: 9}, "no account of repository 9"},
		{"someone else's account", Batch{Repository: 1, Account: account(2)}, "account given is of repository 2"},
		{"no since", Batch{Repository: 9, Account: &Account{ID: 9}}, "no since"},
		{"too few values", bad(func(s *Sample) { s.Values = s.Values[1:] }), "6 labels, the sample 5 values"},
		{"unknown family", bad(func(s *Sample) { s.Family = 99 }), "family 99"},
		{"negative family", bad(func(s *Sample) { s.Family = -1 }), "family -1"},
		{"a family of the present", bad(func(s *Sample) { s.Family = family.JobsNow }), "not kept in the ledger"},
		{"no repository", Batch{Account: &Account{Since: start}}, "no id"},
		{"omitted with samples", entries(Entry{Run: 1, ID: 4, Omitted: "check_run", Samples: []Sample{duration("a", 1)}}), "left out (check_run)"},
		{"closing", Batch{Repository: 1, Runs: []RunChange{{Run: 6, Close: []Closing{{Attempt: 2, Samples: []Sample{{Family: 99}}}}}}}, "attempt 2 of run 6"},
	} {
		r, err := l.Commit(context.Background(), c.b)
		var fault *BatchError
		if !errors.As(err, &fault) || !fault.Unrecordable() || !strings.Contains(err.Error(), c.want) || len(r.Recorded) != 0 {
			t.Errorf("%s: %v, %v, want a BatchError with %q", c.name, r, err, c.want)
		}
	}
	same(t, "refused batches changed the ledger", before, dump(t, l))
}

func TestCancelled(t *testing.T) {
	l := open(t, newClock().options(fastDir(t)))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := l.Commit(ctx, entries(entry(1))); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit: %v", err)
	}
	if _, err := l.Expire(ctx, start, time.Hour, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Expire: %v", err)
	}
	if _, err := l.Prune(ctx, 1, start); !errors.Is(err, context.Canceled) {
		t.Errorf("Prune: %v", err)
	}
	if l.Recorded() != 0 {
		t.Error("a cancelled commit counted")
	}
	// Waiting for another writer can be given up.
	<-l.turn
	ctx, cancel = context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err := l.Commit(ctx, entries(entry(1))); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Commit behind another: %v", err)
	}
	l.turn <- struct{}{}
	commitBatch(t, l, entries(entry(1)))
}

// TestSharedLabelValues: families with the same labels, and series with the same values, share them in memory.
func TestSharedLabelValues(t *testing.T) {
	o := newClock().options(fastDir(t))
	l := open(t, o)
	commitBatch(t, l, entries(entry(1, conclusion("a", "success"), duration("a", 1), conclusion("b", "success"))))
	for _, l := range []*Ledger{l, reopen(t, l, o)} {
		c, d, b := find(t, l, family.JobConclusions, "a"), find(t, l, family.JobDuration, "a"), find(t, l, family.JobConclusions, "b")
		if &c.Values[0] != &d.Values[0] {
			t.Error("the same label sets of two families are kept twice")
		}
		if sameString := func(x, y string) bool { return x == y && unsafeData(x) == unsafeData(y) }; !sameString(c.Values[1], b.Values[1]) {
			t.Error("the same label value is kept twice")
		}
	}
}

// TestLostConfirmation: if the disk fails after the file has taken a transaction, memory follows the file.
func TestLostConfirmation(t *testing.T) {
	l := open(t, newClock().options(fastDir(t)))
	id, err := l.txid()
	if err != nil {
		t.Fatal(err)
	}
	disk := errors.New("input/output error")
	published := 0
	if err := l.settle(id+1, disk, func() { published++ }); !errors.Is(err, disk) || errors.Is(err, ErrUnconfirmed) || published != 0 {
		t.Errorf("a transaction that is not there: %v, published %d times", err, published)
	}
	if err := l.settle(id, disk, func() { published++ }); !errors.Is(err, disk) || !errors.Is(err, ErrUnconfirmed) || published != 1 {
		t.Errorf("a transaction that is there: %v, published %d times", err, published)
	}
}
