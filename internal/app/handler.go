package app

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github_workflow_exporter/collector"
	"github_workflow_exporter/internal/web"
)

// Handler answers scrapes. It touches memory only, and holds no lock while it writes. Served by web.NewHTTPServer, an answer
// that its client does not take is ended; promhttp's own Timeout would hold every answer in memory, and its
// MaxRequestsInFlight would let those who take nothing keep out those who do.
func (e *Exporter) Handler() http.Handler {
	return promhttp.InstrumentMetricHandler(e.registry, web.NewPlaces().Limit(
		promhttp.HandlerForTransactional(collector.NewGatherer(e.exposition, e.registry), promhttp.HandlerOpts{
			ErrorLog: errorLog{e.logger},
			// A scrape with all but one family is worth more than none; the error is counted and logged.
			ErrorHandling:     promhttp.ContinueOnError,
			Registry:          e.registry,
			EnableOpenMetrics: true,
		})))
}

// errorLog is where promhttp reports errors.
type errorLog struct{ logger log.Logger }

func (l errorLog) Println(v ...any) {
	level.Error(l.logger).Log("msg", "answering a scrape", "err", strings.TrimSpace(fmt.Sprintln(v...)))
}
