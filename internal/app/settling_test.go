package app

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github_workflow_exporter/internal/config"
)

const stepConclusions = "github_workflow_step_conclusions_total"

// expectConclusions compares a family's counters, added up by conclusion.
func (w *world) expectConclusions(family string, want map[string]float64) {
	w.Helper()
	if diff := cmp.Diff(want, w.conclusions(family)); diff != "" {
		w.Errorf("%s by conclusion (-want +got):\n%s", family, diff)
	}
}

// GitHub shows a job as completed before it says how it ended.
func TestJobWithoutConclusionWaitsWhileItsRunIsOpen(t *testing.T) {
	for name, live := range map[string]bool{"live": true, "not live": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, github := scriptedWorld(t, func(c *config.Config) { c.Poll.Live = live })
				run := aRun(7)
				job := aJob(7, 71)
				github.runs(run)
				github.jobs(7, job.with("conclusion", nil), aJob(7, 72).with("status", "in_progress", "conclusion", nil, "completed_at", nil))
				w.start()
				defer w.stop()
				time.Sleep(time.Hour)
				w.expectConclusions(jobConclusions, map[string]float64{})
				github.jobs(7, job.with("conclusion", "failure"), aJob(7, 72))
				time.Sleep(time.Minute)
				github.runs(run.with("status", "completed", "conclusion", "failure", "updated_at", instant(0)))
				time.Sleep(time.Minute)
				w.expectConclusions(jobConclusions, map[string]float64{"failure": 1, "success": 1})
				w.expectConclusions(runConclusions, map[string]float64{"failure": 1})
			})
		})
	}
}

// What never comes is counted as it is, some minutes after the run ended.
func TestWhatNeverSettlesIsCountedSomeMinutesAfterTheRunEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, github := scriptedWorld(t)
		github.runs(aRun(7).with("status", "completed", "conclusion", nil))
		github.jobs(7,
			aJob(7, 71).with("conclusion", nil),
			aJob(7, 72).with("steps", []entry{aStep(1, "Set up job", "success"), aStep(2, "Run tests", nil)}),
			aJob(7, 73).with("steps", []entry{}))
		w.start()
		defer w.stop()
		time.Sleep(time.Minute)
		w.expectConclusions(jobConclusions, map[string]float64{})
		w.expectConclusions(runConclusions, map[string]float64{})
		time.Sleep(10 * time.Minute)
		w.expectConclusions(jobConclusions, map[string]float64{"other": 1, "success": 2})
		w.expectConclusions(runConclusions, map[string]float64{"other": 1})
		want := map[string]int{"step_unfinished": 1, "steps_missing": 1}
		if diff := cmp.Diff(want, w.counted().Discards); diff != "" {
			t.Errorf("discards (-want +got):\n%s", diff)
		}
		if n := github.counted("actions/runs/7/attempts/1/jobs"); n != 1 {
			t.Errorf("its jobs were paid for %d times while they were waited for, want once", n)
		}
	})
}

// What ended long ago cannot change any more: history is not waited for.
func TestHistoryIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, github := scriptedWorld(t)
		old := []any{"created_at", instant(5 * time.Hour), "run_started_at", instant(5 * time.Hour), "updated_at", instant(4 * time.Hour)}
		github.runs(aRun(7).with("status", "completed", "conclusion", "success").with(old...))
		github.jobs(7, aJob(7, 71).with("conclusion", "failure", "created_at", instant(5*time.Hour), "started_at", instant(5*time.Hour),
			"completed_at", instant(4*time.Hour), "steps", []entry{}))
		w.start()
		defer w.stop()
		time.Sleep(5 * time.Second)
		w.expectConclusions(jobConclusions, map[string]float64{"failure": 1})
		w.expectConclusions(runConclusions, map[string]float64{"success": 1})
	})
}

// A run that is completed without a conclusion gets one some seconds later.
func TestRunWithoutConclusionIsNotClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, github := scriptedWorld(t)
		run := aRun(7).with("status", "completed")
		github.runs(run)
		github.jobs(7, aJob(7, 71).with("conclusion", "failure"))
		w.start()
		defer w.stop()
		time.Sleep(time.Minute)
		w.expectConclusions(runConclusions, map[string]float64{})
		w.expectConclusions(jobConclusions, map[string]float64{"failure": 1})
		github.runs(run.with("conclusion", "failure"))
		time.Sleep(time.Minute)
		w.expectConclusions(runConclusions, map[string]float64{"failure": 1})
	})
}

// A conclusion that GitHub takes back closes nothing, and what runs is shown all the time.
func TestConclusionThatIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, github := scriptedWorld(t)
		run := aRun(7)
		job := aJob(7, 71)
		running := job.with("status", "in_progress", "conclusion", nil, "completed_at", nil)
		shown := func(when string, want float64) {
			t.Helper()
			if n := total(w.counted().Gauges[jobsNow]); n != want {
				t.Errorf("%s: %v jobs shown as live, want %v", when, n, want)
			}
		}
		github.runs(run)
		github.jobs(7, running)
		w.start()
		defer w.stop()
		time.Sleep(30 * time.Second)
		shown("at first", 1)
		github.runs(run.with("status", "completed", "conclusion", "success"))
		for range 6 {
			time.Sleep(10 * time.Second)
			shown("while it is said to be over", 1)
		}
		github.runs(run)
		time.Sleep(30 * time.Second)
		shown("taken back", 1)
		github.jobs(7, job.with("conclusion", "failure"))
		time.Sleep(30 * time.Second)
		w.expectConclusions(runConclusions, map[string]float64{})
		github.runs(run.with("status", "completed", "conclusion", "failure", "updated_at", instant(0)))
		time.Sleep(30 * time.Second)
		w.expectConclusions(runConclusions, map[string]float64{"failure": 1})
		w.expectConclusions(jobConclusions, map[string]float64{"failure": 1})
		shown("in the end", 0)
	})
}

// A conclusion that the run's own jobs contradict has to be told twice.
func TestContradictedConclusionIsConfirmedBeforeItCounts(t *testing.T) {
	for name, test := range map[string]struct{ first, last string }{
		"premature success":                {"success", "failure"},
		"a job that may fail":              {"success", "success"},
		"failed although no job did":       {"failure", "failure"},
		"failed, and then it did not fail": {"failure", "success"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, github := scriptedWorld(t)
				run := aRun(7).with("status", "completed", "conclusion", test.first)
				job := "success"
				if test.first == "success" {
					job = "failure"
				}
				github.runs(run)
				github.jobs(7, aJob(7, 71).with("conclusion", job))
				w.start()
				defer w.stop()
				time.Sleep(4 * time.Second)
				w.expectConclusions(runConclusions, map[string]float64{})
				w.expectConclusions(jobConclusions, map[string]float64{job: 1})
				if test.last != test.first {
					github.runs(run.with("conclusion", test.last))
				}
				time.Sleep(50 * time.Second)
				w.expectConclusions(runConclusions, map[string]float64{test.last: 1})
				if n := github.counted("actions/runs/7"); n != 0 {
					t.Errorf("the run's own endpoint was asked %d times although the list shows it", n)
				}
			})
		})
	}
}

// A run that has left the first page is confirmed by its own endpoint.
func TestContradictedRunThatIsNotListedIsConfirmedByItsOwnEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, github := scriptedWorld(t)
		run := aRun(7)
		github.runs(run)
		github.jobs(7, aJob(7, 71).with("status", "in_progress", "conclusion", nil, "completed_at", nil))
		w.start()
		defer w.stop()
		time.Sleep(time.Minute)
		github.jobs(8, aJob(8, 81))
		github.say("actions/runs", list("workflow_runs", 1, aRun(8).with("status", "completed", "conclusion", "success")))
		time.Sleep(time.Minute)
		asked := github.counted("actions/runs/7")
		github.jobs(7, aJob(7, 71).with("conclusion", "failure"))
		github.run(run.with("status", "completed", "conclusion", "success", "updated_at", instant(0)))
		for github.counted("actions/runs/7") == asked {
			time.Sleep(time.Second)
		}
		github.run(run.with("status", "completed", "conclusion", "failure", "updated_at", instant(0)))
		time.Sleep(2 * time.Minute)
		w.expectConclusions(runConclusions, map[string]float64{"failure": 1, "success": 1})
	})
}

// Steps show some seconds later than their job's end, the failing one included.
func TestStepsThatLagAreWaitedFor(t *testing.T) {
	all := func() []entry {
		return []entry{aStep(1, "Set up job", "success"), aStep(2, "Run tests", "failure"), aStep(3, "Post checkout", "skipped"), aStep(4, "Complete job", "success")}
	}
	for name, at := range map[string]func() []entry{
		"unfinished": func() []entry { return []entry{aStep(1, "Set up job", "success"), aStep(2, "Run tests", nil)} },
		"none yet":   func() []entry { return []entry{} },
	} {
		for _, over := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w, github := scriptedWorld(t)
					run, job := aRun(7), aJob(7, 71).with("conclusion", "failure")
					if over {
						run = run.with("status", "completed", "conclusion", "failure")
					}
					github.runs(run)
					github.jobs(7, job.with("steps", at()))
					w.start()
					defer w.stop()
					time.Sleep(time.Minute)
					w.expectConclusions(stepConclusions, map[string]float64{})
					github.jobs(7, job.with("steps", all()))
					time.Sleep(time.Minute)
					w.expectConclusions(stepConclusions, map[string]float64{"success": 2, "failure": 1, "skipped": 1})
					if n := w.counted().Discards["step_unfinished"]; n != 0 {
						t.Errorf("%d steps discarded as unfinished", n)
					}
				})
			})
		}
	}
}

// What a run's jobs say may come later than its conclusion: what was told of the run before that confirms nothing.
func TestConclusionIsConfirmedAfterItsJobsContradictIt(t *testing.T) {
	for name, first := range map[string][]any{
		"no conclusion yet": {"conclusion", nil},
		"still at work":     {"status", "in_progress", "conclusion", nil, "completed_at", nil},
	} {
		for _, listed := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w, github := scriptedWorld(t)
					run, job := aRun(7), aJob(7, 71).with(first...)
					say := func(conclusion string) {
						github.runs(run.with("status", "completed", "conclusion", conclusion, "updated_at", instant(0)))
						if !listed {
							github.say("actions/runs", list("workflow_runs", 1, aRun(8).with("status", "completed", "conclusion", "success")))
						}
					}
					github.runs(run)
					github.jobs(7, job)
					github.jobs(8, aJob(8, 81))
					w.start()
					defer w.stop()
					time.Sleep(30 * time.Second)
					say("success")
					time.Sleep(time.Minute)
					github.jobs(7, aJob(7, 71).with("conclusion", "failure"))
					time.Sleep(9 * time.Second) // less than an interval: before that was told again
					say("failure")
					time.Sleep(10 * time.Minute)
					want := map[string]float64{"failure": 1}
					if !listed {
						want["success"] = 1
					}
					w.expectConclusions(runConclusions, want)
					w.expectConclusions(jobConclusions, want)
				})
			})
		}
	}
}

// A run that succeeded had jobs, also while none is listed; one that was cancelled may have had none.
func TestJobsThatAreListedLateAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, github := scriptedWorld(t)
		github.runs(aRun(7).with("status", "completed", "conclusion", "success"), aRun(8).with("status", "completed", "conclusion", "cancelled"),
			aRun(9).with("status", "completed", "conclusion", "success"))
		github.jobs(7)
		github.jobs(8)
		github.jobs(9)
		w.start()
		defer w.stop()
		time.Sleep(time.Minute)
		w.expectConclusions(runConclusions, map[string]float64{"cancelled": 1})
		github.jobs(7, aJob(7, 71))
		time.Sleep(time.Minute)
		w.expectConclusions(jobConclusions, map[string]float64{"success": 1})
		w.expectConclusions(runConclusions, map[string]float64{"cancelled": 1, "success": 1})
		time.Sleep(3 * time.Minute) // of the other one none ever is
		w.expectConclusions(runConclusions, map[string]float64{"cancelled": 1, "success": 2})
	})
}

// An attempt that a re-run superseded is asked for once, however long its jobs are waited for.
func TestSupersededAttemptIsAskedForOnceWhileItSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, github := scriptedWorld(t)
		first := aRun(7).with("status", "completed", "conclusion", "failure")
		again := aRun(7).with("run_attempt", 2, "run_started_at", instant(0))
		github.run(first)
		github.runs(again)
		github.jobs(7, aJob(7, 71).with("conclusion", "failure", "completed_at", instant(0), "steps", []entry{aStep(1, "Run tests", nil)}))
		github.say("actions/runs/7/attempts/2/jobs", list("jobs", 0))
		w.start()
		defer w.stop()
		time.Sleep(2 * time.Minute)
		w.expectConclusions(runConclusions, map[string]float64{})
		time.Sleep(3 * time.Minute)
		w.expectConclusions(runConclusions, map[string]float64{"failure": 1})
		w.expectConclusions(jobConclusions, map[string]float64{"failure": 1})
		if n := github.counted("actions/runs/7/attempts/1"); n != 1 {
			t.Errorf("the superseded attempt was asked for %d times, want once", n)
		}
	})
}
