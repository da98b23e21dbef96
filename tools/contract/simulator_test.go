package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github_workflow_exporter/internal/simulator"
)

// simulated is the list of operations the simulator must have answered within the schema by the end of the test.
var simulated = []string{
	"actions/download-job-logs-for-workflow-run",
	"actions/get-job-for-workflow-run",
	"actions/get-workflow-run",
	"actions/get-workflow-run-attempt",
	"actions/list-jobs-for-workflow-run",
	"actions/list-jobs-for-workflow-run-attempt",
	"actions/list-workflow-runs-for-repo",
	"meta/get",
	"rate-limit/get",
	"repos/list-for-authenticated-user",
	"repos/list-for-org",
}

// maxComplaints keeps a broken field from filling the screen: it is in every answer.
const maxComplaints = 20

// TestSimulatorAnswers walks a simulated GitHub through a day, reads everything it serves the way a client does, and
// holds each answer to the unchanged descriptions. The world has every odd shape but those that are known to break the
// description on real servers as well.
func TestSimulatorAnswers(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.name, func(t *testing.T) {
			w := &walk{t: t, d: description(t, f.original, f.baseURL), base: f.baseURL, operations: map[string]int{}}
			start := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
			var elapsed atomic.Int64
			conforming := simulator.ConformingRates()
			options := simulator.Options{
				Seed: 7, Start: start, Now: func() time.Time { return start.Add(time.Duration(elapsed.Load())) },
				BasePath: w.d.base, PrimaryLimit: 1_000_000, Token: "not-a-real-token", LogOrigin: "http://logs.example.net",
				Repositories: []simulator.RepositoryPlan{
					{Name: "octo-org/octo-repo", RunsPerDay: 60, Rates: &conforming},
					{Name: "octo-org/private-fork", RunsPerDay: 10, Rates: &conforming, Private: true, Fork: true},
					{Name: "octo-org/archive", Archived: true},
					{Name: "octocat/hello-world", RunsPerDay: 10, Rates: &conforming, User: true},
				},
			}
			if strings.HasPrefix(f.name, "ghes") {
				options.EnterpriseVersion = "3.10.0"
			}
			github, err := simulator.New(options)
			if err != nil {
				t.Fatal(err)
			}
			w.handler = github
			for _, at := range []time.Duration{time.Minute, 3 * time.Hour, 9 * time.Hour, 24 * time.Hour} {
				elapsed.Store(int64(at))
				w.everything()
			}
			for _, operation := range simulated {
				if w.operations[operation] == 0 {
					t.Errorf("the simulator never answered %s", operation)
				}
			}
			if w.complaints > maxComplaints {
				t.Errorf("%d answers more depart from the description", w.complaints-maxComplaints)
			}
			for _, operation := range slices.Sorted(maps.Keys(w.operations)) {
				t.Logf("%5d × %s", w.operations[operation], operation)
			}
		})
	}
}

// walk asks a handler and judges its answers.
type walk struct {
	t          *testing.T
	d          *Description
	handler    http.Handler
	base       string
	operations map[string]int // answers within the schema
	complaints int
}

// everything reads all there is to read now.
func (w *walk) everything() {
	for _, path := range []string{"/meta", "/rate_limit"} {
		w.ask(path)
	}
	var repositories []string
	for _, list := range []string{"/orgs/octo-org/repos?per_page=2", "/user/repos?per_page=100", "/users/octocat/repos"} {
		w.pages(list, func(body []byte) {
			var page []struct {
				FullName string `json:"full_name"`
			}
			w.decode(list, body, &page)
			for _, r := range page {
				repositories = append(repositories, r.FullName)
			}
		})
	}
	slices.Sort(repositories)
	repositories = slices.Compact(repositories)
	if len(repositories) < 4 {
		w.t.Errorf("the lists hold %v, want the four repositories of the world", repositories)
	}
	for _, name := range repositories {
		w.ask("/repos/" + name)
		for _, filter := range []string{"", "&status=completed", "&event=push", "&branch=main", "&actor=octocat"} {
			w.ask("/repos/" + name + "/actions/runs?per_page=10" + filter)
		}
		w.runs("/repos/" + name + "/actions/runs")
	}
}

func (w *walk) runs(list string) {
	w.pages(list+"?per_page=50", func(body []byte) {
		var page struct {
			Runs []struct {
				ID      int64 `json:"id"`
				Attempt int   `json:"run_attempt"`
			} `json:"workflow_runs"`
		}
		w.decode(list, body, &page)
		for _, run := range page.Runs {
			path := fmt.Sprintf("%s/%d", list, run.ID)
			w.ask(path)
			for n := 1; n <= run.Attempt; n++ {
				attempt := fmt.Sprintf("%s/attempts/%d", path, n)
				w.ask(attempt)
				w.jobs(attempt + "/jobs?per_page=100")
			}
			w.ask(path + "/jobs?filter=all&per_page=100")
			w.ask(path + "/jobs?filter=latest")
		}
	})
}

// jobs reads a list of jobs, the first of them by id and its log.
func (w *walk) jobs(list string) {
	w.pages(list, func(body []byte) {
		var page struct {
			Jobs []struct {
				ID     int64  `json:"id"`
				Status string `json:"status"`
			} `json:"jobs"`
		}
		w.decode(list, body, &page)
		repository, _, _ := strings.Cut(list, "/actions/runs/")
		for i, job := range page.Jobs {
			if i > 0 {
				break // the same object as in the list
			}
			path := fmt.Sprintf("%s/actions/jobs/%d", repository, job.ID)
			w.ask(path)
			if job.Status == "completed" {
				w.ask(path + "/logs")
			}
		}
	})
}

// pages reads a list to its end by its links.
func (w *walk) pages(path string, each func(body []byte)) {
	for count := 0; path != ""; count++ {
		if count == 100 {
			w.t.Fatalf("%s has no end", path)
		}
		answer, body := w.ask(path)
		if answer.StatusCode != http.StatusOK {
			w.t.Fatalf("%s: %s: %s", path, answer.Status, body)
		}
		each(body)
		path = w.next(answer.Header.Get("Link"))
	}
}

// next returns the path of the next page below the base URL, "" if there is none.
func (w *walk) next(link string) string {
	for part := range strings.SplitSeq(link, ",") {
		address, relation, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.TrimSpace(relation) == `rel="next"` {
			below, found := strings.CutPrefix(strings.Trim(address, "<>"), w.base)
			if !found {
				w.t.Fatalf("link %s does not begin with %s", address, w.base)
			}
			return below
		}
	}
	return ""
}

// ask sends one request and judges the answer, unless it is one of those that the descriptions do not hold: single
// repositories, a user's repositories, and links, which GitHub writes with the number of the repository.
func (w *walk) ask(path string) (*http.Response, []byte) {
	w.t.Helper()
	request := httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, w.base+path, nil)
	request.Header.Set("Accept", "application/vnd.github+json")
	request.Header.Set("User-Agent", "contract-test")
	request.Header.Set("Authorization", "Bearer not-a-real-token")
	request.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	recorded := httptest.NewRecorder()
	w.handler.ServeHTTP(recorded, request)
	answer := recorded.Result()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	judged := w.described(request)
	err = w.d.CheckAnswer(w.t.Context(), judged, answer.StatusCode, answer.Header, body)
	switch operation, _ := w.d.Operation(judged); {
	case strings.HasSuffix(path, "/logs") && answer.StatusCode == http.StatusNotFound:
		// A job that did not run has no log; the description knows the redirect only.
	case errors.Is(err, ErrNotDescribed):
		if answer.StatusCode != http.StatusOK {
			w.t.Errorf("%s: %s: %s", path, answer.Status, body)
		}
	case err != nil:
		if w.complaints++; w.complaints <= maxComplaints {
			w.t.Error(err)
		}
	default:
		w.operations[operation]++
	}
	return answer, body
}

// described gives a request by the number of its repository the form by name that the description knows.
func (w *walk) described(r *http.Request) *http.Request {
	rest, found := strings.CutPrefix(r.URL.Path, w.d.base+"/repositories/")
	if !found {
		return r
	}
	_, rest, _ = strings.Cut(rest, "/")
	r = r.Clone(r.Context())
	r.URL.Path = w.d.base + "/repos/octo-org/octo-repo/" + rest
	return r
}

func (w *walk) decode(what string, body []byte, into any) {
	if err := json.Unmarshal(body, into); err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
}
