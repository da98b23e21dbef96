package app

import (
	"errors"
	"net/http"
	"strings"
	"syscall"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github_workflow_exporter/collector"
)

// Handler answers scrapes. It touches memory only, and holds no lock while it writes.
func (e *Exporter) Handler() http.Handler {
	return promhttp.InstrumentMetricHandler(e.registry, promhttp.HandlerForTransactional(collector.NewGatherer(e.exposition, e.registry), promhttp.HandlerOpts{
		ErrorLog: errorLog{e.logger},
		// A scrape with all but one family is worth more than none; the error is counted and logged.
		ErrorHandling:       promhttp.ContinueOnError,
		Registry:            e.registry,
		EnableOpenMetrics:   true,
		MaxRequestsInFlight: 10,
	}))
}

// errorLog is where promhttp reports errors.
type errorLog struct{ logger log.Logger }

func (l errorLog) Println(v ...any) {
	words := make([]string, 0, len(v))
	gaveUp := false // the client hung up: nothing that an operator of ours can mend
	for _, w := range v {
		switch w := w.(type) {
		case string:
			words = append(words, w)
		case error:
			gaveUp = gaveUp || errors.Is(w, syscall.EPIPE) || errors.Is(w, syscall.ECONNRESET)
			words = append(words, w.Error())
		}
	}
	lvl := level.Error
	if gaveUp {
		lvl = level.Debug
	}
	lvl(l.logger).Log("msg", "answering a scrape", "err", strings.Join(words, " "))
}
