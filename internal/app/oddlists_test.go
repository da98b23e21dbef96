package app

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github_workflow_exporter/internal/config"
)

// manyRuns are finished runs, the newest first, one a minute.
func manyRuns(github *scripted, n int) []entry {
	runs := make([]entry, n)
	for i := range runs {
		id := int64(1000 + n - i)
		at := instant(time.Duration(i+10) * time.Minute)
		runs[i] = aRun(id).with("status", "completed", "conclusion", "success", "created_at", at, "run_started_at", at, "updated_at", at)
		github.jobs(id, aJob(id, id*10).with("created_at", at, "started_at", at, "completed_at", at))
	}
	return runs
}

// pages sets a runs list of pages of a hundred.
func (s *scripted) pages(runs []entry) {
	for n, rest := 1, runs; ; n++ {
		page := rest[:min(100, len(rest))]
		rest = rest[len(page):]
		path := "actions/runs"
		if n > 1 {
			path += fmt.Sprintf("?page=%d", n)
		}
		a := scriptedAnswer{body: list("workflow_runs", len(runs), page...), header: map[string][]string{}}
		if len(rest) > 0 {
			a.header["Link"] = []string{fmt.Sprintf(`<http://ghes.test/api/v3/repositories/1001/actions/runs?per_page=100&page=%d>; rel="next"`, n+1)}
		}
		s.answer(path, a)
		if len(rest) == 0 {
			return
		}
	}
}

// The order of the list is not documented: an old run that stands anywhere on a page does not end the reading.
func TestOldRunsAnywhereOnAPageDoNotEndTheReading(t *testing.T) {
	old := func(run entry) entry {
		at := instant(200 * 24 * time.Hour)
		return run.with("created_at", at, "run_started_at", at, "updated_at", at)
	}
	for name, places := range map[string][]int{
		"near the top": {3}, "in the middle": {50}, "the last of the page": {99}, "several at the end": {95, 96, 97, 98, 99},
		"every fourth": {0, 4, 8, 12, 16, 20, 60, 64, 68, 72, 76, 80, 84, 88, 92, 96},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, github := scriptedWorld(t)
				runs := manyRuns(github, 250)
				for _, i := range places {
					runs[i] = old(runs[i])
				}
				github.pages(runs)
				w.start()
				defer w.stop()
				time.Sleep(10 * time.Minute)
				want := map[string]float64{"success": float64(len(runs) - len(places))}
				w.expectConclusions(runConclusions, want)
				w.expectConclusions(jobConclusions, want)
			})
		})
	}
}

// A list that is not newest first at all is read to its end.
func TestListInAnotherOrderIsReadToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, github := scriptedWorld(t)
		runs := manyRuns(github, 250)
		for i := 150; i < 250; i++ { // of long before the lookback
			at := instant(time.Duration(i) * 24 * time.Hour)
			runs[i] = runs[i].with("created_at", at, "run_started_at", at, "updated_at", at)
		}
		for i, j := 0, len(runs)-1; i < j; i, j = i+1, j-1 {
			runs[i], runs[j] = runs[j], runs[i]
		}
		github.pages(runs)
		w.start()
		defer w.stop()
		time.Sleep(10 * time.Minute)
		w.expectConclusions(runConclusions, map[string]float64{"success": 150})
	})
}

// An odd entry decides for itself only: what stands beside it counts, and it is discarded for a reason, once.
func TestOddEntriesHarmNothingBesideThem(t *testing.T) {
	foreign := entry{"id": 4711, "full_name": "octo-org/elsewhere"}
	for name, test := range map[string]struct {
		odd      entry
		discards map[string]int
	}{
		"another repository":       {entry{"repository": foreign}, nil},
		"another name":             {entry{"repository": entry{"id": 1001, "full_name": "octo-org/elsewhere"}}, nil},
		"a negative id":            {entry{"id": -5}, map[string]int{"undecodable": 1}},
		"id zero":                  {entry{"id": 0}, map[string]int{"undecodable": 1}},
		"no id":                    {entry{"id": nil}, map[string]int{"undecodable": 1}},
		"an id of words":           {entry{"id": "seven"}, map[string]int{"undecodable": 1}},
		"an id beyond all numbers": {entry{"id": 1e30}, map[string]int{"undecodable": 1}},
		"attempt of two billion":   {entry{"run_attempt": 2_000_000_000}, map[string]int{"undecodable": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, github := scriptedWorld(t)
				runs := manyRuns(github, 5)
				for k, v := range test.odd {
					runs[2] = runs[2].with(k, v)
				}
				github.pages(runs)
				github.say("actions/runs/1003", runs[2].json())
				w.start()
				time.Sleep(10 * time.Minute)
				runs[0] = runs[0].with("updated_at", instant(0)) // the list changes: it is read again
				github.pages(runs)
				time.Sleep(time.Minute)
				w.restart()
				defer w.stop()
				time.Sleep(2 * time.Hour)
				counted := w.counted()
				want := map[string]float64{"success": 4}
				if name == "another name" { // it is this repository's all the same
					want["success"] = 5
				}
				w.expectConclusions(runConclusions, want)
				if diff := cmp.Diff(test.discards, counted.Discards, cmp.Transformer("none", func(m map[string]int) map[string]int {
					if len(m) == 0 {
						return nil
					}
					return m
				})); diff != "" {
					t.Errorf("discards (-want +got):\n%s", diff)
				}
				w.shows(0, "github_workflow_exporter_repositories", "state", "failing")
			})
		})
	}
}

// endless answers every page of a list with another one behind it.
func (s *scripted) endless(path, key string, page func(n int) []entry) {
	bodies := map[int]string{}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generate = func(asked string) (scriptedAnswer, bool) {
		rest, ok := strings.CutPrefix(asked, path)
		n := 1
		if ok && rest != "" {
			_, err := fmt.Sscanf(rest, "?page=%d", &n)
			ok = err == nil
		}
		if !ok {
			return scriptedAnswer{}, false
		}
		if bodies[n] == "" {
			bodies[n] = list(key, 1_000_000, page(n)...)
		}
		return scriptedAnswer{
			body:   bodies[n],
			header: map[string][]string{"Link": {fmt.Sprintf(`<http://ghes.test/api/v3/repositories/1001/%s?per_page=100&page=%d>; rel="next"`, path, n+1)}},
		}, true
	}
}

// A list of jobs without end keeps its own run waiting for an hour; then what was read of it counts.
func TestEndlessListOfJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, github := scriptedWorld(t, func(c *config.Config) { // seldom, to be done sooner
			c.Poll.Interval, c.Poll.MaxInterval = config.Duration(35*time.Minute), config.Duration(35*time.Minute)
		})
		done := []any{"status", "completed", "conclusion", "success"}
		github.runs(aRun(7).with(done...), aRun(8).with(done...))
		github.jobs(8, aJob(8, 81))
		github.endless("actions/runs/7/attempts/1/jobs", "jobs", func(n int) []entry {
			jobs := make([]entry, 1000) // ten times what was asked for, to be done sooner
			for i := range jobs {
				jobs[i] = aJob(7, int64(1000*n+i)).with("steps", []entry{aStep(1, "Run tests", "success")})
			}
			return jobs
		})
		w.start()
		defer w.stop()
		time.Sleep(50 * time.Minute)
		w.expectConclusions(runConclusions, map[string]float64{"success": 1})
		time.Sleep(2 * time.Hour)
		w.expectConclusions(runConclusions, map[string]float64{"success": 2})
		w.expectConclusions(jobConclusions, map[string]float64{"success": 10_001})
	})
}

// How many entries a list is said to have decides nothing, also where each page says something else.
func TestCountsThatDifferFromPageToPageLoseNoRuns(t *testing.T) {
	for name, totals := range map[string][]any{
		"none on the second": {150, nil}, "what is left": {150, 50}, "what is on the page": {100, 50}, "absurd on the first": {1e15, 150}, "always a little less": {170, 160},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, github := scriptedWorld(t)
				runs := manyRuns(github, 150)
				github.pages(runs)
				for n, path := range []string{"actions/runs", "actions/runs?page=2"} {
					a := github.answers[path]
					a.body = entry{"total_count": totals[n], "workflow_runs": runs[100*n : min(100*n+100, len(runs))]}.json()
					github.answer(path, a)
				}
				w.start()
				defer w.stop()
				time.Sleep(5 * time.Minute)
				w.expectConclusions(runConclusions, map[string]float64{"success": 150})
				w.expectConclusions(jobConclusions, map[string]float64{"success": 150})
				if n := github.counted("actions/runs?page=2"); n > 2 && totals[0] != 170 {
					t.Errorf("the second page was paid for %d times", n)
				}
			})
		})
	}
}

// What a server calls a repository becomes the path that is asked: a name that is none is not taken over.
func TestNamesThatNoRepositoryCanHaveAreNotTakenOver(t *testing.T) {
	for _, name := range []string{"../../etc", "a/b/c", "app", "octo-org/..", "/", " "} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, github := scriptedWorld(t)
				run := aRun(7).with("status", "completed", "conclusion", "success")
				github.runs(run)
				github.jobs(7, aJob(7, 71))
				w.start()
				defer w.stop()
				time.Sleep(time.Minute)
				odd := entry{"id": 1001, "full_name": name}
				github.say("/orgs/octo-org/repos", "["+odd.json()+"]")
				github.runs(run, aRun(8).with("status", "completed", "conclusion", "success", "repository", odd))
				github.jobs(8, aJob(8, 81))
				time.Sleep(time.Hour)
				w.expectConclusions(jobConclusions, map[string]float64{"success": 2})
				w.shows(0, repositories, "state", "failing")
			})
		})
	}
}

// A list whose next link never ends, and that holds nothing new, is not paid for page after page.
func TestListsWithoutEndThatHoldNothingNew(t *testing.T) {
	run, job := aRun(7).with("status", "completed", "conclusion", "success"), aJob(7, 71)
	jobs := "actions/runs/7/attempts/1/jobs"
	for name, endless := range map[string]struct{ path, body string }{
		"jobs, the same": {jobs, list("jobs", 1, job)}, "jobs, none": {jobs, list("jobs", 0)},
		"runs, the same": {"actions/runs", list("workflow_runs", 1, run)}, "runs, none": {"actions/runs", list("workflow_runs", 0)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, github := scriptedWorld(t)
				github.runs(run)
				github.jobs(7, job)
				path := endless.path
				for n := range 300 {
					github.answer(path, scriptedAnswer{body: endless.body, header: map[string][]string{
						"Link": {fmt.Sprintf(`<http://ghes.test/api/v3/repositories/1001/%s?page=%d>; rel="next"`, endless.path, n+2)},
					}})
					path = fmt.Sprintf("%s?page=%d", endless.path, n+2)
				}
				w.start()
				defer w.stop()
				time.Sleep(5 * time.Second)
				if n := github.total(); n > 30 {
					t.Errorf("%d requests for one list", n)
				}
			})
		})
	}
}

// Runs whose jobs are not listed yet cost no question for their workflow's name, and one name is asked for once.
func TestWorkflowIsAskedForItsNameOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, github := scriptedWorld(t)
		github.say("actions/workflows/77", `{"id":77,"name":"Build and test","path":".github/workflows/ci.yml","state":"active"}`)
		github.runs(aRun(7), aRun(8), aRun(9))
		for _, id := range []int64{7, 8, 9} {
			github.jobs(id)
		}
		w.start()
		defer w.stop()
		time.Sleep(5 * time.Minute)
		if n := github.counted("actions/workflows/77"); n != 0 {
			t.Errorf("asked %d times before there was anything to name", n)
		}
		for _, id := range []int64{7, 8, 9} {
			github.jobs(id, aJob(id, 10*id).with("workflow_name", nil))
		}
		done := []any{"status", "completed", "conclusion", "success", "updated_at", instant(0)}
		github.runs(aRun(7).with(done...), aRun(8).with(done...), aRun(9).with(done...))
		time.Sleep(5 * time.Minute)
		if n := github.counted("actions/workflows/77"); n != 1 {
			t.Errorf("asked %d times, want once", n)
		}
		for labels, n := range w.counted().Counters[runConclusions] {
			if !strings.Contains(labels, `workflow="Build and test"`) || n != 3 {
				t.Errorf("%v of %s, want 3 of Build and test", n, labels)
			}
		}
	})
}
