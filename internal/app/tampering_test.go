package app

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

// tampering changes answers on their way.
type tampering struct {
	http.RoundTripper
	change func(answer *http.Response, body string) string
}

func (z tampering) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := z.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		return nil, err
	}
	body := z.change(answer, string(b))
	answer.Body = io.NopCloser(strings.NewReader(body))
	answer.ContentLength = int64(len(body))
	answer.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return answer, nil
}

func replacing(next http.RoundTripper, pattern, by string) http.RoundTripper {
	p := regexp.MustCompile(pattern)
	return tampering{next, func(_ *http.Response, body string) string { return p.ReplaceAllString(body, by) }}
}

// GitHub's descriptions give runs' paths with a ref behind: the filter is by path all the same.
func TestWorkflowsAreSelectedWhateverRefTheirPathNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t, func(c *config.Config) {
			glob, err := config.NewGlob(".github/workflows/ci.yml")
			if err != nil {
				t.Fatal(err)
			}
			c.Targets.Workflows.Include = []config.Glob{glob}
		})
		w.transport = replacing(w.transport, `"path":"(\.github/workflows/[^"@]*)"`, `"path":"octo-org/service-1/$1@refs/heads/main"`)
		run := success(time.Now())
		run.Path = ".github/workflows/ci.yml"
		w.add(run)
		w.start()
		defer w.stop()
		time.Sleep(time.Hour)
		if n := total(w.counted().Counters[runConclusions]); n != 1 {
			t.Errorf("%v runs counted, want 1", n)
		}
	})
}

// run_started_at is not among the fields that are always there. A re-run without it is not timed from the first attempt's
// creation, its copies are known as such, and it is counted though its run is older than since.
func TestReRunsWithoutTheirStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t, func(c *config.Config) { c.Poll.Lookback = config.Duration(time.Hour) })
		w.transport = replacing(w.transport, `"run_started_at":"[^"]*"`, `"run_started_at":null`)
		plan := simulator.MatrixRun("CI", 3, time.Now())
		id := w.add(plan)
		time.Sleep(5 * time.Hour)
		w.start()
		defer w.stop()
		time.Sleep(5 * time.Hour)
		again := simulator.SimpleRun("CI", time.Now(), time.Minute, "failure").Attempts[0]
		again.Jobs = append(again.Jobs, simulator.CarryOver(plan.Attempts[0].Jobs[:2], 1, 2, time.Now(), simulator.CopyNewID)...)
		w.addAttempt(id, again)
		time.Sleep(2 * time.Hour)
		counted := w.counted()
		if n := total(counted.Counters[runConclusions]); n != 1 || counted.Executions != 1 || counted.Discards["carried_over"] != 2 {
			t.Errorf("%v attempts and %d executions counted, want the re-run and its one job; discards %v, want two jobs carried over", n, counted.Executions, counted.Discards)
		}
		for labels, d := range counted.Histograms["github_workflow_run_duration_seconds"] {
			if d.Sum < 60 || d.Sum > 66 { // the attempt's creation is a little after its start
				t.Errorf("%s: an attempt of 65 s was timed as %v s", labels, d.Sum)
			}
		}
	})
}

// A reset that is not told is unknown, not the year 1.
func TestAResetThatIsNotToldIsNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Seed: 3, PrimaryLimit: 5000, Repositories: simulator.Repositories(1, 1)})
		w.transport = tampering{w.transport, func(answer *http.Response, body string) string {
			answer.Header.Del("X-Ratelimit-Reset")
			return body
		}}
		w.start()
		defer w.stop()
		time.Sleep(time.Hour)
		const reset = namespace + "_api_rate_limit_reset_timestamp_seconds"
		families, err := w.exporter.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == reset {
				t.Errorf("shown: %v", f)
			}
		}
		if got := w.scrape().value(namespace+"_api_rate_limit", "credential", "anonymous", "resource", "core"); got != 5000 {
			t.Errorf("limit %v, want it shown", got)
		}
	})
}

// A run that can be decoded neither in the list nor at its own endpoint is discarded once, and the others are counted.
func TestARunThatCannotBeDecodedIsDiscarded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		bad := w.add(success(time.Now()))
		mangle := func(m map[string]any) {
			if id, ok := m["id"].(json.Number); ok && id.String() == strconv.FormatInt(bad, 10) {
				m["status"] = 7
			}
		}
		w.transport = tampering{w.transport, func(answer *http.Response, body string) string {
			var fields map[string]any
			decoder := json.NewDecoder(strings.NewReader(body))
			decoder.UseNumber()
			if !strings.Contains(answer.Request.URL.Path, "/actions/runs") || decoder.Decode(&fields) != nil {
				return body
			}
			mangle(fields)
			if list, ok := fields["workflow_runs"].([]any); ok {
				for _, run := range list {
					mangle(run.(map[string]any))
				}
			}
			changed, err := json.Marshal(fields)
			if err != nil {
				t.Error(err)
			}
			return string(changed)
		}}
		w.start()
		defer w.stop()
		for range 3 {
			time.Sleep(24 * time.Hour)
			w.add(success(time.Now()))
		}
		time.Sleep(time.Hour)
		c := w.counted()
		if n := total(c.Counters[runConclusions]); n != 3 || c.Discards["undecodable"] != 1 {
			t.Errorf("%v runs counted, want 3; discards %v, want 1 undecodable", n, c.Discards)
		}
		w.shows(0, namespace+"_open_runs")
	})
}
