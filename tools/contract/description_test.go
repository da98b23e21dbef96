package contract

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestCheckRequest makes sure that the judge itself condemns what it must.
func TestCheckRequest(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.name, func(t *testing.T) {
			original, mock := description(t, f.original, f.baseURL), description(t, f.mock, f.baseURL)
			cases := []struct {
				path               string
				inOriginal, inMock string // part of the error, "" for none
			}{
				{"/repos/o/r/actions/runs?per_page=100&page=2", "", ""},
				{"/repos/o/r/actions/runs?created=%3E%3D2026-01-01", "created", ""},
				{"/repos/o/r/actions/runs?perpage=100", `no query parameter "perpage"`, `no query parameter "perpage"`},
				{"/repos/o/r/actions/runs?status=done", "status", "status"},
				{"/repos/o/r/actions/runs/x", "run_id", "run_id"},
				{"/repos/o/r/actions/runs/1/attempts/1/jobs?filter=all", `no query parameter "filter"`, `no query parameter "filter"`},
				{"/repos/o/r/actions/run/1", "not in the description", "not in the description"},
				{"/orgs/o/repos?type=mine", "type", "type"},
			}
			for _, c := range cases {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, f.baseURL+c.path, nil)
				expectError(t, "original: "+c.path, original.CheckRequest(t.Context(), r), c.inOriginal)
				expectError(t, "mock: "+c.path, mock.CheckRequest(t.Context(), r), c.inMock)
			}
		})
	}
}

func TestCheckAnswer(t *testing.T) {
	f := flavours()[0]
	d := description(t, f.original, f.baseURL)
	check := func(path string, status int, body string) error {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, f.baseURL+path, nil)
		header := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
		return d.CheckAnswer(context.Background(), r, status, header, []byte(body))
	}
	const jobs = "/repos/o/r/actions/runs/1/attempts/1/jobs"
	expectError(t, "empty list", check(jobs, http.StatusOK, `{"total_count":0,"jobs":[]}`), "")
	expectError(t, "no count", check(jobs, http.StatusOK, `{"jobs":[]}`), "total_count")
	expectError(t, "not a list", check(jobs, http.StatusOK, `{"total_count":0,"jobs":{}}`), "/jobs")
	expectError(t, "empty job", check(jobs, http.StatusOK, `{"total_count":1,"jobs":[{}]}`), `"started_at" is missing`)
	expectError(t, "time", check(jobs, http.StatusOK, `{"total_count":1,"jobs":[{"started_at":"yesterday"}]}`), "/jobs/0/started_at: format")
	expectError(t, "address", check(jobs, http.StatusOK, `{"total_count":1,"jobs":[{"check_run_url":5}]}`), "/jobs/0/check_run_url: type")
	expectError(t, "status", check(jobs, http.StatusTeapot, `{}`), "status is not supported")
	if err := check("/nowhere", http.StatusOK, `{}`); !errors.Is(err, ErrNotDescribed) {
		t.Errorf("unknown path: got %v, want ErrNotDescribed", err)
	}
}

func expectError(t *testing.T, what string, err error, part string) {
	t.Helper()
	switch {
	case part == "" && err != nil:
		t.Errorf("%s: unexpected error: %v", what, err)
	case part != "" && err == nil:
		t.Errorf("%s: no error, want one with %q", what, part)
	case part != "" && !strings.Contains(err.Error(), part):
		t.Errorf("%s: error %q does not contain %q", what, err, part)
	}
}
