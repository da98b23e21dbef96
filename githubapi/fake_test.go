package githubapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// basePath is not empty, so that a URL made without the configured base fails loudly.
const basePath = "/base/api/v3"

const testToken = "ghs_1234_s3cr3t.header-body"

// ever is the span of all times that can be, to the year 2100.
var ever = span{earliest: time.Date(2008, 1, 1, 0, 0, 0, 0, time.UTC), latest: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}

// serve starts a fake API whose handler sees paths without the base, and gives a client for it.
func serve(t *testing.T, h http.HandlerFunc, options ...func(*Options)) (*Client, *httptest.Server) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, basePath+"/") {
			t.Errorf("asked outside the base path: %s", r.URL)
			http.NotFound(w, r)
			return
		}
		http.StripPrefix(basePath, h).ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return client(t, server.URL+basePath, options...), server
}

func client(t *testing.T, base string, options ...func(*Options)) *Client {
	t.Helper()
	o := Options{BaseURL: base, Token: StaticToken(testToken)}
	for _, set := range options {
		set(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// roundTripper is a server without a network.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func respond(status int, body io.Reader) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body)}
}

func reply(status int, body string) *http.Response { return respond(status, strings.NewReader(body)) }

func write(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, body)
}

// wantKind checks for an *Error of a kind and gives it.
func wantKind(t *testing.T, err error, kind Kind) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %T %v, want an *Error of kind %s", err, err, kind)
	}
	if e.Kind != kind {
		t.Fatalf("got kind %s (%v), want %s", e.Kind, err, kind)
	}
	return e
}

func wantText(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v, want %q in it", err, part)
		}
	}
}

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// everyCall asks each endpoint once and gives the errors by endpoint.
func everyCall(ctx context.Context, c *Client) map[string]error {
	errs := map[string]error{}
	_, errs["list_runs"] = c.Runs(ctx, "o/r", RunFilter{}, PageRequest{})
	_, _, errs["get_run"] = c.Run(ctx, "o/r", 1, Tag{})
	_, errs["get_run_attempt"] = c.RunAttempt(ctx, "o/r", 1, 2)
	_, errs["list_attempt_jobs"] = c.AttemptJobs(ctx, "o/r", 1, 2, PageRequest{})
	_, errs["list_run_jobs"] = c.RunJobs(ctx, "o/r", 1, "all", PageRequest{})
	_, errs["get_job"] = c.Job(ctx, "o/r", 3)
	_, errs["get_job_logs"] = c.JobLogs(ctx, "o/r", 3)
	_, errs["get_workflow"] = c.Workflow(ctx, "o/r", 4)
	_, _, errs["get_repository"] = c.Repository(ctx, "o/r", Tag{})
	_, errs["list_org_repositories"] = c.OrganizationRepositories(ctx, "o", PageRequest{})
	_, errs["list_user_repositories"] = c.UserRepositories(ctx, "u", PageRequest{})
	_, errs["list_own_repositories"] = c.OwnRepositories(ctx, PageRequest{})
	_, errs["get_rate_limit"] = c.RateLimit(ctx)
	_, errs["get_meta"] = c.Meta(ctx)
	return errs
}
