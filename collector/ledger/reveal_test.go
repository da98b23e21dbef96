package ledger

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"github_workflow_exporter/collector/family"
)

// shownJobs lists the jobs whose counters are shown at their value.
func shownJobs(l *Ledger) (jobs []string) {
	for _, s := range l.Series(family.JobConclusions) {
		if s.Shown() {
			jobs = append(jobs, s.Values[2])
		}
	}
	return jobs
}

func TestReveal(t *testing.T) {
	const zero = 150 * time.Second
	c := newClock()
	o := c.options(fastDir(t))
	l := open(t, o)
	id := int64(0)
	add := func(swept bool, job string) {
		id++
		b := entries(entry(id, conclusion(job, "success")))
		b.Account.Swept = swept
		commitBatch(t, l, b)
	}
	reveal := func(when string, zero, wantNext time.Duration, want ...string) {
		t.Helper()
		next, err := l.Reveal(t.Context(), zero)
		if err != nil || next != wantNext {
			t.Errorf("%s: again after %v, %v, want %v", when, next, err, wantNext)
		}
		if diff := cmp.Diff(want, shownJobs(l)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	reveal("nothing born", zero, zero)
	add(true, "baseline")
	add(true, "a")
	reveal("at birth", zero, zero, "baseline")
	c.pass(time.Minute)
	add(true, "b")
	c.pass(zero - time.Minute - 1)
	reveal("just before", zero, 1, "baseline")
	c.pass(1)
	reveal("over", zero, time.Minute, "baseline", "a")
	reveal("a longer one", 10*time.Minute, 10*time.Minute-zero+time.Minute, "baseline", "a")
	l = reopen(t, l, o)
	reveal("reopened with it", 10*time.Minute, 10*time.Minute-zero+time.Minute, "baseline", "a")

	// Of a clock that is set back by little the birth may lie in the future too; by more than the zero it is as good as over.
	c.pass(-zero)
	reveal("set back by little", zero, zero-time.Minute, "baseline", "a")
	c.pass(-2 * zero)
	reveal("set back by more", zero, zero, "baseline", "a", "b")

	reveal("none", 0, 0, "baseline", "a", "b")
	add(true, "at once")
	reveal("born without one", zero, zero, "baseline", "a", "b", "at once")
	before := dump(t, l)
	l = reopen(t, l, o)
	same(t, "reopened", before, dump(t, l))
	if _, err := checkClosed(t, l); err != nil {
		t.Error(err)
	}
}

// Folding leaves a series as it is shown; a restart takes it back to 0.
func TestRevealAndLayouts(t *testing.T) {
	c := newClock()
	o := c.options(fastDir(t))
	o.Layouts = layouts(1, 5, 10)
	l := open(t, o)
	if _, err := l.Reveal(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	b := entries()
	b.Account.Swept = true
	commitBatch(t, l, b)
	for i, job := range []string{"old", "new"} {
		commitBatch(t, l, entries(entry(int64(i+1), duration(job, 3))))
		c.pass(time.Minute)
		if _, err := l.Reveal(t.Context(), 90*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		bounds   []float64
		old, new bool
	}{{[]float64{1, 5}, true, false}, {[]float64{2, 5}, false, false}} {
		if _, err := l.Configure(layouts(step.bounds...), nil, 0); err != nil {
			t.Fatal(err)
		}
		o.Layouts = layouts(step.bounds...)
		for range 2 {
			if got := []bool{find(t, l, family.JobDuration, "old").Shown(), find(t, l, family.JobDuration, "new").Shown()}; !slices.Equal(got, []bool{step.old, step.new}) {
				t.Errorf("bounds %v: shown %v, want %v and %v", step.bounds, got, step.old, step.new)
			}
			l = reopen(t, l, o)
		}
	}
}

// A file whose births do not say whether they have been shown was written before that was remembered.
func TestRevealInOlderFile(t *testing.T) {
	c := newClock()
	o := c.options(fastDir(t))
	l := open(t, o)
	b := entries(entry(1, conclusion("a", "success"), lastCompletion("success", 100)))
	b.Account.Swept = true
	commitBatch(t, l, entries())
	commitBatch(t, l, b)
	err := l.db.Update(func(tx *bolt.Tx) error {
		for _, s := range slices.Concat(l.Series(family.JobConclusions), l.Series(family.RunLastCompletion)) {
			s.Baseline, s.Named = false, false
			if err := putBirth(tx, s, l.families[s.Family].number, false); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	l = reopen(t, l, o)
	if len(shownJobs(l)) != 0 || !find(t, l, family.RunLastCompletion, "success").Shown() {
		t.Error("want the counter hidden, and the gauge, which is nothing at 0, shown")
	}
	c.pass(time.Hour)
	if _, err := l.Reveal(t.Context(), time.Minute); err != nil || len(shownJobs(l)) != 1 {
		t.Errorf("after its first revealing: %v shown, %v", shownJobs(l), err)
	}
	if removed, err := l.Expire(t.Context(), c.now().Add(1000*time.Hour), time.Hour, func(repo int64) bool { return repo == 1 }); err != nil || len(removed) != 1 {
		t.Errorf("%d expired, %v, want the counter alone", len(removed), err)
	}
}
