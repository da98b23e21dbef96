package app

import (
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github_workflow_exporter/collector/watch"
	"github_workflow_exporter/githubapi"
)

const namespace = "github_workflow_exporter"

// apiMetrics are the figures about the requests to GitHub.
type apiMetrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec

	credentials atomic.Pointer[func() []watch.Credential]
	renewed     *prometheus.CounterVec

	limit, remaining, reset, expiration, skew *prometheus.Desc
}

func newAPIMetrics(reg prometheus.Registerer) (*apiMetrics, error) {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
	}
	m := &apiMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "api_requests_total",
			Help: "Requests to the GitHub API by endpoint and HTTP status code; code 0: no answer. 304 costs nothing of the primary rate limit.",
		}, []string{"endpoint", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "api_request_duration_seconds",
			Help:    "Duration of requests to the GitHub API until their body was read.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"endpoint"}),
		renewed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "token_renewal_etags_total",
			Help: "Conditional requests with an ETag given to an earlier token of the same installation: kept (304, free) or lost (200, which costs a request).",
		}, []string{"outcome"}),
		limit:      desc("api_rate_limit", "Requests an hour that the primary rate limit allows.", "credential", "resource"),
		remaining:  desc("api_rate_limit_remaining", "Requests left of the primary rate limit until its reset.", "credential", "resource"),
		reset:      desc("api_rate_limit_reset_timestamp_seconds", "Unix time of the reset of the primary rate limit.", "credential", "resource"),
		expiration: desc("token_expiration_timestamp_seconds", "Unix time at which the token expires, where GitHub tells.", "credential"),
		skew:       desc("clock_skew_seconds", "GitHub's clock less the local one, by the last answer."),
	}
	for _, outcome := range []string{"kept", "lost"} {
		m.renewed.WithLabelValues(outcome)
	}
	for _, c := range []prometheus.Collector{m.requests, m.duration, m.renewed, m} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// use shows the limits of those that ask from now on.
func (m *apiMetrics) use(credentials func() []watch.Credential) { m.credentials.Store(&credentials) }

func (m *apiMetrics) observe(o githubapi.Observation) {
	m.requests.WithLabelValues(o.Endpoint, strconv.Itoa(o.Code)).Inc()
	m.duration.WithLabelValues(o.Endpoint).Observe(o.Duration.Seconds())
	switch {
	case !o.Renewed:
	case o.Code == http.StatusNotModified:
		m.renewed.WithLabelValues("kept").Inc()
	case o.Code == http.StatusOK:
		m.renewed.WithLabelValues("lost").Inc()
	}
}

// Describe implements prometheus.Collector.
func (m *apiMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.limit, m.remaining, m.reset, m.expiration, m.skew} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *apiMetrics) Collect(ch chan<- prometheus.Metric) {
	credentials := m.credentials.Load()
	if credentials == nil {
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	skewed := false
	for _, c := range (*credentials)() {
		for _, l := range c.Client.Limits() {
			gauge(m.limit, float64(l.Limit), c.Name, l.Resource)
			gauge(m.remaining, float64(l.Remaining), c.Name, l.Resource)
			if !l.Reset.IsZero() {
				gauge(m.reset, float64(l.Reset.Unix()), c.Name, l.Resource)
			}
		}
		if t, ok := c.Client.TokenExpiration(); ok {
			gauge(m.expiration, float64(t.Unix()), c.Name)
		}
		if skew, ok := c.Client.Skew(); ok && !skewed { // one server, one clock
			gauge(m.skew, skew.Seconds())
			skewed = true
		}
	}
}
