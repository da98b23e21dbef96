package app

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

// scripted is a GitHub that says what a test makes it say, by path, however little sense that makes. What it is not told of
// is 404. An answer that has not changed is 304.
type scripted struct {
	mu      sync.Mutex
	answers map[string]scriptedAnswer // by path below the repository, or below the API's root if it begins with "/"
	always  *scriptedAnswer           // in place of all
	// generate answers what cannot be written down, before answers does; false: not that path.
	generate func(path string) (scriptedAnswer, bool)
	date     time.Duration  // by how much the Date is ahead
	asked    map[string]int // by path: answers other than 304
}

type scriptedAnswer struct {
	status int // 0: 200
	header http.Header
	body   string
}

const scriptedRepo = `{"id":1001,"name":"app","full_name":"octo-org/app","owner":{"login":"octo-org"},"default_branch":"main"}`

// scriptedWorld is the whole program on a scripted GitHub with one repository, octo-org/app, id 1001, polled every second.
func scriptedWorld(t *testing.T, change ...func(*config.Config)) (*world, *scripted) {
	t.Helper()
	s := &scripted{answers: map[string]scriptedAnswer{}, asked: map[string]int{}}
	s.say("/orgs/octo-org/repos", "["+scriptedRepo+"]")
	s.say("", scriptedRepo)
	s.say("/repositories/1001", scriptedRepo)
	change = append([]func(*config.Config){func(c *config.Config) {
		c.Poll.Interval, c.Poll.MaxInterval = config.Duration(10*time.Second), config.Duration(20*time.Second)
	}}, change...)
	w := newWorld(t, simulator.Options{Repositories: simulator.Repositories(1, 0)}, change...)
	w.transport = serveInMemory(t, s)
	return w, s
}

// say sets the answer at a path.
func (s *scripted) say(path, body string) { s.answer(path, scriptedAnswer{body: body}) }

func (s *scripted) answer(path string, a scriptedAnswer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[path] = a
}

func (s *scripted) everywhere(a *scriptedAnswer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.always = a
}

// run sets what a run's own endpoints say.
func (s *scripted) run(run entry) {
	id := fmt.Sprint("actions/runs/", run["id"])
	s.say(id, run.json())
	s.say(fmt.Sprint(id, "/attempts/", run["run_attempt"]), run.json())
}

// ahead puts the Date so much before the present.
func (s *scripted) ahead(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.date = by
}

// runs sets the first page of the runs list, and what each run's own endpoints say.
func (s *scripted) runs(runs ...entry) {
	for _, run := range runs {
		s.run(run)
	}
	s.say("actions/runs", list("workflow_runs", len(runs), runs...))
}

// jobs sets the jobs of a run's first attempt.
func (s *scripted) jobs(run int64, jobs ...entry) {
	s.say(fmt.Sprintf("actions/runs/%d/attempts/1/jobs", run), list("jobs", len(jobs), jobs...))
}

func (s *scripted) counted(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[path]
}

// total is how many requests were answered other than by a 304.
func (s *scripted) total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, asked := range s.asked {
		n += asked
	}
	return n
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, basePath)
	for _, prefix := range []string{"/repos/octo-org/app", "/repositories/1001"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			path = strings.TrimPrefix(rest, "/")
			break
		}
	}
	if page := r.URL.Query().Get("page"); page != "" && page != "1" {
		path += "?page=" + page
	}
	a, ok := s.answers[path]
	if s.generate != nil {
		if made, is := s.generate(path); is {
			a, ok = made, true
		}
	}
	switch {
	case s.always != nil:
		a = *s.always
	case !ok:
		a = scriptedAnswer{status: http.StatusNotFound, body: `{"message":"Not Found"}`}
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.Header().Set("Date", time.Now().Add(s.date).UTC().Format(http.TimeFormat))
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	if a.status == 0 {
		h := fnv.New64a()
		h.Write([]byte(a.body))
		tag := `"` + strconv.FormatUint(h.Sum64(), 16) + `"`
		w.Header().Set("Etag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		a.status = http.StatusOK
	}
	s.asked[path]++
	w.WriteHeader(a.status)
	fmt.Fprint(w, a.body)
}

// entry is one JSON object of an answer.
type entry map[string]any

func (e entry) json() string {
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // of the test's own making
	}
	return string(b)
}

// with is the entry with fields changed, name and value in turn.
func (e entry) with(fields ...any) entry {
	out := entry{}
	for k, v := range e {
		out[k] = v
	}
	for i := 0; i < len(fields); i += 2 {
		out[fields[i].(string)] = fields[i+1]
	}
	return out
}

func list(key string, total int, entries ...entry) string {
	return entry{"total_count": total, key: append([]entry{}, entries...)}.json()
}

// instant is a time as the API writes it, so much before now.
func instant(ago time.Duration) string { return time.Now().Add(-ago).UTC().Format(time.RFC3339) }

// aRun is a run that began two minutes ago and still goes on.
func aRun(id int64) entry {
	return entry{
		"id": id, "name": "CI", "path": ".github/workflows/ci.yml", "workflow_id": 77, "head_branch": "main", "event": "push",
		"status": "in_progress", "conclusion": nil, "run_attempt": 1, "run_number": 5, "display_title": "x",
		"created_at": instant(2 * time.Minute), "run_started_at": instant(2 * time.Minute), "updated_at": instant(0),
		"actor": entry{"login": "octocat"}, "repository": entry{"id": 1001, "full_name": "octo-org/app"},
	}
}

// aJob is a job of such a run that succeeded within a minute.
func aJob(run, id int64) entry {
	return entry{
		"id": id, "run_id": run, "run_attempt": 1, "name": "build", "workflow_name": "CI", "head_branch": "main",
		"status": "completed", "conclusion": "success", "created_at": instant(100 * time.Second),
		"started_at": instant(95 * time.Second), "completed_at": instant(35 * time.Second), "labels": []string{"ubuntu-latest"},
		"runner_id": 11, "runner_name": "GitHub Actions 1000000001", "runner_group_name": "Default",
		"steps": []entry{aStep(1, "Set up job", "success"), aStep(2, "Run tests", "success")},
	}
}

func aStep(number int, name string, conclusion any) entry {
	status := "completed"
	if conclusion == nil {
		status = "in_progress"
	}
	return entry{
		"name": name, "number": number, "status": status, "conclusion": conclusion,
		"started_at": instant(95 * time.Second), "completed_at": instant(35 * time.Second),
	}
}

// conclusions adds up a family's counter by conclusion.
func (w *world) conclusions(family string) map[string]float64 {
	w.Helper()
	sums := map[string]float64{}
	for labels, v := range w.counted().Counters[family] {
		_, rest, _ := strings.Cut(labels, `conclusion="`)
		conclusion, _, _ := strings.Cut(rest, `"`)
		sums[conclusion] += v
	}
	return sums
}
