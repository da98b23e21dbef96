package app

import (
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github_workflow_exporter/githubapi"
)

const namespace = "github_workflow_exporter"

// apiMetrics are the figures about the requests to GitHub.
type apiMetrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec

	client     atomic.Pointer[githubapi.Client]
	credential atomic.Pointer[string]

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
		limit:      desc("api_rate_limit", "Requests an hour that the primary rate limit allows.", "credential", "resource"),
		remaining:  desc("api_rate_limit_remaining", "Requests left of the primary rate limit until its reset.", "credential", "resource"),
		reset:      desc("api_rate_limit_reset_timestamp_seconds", "Unix time of the reset of the primary rate limit.", "credential", "resource"),
		expiration: desc("token_expiration_timestamp_seconds", "Unix time at which the token expires, where GitHub tells.", "credential"),
		skew:       desc("clock_skew_seconds", "GitHub's clock less the local one, by the last answer."),
	}
	for _, c := range []prometheus.Collector{m.requests, m.duration, m} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// use shows the limits of a client from now on. credential names what it asks with, without a secret.
func (m *apiMetrics) use(c *githubapi.Client, credential string) {
	m.client.Store(c)
	m.credential.Store(&credential)
}

func (m *apiMetrics) observe(o githubapi.Observation) {
	m.requests.WithLabelValues(o.Endpoint, strconv.Itoa(o.Code)).Inc()
	m.duration.WithLabelValues(o.Endpoint).Observe(o.Duration.Seconds())
}

// Describe implements prometheus.Collector.
func (m *apiMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.limit, m.remaining, m.reset, m.expiration, m.skew} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *apiMetrics) Collect(ch chan<- prometheus.Metric) {
	client := m.client.Load()
	if client == nil {
		return
	}
	credential := *m.credential.Load()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, l := range client.Limits() {
		gauge(m.limit, float64(l.Limit), credential, l.Resource)
		gauge(m.remaining, float64(l.Remaining), credential, l.Resource)
		if !l.Reset.IsZero() {
			gauge(m.reset, float64(l.Reset.Unix()), credential, l.Resource)
		}
	}
	if t, ok := client.TokenExpiration(); ok {
		gauge(m.expiration, float64(t.Unix()), credential)
	}
	if skew, ok := client.Skew(); ok {
		gauge(m.skew, skew.Seconds())
	}
}
