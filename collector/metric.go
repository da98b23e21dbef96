package collector

import (
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/ledger"
)

// entry is what the exposition remembers of a series.
type entry struct {
	series  *ledger.Series
	labels  []*dto.LabelPair
	created *timestamppb.Timestamp // nil for gauges
	layout  *layout                // nil unless a histogram
	zero    *ledger.State          // stands in until the series is shown at its value
	latest  atomic.Pointer[metric]
}

// metric is the message of one state of one series. Once built it never changes: scrapes share it, also while they
// encode it for slow clients. It points into the state, which never changes either.
type metric struct {
	desc    *prometheus.Desc
	state   *ledger.State
	options *ExpositionOptions
	dto     dto.Metric
}

// counterMetric, gaugeMetric and histogramMetric are allocated in one piece with what their message points to.
type (
	counterMetric struct {
		metric
		counter dto.Counter
	}
	gaugeMetric struct {
		metric
		gauge dto.Gauge
	}
	histogramMetric struct {
		metric
		histogram dto.Histogram
	}
)

// Desc implements prometheus.Metric.
func (m *metric) Desc() *prometheus.Desc { return m.desc }

// Write implements prometheus.Metric. It hands out the shared message's parts and adds nothing to them.
func (m *metric) Write(out *dto.Metric) error {
	out.Label = m.dto.Label
	out.Counter, out.Gauge, out.Histogram = m.dto.Counter, m.dto.Gauge, m.dto.Histogram
	return nil
}

// metric returns the message of the series as it stands, built anew only if something changed. Two scrapes may build
// the same message at once; either is right. A counter or histogram that appears at its first increment would hide it
// from increase(), so it is at 0 until the ledger reveals it.
func (e *entry) metric(v *view, o *ExpositionOptions) *metric {
	old := e.latest.Load()
	state := e.zero
	if e.series.Shown() {
		state = e.series.State()
	}
	if old != nil && old.state == state && old.options == o {
		return old
	}
	var m *metric
	switch v.family.Kind {
	case family.Counter:
		c := &counterMetric{counter: dto.Counter{Value: &state.Value, CreatedTimestamp: e.created}}
		if o.Exemplars && len(state.Exemplars) > 0 {
			c.counter.Exemplar = old.exemplar(0, state.Exemplars[0])
		}
		c.dto.Counter = &c.counter
		m = &c.metric
	case family.Gauge:
		g := &gaugeMetric{gauge: dto.Gauge{Value: &state.Value}}
		g.dto.Gauge = &g.gauge
		m = &g.metric
	case family.Histogram:
		h := &histogramMetric{}
		e.layout.fill(&h.histogram, state, o, old)
		h.histogram.CreatedTimestamp = e.created
		h.dto.Histogram = &h.histogram
		m = &h.metric
	}
	m.desc, m.state, m.options = v.desc, state, o
	m.dto.Label = e.labels
	e.latest.Store(m)
	return m
}

// exemplar returns the message of a state's exemplar at an index, the older metric's own if it is still the same; nil
// if there is none.
func (m *metric) exemplar(i int, o *ledger.Observed) *dto.Exemplar {
	if o == nil {
		return nil
	}
	if m != nil && m.options.Exemplars && i < len(m.state.Exemplars) && m.state.Exemplars[i] == o {
		if m.dto.Counter != nil {
			return m.dto.Counter.Exemplar
		}
		return m.dto.Histogram.Bucket[i].Exemplar
	}
	return newExemplar(o)
}

// newExemplar names the job, or the run alone, behind an observation. Names and values stay far below the 128
// characters that OpenMetrics allows.
func newExemplar(o *ledger.Observed) *dto.Exemplar {
	e := &dto.Exemplar{Value: &o.Value}
	if o.JobID != 0 {
		e.Label = append(e.Label, exemplarLabel("job_id", o.JobID))
	}
	e.Label = append(e.Label, exemplarLabel("run_id", o.RunID))
	if !o.At.IsZero() {
		e.Timestamp = timestamppb.New(o.At)
	}
	return e
}

func exemplarLabel(name string, id int64) *dto.LabelPair {
	return newLabelPair(name, strconv.FormatInt(id, 10))
}
