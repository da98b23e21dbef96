package simulator

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFaults(t *testing.T) {
	type check func(r response) bool
	header := func(name, value string) check {
		return func(r response) bool { return r.Header.Get(name) == value }
	}
	says := func(text string) check {
		return func(r response) bool { return strings.Contains(string(r.body), text) }
	}
	for _, tc := range []struct {
		name   string
		fault  Fault
		status int
		checks []check
	}{
		{"502", Fault{Kind: ServerError}, 502, nil},
		{"503", Fault{Kind: ServerError, Status: 503}, 503, nil},
		{"html", Fault{Kind: HTML}, 200, []check{says("<html>"), header("Content-Type", "text/html; charset=utf-8")}},
		{"401", Fault{Kind: Unauthorized}, 401, []check{says("Bad credentials")}},
		{"403", Fault{Kind: Forbidden}, 403, []check{header("X-RateLimit-Remaining", "99"), says("not accessible")}},
		{"404", Fault{Kind: NotFound}, 404, []check{says("Not Found")}},
		{"skew", Fault{Kind: ClockSkew, Delay: -90 * time.Second}, 200, []check{header("Date", "Mon, 02 Mar 2026 00:08:30 GMT")}},
		{"primary", Fault{Kind: PrimaryLimit}, 403, []check{header("X-RateLimit-Remaining", "0"), says("API rate limit exceeded")}},
		{"seconds", Fault{Kind: SecondarySeconds}, 403, []check{header("Retry-After", "60"), says("secondary rate limit")}},
		{"date", Fault{Kind: SecondaryDate, Delay: time.Hour}, 403, []check{header("Retry-After", "Mon, 02 Mar 2026 01:10:00 GMT")}},
		{"message", Fault{Kind: SecondaryMessage}, 403, []check{header("Retry-After", ""), says("secondary rate limit"), func(r response) bool { return !strings.Contains(string(r.body), "secondary-rate-limits") }}},
		{"docs", Fault{Kind: SecondaryDocs}, 403, []check{header("Retry-After", ""), says(`secondary-rate-limits"`), func(r response) bool { return !strings.Contains(string(r.body), "secondary rate") }}},
		{"bare", Fault{Kind: SecondaryBare, Delay: 8 * time.Second}, 429, []check{header("Retry-After", "8"), func(r response) bool { return !strings.Contains(string(r.body), "secondary") }}},
		{"empty filter", Fault{Kind: EmptyFilter}, 200, []check{says(`"total_count":0`)}},
		{"lagging filter", Fault{Kind: LaggingFilter, Delay: 9 * time.Minute}, 200, []check{says(`"total_count":1,`)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g, c := one(t, Options{PrimaryLimit: 100})
			add(t, g, "o/r", simple(0))
			add(t, g, "o/r", simple(120))
			c.set(at(600))
			g.Faults().Set("x", tc.fault)
			r := get(t, g, "/repos/o/r/actions/runs?event=push")
			if r.StatusCode != tc.status {
				t.Errorf("status %d, want %d: %s", r.StatusCode, tc.status, r.body)
			}
			for i, check := range tc.checks {
				if !check(r) {
					t.Errorf("check %d: %v %s", i, r.Header, r.body)
				}
			}
			if n := g.Faults().Fired("x"); n != 1 {
				t.Errorf("fired %d times", n)
			}
			g.Faults().ClearAll()
			if r := get(t, g, "/repos/o/r/actions/runs?event=push"); tc.fault.Kind != PrimaryLimit && (r.StatusCode != 200 || !says(`"total_count":2`)(r)) {
				t.Errorf("cleared: %d %s", r.StatusCode, r.body)
			}
		})
	}
}

func TestFaultSelection(t *testing.T) {
	g, _ := one(t, Options{Repositories: []RepositoryPlan{{Name: "o/other"}}})
	status := func(path string) int { return get(t, g, path).StatusCode }
	g.Faults().Set("repo", Fault{Kind: Forbidden, Repository: "O/R"})
	if status("/repos/o/r") != 403 || status("/repos/o/other") != 200 || status("/repositories/600000000") != 403 {
		t.Error("a fault of one repository")
	}
	g.Faults().Set("repo", Fault{Kind: NotFound, Path: regexp.MustCompile(`/actions/runs\?page=2`), Times: 2})
	for i, want := range []int{404, 404, 200} {
		if got := status("/repos/o/r/actions/runs?page=2"); got != want {
			t.Errorf("request %d: %d, want %d", i, got, want)
		}
	}
	if on := g.Faults().On(); len(on) != 0 {
		t.Errorf("still on: %v", on)
	}
	g.Faults().Set("some", Fault{Kind: ServerError, Probability: 0.3, Endpoint: "repository"})
	failed := 0
	for range 200 {
		if status("/repos/o/r") != 200 {
			failed++
		}
	}
	if failed < 40 || failed > 80 {
		t.Errorf("%d of 200 failed, want 30 %%", failed)
	}
	if status("/repos/o/r/actions/runs") != 200 {
		t.Error("another endpoint failed")
	}
	g.Faults().Clear("some")
}

func TestFaultsOfLists(t *testing.T) {
	g, c := one(t, Options{})
	for i := range 9 {
		add(t, g, "o/r", simple(i))
	}
	matrix := add(t, g, "o/r", MatrixRun("Matrix", 250, at(10)))
	c.set(at(3600))
	jobs := "/repos/o/r/actions/runs/" + i64(matrix) + "/attempts/1/jobs?per_page="

	g.Faults().Set("big", Fault{Kind: BigPages, PerPage: 50})
	for size, want := range map[string]int{"100": 502, "51": 502, "50": 200} {
		if r := get(t, g, jobs+size); r.StatusCode != want {
			t.Errorf("per_page=%s: %d", size, r.StatusCode)
		}
	}
	if r := get(t, g, "/repos/o/r/actions/runs?per_page=100"); r.StatusCode != 200 {
		t.Errorf("runs list: %d", r.StatusCode)
	}
	g.Faults().ClearAll()

	ids := func() (all []int64) {
		for page := range 4 {
			for _, n := range decode[runsPage](t, get(t, g, "/repos/o/r/actions/runs?per_page=3&page="+itoa(page+1))).Runs {
				all = append(all, n.ID)
			}
		}
		return all
	}
	whole := ids()
	g.Faults().Set("shift", Fault{Kind: ShiftedPages})
	if repeated := ids(); len(whole) != 10 || repeated[3] != whole[2] {
		t.Errorf("whole %v, shifted %v", whole, repeated)
	}
	g.Faults().Set("shift", Fault{Kind: ShiftedPages, Shift: 1})
	if hidden := ids(); hidden[3] != whole[4] {
		t.Errorf("whole %v, shifted %v", whole, hidden)
	}
	g.Faults().ClearAll()

	g.Faults().Set("undecodable", Fault{Kind: UndecodableJob, Times: 1})
	var page struct {
		Jobs []struct {
			StartedAt json.RawMessage `json:"started_at"`
		}
	}
	r := get(t, g, jobs+"3")
	if err := json.Unmarshal(r.body, &page); err != nil || page.Jobs[0].StartedAt[0] == '"' || page.Jobs[1].StartedAt[0] != '"' {
		t.Errorf("%v: %s", err, r.body)
	}
	first := get(t, g, jobs+"3")
	if first.Header.Get("ETag") == r.Header.Get("ETag") {
		t.Error("the broken body has the good one's ETag")
	}

	g.Faults().Set("foreign", Fault{Kind: ForeignAttempt})
	for i, want := range []int{2, 1} {
		if j := decode[jobsPage](t, get(t, g, jobs+"3")).Jobs[0]; j.RunAttempt != want {
			t.Errorf("read %d: run_attempt %d, want %d", i+1, j.RunAttempt, want)
		}
	}
	g.Faults().ClearAll()

	g.Faults().Set("partial", Fault{Kind: PartialFilter})
	if n := decode[runsPage](t, get(t, g, "/repos/o/r/actions/runs?event=push")).TotalCount; n == 0 || n == 10 {
		t.Errorf("%d of 10 runs in a partial list", n)
	}
}

// Slow answers wait on the Sleep handed in, and are given up with the request.
func TestSlowAnswer(t *testing.T) {
	var slept []time.Duration
	g, _ := one(t, Options{Sleep: func(ctx context.Context, d time.Duration) error {
		slept = append(slept, d)
		return ctx.Err()
	}})
	g.Faults().Set("slow", Fault{Kind: Slow, Delay: 12 * time.Second})
	if r := get(t, g, "/repos/o/r"); r.StatusCode != 200 || len(slept) != 1 || slept[0] != 12*time.Second {
		t.Errorf("%d after %v", r.StatusCode, slept)
	}
}

// Broken connections and cut bodies look the same through a socket and through the in-process transport.
func TestBrokenConnections(t *testing.T) {
	g, c := one(t, Options{})
	add(t, g, "o/r", simple(0))
	c.set(at(5))
	s := httptest.NewServer(g)
	defer s.Close()
	for name, client := range map[string]*http.Client{"socket": s.Client(), "memory": {Transport: g.Transport()}} {
		ask := func() ([]byte, error) {
			r, err := client.Get(s.URL + "/repos/o/r/actions/runs")
			if err != nil {
				return nil, err
			}
			defer func() { _ = r.Body.Close() }()
			return io.ReadAll(r.Body)
		}
		g.Faults().Set("x", Fault{Kind: Reset, Path: regexp.MustCompile("runs")})
		if _, err := ask(); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
			t.Errorf("%s: reset gives %v", name, err)
		}
		g.Faults().Set("x", Fault{Kind: CutBody})
		if b, err := ask(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: cut body gives %d bytes, %v", name, len(b), err)
		}
		g.Faults().ClearAll()
		if b, err := ask(); err != nil || !json.Valid(b) {
			t.Errorf("%s: afterwards %v", name, err)
		}
	}
	if n := g.Requests().ByStatus[0]; n < 2 {
		t.Errorf("%d broken connections counted", n)
	}
}
