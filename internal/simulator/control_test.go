package simulator

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestControl(t *testing.T) {
	g, c := newWorld(t, Options{Seed: 1, Repositories: Repositories(1, 500)})
	c.add(3 * time.Hour)
	h := g.Control()
	ask := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w
	}
	for _, tc := range []struct {
		method, path string
		status       int
		says         string
	}{
		{"GET", "/", 200, "stopped_runners"},
		{"POST", "/faults/outage?on=true", 200, `"outage": true`},
		{"POST", "/faults/nonsense?on=true", 404, "no fault"},
		{"POST", "/faults/outage", 400, "must be true or false"},
		{"GET", "/faults/outage?on=true", 405, ""},
		{"POST", "/", 405, ""},
		{"GET", "/nothing", 404, ""},
		{"GET", "/truth", 200, jobConclusions},
		{"GET", "/truth?since=2027-01-01T00:00:00Z", 200, `"executions": 0`},
		{"GET", "/truth?since=yesterday", 400, "must be a time"},
		{"GET", "/truth?until=2027-01-01T00:00:00Z", 400, "future"},
		{"GET", "/requests", 200, "by_endpoint"},
	} {
		if w := ask(tc.method, tc.path); w.Code != tc.status || !strings.Contains(w.Body.String(), tc.says) {
			t.Errorf("%s %s: %d %s", tc.method, tc.path, w.Code, w.Body)
		}
	}
	if _, err := tryGet(g, "/repos/octo-org/service-1"); err == nil {
		t.Error("an answer during an outage")
	}
	ask("POST", "/faults/outage?on=false")

	for name, status := range map[string]int{"dead_token": 401, "secondary_limit": 403} {
		if err := g.Switch(name, true); err != nil {
			t.Fatal(err)
		}
		if r := get(t, g, "/repos/octo-org/service-1"); r.StatusCode != status {
			t.Errorf("%s: %d", name, r.StatusCode)
		}
		_ = g.Switch(name, false)
	}
	for name := range switchable {
		if err := g.Switch(name, true); err != nil || !g.Switches()[name] {
			t.Errorf("%s: %v, %v", name, err, g.Switches())
		}
		if err := g.Switch(name, false); err != nil || g.Switches()[name] {
			t.Errorf("%s off: %v, %v", name, err, g.Switches())
		}
	}
	if err := g.Switch("x", true); err == nil {
		t.Error("a fault that does not exist was switched")
	}
	var truth Truth
	if err := json.Unmarshal(ask(http.MethodGet, "/truth").Body.Bytes(), &truth); err != nil || truth.Attempts == 0 {
		t.Errorf("truth: %v, %d attempts", err, truth.Attempts)
	}
}
