package simulator

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// switchable are the faults that the control handler switches, by name, with what they do.
var switchable = map[string]string{
	"failing_workflow": "the first workflow of every repository fails",
	"stopped_runners":  "jobs for self-hosted runners stay queued",
	"slow_day":         "jobs take four times as long",
	"dead_token":       "every request is answered 401",
	"server_errors":    "a third of the requests is answered 502",
	"secondary_limit":  "every request hits a secondary rate limit",
	"outage":           "every connection breaks",
	"quiet":            "no run is created and none is run again",
}

// Switch switches one of the demo's faults on or off; an error lists the names there are.
func (g *GitHub) Switch(name string, on bool) error {
	fault := Fault{}
	switch name {
	case "failing_workflow":
		g.FailingWorkflow(on)
		return nil
	case "stopped_runners":
		g.StoppedRunners(on)
		return nil
	case "slow_day":
		g.SlowDay(on)
		return nil
	case "quiet":
		g.HoldNew(on)
		return nil
	case "dead_token":
		fault.Kind = Unauthorized
	case "server_errors":
		fault.Kind, fault.Probability = ServerError, 1.0/3
	case "secondary_limit":
		fault.Kind, fault.Delay = SecondarySeconds, 30*time.Second
	case "outage":
		fault.Kind = Reset
	default:
		return fmt.Errorf("no fault %q: there are %s", name, strings.Join(slices.Sorted(maps.Keys(switchable)), ", "))
	}
	if on {
		g.faults.Set(name, fault)
	} else {
		g.faults.Clear(name)
	}
	return nil
}

// Switches tells which of the demo's faults are on.
func (g *GitHub) Switches() map[string]bool {
	g.mu.Lock()
	state := map[string]bool{
		"failing_workflow": g.disturbed(failingWorkflow), "stopped_runners": g.disturbed(stoppedRunners), "slow_day": g.disturbed(slowDay), "quiet": g.disturbed(quiet),
	}
	g.mu.Unlock()
	on := g.faults.On()
	for name := range switchable {
		state[name] = state[name] || slices.Contains(on, name)
	}
	return state
}

// Control returns the handler behind which the demo's faults are switched:
//
//	GET  /                            the faults, what they do and whether they are on
//	POST /faults/{name}?on=true|false switches one
//	GET  /truth?since=…&until=…       the Truth, times in RFC 3339
//	GET  /requests                    the Requests so far
func (g *GitHub) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		type line struct {
			Name string `json:"name"`
			On   bool   `json:"on"`
			What string `json:"what"`
		}
		var lines []line
		state := g.Switches()
		for _, name := range slices.Sorted(maps.Keys(switchable)) {
			lines = append(lines, line{name, state[name], switchable[name]})
		}
		writeJSON(w, map[string]any{"faults": lines, "switch_with": "POST /faults/{name}?on=true|false"})
	})
	mux.HandleFunc("POST /faults/{name}", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		if _, ok := switchable[name]; !ok {
			http.Error(w, fmt.Sprintf("no fault %q: GET / lists what there is", name), http.StatusNotFound)
			return
		}
		on := r.URL.Query().Get("on")
		if on != "true" && on != "false" {
			http.Error(w, fmt.Sprintf("on=%q: must be true or false", on), http.StatusBadRequest)
			return
		}
		if err := g.Switch(name, on == "true"); err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		writeJSON(w, g.Switches())
	})
	mux.HandleFunc("GET /truth", func(w http.ResponseWriter, r *http.Request) {
		since, err := timeParameter(r, "since")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		until, err := timeParameter(r, "until")
		if err == nil && until.After(g.now()) {
			err = fmt.Errorf("until=%s: must not lie in the future", until.Format(time.RFC3339))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		writeJSON(w, g.Truth(TruthQuery{Since: func(string) time.Time { return since }, Until: until}))
	})
	mux.HandleFunc("GET /requests", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, g.Requests()) })
	return mux
}

func timeParameter(r *http.Request, name string) (time.Time, error) {
	s := r.URL.Query().Get(name)
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%s=%q: must be a time like 2026-11-22T10:00:00Z", name, s)
	}
	return t, nil
}

func writeJSON(w http.ResponseWriter, v any) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(append(b, '\n')) // the client may have gone
}
