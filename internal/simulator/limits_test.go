package simulator

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestConditionalRequests(t *testing.T) {
	g, c := one(t, Options{PrimaryLimit: 100, Token: "a", Tokens: []string{"b"}})
	add(t, g, "o/r", simple(0))
	c.set(at(2))
	url := "/repos/o/r/actions/runs"
	remaining := func(r response) string { return r.Header.Get("X-RateLimit-Remaining") }
	first := get(t, g, url, "Authorization", "Bearer a")
	tag := first.Header.Get("ETag")
	if !strings.HasPrefix(tag, `W/"`) || remaining(first) != "99" {
		t.Fatalf("ETag %q, remaining %q", tag, remaining(first))
	}
	for _, known := range []string{tag, strings.TrimPrefix(tag, "W/")} {
		r := get(t, g, url, "Authorization", "token a", "If-None-Match", known)
		if r.StatusCode != 304 || len(r.body) != 0 || r.Header.Get("ETag") != strings.TrimPrefix(tag, "W/") || remaining(r) != "99" {
			t.Errorf("If-None-Match %s: %d, ETag %q, remaining %s", known, r.StatusCode, r.Header.Get("ETag"), remaining(r))
		}
	}
	if r := get(t, g, url, "Authorization", "Bearer b", "If-None-Match", tag); r.StatusCode != 200 {
		t.Errorf("another token: %d", r.StatusCode)
	}
	c.set(at(6)) // the job has started
	if r := get(t, g, url, "Authorization", "Bearer a", "If-None-Match", tag); r.StatusCode != 200 || remaining(r) != "98" {
		t.Errorf("changed: %d, remaining %s", r.StatusCode, remaining(r))
	}
	if n := g.Requests(); n.Total != 5 || n.Counted != 3 || n.NotModified != 2 || n.ByRepository["o/r"] != 5 || n.ByEndpoint["runs"] != 5 {
		t.Errorf("requests: %+v", n)
	}
}

// The ETag stands for the body: over a day it changes when the body does, and only then.
func TestETagsFollowBodies(t *testing.T) {
	g, c := newWorld(t, Options{Seed: 5, Repositories: Repositories(1, 900)})
	c.add(2 * time.Hour)
	name := g.repos[0].name()
	type known struct{ tag, body string }
	last := map[string]known{}
	changes := 0
	for range 200 {
		c.add(7 * time.Second)
		urls := []string{"/repos/" + name, "/repos/" + name + "/actions/runs?per_page=20", "/user/repos", "/orgs/octo-org/repos"}
		ids := g.Runs(name)
		for _, id := range ids[len(ids)-8:] {
			run := "/repos/" + name + "/actions/runs/" + i64(id)
			urls = append(urls, run, run+"/jobs", run+"/attempts/1/jobs")
		}
		for _, url := range urls {
			r := get(t, g, url)
			now := known{r.Header.Get("ETag"), string(r.body)}
			if before, ok := last[url]; ok && (before.tag == now.tag) != (before.body == now.body) {
				t.Fatalf("%s: tag same: %v, body same: %v\n%s\n%s", url, before.tag == now.tag, before.body == now.body, before.body, now.body)
			} else if ok && before.tag != now.tag {
				changes++
			}
			last[url] = now
		}
	}
	if changes < 40 {
		t.Errorf("only %d changes seen", changes)
	}
}

func TestRefusals(t *testing.T) {
	g, _ := one(t, Options{Token: "secret", EnterpriseVersion: "3.10.4", BasePath: "/api/v3"})
	const auth, bearer = "Authorization", "Bearer secret"
	for _, tc := range []struct {
		url     string
		headers []string
		status  int
		message string
	}{
		{"/api/v3/repos/o/r", nil, 401, "Bad credentials"},
		{"/api/v3/repos/o/r", []string{auth, "Bearer other"}, 401, "Bad credentials"},
		{"/api/v3/repos/o/r", []string{auth, bearer}, 200, ""},
		{"/api/v3/repos/O/R", []string{auth, bearer}, 200, ""},
		{"/api/v3/repos/o/r/", []string{auth, bearer}, 404, "Not Found"},
		{"/api/v3/repos/o/none", []string{auth, bearer}, 404, "Not Found"},
		{"/api/v3/repos/o/r/actions/runs/1", []string{auth, bearer}, 404, "Not Found"},
		{"/api/v3/repos/o/r/actions/runs/", []string{auth, bearer}, 404, "Not Found"},
		{"/repos/o/r", []string{auth, bearer}, 404, "Not Found"},
		{"/api/v3/rate_limit", []string{auth, bearer}, 404, "Rate limiting is not enabled."},
		{"/api/v3/meta", []string{auth, bearer}, 200, ""},
		{"/api/v3/repos/o/r", []string{auth, bearer, "User-Agent", "-"}, 403, "-"},
		{"/api/v3/repos/o/r", []string{auth, bearer, "X-GitHub-Api-Version", "2026-03-10"}, 400, "supported version"},
		{"/api/v3/repos/o/r", []string{auth, bearer, "X-GitHub-Api-Version", "2022-11-28"}, 200, ""},
	} {
		r := get(t, g, tc.url, tc.headers...)
		if r.StatusCode != tc.status {
			t.Errorf("%s %q: status %d, want %d", tc.url, tc.headers, r.StatusCode, tc.status)
		}
		if r.Header.Get("X-RateLimit-Limit") != "" || r.Header.Get("X-GitHub-Enterprise-Version") == "" {
			t.Errorf("%s: not a GHES answer: %v", tc.url, r.Header)
		}
		if tc.status >= 400 && tc.message != "-" {
			e := decode[struct {
				Message string
				Docs    string `json:"documentation_url"`
			}](t, r)
			if !strings.Contains(e.Message, tc.message) || e.Docs == "" {
				t.Errorf("%s: %+v", tc.url, e)
			}
		}
	}
	g.SetTokens("fresh")
	if r := get(t, g, "/api/v3/repos/o/r", auth, bearer); r.StatusCode != 401 {
		t.Errorf("revoked token: %d", r.StatusCode)
	}
}

func TestPrimaryLimit(t *testing.T) {
	g, c := one(t, Options{PrimaryLimit: 3, PrimaryStatus: 429})
	g.Spend("", 1)
	for range 2 {
		if r := get(t, g, "/repos/o/r"); r.StatusCode != 200 {
			t.Fatal(r.StatusCode)
		}
	}
	r := get(t, g, "/repos/o/r")
	if r.StatusCode != 429 || r.Header.Get("X-RateLimit-Remaining") != "0" || r.Header.Get("X-RateLimit-Used") != "3" || r.Header.Get("Retry-After") != "" {
		t.Errorf("over the limit: %d %v", r.StatusCode, r.Header)
	}
	limit := decode[struct {
		Resources struct {
			Core struct{ Remaining, Used, Limit, Reset int64 }
		}
	}](t, get(t, g, "/rate_limit"))
	if core := limit.Resources.Core; core.Remaining != 0 || core.Limit != 3 || core.Reset != at(3600).Unix() {
		t.Errorf("rate_limit: %+v", core)
	}
	c.add(time.Hour)
	if r := get(t, g, "/repos/o/r"); r.StatusCode != 200 || r.Header.Get("X-RateLimit-Remaining") != "2" {
		t.Errorf("after the reset: %d, remaining %s", r.StatusCode, r.Header.Get("X-RateLimit-Remaining"))
	}
	if left, _ := g.Remaining(""); left != 2 {
		t.Errorf("Remaining: %d", left)
	}
}

func TestSecondaryPoints(t *testing.T) {
	g, c := one(t, Options{SecondaryPoints: 5})
	for range 5 {
		get(t, g, "/repos/o/r")
	}
	if r := get(t, g, "/repos/o/r"); r.StatusCode != 403 || r.Header.Get("Retry-After") != "60" || !strings.Contains(string(r.body), "secondary rate") {
		t.Errorf("over 5 points: %d %s", r.StatusCode, r.body)
	}
	c.add(time.Minute)
	if r := get(t, g, "/repos/o/r"); r.StatusCode != 200 {
		t.Errorf("a minute later: %d", r.StatusCode)
	}
}

func TestHeaders(t *testing.T) {
	g, _ := one(t, Options{PrimaryLimit: 10, TokenExpiration: at(86400)})
	r := get(t, g, "/repos/o/r", "Authorization", "Bearer x")
	for name, want := range map[string]string{
		"Date": "Mon, 02 Mar 2026 00:00:00 GMT", "X-RateLimit-Limit": "10", "X-RateLimit-Remaining": "9", "X-RateLimit-Used": "1", "X-RateLimit-Resource": "core",
		"X-RateLimit-Reset": i64(at(3600).Unix()), "X-GitHub-Media-Type": "github.v3; format=json", "X-Accepted-GitHub-Permissions": "actions=read",
		"GitHub-Authentication-Token-Expiration": "2026-03-03 00:00:00 UTC", "X-GitHub-Api-Version-Selected": "2022-11-28", "X-GitHub-Enterprise-Version": "",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if r.Header.Get("X-GitHub-Request-Id") == "" {
		t.Error("no request id")
	}
	for version, want := range map[string]bool{"2022-11-28": true, "2026-03-10": false} {
		limits := get(t, g, "/rate_limit", "X-GitHub-Api-Version", version)
		if got := strings.Contains(string(limits.body), `"rate":`); got != want {
			t.Errorf("version %s: rate is there: %v", version, got)
		}
	}
	g.Faults().Set("bare", Fault{Kind: SecondaryBare})
	if r := get(t, g, "/repos/o/r"); r.Header.Get("X-RateLimit-Limit") != "" {
		t.Error("limit headers on a bare 429")
	}
}

func TestTooManyAtOnce(t *testing.T) {
	entered, release := make(chan bool), make(chan bool)
	g, _ := one(t, Options{SecondaryConcurrent: 2, Sleep: func(context.Context, time.Duration) error {
		entered <- true
		<-release
		return nil
	}})
	g.Faults().Set("slow", Fault{Kind: Slow, Delay: time.Second, Times: 2})
	var held sync.WaitGroup
	for range 2 {
		held.Go(func() {
			if _, err := tryGet(g, "/repos/o/r"); err != nil {
				t.Error(err)
			}
		})
		<-entered
	}
	if r := get(t, g, "/repos/o/r"); r.StatusCode != 403 || r.Header.Get("Retry-After") == "" {
		t.Errorf("the third at once: %d", r.StatusCode)
	}
	close(release)
	held.Wait()
	if r := get(t, g, "/repos/o/r"); r.StatusCode != 200 || g.Requests().MostAtOnce != 3 {
		t.Errorf("afterwards: %d, %d at once", r.StatusCode, g.Requests().MostAtOnce)
	}
}
