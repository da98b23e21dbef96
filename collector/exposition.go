package collector

import (
	"cmp"
	"slices"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/ledger"
)

// SeriesSource hands out the series of a durable family as they stand: an immutable list whose members publish their
// states atomically. A ledger.Ledger is one.
type SeriesSource interface {
	Series(family.ID) []*ledger.Series
}

// LiveSource hands out the gauges of what is going on now, each label set of a family once. The result is not changed
// by either side afterwards.
type LiveSource interface {
	Live() []LiveValue
}

// LiveValue is one series of a gauge family that is not durable.
type LiveValue struct {
	Family family.ID
	Values []string // one per label of the family, in its order
	Value  float64
}

// ExpositionOptions say how series are shown.
type ExpositionOptions struct {
	// NativeHistograms adds the native half to every histogram. Only protobuf carries it.
	NativeHistograms bool
	// Exemplars adds the last job seen to counters and buckets. Only OpenMetrics and protobuf carry them.
	Exemplars bool
}

// Exposition shows the data families: those of the ledger as they were last committed, and the live ones. It keeps the
// message of each series and builds it anew only when the series changed, so a scrape costs little more than its
// encoding. It is a prometheus.Collector, and the source of a Gatherer, which is faster. Safe for concurrent use;
// nothing is locked while a client is written to.
type Exposition struct {
	source   SeriesSource
	live     LiveSource
	views    []*view // by family name
	settings atomic.Pointer[ExpositionOptions]
}

// NewExposition returns an Exposition of both sources; live may be nil.
func NewExposition(source SeriesSource, live LiveSource, o ExpositionOptions) *Exposition {
	e := &Exposition{source: source, live: live}
	for _, f := range family.All() {
		e.views = append(e.views, newView(f))
	}
	slices.SortFunc(e.views, func(a, b *view) int { return cmp.Compare(a.family.Name, b.family.Name) })
	e.Configure(o)
	return e
}

// Configure replaces the options, for a reload.
func (e *Exposition) Configure(o ExpositionOptions) { e.settings.Store(&o) }

// Describe implements prometheus.Collector.
func (e *Exposition) Describe(ch chan<- *prometheus.Desc) {
	for _, v := range e.views {
		ch <- v.desc
	}
}

// Collect implements prometheus.Collector.
func (e *Exposition) Collect(ch chan<- prometheus.Metric) {
	e.each(func(_ *view, metrics []*metric) {
		for _, m := range metrics {
			ch <- m
		}
	})
}

// Families returns the families that have series, sorted by name, their metrics sorted by label values. All but the
// outermost slice is shared with other scrapes and must not be changed.
func (e *Exposition) Families() []*dto.MetricFamily {
	out := make([]*dto.MetricFamily, 0, len(e.views))
	e.each(func(v *view, metrics []*metric) {
		mf := &dto.MetricFamily{Name: &v.family.Name, Help: &v.family.Help, Type: &v.kind, Metric: make([]*dto.Metric, len(metrics))}
		for i, m := range metrics {
			mf.Metric[i] = &m.dto
		}
		out = append(out, mf)
	})
	return out
}

// each calls show for every family that has series, in order of name.
func (e *Exposition) each(show func(v *view, metrics []*metric)) {
	o := e.settings.Load()
	var live []LiveValue
	if e.live != nil {
		live = e.live.Live()
	}
	for _, v := range e.views {
		var metrics []*metric
		if v.family.Durable {
			metrics = v.durable(e.source, o)
		} else {
			metrics = v.present(live)
		}
		if len(metrics) > 0 {
			show(v, metrics)
		}
	}
}
