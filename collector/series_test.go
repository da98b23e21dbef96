package collector

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/ledger"
)

// shown returns what a scrape sees of a family: values, or counts of histograms, by job name.
func shown(t *testing.T, e *Exposition, id family.ID) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for _, mf := range e.Families() {
		if mf.GetName() != family.Get(id).Name {
			continue
		}
		for _, m := range mf.Metric {
			name := ""
			for _, l := range m.Label {
				if l.GetName() == family.JobName {
					name = l.GetValue()
				}
			}
			out[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return out
}

func wantShown(t *testing.T, when string, e *Exposition, id family.ID, want map[string]float64) {
	t.Helper()
	if diff := cmp.Diff(want, shown(t, e, id)); diff != "" {
		t.Errorf("%s: %s (-want +got):\n%s", when, family.Get(id).Name, diff)
	}
}

func TestInitialZero(t *testing.T) {
	const zero = 150 * time.Second
	w := newWorld(t)
	w.reveal(zero)
	w.record(sampleOf(family.JobConclusions, 1, jobNamed("baseline")), sampleOf(family.JobDuration, 60, jobNamed("baseline")))
	w.swept()
	e := w.exposition()
	wantShown(t, "baseline", e, family.JobConclusions, map[string]float64{"baseline": 1})

	w.clock = worldStart.Add(time.Hour)
	w.record(sampleOf(family.JobConclusions, 1, jobNamed("new")), sampleOf(family.JobDuration, 60, jobNamed("new")), sampleOf(family.RunLastCompletion, 1.7e9, nil))
	hidden := map[string]float64{"baseline": 1, "new": 0}
	check := func(when string, e *Exposition, want map[string]float64) {
		t.Helper()
		wantShown(t, when, e, family.JobConclusions, want)
		wantShown(t, when, e, family.JobDuration, want)
		wantShown(t, when+" (a gauge at 0 would be a lie)", e, family.RunLastCompletion, map[string]float64{"": 1.7e9})
	}
	check("at birth", e, hidden)
	w.clock = w.clock.Add(time.Minute)
	w.record(sampleOf(family.JobConclusions, 1, jobNamed("new")), sampleOf(family.JobDuration, 60, jobNamed("new")))
	check("incremented meanwhile", e, hidden)
	w.reopen()
	e = w.exposition()
	w.clock = worldStart.Add(time.Hour + zero - time.Second)
	w.reveal(zero)
	check("a second before, and restarted", e, hidden)
	w.clock = w.clock.Add(time.Second)
	w.reveal(zero)
	visible := map[string]float64{"baseline": 1, "new": 2}
	check("at the end", e, visible)

	// Nothing hides it again.
	for _, then := range []struct {
		name string
		do   func()
	}{
		{"a longer initial zero", func() { w.reveal(10 * time.Hour) }},
		{"the clock set back", func() { w.clock = worldStart.Add(time.Hour) }},
		{"a crash", w.crash},
		{"a longer initial zero after it", func() { w.reveal(10 * time.Hour) }},
		{"fewer buckets", func() {
			if _, err := w.ledger.Configure(map[family.ID][]float64{family.JobDuration: {60, 600}}, nil, 0); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		then.do()
		check(then.name, w.exposition(), visible)
	}
}

func TestHiddenSeriesAreWholeButEmpty(t *testing.T) {
	w := newWorld(t)
	w.swept()
	w.reveal(time.Minute)
	w.record(sampleOf(family.JobDuration, 60, nil), sampleOf(family.JobConclusions, 1, nil))
	e := w.exposition()
	h := histogramOf(t, e, family.JobDuration)
	if h.GetSampleCount() != 0 || h.GetSampleSum() != 0 || len(h.Bucket) != len(family.Get(family.JobDuration).Buckets) {
		t.Errorf("classic half: %v", h)
	}
	for _, b := range h.Bucket {
		if b.GetCumulativeCount() != 0 || b.Exemplar != nil {
			t.Errorf("bucket %v", b)
		}
	}
	if h.GetSchema() != 3 || h.GetZeroCount() != 0 || len(h.PositiveDelta) != 0 || len(h.PositiveSpan) != 1 || h.PositiveSpan[0].GetLength() != 0 {
		t.Errorf("native half, want a no-op span: %v", h)
	}
	if c := only(t, e, family.JobConclusions).Counter; c.Exemplar != nil || c.GetValue() != 0 {
		t.Errorf("counter %v", c)
	}
	w.clock = w.clock.Add(time.Minute)
	w.reveal(time.Minute)
	if c := only(t, e, family.JobConclusions).Counter; c.Exemplar == nil || c.GetValue() != 1 {
		t.Errorf("counter once shown: %v", c)
	}
}

func exemplars(h *dto.Histogram) map[float64]*dto.Exemplar {
	out := map[float64]*dto.Exemplar{}
	for _, b := range h.Bucket {
		if b.Exemplar != nil {
			out[b.GetUpperBound()] = b.Exemplar
		}
	}
	return out
}

func TestExemplars(t *testing.T) {
	w := newWorld(t)
	e := w.exposition()
	w.record(sampleOf(family.JobDuration, 61, nil))
	first := exemplars(histogramOf(t, e, family.JobDuration))
	x := first[120]
	if len(first) != 1 || x.GetValue() != 61 || !x.Timestamp.AsTime().Equal(worldStart.Add(time.Hour)) {
		t.Fatalf("exemplars %v", first)
	}
	labels := map[string]string{}
	for _, l := range x.Label {
		labels[l.GetName()] = l.GetValue()
	}
	if diff := cmp.Diff(map[string]string{"run_id": "11", "job_id": "101"}, labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}

	for range 5 {
		for _, mf := range gathered(t, e) {
			if n := len(exemplars(mf.Metric[0].Histogram)); n != 1 {
				t.Fatalf("%d exemplars after more scrapes", n)
			}
		}
	}

	w.record(sampleOf(family.JobDuration, 1e6, nil), sampleOf(family.JobDuration, 5, nil))
	second := exemplars(histogramOf(t, e, family.JobDuration))
	if len(second) != 3 || second[120] != x || second[math.Inf(1)].GetValue() != 1e6 || second[5].GetValue() != 5 {
		t.Errorf("exemplars %v, want three, the first one the same", second)
	}
	run := sampleOf(family.JobDuration, 62, nil)
	run.JobID, run.At = 0, time.Time{}
	w.record(run)
	third := exemplars(histogramOf(t, e, family.JobDuration))
	if x := third[120]; x.GetValue() != 62 || len(x.Label) != 1 || x.Timestamp != nil {
		t.Errorf("exemplar %v, want the run alone, without time", x)
	}
	if third[5] != second[5] {
		t.Error("an exemplar that stayed was built anew")
	}

	e.Configure(ExpositionOptions{NativeHistograms: true})
	if x := exemplars(histogramOf(t, e, family.JobDuration)); len(x) > 0 {
		t.Errorf("exemplars %v though they are off", x)
	}
	e.Configure(ExpositionOptions{Exemplars: true})
	if x := exemplars(histogramOf(t, e, family.JobDuration)); len(x) != 3 {
		t.Errorf("exemplars %v, want them back", x)
	}
}

func TestCounterKeepsItsExemplar(t *testing.T) {
	w := newWorld(t)
	s := sampleOf(family.JobConclusions, 1, nil)
	w.record(s)
	e := w.exposition()
	x := only(t, e, family.JobConclusions).Counter.Exemplar
	w.commit(ledger.Batch{Entries: []ledger.Entry{{Run: 99, ID: 99, Attempt: 1, Samples: []ledger.Sample{{Family: s.Family, Values: s.Values, Value: 1}}}}})
	if c := only(t, e, family.JobConclusions).Counter; c.GetValue() != 2 || c.Exemplar != x || x == nil {
		t.Errorf("counter %v, want 2 with the exemplar it had", c)
	}
}

func TestMessagesAreBuiltOnlyWhenSomethingChanged(t *testing.T) {
	w := newWorld(t)
	w.record(sampleOf(family.JobConclusions, 1, jobNamed("b")), sampleOf(family.JobConclusions, 1, jobNamed("d")))
	e := w.exposition()
	metrics := func() []*dto.Metric { return e.Families()[0].Metric }
	before := metrics()
	if again := metrics(); before[0] != again[0] || before[1] != again[1] {
		t.Error("messages were built anew though nothing changed")
	}
	w.record(sampleOf(family.JobConclusions, 1, jobNamed("d")), sampleOf(family.JobConclusions, 1, jobNamed("c")), sampleOf(family.JobConclusions, 1, jobNamed("a")))
	after := metrics()
	if len(after) != 4 || after[1] != before[0] || after[3] == before[1] {
		t.Errorf("got %v", after)
	}
	if before[1].Counter.GetValue() != 1 {
		t.Error("a message that had been handed out changed")
	}
	wantShown(t, "born and incremented", e, family.JobConclusions, map[string]float64{"a": 1, "b": 1, "c": 1, "d": 2})
}

func TestSeriesShareWhatIsEqual(t *testing.T) {
	w := newWorld(t)
	w.record(sampleOf(family.JobDuration, 1e5, jobNamed("a")), sampleOf(family.JobDuration, 2e5, jobNamed("b")))
	e := w.exposition()
	metrics := e.Families()[0].Metric
	a, b := metrics[0], metrics[1]
	if a.Label[0] != b.Label[0] || a.Label[1] == b.Label[1] {
		t.Error("equal label pairs are not shared")
	}
	if a.Histogram.Bucket[0] != b.Histogram.Bucket[0] || a.Histogram.Bucket[3].UpperBound != b.Histogram.Bucket[3].UpperBound {
		t.Error("empty buckets or bounds are not shared")
	}
	w.record(sampleOf(family.JobDuration, 1, jobNamed("c")))
	if c := e.Families()[0].Metric[2]; c.Histogram.Bucket[0].UpperBound != a.Histogram.Bucket[0].UpperBound {
		t.Error("a series born later does not share the layout")
	}
}

func TestRemovedSeriesDisappear(t *testing.T) {
	w := newWorld(t)
	e := w.exposition()
	for _, name := range []string{"c", "a", "e"} {
		w.record(sampleOf(family.JobConclusions, 1, jobNamed(name)))
	}
	wantShown(t, "at first", e, family.JobConclusions, map[string]float64{"a": 1, "c": 1, "e": 1})
	w.clock = w.clock.Add(48 * time.Hour)
	w.record(sampleOf(family.JobConclusions, 1, jobNamed("c")), sampleOf(family.JobConclusions, 1, jobNamed("b")))
	if _, err := w.ledger.Expire(t.Context(), w.clock, 24*time.Hour, nil); err != nil {
		t.Fatal(err)
	}
	w.record(sampleOf(family.JobConclusions, 1, jobNamed("d")))
	wantShown(t, "expired", e, family.JobConclusions, map[string]float64{"b": 1, "c": 2, "d": 1})
	names := []string{}
	for _, m := range e.Families()[0].Metric {
		names = append(names, m.Label[1].GetValue())
	}
	if diff := cmp.Diff([]string{"b", "c", "d"}, names); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if _, err := w.ledger.Expire(t.Context(), w.clock.Add(48*time.Hour), 24*time.Hour, nil); err != nil {
		t.Fatal(err)
	}
	if f := e.Families(); len(f) != 0 {
		t.Errorf("families %v of no series", f)
	}
}

func TestChangedBuckets(t *testing.T) {
	w := newWorld(t)
	e := w.exposition()
	w.record(sampleOf(family.JobDuration, 61, nil))
	histogramOf(t, e, family.JobDuration)
	for _, tt := range []struct {
		bounds []float64
		count  uint64
	}{{[]float64{60, 120}, 1}, {[]float64{10, 20, 30}, 0}} {
		if _, err := w.ledger.Configure(map[family.ID][]float64{family.JobDuration: tt.bounds}, nil, 0); err != nil {
			t.Fatal(err)
		}
		h := histogramOf(t, e, family.JobDuration)
		var bounds []float64
		for _, b := range h.Bucket {
			bounds = append(bounds, b.GetUpperBound())
		}
		if diff := cmp.Diff(tt.bounds, bounds); diff != "" || h.GetSampleCount() != tt.count {
			t.Errorf("count %d, bounds (-want +got):\n%s", h.GetSampleCount(), diff)
		}
	}
	if _, err := w.ledger.Configure(nil, map[family.ID]bool{family.JobDuration: true}, 0); err != nil {
		t.Fatal(err)
	}
	if f := e.Families(); len(f) != 0 {
		t.Errorf("a disabled family is shown: %v", f)
	}
}
