package githubapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readAll follows Next to the end, with a stop in case it has none.
func readAll(t *testing.T, ask func(PageRequest) (Page[Job], error)) ([]int64, error) {
	t.Helper()
	var ids []int64
	p := PageRequest{PerPage: 2}
	for range 20 {
		page, err := ask(p)
		if err != nil {
			return ids, err
		}
		for _, j := range page.Items {
			ids = append(ids, j.ID)
		}
		if page.Next == "" {
			return ids, nil
		}
		p.Next = page.Next
	}
	t.Fatal("no end")
	return nil, nil
}

func TestPages(t *testing.T) {
	var asked []string
	var server *httptest.Server
	c, server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+"?"+r.URL.RawQuery)
		next := map[string]string{
			"/repos/o/r/actions/runs/5/attempts/1/jobs?per_page=2": server.URL + basePath + "/repositories/77/actions/runs/5/attempts/1/jobs?per_page=2&page=2",
			// relative, with another host spelling of the same server, and not numbered at all
			"/repositories/77/actions/runs/5/attempts/1/jobs?per_page=2&page=2": "?per_page=2&after=Y3Vyc29y",
		}[r.URL.Path+"?"+r.URL.RawQuery]
		if next != "" {
			w.Header().Set("Link", `<`+server.URL+`/elsewhere?page=9>; rel="last", <`+next+`>; rel="next"`)
		}
		w.Header().Set("Date", "Tue, 03 Nov 2026 10:00:00 GMT")
		write(w, 200, fmt.Sprintf(`{"total_count":3,"jobs":[{"id":%d}]}`, len(asked)))
	})
	ids, err := readAll(t, func(p PageRequest) (Page[Job], error) {
		page, err := c.AttemptJobs(context.Background(), "o/r", 5, 1, p)
		if err == nil && (page.TotalCount != 3 || !page.Date.Equal(instant(t, "2026-11-03T10:00:00Z"))) {
			t.Errorf("total %d, date %s", page.TotalCount, page.Date)
		}
		return page, err
	})
	if err != nil || !slices.Equal(ids, []int64{1, 2, 3}) {
		t.Error(ids, err)
	}
	want := []string{
		"/repos/o/r/actions/runs/5/attempts/1/jobs?per_page=2",
		"/repositories/77/actions/runs/5/attempts/1/jobs?per_page=2&page=2",
		"/repositories/77/actions/runs/5/attempts/1/jobs?per_page=2&after=Y3Vyc29y",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
}

// A bad next link costs what follows it, not the page that carries it.
func TestNextLinkRefused(t *testing.T) {
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("asked elsewhere: %s with %q", r.URL, r.Header.Get("Authorization"))
	}))
	defer stranger.Close()
	for name, link := range map[string]string{
		"other host":     "https://api.github.com/resource?page=2",
		"other port":     stranger.URL + basePath + "/x?page=2",
		"other scheme":   "https://HOST" + basePath + "/x?page=2",
		"other path":     "http://HOST/api/v3/x?page=2",
		"prefix only":    "http://HOST" + basePath + "evil/x?page=2",
		"base itself":    "http://HOST" + basePath,
		"climbing":       "http://HOST" + basePath + "/../../x?page=2",
		"climbing coded": "http://HOST" + basePath + "/%2e%2e/x?page=2",
		"user":           "http://u:p@HOST" + basePath + "/x?page=2",
		"no host":        "http:///x",
		"script":         "javascript:alert(1)",
		"no URL":         "http://HOST/%zz",
		"empty":          "",
		"itself":         "SELF",
		"itself, marked": "SELF#x",
	} {
		asked := 0
		var server *httptest.Server
		c, server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			host := strings.TrimPrefix(server.URL, "http://")
			l := strings.ReplaceAll(link, "HOST", host)
			l = strings.ReplaceAll(l, "SELF", "http://"+host+basePath+r.URL.String())
			w.Header().Set("Link", "<"+l+`>; rel="next"`)
			write(w, 200, `{"total_count":2,"jobs":[{"id":1}]}`)
		})
		ids, err := readAll(t, func(p PageRequest) (Page[Job], error) { return c.RunJobs(context.Background(), "o/r", 5, "", p) })
		if link == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		e := wantKind(t, err, KindRedirect)
		wantText(t, err, "list_run_jobs: ", "refusing to follow")
		if len(ids) != 1 || asked != 1 || e.Endpoint != "list_run_jobs" {
			t.Errorf("%s: asked %d times, got %v, %+v", name, asked, ids, e)
		}
	}
}

func TestNextLinkCycle(t *testing.T) {
	asked := 0
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		next := map[string]string{"": "?page=2", "2": "?page=3", "3": "?page=2"}[r.URL.Query().Get("page")]
		w.Header().Set("Link", "<"+next+`>; rel="next"`)
		write(w, 200, fmt.Sprintf(`{"total_count":9,"jobs":[{"id":%d}]}`, asked))
	})
	ids, err := readAll(t, func(p PageRequest) (Page[Job], error) { return c.RunJobs(context.Background(), "o/r", 5, "", p) })
	wantKind(t, err, KindRedirect)
	wantText(t, err, "leads back to a page read already")
	if !slices.Equal(ids, []int64{1, 2, 3}) {
		t.Errorf("got %v, want the three pages there are", ids)
	}
}

func TestConditional(t *testing.T) {
	const strong, weak = `"0a1b"`, `W/"0a1b"`
	etag := weak
	var sent []string
	tokens := &switchable{value: "a", generation: 1}
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		condition := r.Header.Get("If-None-Match")
		sent = append(sent, condition)
		w.Header().Set("Date", "Tue, 03 Nov 2026 10:00:00 GMT")
		if condition != "" && strings.TrimPrefix(condition, "W/") == strings.TrimPrefix(etag, "W/") {
			w.Header().Set("ETag", strong)
			w.WriteHeader(304)
			return
		}
		w.Header().Set("ETag", etag)
		if strings.Contains(r.URL.Path, "/actions/runs/") {
			write(w, 200, `{"id":1}`)
			return
		}
		write(w, 200, `{"total_count":1,"workflow_runs":[{"id":1}]}`)
	}, func(o *Options) { o.Token = tokens })
	ctx := context.Background()
	ask := func(p PageRequest) Page[Run] {
		t.Helper()
		page, err := c.Runs(ctx, "o/r", RunFilter{}, p)
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	sees := func(step, want string) {
		t.Helper()
		if got := sent[len(sent)-1]; got != want {
			t.Errorf("%s: sent If-None-Match %q, want %q", step, got, want)
		}
	}

	page := ask(PageRequest{})
	sees("first", "")
	if page.Tag.IsZero() {
		t.Fatal("no tag")
	}
	unchanged, err := c.Runs(ctx, "o/r", RunFilter{}, PageRequest{Tag: page.Tag})
	sees("again", weak)
	if !errors.Is(err, ErrNotModified) || unchanged.Tag != page.Tag || unchanged.Items != nil || unchanged.Date.IsZero() {
		t.Errorf("got %+v, %v", unchanged, err)
	}
	etag = strong
	_, err = c.Runs(ctx, "o/r", RunFilter{}, PageRequest{Tag: page.Tag})
	sees("strong on 304, weak kept", weak)
	if !errors.Is(err, ErrNotModified) {
		t.Error(err)
	}
	etag = `"2"`
	strongPage := ask(PageRequest{Tag: page.Tag})
	if _, err = c.Runs(ctx, "o/r", RunFilter{}, PageRequest{Tag: strongPage.Tag}); !errors.Is(err, ErrNotModified) {
		t.Error(err)
	}
	sees("strong", `"2"`)

	ask(PageRequest{Tag: page.Tag, PerPage: 50})
	sees("another page size", "")
	if _, err := c.Runs(ctx, "o/r2", RunFilter{}, PageRequest{Tag: page.Tag}); err != nil {
		t.Error(err)
	}
	sees("another repository", "")
	if _, err := c.Runs(ctx, "o/r", RunFilter{Status: "queued"}, PageRequest{Tag: page.Tag}); err != nil {
		t.Error(err)
	}
	sees("another filter", "")

	run, tag, err := c.Run(ctx, "o/r", 1, Tag{})
	if err != nil || run.ID != 1 || tag.IsZero() {
		t.Error(run, tag, err)
	}
	if run, again, err := c.Run(ctx, "o/r", 1, tag); !errors.Is(err, ErrNotModified) || again != tag || run != (Run{}) {
		t.Error(run, again, err)
	}

	tokens.value, tokens.generation = "b", 2
	renewed := ask(PageRequest{Tag: page.Tag})
	sees("another token", "")
	if renewed.Tag == page.Tag || sentGeneration(c) != 2 {
		t.Error("the tag does not tell the token's generation")
	}

	for _, bad := range []string{"", "abc", `"`, `"a`, `a"`, `W/`, `w/"a"`, `"a"b"`, `"` + strings.Repeat("a", 2000) + `"`, "\"ä\""} {
		etag = bad
		if page := ask(PageRequest{}); !page.Tag.IsZero() {
			t.Errorf("ETag %q was taken", bad)
		}
	}
}

func TestUnaskedNotModified(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(304) })
	_, err := c.Runs(context.Background(), "o/r", RunFilter{}, PageRequest{})
	if errors.Is(err, ErrNotModified) {
		t.Error("a 304 that was not asked for passes as one")
	}
	wantKind(t, err, KindOther)
}

// switchable is a token a test changes.
type switchable struct {
	value      string
	generation uint64
}

func (s *switchable) Token() (string, uint64, error) { return s.value, s.generation, nil }

func TestRedirects(t *testing.T) {
	for _, status := range []int{301, 302, 307, 308} {
		var conditions []string
		c, server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Authorization"); got != "Bearer "+testToken {
				t.Errorf("%s: sent %q", r.URL, got)
			}
			switch r.URL.Path {
			case "/repos/old/name/actions/runs": // absolute, as GitHub sends it
				w.Header().Set("Location", "http://"+r.Host+basePath+"/repositories/1/actions/runs?"+r.URL.RawQuery)
				write(w, status, `{"message":"Moved Permanently","url":"x"}`)
			case "/repositories/1/actions/runs": // and a relative one behind it
				w.Header().Set("Location", basePath+"/final?"+r.URL.RawQuery)
				w.WriteHeader(status)
			case "/final":
				conditions = append(conditions, r.Header.Get("If-None-Match"))
				if conditions[len(conditions)-1] != "" {
					w.WriteHeader(304)
					return
				}
				w.Header().Set("ETag", `"1"`)
				w.Header().Set("Link", `<?page=2>; rel="next"`)
				write(w, 200, `{"total_count":1,"workflow_runs":[{"id":4}]}`)
			default:
				t.Errorf("asked %s", r.URL)
			}
		})
		ctx := context.Background()
		page, err := c.Runs(ctx, "old/name", RunFilter{}, PageRequest{})
		if err != nil || len(page.Items) != 1 || page.Items[0].ID != 4 {
			t.Fatal(status, page, err)
		}
		if want := server.URL + basePath + "/final?page=2#"; !strings.HasPrefix(page.Next, want) {
			t.Errorf("next is %q, want it relative to where the answer came from", page.Next)
		}
		if _, err = c.Runs(ctx, "old/name", RunFilter{}, PageRequest{Tag: page.Tag}); !errors.Is(err, ErrNotModified) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestRedirectsRefused(t *testing.T) {
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("asked elsewhere: %s with %q", r.URL, r.Header.Get("Authorization"))
	}))
	defer stranger.Close()
	for name, tt := range map[string]struct {
		location string
		asked    int
		text     string
	}{
		"other host":     {stranger.URL + basePath + "/x", 1, "refusing to follow to http://127.0.0.1:"},
		"https":          {"https://HOST" + basePath + "/x?signature=s3cr3t", 1, "refusing to follow to https://"},
		"other path":     {"/api/v3/x", 1, "not below the configured base path /base/api/v3/"},
		"climbing":       {basePath + "/%2e%2e/x", 1, "not below"},
		"no location":    {"", 1, "not a URL"},
		"broken":         {"http://HOST/%zz?s3cr3t", 1, "not a URL"},
		"no scheme host": {"//" + strings.TrimPrefix(stranger.URL, "http://") + basePath + "/x", 1, "refusing to follow to http://127"},
		"for ever":       {"http://HOST" + basePath + "/again", 6, "more than 5 redirects"},
	} {
		asked := 0
		c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			if tt.location != "" {
				w.Header().Set("Location", strings.ReplaceAll(tt.location, "HOST", r.Host))
			}
			w.WriteHeader(301)
		})
		_, err := c.Runs(context.Background(), "o/r", RunFilter{}, PageRequest{})
		e := wantKind(t, err, KindRedirect)
		wantText(t, err, "301 Moved Permanently", tt.text)
		if asked != tt.asked || e.Status != 301 || e.Endpoint != "list_runs" || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: asked %d times, %v", name, asked, err)
		}
	}
}
