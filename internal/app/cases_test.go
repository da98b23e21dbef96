package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github_workflow_exporter/internal/config"
)

// Situations from the field, as they were recorded, played to the whole program. They are not part of this repository:
// where they are absent the tests are skipped, unless REQUIRE_SHARED is set. Tests of the same kinds with inputs of their
// own stand beside each mend.

// caseTime is when the recorded situations play.
var caseTime = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

var timeText = regexp.MustCompile(`\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z`)

// situation is a recorded one on a scripted GitHub.
type situation struct {
	*world
	github *scripted
	folder string
	began  time.Time
}

func situationOf(t *testing.T, folder string, change ...func(*config.Config)) situation {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "cases", folder)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("REQUIRE_SHARED") != "" {
			t.Fatal(err)
		}
		t.Skipf("the recorded situation is not here: %v", err)
	}
	w, github := scriptedWorld(t, change...)
	return situation{w, github, path, time.Now()}
}

// load reads an answer with its times shifted to the present.
func (s situation) load(file string) scriptedAnswer {
	s.Helper()
	raw, err := os.ReadFile(filepath.Join(s.folder, file))
	if err != nil {
		s.Fatal(err)
	}
	text := timeText.ReplaceAllStringFunc(string(raw), func(old string) string {
		at, err := time.Parse(time.RFC3339, old)
		if err != nil {
			s.Fatal(err)
		}
		return s.began.Add(at.Sub(caseTime)).UTC().Format(time.RFC3339)
	})
	var whole struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
	}
	if err := json.Unmarshal([]byte(text), &whole); err != nil || whole.Status == 0 {
		return scriptedAnswer{body: text}
	}
	a := scriptedAnswer{status: whole.Status, header: http.Header{}, body: string(whole.Body)}
	for name, value := range whole.Headers {
		a.header.Set(name, value)
	}
	return a
}

// play answers with a list of runs, and at each run's own endpoints, or with the jobs of their run.
func (s situation) play(files ...string) {
	s.Helper()
	for _, file := range files {
		a := s.load(file)
		var body struct {
			Runs []map[string]any `json:"workflow_runs"`
			Jobs []map[string]any `json:"jobs"`
		}
		decoder := json.NewDecoder(strings.NewReader(a.body))
		decoder.UseNumber()
		if err := decoder.Decode(&body); err != nil {
			s.Fatalf("%s: %v", file, err)
		}
		switch {
		case body.Runs != nil:
			runs := make([]entry, len(body.Runs))
			for i, run := range body.Runs {
				runs[i] = entry(run)
			}
			s.github.runs(runs...)
			s.github.answer("actions/runs", a)
		case len(body.Jobs) > 0:
			s.github.answer(fmt.Sprintf("actions/runs/%v/attempts/%v/jobs", body.Jobs[0]["run_id"], body.Jobs[0]["run_attempt"]), a)
		default:
			s.Fatalf("%s: neither runs nor jobs", file)
		}
	}
}

// values are the different values of a label in a family.
func (s situation) values(family, label string) []string {
	s.Helper()
	var values []string
	for labels := range s.counted().Counters[family] {
		_, rest, _ := strings.Cut(","+labels, ","+label+`="`)
		value, _, _ := strings.Cut(rest, `"`)
		if !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	slices.Sort(values)
	return values
}

func (s situation) expectValues(family, label string, want ...string) {
	s.Helper()
	if diff := cmp.Diff(want, s.values(family, label)); diff != "" {
		s.Errorf("values of %s (-want +got):\n%s", label, diff)
	}
}

// played runs a situation in a bubble.
func played(t *testing.T, folder string, play func(s situation), change ...func(*config.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { play(situationOf(t, folder, change...)) })
}

func TestCaseRunIDInLabels(t *testing.T) {
	played(t, "01-run-id-labels", func(s situation) {
		s.play("runs.json", "attempt-jobs-17000000001.json", "attempt-jobs-17000000002.json")
		s.start()
		defer s.stop()
		time.Sleep(10 * time.Minute)
		s.expectConclusions(jobConclusions, map[string]float64{"success": 2})
		s.expectValues(jobConclusions, "label", "codebuild-ci")
	})
}

func TestCaseRunTitleAsWorkflow(t *testing.T) {
	played(t, "02-run-title-as-workflow", func(s situation) {
		s.play("runs.json")
		for _, run := range []string{"18100000000", "18100000001", "18100000002"} {
			s.github.answer("actions/runs/"+run+"/attempts/1/jobs", s.load("attempt-jobs.json"))
		}
		s.start()
		defer s.stop()
		time.Sleep(10 * time.Minute)
		s.expectValues(runConclusions, "workflow", ".github/workflows/pr.yml")
	})
	played(t, "02-run-title-as-workflow", func(s situation) {
		s.play("runs-dependabot.json")
		for _, run := range []string{"18000000010", "18000000011", "18000000012"} {
			s.github.answer("actions/runs/"+run+"/attempts/1/jobs", s.load("attempt-jobs-dependabot-old-server.json"))
		}
		s.start()
		defer s.stop()
		time.Sleep(10 * time.Minute)
		s.expectValues(runConclusions, "workflow", "dependabot-updates")
		s.expectValues(jobConclusions, "workflow", "dependabot-updates")
	})
}

func TestCaseGroupOnlyRefusedJob(t *testing.T) {
	played(t, "04-group-only-refused-job", func(s situation) {
		s.play("runs.json", "attempt-jobs.json")
		s.start()
		defer s.stop()
		time.Sleep(10 * time.Minute)
		s.expectConclusions(jobConclusions, map[string]float64{"failure": 2})
		if n := s.counted().Discards["check_run"]; n != 0 {
			t.Errorf("%d discarded as check runs", n)
		}
	})
}

func TestCasePartialOrganizationList(t *testing.T) {
	played(t, "05-partial-org-list", func(s situation) {
		s.github.answer("/orgs/octo-org/repos", s.load("1-org-repos.json"))
		secret, public := aRun(8), aRun(7)
		for _, run := range []entry{secret, public} {
			delete(run, "repository")
		}
		s.github.say("/repos/octo-org/public-app/actions/runs", list("workflow_runs", 1, public))
		s.github.say("/repos/octo-org/secret-app/actions/runs", list("workflow_runs", 1, secret))
		said := s.listen()
		s.start()
		defer s.stop()
		time.Sleep(5 * time.Minute)
		s.shows(2, "github_workflow_exporter_repositories", "state", "watched")
		s.github.answer("/orgs/octo-org/repos", s.load("2-org-repos.json"))
		refused := s.load("2-secret-app-anything.json")
		for _, path := range []string{"", "/actions/runs", "/actions/runs/8", "/actions/runs/8/attempts/1/jobs"} {
			s.github.answer("/repos/octo-org/secret-app"+path, refused)
		}
		s.github.answer("/repositories/1002", refused)
		time.Sleep(24 * time.Hour)
		s.shows(1, "github_workflow_exporter_repositories", "state", "failing")
		if at := s.scrape().value("github_workflow_exporter_poll_last_success_timestamp_seconds", "repository", "octo-org/secret-app"); at < 1 {
			t.Error("its last success is no longer shown")
		}
		if !said.has("SSO") {
			t.Error("nothing was said of SSO")
		}
	})
}

func TestCaseUnorderedRunsList(t *testing.T) {
	played(t, "06-unordered-runs-list", func(s situation) {
		var first, second struct {
			Runs []map[string]any `json:"workflow_runs"`
		}
		for file, into := range map[string]any{"runs-page1.json": &first, "runs-page2.json": &second} {
			if err := json.Unmarshal([]byte(s.load(file).body), into); err != nil {
				t.Fatal(err)
			}
		}
		var all []entry
		for _, run := range append(first.Runs, second.Runs...) {
			id := int64(run["id"].(float64))
			run["id"] = id
			all = append(all, entry(run))
			s.github.jobs(id, aJob(id, id*10))
		}
		s.github.pages(all)
		s.start()
		defer s.stop()
		time.Sleep(10 * time.Minute)
		s.expectConclusions(jobConclusions, map[string]float64{"success": 150})
	})
}

func TestCaseOutcomeNotFinalYet(t *testing.T) {
	for name, test := range map[string]struct {
		script [][]string // what is played, a minute each
		jobs   map[string]float64
		runs   map[string]float64
	}{
		"job without conclusion": {
			[][]string{{"a1-runs.json", "a1-jobs.json"}, {"a2-jobs.json"}},
			map[string]float64{"failure": 1}, map[string]float64{},
		},
		"run without conclusion": {
			[][]string{{"b1-runs.json", "b1-jobs.json"}, {"b2-runs.json"}},
			map[string]float64{"failure": 1}, map[string]float64{"failure": 1},
		},
		"conclusion taken back": {
			[][]string{{"c1-runs.json", "c1-jobs.json"}, {"c2-runs.json"}, {"c3-runs.json"}, {"c4-jobs.json"}, {"c5-runs.json"}},
			map[string]float64{"failure": 1}, map[string]float64{"failure": 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			played(t, "07-outcome-not-final-yet", func(s situation) {
				s.play(test.script[0]...)
				s.start()
				defer s.stop()
				time.Sleep(20 * time.Second)
				for i, files := range test.script[1:] {
					if n := total(s.counted().Gauges[jobsNow]); name == "conclusion taken back" && i < 3 && n != 1 {
						t.Errorf("before step %d: %v jobs live, want 1", i+2, n)
					}
					s.play(files...)
					time.Sleep(20 * time.Second)
				}
				time.Sleep(20 * time.Second)
				s.expectConclusions(jobConclusions, test.jobs)
				s.expectConclusions(runConclusions, test.runs)
			})
		})
	}
}

func TestCaseStepsLag(t *testing.T) {
	played(t, "08-steps-lag", func(s situation) {
		s.play("runs.json", "1-jobs.json")
		s.start()
		defer s.stop()
		time.Sleep(30 * time.Second)
		s.play("2-jobs.json")
		time.Sleep(30 * time.Second)
		s.expectConclusions(stepConclusions, map[string]float64{"success": 3, "failure": 1})
	})
}

func TestCaseServiceUnavailableWithRetryAfter(t *testing.T) {
	played(t, "10-503-retry-after", func(s situation) {
		s.github.runs(aRun(7))
		s.start()
		defer s.stop()
		time.Sleep(time.Minute)
		a := s.load("any.json")
		s.github.everywhere(&a)
		before := s.github.total()
		time.Sleep(2 * time.Minute)
		if n := s.github.total() - before; n > 3 {
			t.Errorf("asked %d times within two minutes, want one or two", n)
		}
	})
}

func TestCaseRunnerNames(t *testing.T) {
	played(t, "17-runner-names", func(s situation) {
		var names map[string][]string
		raw := s.load("names.json").body
		if err := json.Unmarshal([]byte(raw), &names); err != nil {
			var flat []string
			if err := json.Unmarshal([]byte(raw), &flat); err != nil {
				t.Fatal(err)
			}
			names = map[string][]string{"all": flat}
		}
		var jobs []entry
		id := int64(71)
		for _, list := range names {
			for _, name := range list {
				jobs = append(jobs, aJob(7, id).with("runner_name", name))
				id++
			}
		}
		s.github.runs(aRun(7).with("status", "completed", "conclusion", "success"))
		s.github.jobs(7, jobs...)
		s.start()
		defer s.stop()
		time.Sleep(10 * time.Minute)
		s.expectConclusions(jobConclusions, map[string]float64{"success": float64(len(jobs))})
		if values := s.values(jobConclusions, "runner"); len(values) > 2 {
			t.Errorf("values of runner: %q, want two at most", values)
		}
	})
}

func TestCaseTotalCountAbsurd(t *testing.T) {
	played(t, "20-total-count-absurd", func(s situation) {
		run := aRun(29200000000).with("status", "completed", "conclusion", "success")
		s.github.runs(run)
		s.play("jobs.json")
		s.start()
		defer s.stop()
		time.Sleep(2 * time.Hour)
		s.expectConclusions(jobConclusions, map[string]float64{"success": 1})
		s.expectConclusions(runConclusions, map[string]float64{"success": 1})
		if n := s.counted().Discards["never_finished"]; n != 1 {
			t.Errorf("%d discarded as never finished, want 1", n)
		}
	})
}

func TestCaseWedgedRunsLiveOff(t *testing.T) {
	played(t, "21-wedged-runs-live-off", func(s situation) {
		s.play("runs.json", "jobs.json")
		s.start()
		defer s.stop()
		time.Sleep(3 * time.Hour)
		s.expectConclusions(jobConclusions, map[string]float64{"success": 1, "failure": 1})
		if n := s.counted().Discards["run_abandoned"]; n != 1 {
			t.Errorf("%d runs abandoned, want 1", n)
		}
	}, func(c *config.Config) { c.Poll.Live, c.Poll.MaxRunAge = false, config.Duration(time.Hour) })
}

func TestCaseForeignNextLink(t *testing.T) {
	played(t, "25-foreign-next-link", func(s situation) {
		var headers map[string]string
		if err := json.Unmarshal([]byte(s.load("headers.json").body), &headers); err != nil {
			t.Fatal(err)
		}
		s.github.pages(manyRuns(s.github, 150))
		first := s.github.answers["actions/runs"]
		first.header.Set("Link", headers["Link"])
		s.github.answer("actions/runs", first)
		s.start()
		defer s.stop()
		time.Sleep(10 * time.Minute)
		s.expectConclusions(runConclusions, map[string]float64{"success": 150})
	})
}

func TestCaseSinceAhead(t *testing.T) {
	played(t, "29-since-ahead", func(s situation) {
		date := func(file string) time.Duration {
			var headers map[string]string
			if err := json.Unmarshal([]byte(s.load(file).body), &headers); err != nil {
				t.Fatal(err)
			}
			at, err := http.ParseTime(headers["Date"])
			if err != nil {
				t.Fatal(err)
			}
			return at.Sub(caseTime)
		}
		s.github.ahead(date("headers-first-visit.json"))
		s.start()
		defer s.stop()
		time.Sleep(time.Minute)
		s.github.ahead(0)
		s.github.runs(aRun(7).with("status", "completed", "conclusion", "success"))
		s.github.jobs(7, aJob(7, 71))
		time.Sleep(10 * time.Minute)
		s.expectConclusions(runConclusions, map[string]float64{"success": 1})
	})
}
