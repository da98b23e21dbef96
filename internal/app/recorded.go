package app

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github_workflow_exporter/collector/ledger"
	"github_workflow_exporter/internal/explain"
)

// Recorded tells what was counted of a run, for the command explain: GET with repository and run, both numbers.
func (e *Exporter) Recorded() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		repository, badRepository := strconv.ParseInt(r.URL.Query().Get("repository"), 10, 64)
		run, badRun := strconv.ParseInt(r.URL.Query().Get("run"), 10, 64)
		if badRepository != nil || badRun != nil || repository <= 0 || run <= 0 {
			http.Error(w, "repository and run must be their numeric ids, such as /-/recorded?repository=1296269&run=30433642", http.StatusBadRequest)
			return
		}
		peeked, err := e.ledger.Peek(repository, run)
		if err != nil {
			http.Error(w, "the ledger cannot be read: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(remembered(peeked)) // who asked has gone
	})
}

func remembered(p ledger.Peeked) *explain.Ledger {
	l := &explain.Ledger{Known: p.Known, Since: p.Account.Since, Closed: p.Mark.Closed}
	for _, x := range p.Executions {
		l.Executions = append(l.Executions, explain.Counted{ID: x.ID, Attempt: x.Attempt, Reason: x.Reason})
	}
	for _, h := range p.Held {
		l.Held = append(l.Held, explain.Held(h))
	}
	return l
}
