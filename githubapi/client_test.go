package githubapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNewRefuses(t *testing.T) {
	for base, part := range map[string]string{
		"":                             "empty",
		"api.github.com":               "scheme",
		"ftp://h":                      "scheme",
		"https://":                     "no host",
		"https:///api/v3":              "no host",
		"https://user:s3cr3t@h/":       "user or password",
		"https://h/api/v3?x=s3cr3t":    "query",
		"https://h/api/v3?":            "query",
		"https://h/api/v3#s3cr3t":      "fragment",
		"https://h/api/v3#":            "fragment",
		"https://h/a/../b":             ". or ..",
		"https://h/%2e%2e/b":           ". or ..",
		"https://h:port/":              "not a URL",
		"https://u:s3cr3t@h:port/\x7f": "not a URL",
	} {
		_, err := New(Options{BaseURL: base})
		wantText(t, err, "API URL: ", part)
		if err != nil && strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("secret in %q", err)
		}
	}
	for name, o := range map[string]Options{
		"timeout": {Timeout: -1}, "concurrent": {MaxConcurrent: -1}, "bytes": {MaxBodyBytes: -1}, "user agent": {UserAgent: "a\nb"},
		"version": {APIVersion: "ü"}, "transport": {CAFile: "x", Transport: http.DefaultTransport}, "reading the CA file": {CAFile: "/nonexistent/ca"},
	} {
		o.BaseURL = "https://h"
		_, err := New(o)
		wantText(t, err, name)
	}
}

func TestRequests(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	c, server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Method+" "+r.URL.EscapedPath()+"?"+r.URL.RawQuery)
		want := map[string]string{
			"Accept": "application/vnd.github+json", "User-Agent": "github_workflow_exporter", "X-GitHub-Api-Version": "2022-11-28",
			"Authorization": "Bearer " + testToken, "Accept-Encoding": "gzip", "If-None-Match": "",
		}
		for name, value := range want {
			if got := r.Header.Get(name); got != value {
				t.Errorf("%s: header %s is %q, want %q", r.URL, name, got, value)
			}
		}
		if got := r.Header.Get("Cookie"); got != "" {
			t.Errorf("cookie %q", got)
		}
		w.Header().Set("Set-Cookie", "a=b")
		write(w, 500, `{}`)
	})
	ctx := context.Background()
	for endpoint, err := range everyCall(ctx, c) {
		if e := wantKind(t, err, KindServer); e.Endpoint != endpoint || e.Status != 500 {
			t.Errorf("%s: %+v", endpoint, e)
		}
	}
	f := RunFilter{Status: "success", Event: "push", Branch: "a/b c", Created: ">=2024-01-01T00:00:00+00:00", HeadSHA: "abc", Actor: "me"}
	_, _ = c.Runs(ctx, "o w/r%2F", f, PageRequest{PerPage: 25})
	_, _ = c.AttemptJobs(ctx, "o/r", 1, 2, PageRequest{PerPage: 1000})
	want := []string{
		"GET /repos/o/r/actions/runs?per_page=100", "GET /repos/o/r/actions/runs/1?", "GET /repos/o/r/actions/runs/1/attempts/2?",
		"GET /repos/o/r/actions/runs/1/attempts/2/jobs?per_page=100", "GET /repos/o/r/actions/runs/1/jobs?filter=all&per_page=100",
		"GET /repos/o/r/actions/jobs/3?", "GET /repos/o/r/actions/jobs/3/logs?", "GET /repos/o/r/actions/workflows/4?", "GET /repos/o/r?",
		"GET /orgs/o/repos?per_page=100", "GET /users/u/repos?per_page=100", "GET /user/repos?per_page=100", "GET /rate_limit?", "GET /meta?",
		"GET /repos/o/r/actions/runs/1/attempts/2/jobs?per_page=100",
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("asked from %s: %s", server.URL, diff)
	}
}

func TestFilterEscaping(t *testing.T) {
	var query, path string
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		query, path = r.URL.RawQuery, r.URL.EscapedPath()
		write(w, 200, `{"total_count":0,"workflow_runs":[]}`)
	})
	f := RunFilter{Status: "success", Event: "push", Branch: "a/b&c", Created: ">=2024-01-01T00:00:00+00:00", HeadSHA: "abc", Actor: "me"}
	if _, err := c.Runs(context.Background(), "o&?#w/r%2F;", f, PageRequest{PerPage: 25}); err != nil {
		t.Fatal(err)
	}
	const want = "actor=me&branch=a%2Fb%26c&created=%3E%3D2024-01-01T00%3A00%3A00%2B00%3A00&event=push&head_sha=abc&per_page=25&status=success"
	if query != want {
		t.Errorf("query\n%s, want\n%s", query, want)
	}
	if want := "/repos/o&%3F%23w/r%252F%3B/actions/runs"; path != want {
		t.Errorf("path %s, want %s", path, want)
	}
}

func TestBadArguments(t *testing.T) {
	c := client(t, "https://h", func(o *Options) {
		o.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			t.Errorf("sent %s", r.URL)
			return reply(200, "{}"), nil
		})
	})
	ctx := context.Background()
	for _, repo := range []string{"", "/", "r", "o/", "/r", "o/r/x", "../r", "o/..", "o/.", "o/a b", "o/a\nb", `o/a\b`} {
		_, err := c.Runs(ctx, repo, RunFilter{}, PageRequest{})
		wantText(t, err, "list_runs: repository ", "expected owner/name")
	}
	_, err := c.OrganizationRepositories(ctx, "a/b", PageRequest{})
	wantText(t, err, "list_org_repositories: account ")
	_, _, err = c.Run(ctx, "o/r", 0, Tag{})
	wantText(t, err, "get_run: run id 0: must be 1 or more")
	_, err = c.AttemptJobs(ctx, "o/r", 1, 0, PageRequest{})
	wantText(t, err, "attempt 0")
	_, err = c.Job(ctx, "o/r", -1)
	wantText(t, err, "job id -1")
	_, err = c.RunJobs(ctx, "o/r", 1, "newest", PageRequest{})
	wantText(t, err, `filter "newest": must be latest or all`)
	_, err = c.RunJobs(ctx, "o/r", 1, "", PageRequest{PerPage: -1})
	wantText(t, err, "-1 per page")
}

func TestAnonymous(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got, sent := r.Header["Authorization"]; sent {
			t.Errorf("sent %q", got)
		}
		write(w, 200, `{"installed_version":"3.10.4"}`)
	}, func(o *Options) { o.Token, o.UserAgent = nil, "me/1" })
	meta, err := c.Meta(context.Background())
	if err != nil || meta.InstalledVersion != "3.10.4" || sentGeneration(c) != 0 {
		t.Error(meta, err, sentGeneration(c))
	}
}

func TestRenewedTokenIsTriedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	writeToken(t, path, "old-token")
	var sent []string
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		sent = append(sent, token)
		if token != "new-token" {
			// Someone puts the new token in place in the very second the old one ends.
			if len(sent) == 2 {
				writeToken(t, path, "new-token")
			}
			write(w, 401, `{"message":"Bad credentials"}`)
			return
		}
		write(w, 200, `{}`)
	}, func(o *Options) { o.Token = FileToken(path) })
	ctx := context.Background()

	_, err := c.Meta(ctx)
	e := wantKind(t, err, KindUnauthorized)
	wantText(t, e, "401 Unauthorized: Bad credentials")
	if want := []string{"old-token"}; !slices.Equal(sent, want) {
		t.Fatalf("sent %q, want %q: no second try with the same token", sent, want)
	}
	if _, err := c.Meta(ctx); err != nil {
		t.Fatal(err)
	}
	if want := []string{"old-token", "old-token", "new-token"}; !slices.Equal(sent, want) {
		t.Fatalf("sent %q, want %q", sent, want)
	}
	if sentGeneration(c) != 2 {
		t.Errorf("generation %d, want 2", sentGeneration(c))
	}
	// A refused token is looked at again by the next request, even within the second and without a change to see.
	writeToken(t, path, "bad-token")
	c.tokens.(invalidator).Invalidate()
	_, err = c.Meta(ctx)
	wantKind(t, err, KindUnauthorized)
	writeToken(t, path, "new-token")
	if _, err = c.Meta(ctx); err != nil {
		t.Error(err)
	}
}

func TestUnreadableToken(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { t.Error("asked without a token") },
		func(o *Options) { o.Token = FileToken("/nonexistent/token") })
	_, err := c.Meta(context.Background())
	if e := wantKind(t, err, KindUnauthorized); e.Status != 0 {
		t.Errorf("status %d", e.Status)
	}
	wantText(t, err, "get_meta: GET /meta: failed: no token: token file: ", "/nonexistent/token")
}

func TestAPIVersion(t *testing.T) {
	var versions []string
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		version, sent := r.Header["X-Github-Api-Version"]
		versions = append(versions, fmt.Sprint(sent, version))
		if sent {
			write(w, 400, `{"message":"The version you specified in the \"X-GitHub-API-Version\" request header, \"2099-01-01\", is not a supported version. The following versions are currently supported: \"2022-11-28\" (most recent).","documentation_url":"https://docs.github.com/rest"}`)
			return
		}
		write(w, 200, `{}`)
	}, func(o *Options) { o.APIVersion = "2099-01-01" })
	if c.APIVersionRejected() {
		t.Error("rejected before it was asked")
	}
	for range 2 {
		if _, err := c.Meta(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"true [2099-01-01]", "false []", "false []"}, versions); diff != "" {
		t.Error(diff)
	}
	if !c.APIVersionRejected() {
		t.Error("not reported")
	}
}

func TestAPIVersionRefusedForGood(t *testing.T) {
	asked := 0
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		write(w, 410, `{"message":"This API version is no longer supported"}`)
	})
	_, err := c.Meta(context.Background())
	wantKind(t, err, KindVersion)
	if asked != 2 {
		t.Errorf("asked %d times, want 2", asked)
	}
}

func TestObserve(t *testing.T) {
	var mu sync.Mutex
	var seen []Observation
	now := instant(t, "2026-11-03T10:00:00Z")
	clock := func() time.Time { // a second goes by at each look
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	}
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/meta":
			w.Header().Set("Location", basePath+"/meta2")
			w.WriteHeader(302)
		case "/rate_limit":
			write(w, 404, `{"message":"Rate limiting is not enabled."}`)
		case "/user/repos":
			write(w, 200, `<html>`)
		default:
			w.Header().Set("X-RateLimit-Limit", "5000")
			w.Header().Set("X-RateLimit-Remaining", "4999")
			w.Header().Set("X-RateLimit-Resource", "core")
			write(w, 200, `{}`)
		}
	}, func(o *Options) {
		o.Now = clock
		o.Observe = func(ob Observation) {
			if ob.Duration < time.Second {
				t.Errorf("took %s", ob.Duration)
			}
			ob.Duration = 0
			seen = append(seen, ob)
		}
	})
	ctx := context.Background()
	if _, err := c.Meta(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := c.RateLimit(ctx); err == nil {
		t.Error("no error")
	}
	if _, err := c.OwnRepositories(ctx, PageRequest{}); err == nil {
		t.Error("no error")
	}
	want := []Observation{
		{Endpoint: "get_meta", Code: 302},
		{Endpoint: "get_meta", Code: 200, Limit: &Limit{Resource: "core", Limit: 5000, Remaining: 4999, Used: 1}},
		{Endpoint: "get_rate_limit", Code: 404, Kind: KindNotFound},
		{Endpoint: "list_own_repositories", Code: 200, Kind: KindBody},
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
}

func TestRateLimitEndpoint(t *testing.T) {
	now := instant(t, "2026-11-03T10:07:00Z") // seven minutes ahead of the server
	status, body := 200, `{"resources":{"core":{"limit":5000,"used":2,"remaining":4998,"reset":1793701800},"search":{"limit":30},"Bad Name":{}},"rate":{}}`
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", "Tue, 03 Nov 2026 10:00:00 GMT")
		write(w, status, body)
	}, func(o *Options) { o.Now = func() time.Time { return now } })
	ctx := context.Background()
	limits, err := c.RateLimit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Limit{
		"core":   {Resource: "core", Limit: 5000, Used: 2, Remaining: 4998, Reset: now.Add(30 * time.Minute)},
		"search": {Resource: "search", Limit: 30},
	}
	if diff := cmp.Diff(want, limits); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{`{}`, `null`, `[]`, `{"resources":null}`, `{"resources":{"core":{"limit":"x"}}}`} {
		body = bad
		_, err := c.RateLimit(ctx)
		wantKind(t, err, KindBody)
	}
	body = "null"
	_, err = c.Meta(ctx)
	wantKind(t, err, KindBody)
	status, body = 404, `{"message":"Rate limiting is not enabled."}`
	_, err = c.RateLimit(ctx)
	if !errors.Is(err, ErrNoRateLimit) {
		t.Errorf("got %v, want ErrNoRateLimit", err)
	}
	status = 403
	_, err = c.RateLimit(ctx)
	wantKind(t, err, KindForbidden)
}

// sentGeneration gives the generation of the token last sent, 0 before the first request and without a token.
func sentGeneration(c *Client) uint64 {
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	return c.state.generation
}
