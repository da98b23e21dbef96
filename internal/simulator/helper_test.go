package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// clock is a driven clock.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

var worldStart = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
}

func (c *clock) add(d time.Duration) { c.set(c.now().Add(d)) }

func newWorld(t *testing.T, o Options) (*GitHub, *clock) {
	t.Helper()
	c := &clock{t: worldStart}
	if o.Start.IsZero() {
		o.Start = worldStart
	}
	o.Now = c.now
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return g, c
}

// one is a world of one hand-made repository o/r.
func one(t *testing.T, o Options) (*GitHub, *clock) {
	t.Helper()
	o.Repositories = append([]RepositoryPlan{{Name: "o/r"}}, o.Repositories...)
	return newWorld(t, o)
}

type response struct {
	*http.Response
	body []byte
	err  error // of reading the body
}

// get asks the simulator; headers are pairs of name and value.
func get(t *testing.T, g *GitHub, url string, headers ...string) response {
	t.Helper()
	r, err := tryGet(g, url, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tryGet(g *GitHub, url string, headers ...string) (response, error) {
	if url[0] == '/' {
		url = "http://github.test" + url
	}
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return response{}, err
	}
	r.Header.Set("User-Agent", "test")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if r.Header.Get("User-Agent") == "-" {
		r.Header.Set("User-Agent", "")
	}
	a, err := g.Transport().RoundTrip(r)
	if err != nil {
		return response{}, err
	}
	defer func() { _ = a.Body.Close() }()
	b, err := io.ReadAll(a.Body)
	return response{a, b, err}, nil
}

func decode[T any](t *testing.T, r response) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(r.body, &v); err != nil {
		t.Fatalf("status %d, body %q: %v", r.StatusCode, r.body, err)
	}
	return v
}

type listedRun struct {
	ID           int64     `json:"id"`
	Name         string    `json:"name"`
	Status       string    `json:"status"`
	Conclusion   *string   `json:"conclusion"`
	RunAttempt   int       `json:"run_attempt"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
	RunStartedAt time.Time `json:"run_started_at"`
}

type runsPage struct {
	TotalCount int         `json:"total_count"`
	Runs       []listedRun `json:"workflow_runs"`
}

type listedJob struct {
	ID          int64      `json:"id"`
	RunAttempt  int        `json:"run_attempt"`
	Name        string     `json:"name"`
	Status      string     `json:"status"`
	Conclusion  *string    `json:"conclusion"`
	CreatedAt   *time.Time `json:"created_at"`
	StartedAt   time.Time  `json:"started_at"`
	CompletedAt *time.Time `json:"completed_at"`
	RunnerName  *string    `json:"runner_name"`
	RunnerID    *int64     `json:"runner_id"`
	Labels      []string   `json:"labels"`
	Steps       []struct {
		Name        string     `json:"name"`
		Status      string     `json:"status"`
		Conclusion  *string    `json:"conclusion"`
		StartedAt   *time.Time `json:"started_at"`
		CompletedAt *time.Time `json:"completed_at"`
	} `json:"steps"`
}

type jobsPage struct {
	TotalCount int         `json:"total_count"`
	Jobs       []listedJob `json:"jobs"`
}

func at(seconds int) time.Time { return worldStart.Add(time.Duration(seconds) * time.Second) }
