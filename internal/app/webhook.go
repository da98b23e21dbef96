package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github_workflow_exporter/collector/hint"
	"github_workflow_exporter/githubapi"
	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/web"
)

// webhook receives deliveries for the generation that runs.
type webhook struct {
	receiver *hint.Receiver
	secret   atomic.Pointer[[]byte]
	results  *prometheus.CounterVec
	lag      prometheus.Histogram
}

func newWebhook(reg prometheus.Registerer, hinted func(hint.News), live func(githubapi.Delivery), now func() time.Time) (*webhook, error) {
	h := &webhook{
		results: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "webhook_deliveries_total",
			Help: "Deliveries of the webhook by result.",
		}, []string{"result"}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "webhook_delivery_lag_seconds",
			Help:    "Time from what a delivery tells of to its arrival.",
			Buckets: []float64{1, 2, 5, 10, 30, 60, 300, 1800, 7200},
		}),
	}
	for _, c := range []prometheus.Collector{h.results, h.lag} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	for _, result := range web.DeliveryResults() {
		h.results.WithLabelValues(result)
	}
	h.receiver = hint.NewReceiver(hinted, live, func(d time.Duration) { h.lag.Observe(d.Seconds()) }, now)
	return h, nil
}

// load reads the secret.
func (h *webhook) load(c config.Webhook) error {
	if !c.On() {
		h.secret.Store(nil)
		return nil
	}
	secret, err := c.ReadSecret()
	if err != nil {
		return fmt.Errorf("loading the webhook: %w", err)
	}
	h.secret.Store(&secret)
	return nil
}

// handler answers deliveries.
func (h *webhook) handler() http.Handler {
	return &web.Deliveries{
		Verify: func(body []byte, signature string) bool {
			secret := h.secret.Load()
			return secret != nil && githubapi.VerifySignature(*secret, body, signature)
		},
		Accept: func(ctx context.Context, event string, body []byte) error {
			err := h.receiver.Accept(ctx, event, body)
			switch {
			case errors.Is(err, hint.ErrFull):
				return web.ErrBusy
			case errors.Is(err, hint.ErrIgnored):
				return web.ErrIgnored
			}
			return err
		},
		Result: func(result string) { h.results.WithLabelValues(result).Inc() },
	}
}

// hintFigures show what came of hints.
type hintFigures struct {
	book                          *hint.Book
	outcomes, missed, last, trust *prometheus.Desc
}

func newHintFigures(reg prometheus.Registerer, book *hint.Book) error {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
	}
	return reg.Register(&hintFigures{
		book:     book,
		outcomes: desc("hints_total", "Hints of where there may be news, by source and what came of them.", "source", "outcome"),
		missed:   desc("hint_missed_total", "News found by reading that the source should have told before.", "source"),
		last:     desc("hint_last_timestamp_seconds", "Unix time at which the source told anything last.", "source"),
		trust:    desc("hint_trusted", "1 while the source is trusted: repositories of which it tells are looked at less often without a hint. Else 0.", "source"),
	})
}

// Describe implements prometheus.Collector.
func (f *hintFigures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{f.outcomes, f.missed, f.last, f.trust} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (f *hintFigures) Collect(ch chan<- prometheus.Metric) {
	for source, figures := range f.book.Figures() {
		for _, outcome := range hint.Outcomes() {
			ch <- prometheus.MustNewConstMetric(f.outcomes, prometheus.CounterValue, float64(figures.Outcomes[outcome]), string(source), string(outcome))
		}
		trusted := 0.0
		if figures.Trusted {
			trusted = 1
		}
		ch <- prometheus.MustNewConstMetric(f.missed, prometheus.CounterValue, float64(figures.Missed), string(source))
		if !figures.Last.IsZero() {
			ch <- prometheus.MustNewConstMetric(f.last, prometheus.GaugeValue, float64(figures.Last.UnixMilli())/1000, string(source))
		}
		ch <- prometheus.MustNewConstMetric(f.trust, prometheus.GaugeValue, trusted, string(source))
	}
}
