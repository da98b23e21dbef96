package githubapi

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAdopt(t *testing.T) {
	const runs, jobs = "/repos/octo-org/app/actions/runs", "/repos/octo-org/app/actions/runs/5/attempts/1/jobs"
	for _, tt := range []struct{ base, asked, link, want string }{
		// The server's own, public name and base path.
		{"http://proxy:9/api/v3", runs, "https://ghes.example/api/v3/repositories/7/actions/runs?per_page=100&page=2", "/api/v3/repositories/7/actions/runs?per_page=100&page=2"},
		{"http://proxy:9/github/api", runs, "https://ghes.example/api/v3/repositories/7/actions/runs?page=2", "/github/api/repositories/7/actions/runs?page=2"},
		{"http://proxy:9", runs, "https://ghes.example/api/v3/repositories/7/actions/runs?page=2", "/repositories/7/actions/runs?page=2"},
		{"http://proxy:9/github", runs, "https://api.github.com/repositories/7/actions/runs?page=2", "/github/repositories/7/actions/runs?page=2"},
		{"http://proxy:9/github", runs, "https://api.github.com/repos/Octo-Org/App/actions/runs?page=2", "/github/repos/octo-org/app/actions/runs?page=2"},
		{"http://proxy:9/github", runs, "//api.github.com/repos/octo-org/app/actions/runs?after=b%2Bc%3D", "/github/repos/octo-org/app/actions/runs?after=b%2Bc%3D"},
		{"http://proxy:9/github", runs, "https://u:p@h:1/repositories/7/actions/runs?page=2#here", "/github/repositories/7/actions/runs?page=2"},
		{"http://proxy:9/github", runs, "?page=2", "/github" + runs + "?page=2"},
		{"http://proxy:9/github", runs, "/repositories/7/actions/runs?page=2", "/github/repositories/7/actions/runs?page=2"},
		{"http://proxy:9/github", runs, "runs?page=2", "/github" + runs + "?page=2"},
		{"http://proxy:9/github", jobs, "https://h/api/v3/repositories/7/actions/runs/5/attempts/1/jobs?page=2", "/github/repositories/7/actions/runs/5/attempts/1/jobs?page=2"},
		{"http://proxy:9/repos/x/y", runs, "https://h/api/repos/octo-org/app/actions/runs?page=2", "/repos/x/y/repos/octo-org/app/actions/runs?page=2"},
		{"http://proxy:9", "/orgs/octo-org/repos", "https://h/organizations/7/repos?page=2", "/organizations/7/repos?page=2"},
		{"http://proxy:9", "/users/octocat/repos", "https://h/api/v3/user/7/repos?page=2", "/user/7/repos?page=2"},
		{"http://proxy:9", "/user/repos", "https://h/api/v3/user/repos?page=2", "/user/repos?page=2"},
		{"http://proxy:9", "/repos/octo-org/app", "https://h/api/v3/repositories/7", "/repositories/7"},
		// Something else than what was asked for.
		{"http://proxy:9", runs, "https://h/user", ""},
		{"http://proxy:9", runs, "https://h/repositories/7/actions/runs/5/jobs?page=2", ""},
		{"http://proxy:9", runs, "https://h/repositories/7/actions/secrets", ""},
		{"http://proxy:9", runs, "https://h/repos/octo-org/other/actions/runs?page=2", ""},
		{"http://proxy:9", runs, "https://h/repositories/seven/actions/runs?page=2", ""},
		{"http://proxy:9", runs, "https://h/repositories/-7/actions/runs?page=2", ""},
		{"http://proxy:9", runs, "https://h/xrepositories/7/actions/runs?page=2", ""},
		{"http://proxy:9", runs, "https://h/organizations/7/actions/runs?page=2", ""},
		{"http://proxy:9", jobs, "https://h/repositories/7/actions/runs/6/attempts/1/jobs?page=2", ""},
		{"http://proxy:9", "/user/repos", "https://h/users/evil/repos?page=2", ""},
		{"http://proxy:9", "/orgs/octo-org/repos", "https://h/user/7/repos?page=2", ""},
		{"http://proxy:9", "/repos/octo-org/app", "https://h/repositories/7/actions/runs", ""},
		// Climbing, and what is no URL of HTTP.
		{"http://proxy:9/a/b", runs, "https://h/x/../repositories/7/actions/runs?page=2", ""},
		{"http://proxy:9/a/b", runs, "https://h/x/%2e%2e/repositories/7/actions/runs?page=2", ""},
		{"http://proxy:9/a/b", runs, "https://h/x%2f..%2frepositories/7/actions/runs?page=2", ""},
		{"http://proxy:9/a/b", runs, `https://h/x%5c..%5c/repositories/7/actions/runs?page=2`, ""},
		{"http://proxy:9/a/b", runs, "https://h/repositories%2f7/actions/runs?page=2", ""},
		{"http://proxy:9/a/b", runs, "../../user", ""},
		{"http://proxy:9/a/b", runs, "ftp://h/repositories/7/actions/runs", ""},
		{"http://proxy:9/a/b", runs, "javascript:alert(1)", ""},
		{"http://proxy:9/a/b", runs, "mailto:a@b", ""},
		{"http://proxy:9/a/b", runs, "https://h/%zz", ""},
		{"http://proxy:9/a/b", runs, "", ""},
		{"http://proxy:9/a/b", runs, "https://h/repositories/7/actions/runs?x=" + strings.Repeat("x", maxURL), ""},
	} {
		c := client(t, tt.base)
		from, err := c.base.join(tt.asked, url.Values{"per_page": {"100"}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.base.adopt(from, tt.link, tt.asked)
		switch {
		case tt.want == "" && err == nil:
			t.Errorf("%.80s at %s became %s", tt.link, tt.base, got)
		case tt.want == "":
			wantText(t, err, "refusing to follow")
		case err != nil || got.String() != "http://proxy:9"+tt.want || got.User != nil:
			t.Errorf("%s at %s: %v, %v, want %s", tt.link, tt.base, got, err, tt.want)
		}
	}
}

// Page 2 of a server that names its public host is asked of the proxy in front of it, and nobody else is told the token.
func TestForeignNextLink(t *testing.T) {
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("asked elsewhere: %s with %q", r.URL, r.Header.Get("Authorization"))
	}))
	defer stranger.Close()
	var asked []string
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+"?"+r.URL.RawQuery)
		if r.Header.Get("Authorization") != "Bearer "+testToken {
			t.Errorf("sent %q", r.Header.Get("Authorization"))
		}
		if n := len(asked); n < 3 {
			w.Header().Set("Link", fmt.Sprintf(`<%s/api/v3/repositories/7/actions/runs/5/attempts/1/jobs?per_page=2&page=%d>; rel="next"`, stranger.URL, n+1))
		}
		write(w, 200, fmt.Sprintf(`{"total_count":3,"jobs":[{"id":%d}]}`, len(asked)))
	})
	ids, err := readAll(t, func(p PageRequest) (Page[Job], error) { return c.AttemptJobs(context.Background(), "o/r", 5, 1, p) })
	if err != nil || !cmp.Equal(ids, []int64{1, 2, 3}) {
		t.Error(ids, err)
	}
	want := []string{
		"/repos/o/r/actions/runs/5/attempts/1/jobs?per_page=2",
		"/repositories/7/actions/runs/5/attempts/1/jobs?per_page=2&page=2",
		"/repositories/7/actions/runs/5/attempts/1/jobs?per_page=2&page=3",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
}

// A renamed repository behind a proxy is found by its number; a server that only insists on https is not asked for ever.
func TestForeignRedirect(t *testing.T) {
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("asked elsewhere: %s with %q", r.URL, r.Header.Get("Authorization"))
	}))
	defer stranger.Close()
	asked := 0
	c, server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		switch path := r.URL.Path; {
		case path == "/meta":
			w.Header().Set("Location", "https://"+r.Host+basePath+"/meta")
			w.WriteHeader(301)
		case path == "/rate_limit":
			w.Header().Set("Location", stranger.URL+"/login?to=/rate_limit")
			w.WriteHeader(302)
		case strings.HasPrefix(path, "/repos/old/name"):
			w.Header().Set("Location", stranger.URL+"/api/v3/repositories/7"+strings.TrimPrefix(path, "/repos/old/name")+"?"+r.URL.RawQuery)
			write(w, 301, `{"message":"Moved Permanently"}`)
		case path == "/repositories/7":
			write(w, 200, `{"id":7,"full_name":"new/name"}`)
		case path == "/repositories/7/actions/runs":
			write(w, 200, `{"total_count":1,"workflow_runs":[{"id":1}]}`)
		default:
			t.Errorf("asked %s", r.URL)
		}
	})
	ctx := context.Background()
	if repo, _, err := c.Repository(ctx, "old/name", Tag{}); err != nil || repo.FullName != "new/name" {
		t.Errorf("%+v, %v", repo, err)
	}
	if page, err := c.Runs(ctx, "old/name", RunFilter{}, PageRequest{}); err != nil || len(page.Items) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
	asked = 0
	_, err := c.Meta(ctx)
	wantKind(t, err, KindRedirect)
	wantText(t, err, "refusing to follow to https://", "the configured API is "+server.URL)
	_, err = c.RateLimit(ctx)
	wantKind(t, err, KindRedirect)
	if asked != 2 {
		t.Errorf("asked %d times, want once each", asked)
	}
}

func TestMostPages(t *testing.T) {
	c := client(t, "https://h/base")
	const asked = "/repos/o/r/actions/runs"
	from, err := c.base.join(asked, nil)
	if err != nil {
		t.Fatal(err)
	}
	for pages, refused := range map[int]bool{1: false, MaxPages - 1: false, MaxPages: true} {
		next := c.base.sealNext(from, "?page=2", asked, trail{pages: pages - 1}.add(100, from), 0)
		_, read, err := c.openNext(next)
		if (err != nil) != refused || !refused && (read.pages != pages || read.items != 100) {
			t.Errorf("%d pages: %+v, %v", pages, read, err)
		}
	}
}

// A list without end ends, with little to remember.
func TestEndlessLists(t *testing.T) {
	page := 0
	entries, circle := 1, 0
	c := client(t, "https://h", func(o *Options) {
		o.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			page++
			at := page
			if circle > 0 {
				at = page % circle
			}
			entry := fmt.Sprintf(`{"id":%d,"full_name":"o/r"}`, page)
			entry = strings.TrimSuffix(strings.Repeat(entry+",", entries), ",")
			body := `{"jobs":[` + entry + `],"workflow_runs":[` + entry + `]}`
			if strings.HasSuffix(r.URL.Path, "/repos") {
				body = "[" + entry + "]"
			}
			resp := reply(200, body)
			resp.Header.Set("Link", fmt.Sprintf(`<https://h/repositories/1/actions/runs/5/jobs?page=%d>; rel="next", <https://h%s?page=%d>; rel="next"`, at, r.URL.Path, at))
			if !strings.HasSuffix(r.URL.Path, "/jobs") {
				resp.Header.Set("Link", fmt.Sprintf(`<https://h%s?page=%d>; rel="next"`, r.URL.Path, at))
			}
			return resp, nil
		})
	})
	for _, tt := range []struct {
		name            string
		jobs            bool
		entries, circle int
		most            int // pages
		text            string
	}{
		{"jobs", true, 100, 0, MaxJobsCount / 100, "more than 10000 entries"},
		{"a small circle", false, 1, 5, 6, "leads back"},
		{"a large circle", false, 1, 100, 300, "leads back"},
		{"a circle of jobs", true, 1, 300, 900, "leads back"},
	} {
		page, entries, circle = 0, tt.entries, tt.circle
		var err error
		next, longest := "", 0
		for err == nil {
			p := PageRequest{Next: next}
			if tt.jobs {
				var got Page[Job]
				got, err = c.RunJobs(context.Background(), "o/r", 5, "", p)
				next = got.Next
			} else {
				var got Page[Run]
				got, err = c.Runs(context.Background(), "o/r", RunFilter{}, p)
				next = got.Next
			}
			longest = max(longest, len(next))
		}
		wantKind(t, err, KindRedirect)
		wantText(t, err, "refusing to follow", tt.text)
		if page > tt.most || longest > 512 {
			t.Errorf("%s: %d pages, want %d at most; next of %d bytes", tt.name, page, tt.most, longest)
		}
	}
}
