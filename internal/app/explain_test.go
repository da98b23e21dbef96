package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github_workflow_exporter/collector/observe"
	"github_workflow_exporter/githubapi"
	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/explain"
	"github_workflow_exporter/internal/simulator"
)

var updateExplain = flag.Bool("update.explain", false, "write the explanations in testdata instead of comparing")

// explained is a run with all there is to explain: two attempts, a copy, a check run, a flake, a failure, a job that waits.
func explained(t *testing.T, w *world) (id int64) {
	t.Helper()
	start := time.Now().Truncate(time.Second)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	own := simulator.Runner{ID: 7, Name: "arc-linux-x64-dv8bd-runner-9wvt5", GroupID: 1, Group: "Default"}
	hosted := simulator.Runner{ID: 8, Name: "GitHub Actions 12", Group: "GitHub Actions"}
	build := simulator.JobPlan{Name: "build (linux, 1.26)", Labels: []string{"ubuntu-latest-8-cores"}, Runner: hosted, CreatedAt: at(1), StartedAt: at(9), CompletedAt: at(130),
		Steps: []simulator.StepPlan{{Name: "Set up job", StartedAt: at(9), CompletedAt: at(10)}, {Name: "Run make", StartedAt: at(10), CompletedAt: at(129)}}}
	test := simulator.JobPlan{Name: "integration of everything with everything else (postgres, 17)", Labels: []string{"self-hosted", "Linux"}, Runner: own, Conclusion: "failure",
		CreatedAt: at(131), StartedAt: at(160), CompletedAt: at(400), Steps: []simulator.StepPlan{{Name: "go test ./...", StartedAt: at(160), CompletedAt: at(400), Conclusion: "failure"}}}
	gone := simulator.JobPlan{Name: "deploy", Labels: []string{"self-hosted", "deploy"}, Conclusion: "cancelled", CreatedAt: at(131), StartedAt: at(131), CompletedAt: at(401), Cause: simulator.ByPerson}
	check := simulator.JobPlan{Name: "Test Results", CheckRun: true, CreatedAt: at(399)}
	again := test
	again.Conclusion, again.CreatedAt, again.StartedAt, again.CompletedAt = "success", at(1001), at(1003), at(1200)
	again.Steps = []simulator.StepPlan{{Name: "go test ./...", StartedAt: at(1003), CompletedAt: at(1200)}}
	running := simulator.JobPlan{Name: "deploy", Labels: []string{"self-hosted", "deploy"}, Runner: own, CreatedAt: at(1201), StartedAt: at(1230), CompletedAt: at(90000)}
	id, err := w.github.AddRun("octo-org/service-1", simulator.RunPlan{Workflow: "CI", Event: "push", Attempts: []simulator.AttemptPlan{
		{StartedAt: at(0), Jobs: []simulator.JobPlan{build, test, gone, check}},
		{StartedAt: at(1000), Jobs: append(simulator.CarryOver([]simulator.JobPlan{build}, 1, 2, at(1000), simulator.CopyNewID), again, running)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestExplain: what is explained is what is counted, in a form that one can read.
func TestExplain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Repositories: []simulator.RepositoryPlan{{Name: "octo-org/service-1", Private: true}}, BasePath: githubDotCom}, func(c *config.Config) {
			c.Failures.Annotations = config.AnnotationsAuto
		})
		time.Sleep(48 * time.Hour)
		w.start()
		time.Sleep(10 * time.Minute)
		id := explained(t, w)
		time.Sleep(30 * time.Minute)
		explainAs := func(name string, o ExplainOptions) string {
			t.Helper()
			var out bytes.Buffer
			o.Arguments, o.Out, o.Transport, o.Exporter = []string{"octo-org/service-1", itoa(id)}, &out, w.transport, "http://127.0.0.1:1"
			if err := Explain(t.Context(), w.config, o); err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(out.String(), w.config.Storage.Path, "DIR")
			golden(t, name, text)
			return text
		}
		explainAs("explain-in-use.txt", ExplainOptions{}) // the exporter has the ledger, and does not answer there
		w.stop()
		text := explainAs("explain.txt", ExplainOptions{Logs: true})
		for _, line := range strings.Split(text, "\n") {
			if utf8.RuneCountInString(line) > explain.Columns {
				t.Errorf("a line of %d: %s", utf8.RuneCountInString(line), line)
			}
		}
		explainAs("explain.json", ExplainOptions{JSON: true})
	})
}

func itoa(n int64) string { b, _ := json.Marshal(n); return string(b) }

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *updateExplain {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), rewrite with -update.explain:\n%s", name, diff)
	}
}

// TestExplainEveryRun: of every run of a simulated day, what explain says is counted is what was counted.
func TestExplainEveryRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Seed: 21, Repositories: simulator.Repositories(1, 150)})
		w.start()
		time.Sleep(8 * time.Hour)
		w.settle()
		w.stop()
		runs, executions, reasons := 0, 0, map[string]int{}
		for _, id := range w.github.Runs("octo-org/service-1") {
			var out bytes.Buffer
			err := Explain(t.Context(), w.config, ExplainOptions{Arguments: []string{"octo-org/service-1", itoa(id)}, JSON: true, Out: &out, Transport: w.transport})
			var r explain.Report
			if err := errors.Join(err, json.Unmarshal(out.Bytes(), &r)); err != nil {
				t.Fatal(err)
			}
			runs++
			for _, a := range r.Attempts {
				if a.Counted != explain.Yes && a.Counted != explain.No {
					t.Errorf("run %d, attempt %d: %s (%s)", id, a.Number, a.Counted, a.Why)
				}
				sum := 0.0
				for _, s := range a.Path {
					sum += s.Seconds
				}
				if a.Seconds != nil && sum != *a.Seconds {
					t.Errorf("run %d, attempt %d: a path of %v s in %v s", id, a.Number, sum, *a.Seconds)
				}
				for _, j := range a.Jobs {
					switch j.Counted {
					case explain.Yes:
						executions++
					case explain.No:
						reasons[j.Why]++
					default:
						if j.Status == "completed" {
							t.Errorf("run %d, job %d: %s (%s)", id, j.ID, j.Counted, j.Why)
						}
					}
				}
			}
		}
		w.start()
		defer w.stop()
		if counted := w.counted().Executions; executions != counted || runs < 30 || len(reasons) < 2 {
			t.Errorf("%d executions of %d runs explained, %d counted; left out: %v", executions, runs, counted, reasons)
		}
	})
}

// TestExplainAsksTheExporter: while an exporter has the ledger, it is asked.
func TestExplainAsksTheExporter(t *testing.T) {
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.String()
		_, _ = w.Write([]byte(`{"known":true,"since":"2026-01-02T03:04:05Z","closed":[1],"executions":[{"id":5,"attempt":1,"reason":"step"}]}`))
	}))
	defer server.Close()
	l, err := askRecorded(t.Context(), server.URL+"/", 7, 11)
	want := &explain.Ledger{Known: true, Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Closed: []int{1}, Executions: []explain.Counted{{ID: 5, Attempt: 1, Reason: "step"}}}
	if diff := cmp.Diff(want, l); diff != "" || err != nil || asked != "/-/recorded?repository=7&run=11" {
		t.Errorf("%s, %v\n%s", asked, err, diff)
	}
	server.Close()
	if _, err := askRecorded(t.Context(), server.URL, 7, 11); err == nil {
		t.Error("no error of an exporter that is not there")
	}
}

// TestExplainRefuses: what cannot be explained is said, with what would be right.
func TestExplainRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Repositories: simulator.Repositories(1, 0), PrimaryLimit: 100}, func(c *config.Config) { c.GitHub.RateLimitReserve = 0.5 })
		for args, want := range map[string]string{
			"octo-org/service-1 5":                  "explaining run 5 of octo-org/service-1: reading the run",
			"octo-org/missing 5":                    "there is none of that name that",
			"https://github.com/o/r/actions/runs/5": "is a page of github.com, and github.api_url is the API of ghes.test",
		} {
			err := Explain(t.Context(), w.config, ExplainOptions{Arguments: strings.Fields(args), Out: &bytes.Buffer{}, Transport: w.transport})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", args, err)
			}
		}
		w.github.Spend("", 100)
		err := Explain(t.Context(), w.config, ExplainOptions{Arguments: []string{"octo-org/service-1", "5"}, Out: &bytes.Buffer{}, Transport: w.transport})
		if err == nil {
			t.Error("asked beyond the reserve")
		}
	})
}

// TestExplainRecordedAnswers explains what GitHub really answered.
func TestExplainRecordedAnswers(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "payloads", "rest")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		if os.Getenv("REQUIRE_SHARED") == "1" {
			t.Fatalf("no recorded answers in %s", dir)
		}
		t.Skipf("no recorded answers in %s", dir)
	}
	explained := 0
	synctest.Test(t, func(t *testing.T) {
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var recording struct {
				Exchanges []struct {
					Response struct {
						Body json.RawMessage `json:"body"`
					} `json:"response"`
				} `json:"exchanges"`
			}
			if err := json.Unmarshal(raw, &recording); err != nil {
				t.Fatal(err)
			}
			for _, x := range recording.Exchanges {
				transport := oneRun(x.Response.Body)
				if transport == nil {
					continue
				}
				c := config.Default()
				c.Targets.Repositories, c.Storage.Path, c.Failures.Annotations = []string{"octo-org/app"}, t.TempDir(), config.AnnotationsOff
				var text, document bytes.Buffer
				for _, o := range []ExplainOptions{{Out: &text}, {Out: &document, JSON: true}} {
					o.Arguments, o.Transport, o.Exporter = []string{"octo-org/app", "11"}, transport, "http://127.0.0.1:1"
					if err := Explain(context.Background(), c, o); err != nil {
						t.Fatalf("%s: %v", filepath.Base(file), err)
					}
				}
				var r explain.Report
				if err := json.Unmarshal(document.Bytes(), &r); err != nil {
					t.Fatal(err)
				}
				explained++
				for _, j := range r.Attempts[0].Jobs {
					if j.Counted == "" || j.Counted == explain.No && j.Why == "" || observe.Failing(j.Conclusion) && j.Status == "completed" && j.Counted != explain.No && j.Reason == "" {
						t.Errorf("%s: %+v", filepath.Base(file), j)
					}
				}
				for _, line := range strings.Split(text.String(), "\n") {
					if utf8.RuneCountInString(line) > explain.Columns {
						t.Errorf("%s: a line of %d", filepath.Base(file), utf8.RuneCountInString(line))
					}
				}
			}
		}
	})
	if explained < 8 {
		t.Errorf("only %d lists of jobs explained", explained)
	}
}

// oneRun serves a recorded list of jobs as that of a run; nil for what is no such list.
func oneRun(body json.RawMessage) http.RoundTripper {
	var list struct {
		Jobs []githubapi.Job `json:"jobs"`
	}
	if json.Unmarshal(body, &list) != nil || len(list.Jobs) == 0 {
		return nil
	}
	run := map[string]any{"id": 11, "name": "CI", "path": ".github/workflows/ci.yml", "head_branch": "main", "event": "push", "status": "completed",
		"conclusion": "failure", "run_attempt": max(list.Jobs[0].RunAttempt, 1), "run_number": 3, "created_at": list.Jobs[0].StartedAt, "run_started_at": list.Jobs[0].StartedAt.Add(-time.Minute)}
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		answer := any(map[string]any{"id": 7, "full_name": "octo-org/app", "default_branch": "main", "private": false})
		switch {
		case strings.HasSuffix(r.URL.Path, "/jobs"):
			answer = body
		case strings.Contains(r.URL.Path, "/runs/"):
			answer = run
		}
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
		return w.Result(), nil
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
