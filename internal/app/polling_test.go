package app

import (
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

const (
	runConclusions = "github_workflow_run_conclusions_total"
	jobConclusions = "github_workflow_job_conclusions_total"
	service        = "octo-org/service-1"
)

// handmade is a world of one repository in which only what the test adds happens.
func handmade(t *testing.T, change ...func(*config.Config)) *world {
	return newWorld(t, simulator.Options{Repositories: simulator.Repositories(1, 0)}, change...)
}

func (w *world) add(plan simulator.RunPlan) int64 {
	w.Helper()
	id, err := w.github.AddRun(service, plan)
	if err != nil {
		w.Fatal(err)
	}
	return id
}

func (w *world) addAttempt(id int64, a simulator.AttemptPlan) {
	w.Helper()
	if err := w.github.AddAttempt(service, id, a); err != nil {
		w.Fatal(err)
	}
}

// matchesTruth compares everything counted with everything that happened.
func (w *world) matchesTruth() {
	w.Helper()
	w.compare(w.github.Truth(simulator.TruthQuery{Since: w.since}), w.counted())
}

func success(start time.Time) simulator.RunPlan {
	return simulator.SimpleRun("CI", start, time.Minute, "success")
}

func TestPollingCostsNothingWhenNothingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Repositories: simulator.Repositories(3, 0), PrimaryLimit: 5000})
		for i := range 150 { // two pages
			w.add(success(time.Now().Add(time.Duration(i) * time.Minute)))
		}
		time.Sleep(3 * time.Hour)
		w.start()
		defer w.stop()
		time.Sleep(7 * time.Hour) // first sweep and a pass of the deep one
		w.github.ResetRequests()
		time.Sleep(24 * time.Hour)
		r := w.github.Requests()
		if r.Counted != 0 {
			t.Errorf("%d requests counted in an idle day, want none: %v", r.Counted, r.CountedByRepository)
		}
		if r.NotModified < 3*24*4 {
			t.Errorf("only %d conditional requests in a day: nobody looked", r.NotModified)
		}
	})
}

func TestPollingReadsMissedAttemptsByNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		w.start()
		time.Sleep(10 * time.Minute)
		w.stop()
		start := time.Now()
		id := w.add(simulator.SimpleRun("CI", start, time.Minute, "failure"))
		for n, conclusion := range []string{"cancelled", "timed_out", "success"} {
			again := simulator.SimpleRun("CI", start.Add(time.Duration(n+1)*10*time.Minute), time.Minute, conclusion)
			again.Attempts[0].Conclusion = conclusion
			w.addAttempt(id, again.Attempts[0])
		}
		time.Sleep(time.Hour)
		w.start()
		defer w.stop()
		time.Sleep(5 * time.Minute)
		w.matchesTruth()
		counted := w.counted()
		if got := len(counted.Counters[runConclusions]); got != 4 {
			t.Errorf("%d conclusions of four attempts: %v", got, counted.Counters[runConclusions])
		}
	})
}

func TestPollingCountsReRunsOfRunsOlderThanSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t, func(c *config.Config) { c.Poll.Lookback = config.Duration(time.Hour) })
		id := w.add(success(time.Now()))
		time.Sleep(5 * time.Hour)
		w.start()
		defer w.stop()
		time.Sleep(10 * time.Minute)
		if n := total(w.counted().Counters[runConclusions]); n != 0 {
			t.Fatalf("%v attempts counted that started before since", n)
		}
		again := simulator.SimpleRun("CI", time.Now(), time.Minute, "failure")
		w.addAttempt(id, again.Attempts[0])
		time.Sleep(30 * time.Minute)
		w.matchesTruth()
		if n := total(w.counted().Counters[runConclusions]); n != 1 {
			t.Errorf("%v attempts counted, want the re-run alone", n)
		}
	})
}

// A re-run keeps the run's place in the list: behind the first page only the deep sweep, or a hint, finds it.
func TestPollingFindsReRunsOfOldRuns(t *testing.T) {
	for _, test := range []struct {
		name   string
		length time.Duration
		within time.Duration
	}{
		{"a long one by the hint of the filtered lists", 30 * time.Minute, 45 * time.Minute},
		{"a short one by the deep sweep", time.Second, 7 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := handmade(t)
				old := w.add(success(time.Now()))
				for i := range 250 {
					w.add(success(time.Now().Add(12*time.Hour + time.Duration(i)*time.Minute)))
				}
				time.Sleep(18 * time.Hour)
				w.start()
				defer w.stop()
				time.Sleep(30 * time.Minute)
				again := simulator.SimpleRun("CI", time.Now(), test.length, "failure")
				w.addAttempt(old, again.Attempts[0])
				time.Sleep(test.within)
				w.matchesTruth()
				if n := total(w.counted().Counters[runConclusions]); n != 252 {
					t.Errorf("%v attempts counted of 252", n)
				}
			})
		})
	}
}

func TestPollingReadsBigMatricesInSmallerPages(t *testing.T) {
	for _, perPage := range []int{100, 60, 12} {
		t.Run(fmt.Sprintf("pages over %d fail", perPage), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := handmade(t)
				w.github.Faults().Set("big", simulator.Fault{Kind: simulator.BigPages, PerPage: perPage})
				w.add(simulator.MatrixRun("Matrix", 250, time.Now()))
				w.start()
				defer w.stop()
				time.Sleep(2 * time.Hour)
				w.matchesTruth()
				if n := total(w.counted().Counters[jobConclusions]); n != 250 {
					t.Errorf("%v jobs counted of 250", n)
				}
			})
		})
	}
}

// Lists that fail in big pages are read in small ones, and that is remembered: a failing request is not made again at
// every visit.
func TestPollingRemembersThePageSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		w.github.Faults().Set("runs", simulator.Fault{Kind: simulator.ServerError, Endpoint: "runs", Path: regexp.MustCompile(`per_page=(100|50)\b`)})
		w.github.Faults().Set("jobs", simulator.Fault{Kind: simulator.BigPages, PerPage: 60})
		w.add(simulator.MatrixRun("Matrix", 150, time.Now()))
		w.start()
		defer w.stop()
		time.Sleep(20 * time.Hour)
		w.matchesTruth()
		if n := w.github.Requests().ByStatus[http.StatusBadGateway]; n < 3 || n > 8 {
			t.Errorf("%d requests for pages too big, want one a list and size", n)
		}
	})
}

// A re-run far behind is found also where the deeper pages of the list fail until they are small.
func TestPollingSweepsInSmallPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		old := w.add(success(time.Now()))
		for i := range 250 {
			w.add(success(time.Now().Add(time.Hour + time.Duration(i)*time.Second)))
		}
		w.start()
		defer w.stop()
		time.Sleep(3 * time.Hour)
		w.github.Faults().Set("deep", simulator.Fault{Kind: simulator.ServerError, Endpoint: "runs", Path: regexp.MustCompile(`[?&]page=.*per_page=(100|50)\b|per_page=(100|50)\b.*[?&]page=`)})
		again := simulator.SimpleRun("CI", time.Now(), time.Second, "failure")
		w.addAttempt(old, again.Attempts[0])
		time.Sleep(10 * time.Hour)
		w.matchesTruth()
		if n := total(w.counted().Counters[runConclusions]); n != 252 {
			t.Errorf("%v attempts counted of 252", n)
		}
		if w.github.Faults().Fired("deep") == 0 {
			t.Error("no deep page failed: nothing was tested")
		}
	})
}

func TestPollingKeepsTheReserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "token")
		writeToken(t, file, secret)
		w := newWorld(t, simulator.Options{Seed: 1, Token: secret, Repositories: simulator.Repositories(3, 600), PrimaryLimit: 200},
			func(c *config.Config) { c.GitHub.RateLimitReserve, c.GitHub.TokenFile = 0.25, file })
		w.start()
		defer w.stop()
		lowest := 200
		for range 6 * 60 {
			time.Sleep(time.Minute)
			left, _ := w.github.Remaining(secret)
			lowest = min(lowest, left)
		}
		if lowest < 50 {
			t.Errorf("only %d requests were left of a reserve of 50", lowest)
		}
		if r := w.github.Requests(); r.Counted < 6*100 {
			t.Errorf("only %d requests in six hours of 150 each: the budget was not used", r.Counted)
		}
		if r := w.github.Requests(); r.ByStatus[403]+r.ByStatus[429] > 0 {
			t.Error("GitHub had to say that the limit is reached")
		}
	})
}

func TestPollingLeavesTheRestToOthersWhenTheySpendIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Seed: 1, Repositories: simulator.Repositories(2, 200), PrimaryLimit: 1000})
		w.start()
		defer w.stop()
		time.Sleep(20 * time.Minute)
		left, reset := w.github.Remaining("")
		w.github.Spend("", left-90) // below the reserve of 100
		time.Sleep(time.Minute)     // one answer has to tell
		w.github.ResetRequests()
		time.Sleep(time.Until(reset) - time.Minute)
		if r := w.github.Requests(); r.Counted > 0 {
			t.Errorf("%d requests were spent of the others' reserve", r.Counted)
		}
		time.Sleep(15 * time.Minute)
		if r := w.github.Requests(); r.Counted == 0 {
			t.Error("polling did not go on after the reset")
		}
	})
}

func TestPollingPausesAtSecondaryLimits(t *testing.T) {
	for _, kind := range []simulator.Kind{
		simulator.SecondarySeconds, simulator.SecondaryDate, simulator.SecondaryMessage, simulator.SecondaryDocs, simulator.SecondaryBare,
	} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, simulator.Options{Seed: 2, Repositories: simulator.Repositories(4, 300)})
				w.start()
				defer w.stop()
				time.Sleep(time.Hour)
				w.github.Faults().Set("limit", simulator.Fault{Kind: kind, Delay: 2 * time.Minute})
				w.github.ResetRequests()
				time.Sleep(10 * time.Minute)
				// A pause of at least a minute each, doubling: four would be 1+2+4+8 minutes. Those under way together count once.
				if r := w.github.Requests(); r.Total == 0 || r.Total > 24 {
					t.Errorf("%d requests in ten minutes under a secondary limit", r.Total)
				}
				w.github.Faults().ClearAll()
				time.Sleep(20 * time.Minute)
				if up := w.github.Requests(); up.ByStatus[200] == 0 {
					t.Error("polling did not go on after the limit")
				}
			})
		})
	}
}

func TestPollingGivesUpRunsThatNeverEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t, func(c *config.Config) { c.Poll.MaxRunAge = config.Duration(48 * time.Hour) })
		plan := success(time.Now())
		plan.Attempts[0].Open = true
		w.add(plan)
		w.start()
		defer w.stop()
		time.Sleep(47 * time.Hour)
		if n := w.counted().Discards["run_abandoned"]; n != 0 {
			t.Fatalf("given up after 47 hours of 48")
		}
		time.Sleep(2 * time.Hour)
		w.restart()
		time.Sleep(time.Hour)
		counted := w.counted()
		if counted.Discards["run_abandoned"] != 1 {
			t.Errorf("discards %v, want the run given up once", counted.Discards)
		}
		if n := total(counted.Counters[jobConclusions]); n != 1 {
			t.Errorf("%v jobs counted, want the one that had ended", n)
		}
		if n := total(counted.Counters[runConclusions]); n != 0 {
			t.Errorf("the run that never ended was counted")
		}
	})
}

func TestPollingClosesAttemptsWithUnfinishedJobsAfterAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		plan := success(time.Now())
		stuck := plan.Attempts[0].Jobs[0]
		stuck.Name, stuck.Unfinished = "stuck", true
		plan.Attempts[0].Jobs = append(plan.Attempts[0].Jobs, stuck)
		plan.Attempts[0].EndedAt = time.Now().Add(2 * time.Minute)
		w.add(plan)
		w.start()
		defer w.stop()
		time.Sleep(50 * time.Minute)
		if n := total(w.counted().Counters[jobConclusions]); n != 1 {
			t.Errorf("%v jobs counted after 50 minutes, want the final one without waiting for the other", n)
		}
		if n := total(w.counted().Counters[runConclusions]); n != 0 {
			t.Error("closed before its hour")
		}
		time.Sleep(30 * time.Minute)
		w.matchesTruth()
		if d := w.counted().Discards["never_finished"]; d != 1 {
			t.Errorf("%d discarded as never finished, want 1", d)
		}
	})
}

func TestPollingCountsNothingThatIsTooOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t, func(c *config.Config) {
			c.Poll.RerunWindow = config.Duration(24 * time.Hour)
			c.Poll.MaxRunAge = config.Duration(24 * time.Hour)
		})
		w.start()
		time.Sleep(time.Hour)
		w.add(success(time.Now()))
		time.Sleep(time.Hour)
		w.stop()
		w.add(success(time.Now())) // missed, and read when it is too old to be counted once
		time.Sleep(10 * 24 * time.Hour)
		w.start()
		defer w.stop()
		for range 3 {
			time.Sleep(6 * time.Hour)
			counted := w.counted()
			if n := total(counted.Counters[runConclusions]); n != 1 || counted.Discards["too_old"] != 1 {
				t.Errorf("%v runs counted and discards %v, want 1 and 1 too old", n, counted.Discards)
			}
			w.restart()
		}
	})
}

func TestPollingLetsOthersInDuringALongFirstSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Repositories: simulator.Repositories(2, 0)},
			func(c *config.Config) { c.GitHub.MaxConcurrentRequests = 1 })
		for i := range 450 {
			w.add(success(time.Now().Add(time.Duration(i) * time.Minute)))
		}
		time.Sleep(13 * time.Hour)
		w.start()
		defer w.stop()
		time.Sleep(40 * time.Second)
		count := w.exporter.running().group.Count()
		if count.FirstSweep != 1 || count.Watched != 1 {
			t.Errorf("%+v, want the small repository to be done while the big one is under way", count)
		}
		time.Sleep(10 * time.Minute)
		w.matchesTruth()
	})
}

func TestPollingAsksNoJobsOfExcludedWorkflows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t, func(c *config.Config) {
			glob, err := config.NewGlob("*/nightly.yml")
			if err != nil {
				t.Fatal(err)
			}
			c.Targets.Workflows.Exclude = []config.Glob{glob}
		})
		nightly := simulator.SimpleRun("Nightly", time.Now(), time.Minute, "success")
		nightly.Path = ".github/workflows/nightly.yml"
		w.add(nightly)
		w.start()
		defer w.stop()
		time.Sleep(time.Hour)
		if r := w.github.Requests(); r.ByEndpoint["attempt_jobs"] != 0 {
			t.Errorf("jobs of an excluded workflow were asked for: %v", r.ByEndpoint)
		}
		if n := total(w.counted().Counters[runConclusions]); n != 0 {
			t.Error("a run of an excluded workflow was counted")
		}
	})
}

func TestPollingShowsWhatGoesOnNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		w.add(simulator.MatrixRun("Matrix", 40, time.Now()))
		w.start()
		defer w.stop()
		time.Sleep(2*time.Minute + 30*time.Second)
		counted := w.counted()
		var running, queued float64
		for labels, n := range counted.Gauges["github_workflow_jobs"] {
			switch {
			case strings.Contains(labels, `status="in_progress"`):
				running += n
			case strings.Contains(labels, `status="queued"`):
				queued += n
			}
		}
		if running != 10 || queued < 5 {
			t.Errorf("%v jobs run and %v wait, want 10 and the rest: %v", running, queued, counted.Gauges)
		}
		if done := total(counted.Counters[jobConclusions]); done == 0 {
			t.Error("jobs that ended are not counted before their run ends")
		}
		time.Sleep(time.Hour)
		if left := w.counted().Gauges["github_workflow_jobs"]; len(left) != 0 {
			t.Errorf("jobs shown after the run's end: %v", left)
		}
		w.matchesTruth()
	})
}

func TestPollingWithoutLiveReadsJobsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t, func(c *config.Config) { c.Poll.Live = false })
		w.start()
		defer w.stop()
		time.Sleep(time.Minute)
		w.add(simulator.SimpleRun("CI", time.Now(), time.Hour, "success"))
		time.Sleep(3 * time.Hour)
		w.matchesTruth()
		if n := w.github.Requests().ByEndpoint["attempt_jobs"]; n != 1 {
			t.Errorf("%d jobs pages were read of one attempt", n)
		}
	})
}

func TestPollingFindsARepositoryWhoseOwnObjectIsHidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t, func(c *config.Config) {
			c.Targets.Organizations = nil
			c.Targets.Repositories = []string{service}
		})
		w.github.Faults().Set("hidden", simulator.Fault{Kind: simulator.NotFound, Endpoint: "repository"})
		w.add(success(time.Now()))
		w.start()
		defer w.stop()
		time.Sleep(10 * time.Minute)
		if w.github.Faults().Fired("hidden") == 0 {
			t.Error("the repository's own object was not hidden: nothing was tested")
		}
		w.matchesTruth() // with the default branch, which the organization's list tells
	})
}

func TestPollingSaysHowFarALongFirstSweepHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Repositories: simulator.Repositories(2, 0), PrimaryLimit: 5000})
		for i := range 300 {
			w.add(success(time.Now().Add(time.Duration(i) * time.Minute)))
		}
		time.Sleep(6 * time.Hour)
		said := &lines{}
		w.logger = log.NewLogfmtLogger(said)
		w.start()
		time.Sleep(35 * time.Second)
		if n := strings.Count(said.text(), "first sweep under way"); n != 3 {
			t.Errorf("said %d times in 35 s, want every 10 s:\n%s", n, said.text())
		}
		if text := said.text(); !strings.Contains(text, "repositories_done=1 repositories=2 budget_left=") || !strings.Contains(text, "remaining=") {
			t.Errorf("wants the repositories done of all, the budget left and an estimate:\n%s", text)
		}
		time.Sleep(time.Hour)
		w.stop()
		if !strings.Contains(said.text(), `msg="first sweep done" repositories=2`) {
			t.Errorf("the end was not said:\n%s", said.text())
		}
	})
}

// More runs are open than one visit may ask for.
func TestPollingLooksAtAllOfVeryManyOpenRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := longer(250, 450)
		w := handmade(t)
		for i := range runs {
			w.add(simulator.SimpleRun("CI", time.Now().Add(time.Duration(i)*time.Second), time.Hour, "success"))
		}
		w.start()
		defer w.stop()
		time.Sleep(30 * time.Minute)
		var running float64
		for _, n := range w.counted().Gauges["github_workflow_jobs"] {
			running += n
		}
		if running != float64(runs) {
			t.Errorf("%v jobs are shown of %d that run", running, runs)
		}
		if count := w.exporter.running().group.Count(); count.Watched != 1 {
			t.Errorf("%+v, want the visits to succeed", count)
		}
		time.Sleep(2 * time.Hour)
		w.matchesTruth()
	})
}
