package ledger

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github_workflow_exporter/collector/family"
)

func TestSeriesLimit(t *testing.T) {
	c := newClock()
	o := c.options(fastDir(t))
	o.SeriesLimit = 2
	l := open(t, o)
	id := int64(0)
	add := func(s ...Sample) Result {
		id++
		return commitBatch(t, l, entries(entry(id, s...)))
	}
	// Two find room, in one batch already; what does not goes to one series for each conclusion.
	r := add(conclusion("a", "success"), conclusion("b", "success"), conclusion("c", "success"), conclusion("d", "failure"),
		conclusion("e", "success"), conclusion("a", "success"), duration("z", 1))
	if diff := cmp.Diff(map[family.ID]int{family.JobConclusions: 3}, r.Overflowed); diff != "" {
		t.Errorf("Overflowed:\n%s", diff)
	}
	value := func(job, conclusion string) float64 {
		t.Helper()
		for _, s := range l.Series(family.JobConclusions) {
			if s.Values[2] == job && s.Values[5] == conclusion {
				if s.Overflow != (job == family.OverflowValue) {
					t.Errorf("%v: overflow %v", s.Values, s.Overflow)
				}
				return s.State().Value
			}
		}
		return -1
	}
	expect := func(want map[[2]string]float64) {
		t.Helper()
		if len(l.Series(family.JobConclusions)) != len(want) {
			t.Errorf("%d series, want %d", len(l.Series(family.JobConclusions)), len(want))
		}
		for k, v := range want {
			if got := value(k[0], k[1]); got != v {
				t.Errorf("%v = %g, want %g", k, got, v)
			}
		}
		if got := l.Count(family.JobConclusions); got != len(want)-2 {
			t.Errorf("Count = %d, want %d", got, len(want)-2)
		}
	}
	over := family.OverflowValue
	want := map[[2]string]float64{{"a", "success"}: 2, {"b", "success"}: 1, {over, "success"}: 2, {over, "failure"}: 1}
	expect(want)
	if s := find(t, l, family.JobConclusions, "failure"); s.Repository != 0 || !cmp.Equal(s.Values, []string{over, over, over, over, over, "failure"}) {
		t.Errorf("overflow series %+v", s)
	}

	// The same after reopening, with the limit lowered: what exists goes on.
	o.SeriesLimit = 1
	l = reopen(t, l, o)
	add(conclusion("a", "success"), conclusion("b", "success"), conclusion("f", "failure"))
	want[[2]string{"a", "success"}], want[[2]string{"b", "success"}], want[[2]string{over, "failure"}] = 3, 2, 2
	expect(want)
	if diff := cmp.Diff(map[family.ID]uint64{family.JobConclusions: 4}, l.Overflowed()); diff != "" {
		t.Errorf("Overflowed:\n%s", diff)
	}

	// Raised, there is room again. 0 is no limit.
	for _, limit := range []int{3, 0} {
		if _, err := l.Configure(nil, nil, limit); err != nil {
			t.Fatal(err)
		}
		job := fmt.Sprintf("limit %d", limit)
		add(conclusion(job, "success"))
		want[[2]string{job, "success"}] = 1
		expect(want)
	}

	// Expiry makes room too, and leaves overflow series alone.
	c.pass(48 * time.Hour)
	if _, err := l.Configure(nil, nil, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Expire(t.Context(), c.now(), 24*time.Hour, nil); err != nil {
		t.Fatal(err)
	}
	add(conclusion("g", "success"), conclusion("h", "success"))
	expect(map[[2]string]float64{{"g", "success"}: 1, {over, "success"}: 3, {over, "failure"}: 2})
}

// Conclusions are words of GitHub's, or whatever relabelling makes of them: there is an end to their overflow series too.
func TestOverflowSeriesAreFew(t *testing.T) {
	for _, c := range []struct {
		name string
		job  func(i int) string
	}{
		{"no room", func(i int) string { return fmt.Sprint("job ", i) }},
		{"relabelled so", func(int) string { return family.OverflowValue }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newClock().options(fastDir(t))
			o.SeriesLimit = 1
			l := open(t, o)
			commitBatch(t, l, entries(entry(1, conclusion("first", "success"))))
			sample := func(i int) Sample {
				s := conclusion(c.job(i), fmt.Sprint("conclusion ", i))
				if c.job(i) == family.OverflowValue {
					for at := range s.Values[:5] {
						s.Values[at] = family.OverflowValue
					}
				}
				return s
			}
			for round := range int64(2) {
				e := entry(10 + round)
				for i := range 100 {
					e.Samples = append(e.Samples, sample(i))
				}
				commitBatch(t, l, entries(e))
				l = reopen(t, l, o)
			}
			if n := len(l.Series(family.JobConclusions)); n != 1+maxOverflow+1 || l.Count(family.JobConclusions) != 1 {
				t.Errorf("%d series of which %d count, want %d and 1", n, l.Count(family.JobConclusions), 1+maxOverflow+1)
			}
			total := 0.0
			for _, s := range l.Series(family.JobConclusions) {
				total += s.State().Value
				if s.Values[5] == family.OverflowValue && (!s.Overflow || s.State().Value != 2*(100-maxOverflow)) {
					t.Errorf("%+v with %+v", s, s.State())
				}
			}
			if total != 201 {
				t.Errorf("%g counted in all, want 201", total)
			}
		})
	}
}

// TestOverflowFolds: histograms add up in the overflow series, gauges keep the maximum.
func TestOverflowFolds(t *testing.T) {
	o := newClock().options(fastDir(t))
	o.SeriesLimit = 1
	l := open(t, o)
	commitBatch(t, l, entries(entry(1, duration("a", 1), duration("b", 10), duration("c", 100))))
	s := find(t, l, family.JobDuration, family.OverflowValue).State()
	if s.Count != 2 || s.Sum != 110 || len(s.Native) != 2 || !s.consistent() {
		t.Errorf("histogram %+v", s)
	}
	gauge := func(branch string, v float64) Sample {
		g := lastCompletion("success", v)
		g.Values = []string{"octo/repo", "CI", "push", branch, "success"}
		return g
	}
	commitBatch(t, l, entries(entry(2, gauge("main", 100), gauge("b", 300), gauge("c", 200))))
	if got := find(t, l, family.RunLastCompletion, family.OverflowValue).State().Value; got != 300 {
		t.Errorf("gauge %g, want 300", got)
	}
}
