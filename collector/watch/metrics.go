package watch

import (
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github_workflow_exporter/collector/poll"
	"github_workflow_exporter/collector/schedule"
	"github_workflow_exporter/githubapi"
)

// Metrics are the watcher's own figures. They outlive a Watcher: a reload makes a new one that goes on counting.
type Metrics struct {
	up          prometheus.Gauge
	failures    *prometheus.CounterVec
	lastSuccess *prometheus.GaugeVec
	visits      *prometheus.CounterVec

	repositories, openRuns, sso, waits *prometheus.Desc

	mu      sync.Mutex
	watcher *Watcher        // nil while none runs
	named   map[string]bool // repositories and targets that have figures
}

const namespace = "github_workflow_exporter"

// NewMetrics registers the figures.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		named: map[string]bool{},
		up: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "up",
			Help: "1 if GitHub answered the last request and accepted its token, else 0.",
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "poll_failures_total",
			Help: "Failed polls by repository (or target that could not be discovered) and reason.",
		}, []string{"repository", "reason"}),
		lastSuccess: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Name: "poll_last_success_timestamp_seconds",
			Help: "Unix time of the last complete poll of a repository.",
		}, []string{"repository"}),
		visits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "visits_total",
			Help: "Visits of repositories by the reason for which they were due.",
		}, []string{"reason"}),
		repositories: prometheus.NewDesc(namespace+"_repositories",
			"Repositories by state: first_sweep (not read back to since yet), watched, failing.", []string{"state"}, nil),
		openRuns: prometheus.NewDesc(namespace+"_open_runs", "Runs with an attempt that is still to be closed.", nil, nil),
		sso: prometheus.NewDesc(namespace+"_sso_restricted",
			"1 while GitHub keeps from the token what is the target owner's, until it is authorized for the organization's single sign-on, else 0.", []string{"target"}, nil),
		waits: prometheus.NewDesc(namespace+"_waiting_until_timestamp_seconds",
			"Unix time until which nothing is asked, by reason (rate_limit: of the primary limit only the reserve is left; secondary_limit, server: asked to wait, or no answer), 0 while something is.",
			[]string{"reason"}, nil),
	}
	for _, reason := range schedule.Reasons() {
		m.visits.WithLabelValues(string(reason))
	}
	for _, c := range []prometheus.Collector{m.up, m.failures, m.lastSuccess, m.visits, m} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.repositories
	ch <- m.openRuns
	ch <- m.sso
	ch <- m.waits
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	w := m.watcher
	m.mu.Unlock()
	var count Count
	if w != nil {
		count = w.Count()
	}
	gauge := func(d *prometheus.Desc, v int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	if w != nil {
		for owner, held := range w.discovery.Restricted() {
			v := 0
			if held {
				v = 1
			}
			gauge(m.sso, v, label(owner))
		}
		for reason, until := range w.gate.WaitsUntil() {
			v := 0
			if !until.IsZero() {
				v = int(until.Unix())
			}
			gauge(m.waits, v, reason)
		}
	}
	gauge(m.repositories, count.FirstSweep, "first_sweep")
	gauge(m.repositories, count.Watched, "watched")
	gauge(m.repositories, count.Failing, "failing")
	gauge(m.openRuns, count.OpenRuns)
}

func (m *Metrics) attach(w *Watcher) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watcher = w
}

// answered notes whether GitHub is there for us.
func (m *Metrics) answered(err error) {
	var e *githubapi.Error
	switch {
	case err == nil, errors.Is(err, githubapi.ErrNotModified):
		m.up.Set(1)
	case errors.As(err, &e):
		switch e.Kind {
		case githubapi.KindNetwork, githubapi.KindServer, githubapi.KindUnauthorized, githubapi.KindBody:
			m.up.Set(0)
		default:
			m.up.Set(1) // a refusal is an answer
		}
	}
}

// visited counts a visit that begins.
func (m *Metrics) visited(reason schedule.Reason) { m.visits.WithLabelValues(string(reason)).Inc() }

// Succeeded notes a complete poll of a repository.
func (m *Metrics) Succeeded(repository string, now time.Time) {
	repository = label(repository)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.named[repository] = true
	m.lastSuccess.WithLabelValues(repository).Set(float64(now.UnixMilli()) / 1000)
}

// Failed counts a failure of a repository or a target.
func (m *Metrics) Failed(name, reason string) {
	name = label(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.named[name] = true
	m.failures.WithLabelValues(name, reason).Inc()
}

// Retain drops the figures of all others: a reload may have taken them out of the targets, and the watcher that knew them is
// gone.
func (m *Metrics) Retain(names map[string]bool) {
	kept := map[string]bool{}
	for name := range names {
		kept[label(name)] = true
	}
	m.mu.Lock()
	var gone []string
	for name := range m.named {
		if !kept[name] {
			gone = append(gone, name)
		}
	}
	m.mu.Unlock()
	for _, name := range gone {
		m.Forget(name)
	}
}

// Forget drops the figures of a repository that is no longer watched under that name.
func (m *Metrics) Forget(repository string) {
	repository = label(repository)
	m.mu.Lock()
	delete(m.named, repository)
	m.mu.Unlock()
	m.lastSuccess.DeleteLabelValues(repository)
	m.failures.DeletePartialMatch(prometheus.Labels{"repository": repository})
}

// label makes the name of a repository or target fit for a label.
func label(name string) string { return githubapi.Text(name, githubapi.MostText) }

// Count is how many repositories are in which state, and how many runs are open.
type Count struct {
	FirstSweep, Watched, Failing, OpenRuns int
	Unswept                                int // of Failing, those that were not read back to since yet
}

// Count counts now.
func (w *Watcher) Count() Count {
	var c Count
	for _, r := range w.fleet.all() {
		switch r.State() {
		case poll.Watched:
			c.Watched++
		case poll.Failing:
			c.Failing++
			if !r.Swept() {
				c.Unswept++
			}
		case poll.FirstSweep:
			c.FirstSweep++
		}
		c.OpenRuns += r.OpenRuns()
	}
	targets, repositories := w.discovery.Failing()
	c.Failing += targets + repositories
	c.Unswept += targets
	return c
}
