package simulator

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// Whatever is asked, the answer is one that the API could give.
func FuzzRequest(f *testing.F) {
	for _, seed := range [][2]string{
		{"/repos/o/r", ""}, {"/repos/o/r/actions/runs", "per_page=2&page=-1&created=2026-03-02..*"}, {"/repositories/600000000/actions/runs/900000000001/attempts/1/jobs", "page=99999999999999999999"},
		{"/repos/o/r/actions/runs/900000000001/jobs", "filter=all"}, {"/_logs/1/2", ""}, {"/repos//", "created=>"}, {"/orgs/o/repos", "per_page=9223372036854775807"},
		{"/repos/o/r/actions/jobs/4000000000000001/logs", ""}, {"/repositories/-1", "%zz"}, {"/repos/o/r/actions/runs", "page=9223372036854775807&per_page=100"},
	} {
		f.Add(seed[0], seed[1])
	}
	c := &clock{t: at(1000)}
	g, err := New(Options{Start: worldStart, Now: c.now, Repositories: []RepositoryPlan{{Name: "o/r"}}})
	if err != nil {
		f.Fatal(err)
	}
	if _, err := g.AddRun("o/r", simple(0)); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		r := httptest.NewRequest(http.MethodGet, "http://github.test/", nil)
		r.URL = &url.URL{Scheme: "http", Host: "github.test", Path: path, RawQuery: query}
		r.Header.Set("User-Agent", "fuzz")
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		switch w.Code {
		case 200, 301, 302, 403, 404:
		default:
			t.Errorf("%s?%s: status %d", path, query, w.Code)
		}
		if body := w.Body.Bytes(); w.Header().Get("Content-Type") == "application/json; charset=utf-8" && len(body) > 0 && !json.Valid(body) {
			t.Errorf("%s?%s: %s", path, query, body)
		}
	})
}
