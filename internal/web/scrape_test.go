package web

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// TestStuckScrapeIsNoError: a scrape that is cut, compressed or not, is over for promhttp too, and no error of the exposition's.
func TestStuckScrapeIsNoError(t *testing.T) {
	for _, encoding := range []string{"identity", "gzip"} {
		t.Run(encoding, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				registry := prometheus.NewRegistry()
				series := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "series", Help: "Many."}, []string{"label"})
				registry.MustRegister(series)
				for i := range 3_000 { // long and unlike each other, also when compressed
					series.WithLabelValues(fmt.Sprintf("%x", uint64(i)*0x9e3779b97f4a7c15)).Set(float64(i) / 7)
				}
				scrapes := promhttp.InstrumentMetricHandler(registry, NewPlaces().Limit(promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry})))
				p := inMemory(t, newHTTPServer(scrapes, log.NewNopLogger()), nil)
				for range 2 {
					conn, _ := p.dial(t.Context(), "", "")
					defer conn.Close()
					body := ask(t, conn, "GET /metrics HTTP/1.1\r\nHost: example\r\nAccept-Encoding: "+encoding+"\r\n\r\n").Body
					if _, err := io.CopyN(io.Discard, body, 10_000); err != nil {
						t.Fatal(err)
					}
					time.Sleep(progressWithin + time.Second)
				}
				w := httptest.NewRecorder()
				scrapes.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
				for _, want := range []string{`promhttp_metric_handler_errors_total{cause="encoding"} 0`, "promhttp_metric_handler_requests_in_flight 1", `promhttp_metric_handler_requests_total{code="503"} 0`} {
					if !strings.Contains(w.Body.String(), want+"\n") {
						t.Errorf("no %s", want)
					}
				}
			})
		})
	}
}
