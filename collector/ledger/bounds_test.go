package ledger

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github_workflow_exporter/collector/family"
)

// TestImpossibleValues: a value that cannot be is left out and counted once, and what comes with it counts.
func TestImpossibleValues(t *testing.T) {
	year1900 := float64(time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).Unix())
	for _, v := range []float64{-1, year1900, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, 1e13} {
		o := newClock().options(fastDir(t))
		l := open(t, o)
		e := entry(2, conclusion("a", "success"), duration("a", v), lastCompletion("success", v), duration("a", 3))
		b := entries(entry(1, conclusion("a", "success")), e, entry(3, conclusion("a", "success")))
		b.Runs = []RunChange{{Run: 1, Close: []Closing{{Attempt: 1, Samples: []Sample{lastCompletion("success", v), lastCompletion("success", 5)}}}}}
		for range 2 {
			commitBatch(t, l, b)
		}
		l = reopen(t, l, o)
		if n, d := find(t, l, family.JobConclusions, "a").State().Value, find(t, l, family.JobDuration, "a").State(); n != 3 || d.Count != 1 || d.Sum != 3 {
			t.Errorf("%v: %v jobs, %d durations of %v s", v, n, d.Count, d.Sum)
		}
		if got := find(t, l, family.RunLastCompletion, "success").State().Value; got != 5 {
			t.Errorf("%v: the gauge is at %v", v, got)
		}
		if diff := cmp.Diff(map[string]uint64{ImpossibleValue: 3}, l.Discards()); diff != "" {
			t.Errorf("%v: discards (-want +got):\n%s", v, diff)
		}
	}
}

// TestDiscardsAreBounded: a number that somebody announces is believed up to a million.
func TestDiscardsAreBounded(t *testing.T) {
	l := open(t, newClock().options(fastDir(t)))
	e := entry(1)
	e.Discards = []Discard{{"a", math.MaxUint64}, {"a", 5}, {"b", 0}}
	commitBatch(t, l, entries(e))
	if diff := cmp.Diff(map[string]uint64{"a": 1_000_005}, l.Discards()); diff != "" {
		t.Errorf("discards (-want +got):\n%s", diff)
	}
}

// TestIDs: any id but 0 is one. What has none is left out, alone.
func TestIDs(t *testing.T) {
	ids := []int64{math.MinInt64, -1 << 40, -2, -1, 1, 1 << 40, math.MaxInt64}
	o := newClock().options(fastDir(t))
	l := open(t, o)
	b := Batch{Repository: 1, Account: account(1)}
	for _, run := range append(ids, 0) {
		for _, id := range append(ids, 0) {
			b.Entries = append(b.Entries, Entry{Run: run, ID: id, Attempt: 1, Samples: []Sample{conclusion("a", "success")}},
				Entry{Run: run, ID: id, Attempt: 1, Omitted: "check_run"})
		}
		b.Runs = append(b.Runs, RunChange{Run: run, Started: start, Open: run < 2, Close: []Closing{{Attempt: 1, Samples: []Sample{conclusion("run", "success")}}}})
	}
	n := len(ids)
	r := commitBatch(t, l, b)
	if len(r.Recorded) != n*n || r.Closed != n || r.Refused != 2*(2*n+1)+1 {
		t.Errorf("recorded %d, closed %d, refused %d", len(r.Recorded), r.Closed, r.Refused)
	}
	for range 2 {
		l = reopen(t, l, o)
		if r := commitBatch(t, l, b); len(r.Recorded) != 0 || r.Closed != 0 {
			t.Errorf("recorded %d, closed %d a second time", len(r.Recorded), r.Closed)
		}
	}
	for _, run := range ids {
		got, _, err := l.History(1, run)
		if err != nil || len(got) != n || got[0].ID != math.MinInt64 || got[n-1].ID != math.MaxInt64 {
			t.Errorf("run %d: %v, %v", run, got, err)
		}
	}
	open, err := l.OpenRuns(1)
	if diff := cmp.Diff(ids[:5], open); diff != "" || err != nil {
		t.Errorf("open runs (-want +got):\n%s%v", diff, err)
	}
	// All but the open ones are forgotten.
	if pruned, err := l.Prune(t.Context(), 1, start.Add(time.Hour)); err != nil || pruned != 2 {
		t.Errorf("%d pruned, %v", pruned, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Check(l.dir); err != nil {
		t.Error(err)
	}
}

// TestLabelValuesCanBeShown: neither what is no text nor what is endless reaches a scrape, and the same stays the same.
func TestLabelValuesCanBeShown(t *testing.T) {
	o := newClock().options(fastDir(t))
	l := open(t, o)
	for i := range int64(2) {
		commitBatch(t, l, entries(entry(1+i, conclusion("a\xff\xfeb", "success"), conclusion(strings.Repeat("\xff", 10), "failure"),
			conclusion(strings.Repeat("ä", 1<<20), "skipped"), conclusion("x"+strings.Repeat("ä", 1<<20), "cancelled"))))
		l = reopen(t, l, o)
	}
	want := map[string]string{"success": "a\uFFFDb", "failure": "\uFFFD", "skipped": strings.Repeat("ä", 2048), "cancelled": "x" + strings.Repeat("ä", 2047)}
	if n := len(l.Series(family.JobConclusions)); n != len(want) {
		t.Errorf("%d series", n)
	}
	for conclusion, job := range want {
		if s := find(t, l, family.JobConclusions, conclusion); s.Values[2] != job || s.State().Value != 2 {
			t.Errorf("%s: %.20q of %d bytes, %v", conclusion, s.Values[2], len(s.Values[2]), s.State().Value)
		}
	}
}

// TestTimesOfExemplars: OpenMetrics cannot tell every time that RFC 3339 can.
func TestTimesOfExemplars(t *testing.T) {
	l := open(t, newClock().options(fastDir(t)))
	for i, c := range []struct{ at, want time.Time }{
		{start, start},
		{time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), time.Time{}},
		{time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC), time.Time{}},
		{time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600)), time.Time{}},
		{time.Time{}, time.Time{}},
	} {
		s := conclusion("a", "success")
		s.Exemplar = &Exemplar{RunID: 1, JobID: 2, At: c.at}
		commitBatch(t, l, entries(entry(int64(i+1), s)))
		if got := find(t, l, family.JobConclusions, "a").State().Exemplars[0]; !got.At.Equal(c.want) || got.JobID != 2 {
			t.Errorf("%v: %+v", c.at, got)
		}
	}
}

// TestPruneByAClockThatIsAhead forgets nothing, and does not close the account for what is to come.
func TestPruneByAClockThatIsAhead(t *testing.T) {
	l := open(t, newClock().options(fastDir(t)))
	b := entries(entry(1, conclusion("a", "success")))
	b.Runs = []RunChange{{Run: 1, Started: start, Close: []Closing{{Attempt: 1}}}}
	commitBatch(t, l, b)
	if n, err := l.Prune(t.Context(), 1, start.Add(10*365*24*time.Hour)); n != 0 || err != nil {
		t.Errorf("%d forgotten, %v", n, err)
	}
	if a, _ := l.Account(1); !a.Pruned.IsZero() {
		t.Errorf("pruned until %v", a.Pruned)
	}
}
