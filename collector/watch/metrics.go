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

	repositories, openRuns, sso, waits, installations *prometheus.Desc

	mu    sync.Mutex
	group *Group            // nil while none runs
	named map[string]string // repositories and targets that have figures, and with what credential they are asked for
}

const namespace = "github_workflow_exporter"

// NewMetrics registers the figures.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		named: map[string]string{},
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
		installations: prometheus.NewDesc(namespace+"_installations",
			"Installations of the GitHub App by state: active, suspended, not_permitted (it has not accepted Actions: read).", []string{"state"}, nil),
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
	ch <- m.installations
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	g := m.group
	m.mu.Unlock()
	var count Count
	var states map[string]int
	if g != nil {
		count, states = g.count()
	}
	gauge := func(d *prometheus.Desc, v int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	if g != nil {
		restricted := map[string]bool{}
		for _, w := range g.watchers() {
			for owner, held := range w.discovery.Restricted() {
				restricted[label(owner)] = restricted[label(owner)] || held
			}
		}
		for owner, held := range restricted {
			v := 0
			if held {
				v = 1
			}
			gauge(m.sso, v, owner)
		}
		for reason, until := range g.waitsUntil() {
			v := 0
			if !until.IsZero() {
				v = int(until.Unix())
			}
			gauge(m.waits, v, reason)
		}
	}
	for _, state := range []string{stateActive, string(Suspended), string(NotPermitted)} {
		gauge(m.installations, states[state], state)
	}
	gauge(m.repositories, count.FirstSweep, "first_sweep")
	gauge(m.repositories, count.Watched, "watched")
	gauge(m.repositories, count.Failing, "failing")
	gauge(m.openRuns, count.OpenRuns)
}

func (m *Metrics) attach(g *Group) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.group = g
}

// Answered notes whether GitHub is there for us.
func (m *Metrics) Answered(err error) {
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

// figures are those of what is asked for with one credential.
type figures struct {
	metrics    *Metrics
	credential string
}

// Succeeded notes a complete poll of a repository.
func (f figures) Succeeded(repository string, now time.Time) {
	repository = label(repository)
	m := f.metrics
	m.mu.Lock()
	defer m.mu.Unlock()
	m.named[repository] = f.credential
	m.lastSuccess.WithLabelValues(repository).Set(float64(now.UnixMilli()) / 1000)
}

// Failed counts a failure of a repository or a target.
func (f figures) Failed(name, reason string) { f.metrics.failed(f.credential, name, reason) }

// Retain drops the figures of all others: a reload may have taken them out of the targets, and the watcher that knew them is
// gone.
func (f figures) Retain(names map[string]bool) { f.metrics.retain(f.credential, names) }

// Forget drops the figures of a repository that is no longer watched under that name.
func (f figures) Forget(repository string) { f.metrics.forget(repository) }

func (m *Metrics) failed(credential, name, reason string) {
	name = label(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.named[name] = credential
	m.failures.WithLabelValues(name, reason).Inc()
}

// retain drops the figures of what is not among the names of those that are asked for with a credential.
func (m *Metrics) retain(credential string, names map[string]bool) {
	kept := map[string]bool{}
	for name := range names {
		kept[label(name)] = true
	}
	m.forgetAll(func(name, with string) bool { return with == credential && !kept[name] })
}

// only drops the figures of what was asked for with other credentials, before a reload.
func (m *Metrics) only(credentials map[string]bool) {
	m.forgetAll(func(_, with string) bool { return with != listFailures && !credentials[with] })
}

func (m *Metrics) forgetAll(which func(name, credential string) bool) {
	m.mu.Lock()
	var gone []string
	for name, credential := range m.named {
		if which(name, credential) {
			gone = append(gone, name)
		}
	}
	m.mu.Unlock()
	for _, name := range gone {
		m.forget(name)
	}
}

func (m *Metrics) forget(repository string) {
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

func (c Count) plus(d Count) Count {
	return Count{
		FirstSweep: c.FirstSweep + d.FirstSweep, Watched: c.Watched + d.Watched, Failing: c.Failing + d.Failing,
		OpenRuns: c.OpenRuns + d.OpenRuns, Unswept: c.Unswept + d.Unswept,
	}
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
