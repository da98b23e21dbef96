package simulator

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// simple is a run of one job, a minute long, from the given second on.
func simple(second int) RunPlan {
	return RunPlan{Workflow: "CI", Attempts: []AttemptPlan{{StartedAt: at(second), Jobs: []JobPlan{{
		Name: "build", Labels: []string{"Ubuntu-latest"}, Runner: hostedRunner(3),
		CreatedAt: at(second + 1), StartedAt: at(second + 5), CompletedAt: at(second + 65),
		Steps: []StepPlan{{Name: "Set up job", StartedAt: at(second + 5), CompletedAt: at(second + 7)}, {Name: "Test", StartedAt: at(second + 7), CompletedAt: at(second + 64)}},
	}}}}}
}

func add(t *testing.T, g *GitHub, repo string, p RunPlan) int64 {
	t.Helper()
	id, err := g.AddRun(repo, p)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestARunUnfolds(t *testing.T) {
	g, c := one(t, Options{})
	id := add(t, g, "o/r", simple(10))
	path := "/repos/o/r/actions/runs/" + i64(id)
	for _, tc := range []struct {
		second                 int
		run, job, steps, count string
	}{
		{9, "404", "", "", ""},
		{10, "queued", "", "", "0"},
		{11, "queued", "queued", "", "1"},
		{15, "in_progress", "in_progress", "in_progress queued", "1"},
		{18, "in_progress", "in_progress", "completed in_progress", "1"},
		{74, "in_progress", "in_progress", "completed completed", "1"},
		{75, "completed", "completed", "completed completed", "1"},
	} {
		c.set(at(tc.second))
		r := get(t, g, path)
		if tc.run == "404" {
			if r.StatusCode != 404 {
				t.Errorf("second %d: status %d", tc.second, r.StatusCode)
			}
			continue
		}
		run := decode[listedRun](t, r)
		page := decode[jobsPage](t, get(t, g, path+"/attempts/1/jobs"))
		var job, steps []string
		for _, j := range page.Jobs {
			job = append(job, j.Status)
			for _, s := range j.Steps {
				steps = append(steps, s.Status)
			}
			if j.Status == "queued" && (!j.StartedAt.Equal(*j.CreatedAt) || j.RunnerName != nil) {
				t.Errorf("second %d: queued job started at %v on %v", tc.second, j.StartedAt, j.RunnerName)
			}
			if (j.Status == "completed") != (j.Conclusion != nil && j.CompletedAt != nil) {
				t.Errorf("second %d: %s job with conclusion %v, completed_at %v", tc.second, j.Status, j.Conclusion, j.CompletedAt)
			}
		}
		got := []string{run.Status, strings.Join(job, " "), strings.Join(steps, " "), itoa(page.TotalCount)}
		if diff := cmp.Diff([]string{tc.run, tc.job, tc.steps, tc.count}, got); diff != "" {
			t.Errorf("second %d (want -, got +):\n%s", tc.second, diff)
		}
	}
}

func TestPagesAndLinks(t *testing.T) {
	g, c := one(t, Options{BasePath: "/api/v3"})
	var want []int64
	for i := range 130 {
		want = append(want, add(t, g, "o/r", simple(i)))
	}
	c.set(at(1000))
	slices.Reverse(want)

	var got []int64
	url := "http://ghes.test/api/v3/repos/O/R/actions/runs?per_page=50"
	next := regexp.MustCompile(`<([^>]*)>; rel="next"`)
	var rels []string
	for url != "" {
		r := get(t, g, url)
		page := decode[runsPage](t, r)
		if page.TotalCount != 130 {
			t.Errorf("total_count %d", page.TotalCount)
		}
		for _, n := range page.Runs {
			got = append(got, n.ID)
		}
		var rel []string
		for _, m := range regexp.MustCompile(`rel="(\w+)"`).FindAllStringSubmatch(r.Header.Get("Link"), -1) {
			rel = append(rel, m[1])
		}
		rels = append(rels, strings.Join(rel, " "))
		url = ""
		if m := next.FindStringSubmatch(r.Header.Get("Link")); m != nil {
			url = m[1]
			if !strings.HasPrefix(url, "http://ghes.test/api/v3/repositories/600000000/actions/runs?") {
				t.Errorf("next is %s", url)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runs, newest first:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"next last", "prev next last first", "prev first"}, rels); diff != "" {
		t.Errorf("links:\n%s", diff)
	}
	for query, n := range map[string]int{"": 30, "?per_page=1000": 100, "?per_page=0": 30, "?per_page=x&page=5": 10, "?page=6": 0} {
		if page := decode[runsPage](t, get(t, g, "/api/v3/repos/o/r/actions/runs"+query)); len(page.Runs) != n {
			t.Errorf("%q: %d runs, want %d", query, len(page.Runs), n)
		}
	}
	if link := get(t, g, "/api/v3/repos/o/r/actions/runs?created=<2026-03-02T00:00:05Z").Header.Get("Link"); link != "" {
		t.Errorf("one page, and yet Link is %q", link)
	}
}

func TestFilters(t *testing.T) {
	g, c := one(t, Options{FilterLag: 20 * time.Second})
	a := simple(0)
	a.Event, a.Branch, a.Actor = "schedule", "dev", "mona"
	add(t, g, "o/r", a)
	b := simple(3600)
	b.Attempts[0].Jobs[0].Conclusion = "failure"
	add(t, g, "o/r", b)
	add(t, g, "o/r", simple(26*3600))
	c.set(at(26*3600 + 50))
	for query, n := range map[string]int{
		"event=schedule": 1, "event=push": 2, "branch=dev": 1, "actor=Mona": 1, "status=completed": 2, "status=failure": 1,
		"status=in_progress": 1, "created=2026-03-02": 2, "created=%3E%3D2026-03-03": 1, "created=%3C2026-03-02T00:00:01Z": 1,
		"created=2026-03-02T01:00:00%2B00:00..*": 2, "created=*..2026-03-02T00:30:00Z": 1, "created=nonsense": 0, "status=queued": 0,
	} {
		if page := decode[runsPage](t, get(t, g, "/repos/o/r/actions/runs?"+query)); len(page.Runs) != n {
			t.Errorf("%s: %d runs, want %d", query, len(page.Runs), n)
		}
	}
	c.set(at(26*3600 + 10)) // the index does not know the newest yet
	if page := decode[runsPage](t, get(t, g, "/repos/o/r/actions/runs?event=push")); len(page.Runs) != 1 {
		t.Errorf("lagging: %d runs", len(page.Runs))
	}
	if n := g.Requests().Filtered; n != 15 {
		t.Errorf("%d filtered requests counted", n)
	}
}

func TestFilteredListsEndAfterAThousand(t *testing.T) {
	g, c := one(t, Options{})
	for i := range 1100 {
		add(t, g, "o/r", simple(i))
	}
	c.set(at(2000))
	page := decode[runsPage](t, get(t, g, "/repos/o/r/actions/runs?event=push&per_page=100&page=11"))
	if page.TotalCount != 1100 || len(page.Runs) != 0 {
		t.Errorf("page 11 of a filtered list: %d of %d runs", len(page.Runs), page.TotalCount)
	}
	if page := decode[runsPage](t, get(t, g, "/repos/o/r/actions/runs?per_page=100&page=11")); len(page.Runs) != 100 {
		t.Errorf("page 11 of the whole list: %d runs", len(page.Runs))
	}
}

func TestRenameRedirects(t *testing.T) {
	g, c := one(t, Options{})
	id := add(t, g, "o/r", simple(0))
	c.set(at(100))
	if err := g.RenameRepository("o/r", "o/new"); err != nil {
		t.Fatal(err)
	}
	r := get(t, g, "/repos/o/r/actions/runs/"+i64(id)+"?x=1")
	want := "http://github.test/repositories/600000000/actions/runs/" + i64(id) + "?x=1"
	if r.StatusCode != 301 || r.Header.Get("Location") != want || !strings.Contains(string(r.body), `"message":"Moved Permanently"`) {
		t.Errorf("old name: %d to %s: %s", r.StatusCode, r.Header.Get("Location"), r.body)
	}
	if r := get(t, g, want); r.StatusCode != 200 || !strings.Contains(string(r.body), `"full_name":"o/new"`) {
		t.Errorf("redirected: %d %s", r.StatusCode, r.body)
	}
	if err := g.AddRepository(RepositoryPlan{Name: "o/r"}); err != nil {
		t.Fatal(err)
	}
	type repo struct {
		ID int64 `json:"id"`
	}
	if r := decode[repo](t, get(t, g, "/repos/o/r")); r.ID == 600000000 {
		t.Error("a new repository under the old name is the old one")
	}
	if err := g.AddRepository(RepositoryPlan{Name: "O/New"}); err == nil {
		t.Error("a name was given twice")
	}
}

func TestRepositoriesAreListed(t *testing.T) {
	g, _ := one(t, Options{Repositories: []RepositoryPlan{{Name: "O/second", Archived: true, Fork: true}, {Name: "mona/x", User: true, Private: true}}})
	type repo struct {
		FullName string `json:"full_name"`
		Archived bool   `json:"archived"`
		Fork     bool   `json:"fork"`
		Private  bool   `json:"private"`
		Branch   string `json:"default_branch"`
	}
	for url, want := range map[string][]repo{
		"/orgs/o/repos": {{"o/r", false, false, false, "main"}, {"O/second", true, true, false, "main"}}, "/users/MONA/repos": {{"mona/x", false, false, true, "main"}},
		"/user/repos": {{"o/r", false, false, false, "main"}, {"O/second", true, true, false, "main"}, {"mona/x", false, false, true, "main"}},
	} {
		if diff := cmp.Diff(want, decode[[]repo](t, get(t, g, url))); diff != "" {
			t.Errorf("%s:\n%s", url, diff)
		}
	}
	r := get(t, g, "/orgs/o/repos?per_page=1")
	m := regexp.MustCompile(`<([^>]*)>; rel="next"`).FindStringSubmatch(r.Header.Get("Link"))
	if m == nil {
		t.Fatalf("Link: %q", r.Header.Get("Link"))
	}
	if second := decode[[]repo](t, get(t, g, m[1])); len(second) != 1 || second[0].FullName != "O/second" {
		t.Errorf("page 2: %+v", second)
	}
	if r := get(t, g, "/orgs/nobody/repos"); r.StatusCode != 404 {
		t.Errorf("unknown owner: %d", r.StatusCode)
	}
	if err := g.ChangeRepository("o/r", func(p *RepositoryPlan) { p.Archived = true }); err != nil {
		t.Fatal(err)
	}
	if !decode[repo](t, get(t, g, "/repos/o/r")).Archived {
		t.Error("not archived")
	}
}

func TestLogs(t *testing.T) {
	g, c := one(t, Options{LogRetention: time.Hour})
	id := add(t, g, "o/r", simple(0))
	c.set(at(30))
	job := decode[jobsPage](t, get(t, g, "/repos/o/r/actions/runs/"+i64(id)+"/jobs")).Jobs[0].ID
	url := "/repos/o/r/actions/jobs/" + i64(job)
	if r := get(t, g, url); r.StatusCode != 200 {
		t.Errorf("job: %d", r.StatusCode)
	}
	if r := get(t, g, url+"/logs"); r.StatusCode != 404 {
		t.Errorf("unfinished: %d", r.StatusCode)
	}
	c.set(at(65))
	r := get(t, g, url+"/logs")
	file := r.Header.Get("Location")
	if r.StatusCode != 302 {
		t.Fatalf("finished: %d", r.StatusCode)
	}
	if r := get(t, g, file); r.StatusCode != 200 || !strings.Contains(string(r.body), i64(job)) {
		t.Errorf("log: %d %s", r.StatusCode, r.body)
	}
	if r := get(t, g, file, "Authorization", "Bearer x"); r.StatusCode != 400 {
		t.Errorf("log with credentials: %d", r.StatusCode)
	}
	c.set(at(126))
	if r := get(t, g, file); r.StatusCode != 403 {
		t.Errorf("log a minute later: %d", r.StatusCode)
	}
	c.set(at(3666))
	if r := get(t, g, url+"/logs"); r.StatusCode != 410 {
		t.Errorf("after retention: %d", r.StatusCode)
	}
}

func TestDeletedRun(t *testing.T) {
	g, c := one(t, Options{})
	id := add(t, g, "o/r", simple(0))
	c.set(at(70))
	if err := g.DeleteRun("o/r", id); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"", "/jobs", "/attempts/1", "/attempts/1/jobs"} {
		if r := get(t, g, "/repos/o/r/actions/runs/"+i64(id)+url); r.StatusCode != 404 {
			t.Errorf("%s: %d", url, r.StatusCode)
		}
	}
	if page := decode[runsPage](t, get(t, g, "/repos/o/r/actions/runs")); page.TotalCount != 0 {
		t.Errorf("still listed")
	}
	open := add(t, g, "o/r", simple(60))
	if err := g.DeleteRun("o/r", open); err != nil {
		t.Fatal(err)
	}
	c.set(at(500))
	if truth := g.Truth(TruthQuery{}); truth.Attempts != 1 || truth.Deleted != 1 || truth.Executions != 1 {
		t.Errorf("closed before it was deleted and not: %+v", truth)
	}
	if err := g.DeleteRun("o/r", 5); err == nil {
		t.Error("deleting what is not there succeeds")
	}
}

// Over real connections: compression, concurrent readers, a world changed meanwhile.
func TestOverHTTP(t *testing.T) {
	g, c := newWorld(t, Options{Seed: 2, Repositories: Repositories(2, 300), Token: "t"})
	c.add(5 * time.Hour)
	s := httptest.NewServer(g)
	defer s.Close()
	ask := func(path string) *http.Response {
		r, err := http.NewRequest(http.MethodGet, s.URL+path, nil)
		if err != nil {
			t.Error(err)
			return nil
		}
		r.Header.Set("Authorization", "Bearer t")
		r.Header.Set("Accept-Encoding", "gzip")
		a, err := s.Client().Do(r)
		if err != nil {
			t.Error(err)
		}
		return a
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for page := range 5 {
				a := ask("/repos/octo-org/service-1/actions/runs?page=" + itoa(page+1))
				if a == nil {
					return
				}
				z, err := gzip.NewReader(a.Body)
				if err != nil {
					t.Error(err)
					return
				}
				if b, err := io.ReadAll(z); err != nil || !strings.Contains(string(b), "workflow_runs") {
					t.Errorf("page %d: %v", page, err)
				}
				_ = a.Body.Close()
			}
		})
	}
	wait.Go(func() {
		for i := range 20 {
			c.add(time.Minute)
			g.SlowDay(i%2 == 0)
			add(t, g, "octo-org/service-2", simple(5*3600+i))
			g.Truth(TruthQuery{})
		}
	})
	wait.Wait()
	if n := g.Requests(); n.Total != 20 || n.MostAtOnce < 1 {
		t.Errorf("requests: %+v", n)
	}
}
