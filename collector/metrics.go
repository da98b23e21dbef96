package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/ledger"
)

const namespace = "github_workflow_exporter"

// Metrics are the recorder's and the ledger's own figures.
type Metrics struct {
	lag, backfill  prometheus.Histogram
	commitDuration prometheus.Histogram
	commitFailures prometheus.Counter

	ledger *ledger.Ledger
	live   LiveSource
	limit  func() int

	recorded, discarded, series, seriesLimit, overflowed, size, available *prometheus.Desc
}

// NewMetrics registers the figures. limit returns the series limit in force.
func NewMetrics(reg prometheus.Registerer, l *ledger.Ledger, live LiveSource, limit func() int) (*Metrics, error) {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
	}
	m := &Metrics{
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "ingest_lag_seconds",
			Help:    "Time from a job's completion on GitHub to its being recorded, of jobs that completed while their repository was watched.",
			Buckets: []float64{1, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 10800, 43200, 86400},
		}),
		backfill: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "backfill_lag_seconds",
			Help:    "Time from a job's completion on GitHub to its being recorded, of jobs that completed before: read back by a first sweep, or made up after the exporter was down.",
			Buckets: []float64{60, 600, 3600, 10800, 43200, 86400, 259200, 604800},
		}),
		commitDuration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "ledger_commit_duration_seconds",
			Help:    "Duration of commits to the ledger, until they are durable.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
		commitFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "ledger_commit_failures_total",
			Help: "Commits to the ledger that failed or that the disk did not confirm; they are tried again and count once.",
		}),
		ledger: l, live: live, limit: limit,
		recorded:    desc("executions_recorded_total", "Job executions recorded."),
		discarded:   desc("discarded_total", "Jobs, steps, attempts and single values left out, by reason.", "reason"),
		series:      desc("series", "Label sets of a family.", "family"),
		seriesLimit: desc("series_limit", "Label sets of a family beyond which samples go to its overflow series.", "family"),
		overflowed:  desc("series_overflowed_total", "Samples that went to a family's overflow series.", "family"),
		size:        desc("ledger_size_bytes", "Size of the ledger's file."),
		available:   desc("ledger_available", "1 while the ledger's file is in its place; otherwise 0, and nothing is recorded."),
	}
	for _, c := range []prometheus.Collector{m.lag, m.backfill, m.commitDuration, m.commitFailures, m} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Metrics) committed(took time.Duration, err error) {
	if err != nil {
		m.commitFailures.Inc()
		return
	}
	m.commitDuration.Observe(took.Seconds())
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.recorded, m.discarded, m.series, m.seriesLimit, m.overflowed, m.size, m.available} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	value := func(d *prometheus.Desc, t prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, t, v, labels...)
	}
	value(m.recorded, prometheus.CounterValue, float64(m.ledger.Recorded()))
	for reason, n := range m.ledger.Discards() {
		value(m.discarded, prometheus.CounterValue, float64(n), reason)
	}
	live := map[family.ID]int{}
	for _, v := range m.live.Live() {
		live[v.Family]++
	}
	overflowed := m.ledger.Overflowed()
	for _, f := range family.All() {
		n := m.ledger.Count(f.ID)
		if !f.Durable {
			n = live[f.ID]
		}
		value(m.series, prometheus.GaugeValue, float64(n), f.Name)
		value(m.seriesLimit, prometheus.GaugeValue, float64(m.limit()), f.Name)
		if f.Durable {
			value(m.overflowed, prometheus.CounterValue, float64(overflowed[f.ID]), f.Name)
		}
	}
	value(m.size, prometheus.GaugeValue, float64(m.ledger.Size()))
	available := 1.0
	if m.ledger.Health() != nil { // as of the last look: a scrape does not touch the disk
		available = 0
	}
	value(m.available, prometheus.GaugeValue, available)
}
