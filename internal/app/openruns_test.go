package app

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

// jobsOf selects the jobs lists of one run.
func jobsOf(run int64) *regexp.Regexp {
	return regexp.MustCompile(fmt.Sprintf("/runs/%d/attempts/[0-9]+/jobs", run))
}

// stuck adds to a run a job that never becomes final.
func stuck(plan simulator.RunPlan) simulator.RunPlan {
	job := plan.Attempts[0].Jobs[0]
	job.Name, job.Unfinished = "stuck", true
	plan.Attempts[0].Jobs = append(plan.Attempts[0].Jobs, job)
	plan.Attempts[0].EndedAt = time.Now().Add(2 * time.Minute)
	return plan
}

// A jobs page that is never answered in time, or always fails, keeps its own run waiting and no other.
func TestOneRunsTroubleLeavesTheOthersAlone(t *testing.T) {
	for name, fault := range map[string]simulator.Fault{
		"no answer in time": {Kind: simulator.Slow, Delay: time.Minute},
		"502":               {Kind: simulator.ServerError},
		"no answer":         {Kind: simulator.Reset},
		"web page":          {Kind: simulator.HTML},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := handmade(t)
				fault.Path = jobsOf(w.add(success(time.Now())))
				w.github.Faults().Set("bad", fault)
				said := w.listen()
				w.start()
				defer w.stop()
				for range 5 {
					w.add(success(time.Now()))
					time.Sleep(20 * time.Minute)
				}
				if n := total(w.counted().Counters[runConclusions]); n != 5 {
					t.Errorf("%v of the 5 healthy runs are counted", n)
				}
				if n := strings.Count(said.text(), "polling run failed"); n < 1 || n > 2 { // while it ran, and after its end
					t.Errorf("said %d times:\n%s", n, said.text())
				}
				w.github.Faults().ClearAll()
				time.Sleep(20 * time.Minute)
				w.matchesTruth()
			})
		})
	}
}

// The same while the run goes on: its jobs are asked for less and less often.
func TestLiveJobsThatCannotBeReadAreAskedForLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		id := w.add(simulator.SimpleRun("CI", time.Now(), 10*time.Hour, "success"))
		w.github.Faults().Set("bad", simulator.Fault{Kind: simulator.ServerError, Path: jobsOf(id)})
		said := w.listen()
		w.start()
		defer w.stop()
		time.Sleep(5 * time.Hour)
		if n := w.github.Faults().Fired("bad"); n < 20 || n > 120 { // four sizes of pages each time
			t.Errorf("asked %d times in five hours", n)
		}
		if n := strings.Count(said.text(), "polling run failed"); n != 1 {
			t.Errorf("said %d times:\n%s", n, said.text())
		}
	})
}

// What can never be read is given up in the end.
func TestARunWhoseJobsCanNeverBeReadIsAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t, func(c *config.Config) { c.Poll.MaxRunAge = config.Duration(48 * time.Hour) })
		id := w.add(success(time.Now()))
		w.github.Faults().Set("bad", simulator.Fault{Kind: simulator.ServerError, Path: jobsOf(id)})
		w.start()
		defer w.stop()
		time.Sleep(40 * time.Hour)
		w.shows(1, namespace+"_open_runs")
		time.Sleep(10 * time.Hour)
		w.shows(0, namespace+"_open_runs")
		if d := w.counted().Discards; d["run_abandoned"] != 1 {
			t.Errorf("discards %v, want one run_abandoned", d)
		}
	})
}

// Attempts that are over and never complete are asked for once an interval each, and keep nobody waiting.
func TestManyAttemptsThatNeverBecomeComplete(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const runs = 230
		w := handmade(t)
		w.start()
		defer w.stop()
		time.Sleep(5 * time.Minute)
		for range runs {
			w.add(stuck(success(time.Now())))
		}
		time.Sleep(6 * time.Minute)
		w.add(success(time.Now()))
		time.Sleep(4 * time.Minute)
		w.github.ResetRequests()
		time.Sleep(10 * time.Minute)
		if n := w.github.Requests().Total; n > runs*10*11/10 {
			t.Errorf("%d requests in ten minutes: more than one a minute for each run", n)
		}
		if n := total(w.counted().Counters[runConclusions]); n != 1 {
			t.Errorf("%v runs counted, want the healthy one", n)
		}
		time.Sleep(time.Hour)
		if n := total(w.counted().Counters[runConclusions]); n != runs+1 {
			t.Errorf("%v runs counted after their hour, want all %d", n, runs+1)
		}
	})
}

// More runs stay open than can be asked for in an interval: those that end are counted all the same.
func TestManyOpenRunsDoNotStarveTheOthers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		open  int
		delay time.Duration
	}{{300, time.Second}, {900, 0}, {900, 200 * time.Millisecond}} {
		if test.open > 300 && !*long {
			continue
		}
		t.Run(fmt.Sprintf("%d open, answers after %s", test.open, test.delay), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := handmade(t, func(c *config.Config) { c.Poll.Live = false })
				for range test.open {
					plan := success(time.Now())
					plan.Attempts[0].Open, plan.Attempts[0].Jobs = true, nil
					w.add(plan)
				}
				time.Sleep(time.Minute)
				for range 100 { // they fill the list's first page
					w.add(success(time.Now()))
				}
				time.Sleep(10 * time.Minute)
				if test.delay > 0 {
					w.github.Faults().Set("slow", simulator.Fault{Kind: simulator.Slow, Delay: test.delay})
				}
				w.start()
				defer w.stop()
				for range 5 {
					w.add(success(time.Now()))
					time.Sleep(10 * time.Minute)
				}
				time.Sleep(30 * time.Minute)
				if n := total(w.counted().Counters[runConclusions]); n != 105 {
					t.Errorf("%v of 105 runs that ended are counted", n)
				}
			})
		})
	}
}

// The hour in which an attempt may become complete goes on through reloads.
func TestReloadsDoNotLengthenTheHourOfClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		w.add(stuck(success(time.Now())))
		w.start()
		defer w.stop()
		for range 4 {
			time.Sleep(25 * time.Minute)
			w.mustReload(func(c *config.Config) { c.Poll.Live = !c.Poll.Live })
		}
		time.Sleep(time.Minute)
		if n := total(w.counted().Counters[runConclusions]); n != 1 {
			t.Errorf("%v runs counted an hour and a half after their end", n)
		}
	})
}

// A list of very many pages is read to its end though many requests find no answer.
func TestALongListIsReadOverABadNetwork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const runs = 2000
		w := handmade(t, func(c *config.Config) { c.Poll.Live = false })
		for i := range runs {
			w.add(success(time.Now().Add(time.Duration(i) * 10 * time.Second)))
		}
		time.Sleep(6 * time.Hour)
		w.github.Faults().Set("reset", simulator.Fault{Kind: simulator.Reset, Probability: 0.1})
		w.start()
		defer w.stop()
		time.Sleep(2 * time.Hour)
		if n := total(w.counted().Counters[runConclusions]); n != runs {
			t.Errorf("%v of %d runs counted", n, runs)
		}
	})
}

// A second reload before the repositories were visited forgets nothing either.
func TestPairsOfReloadsDoNotLengthenTheHourOfClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		w.add(stuck(success(time.Now())))
		w.start()
		defer w.stop()
		w.github.Faults().Set("slow", simulator.Fault{Kind: simulator.Slow, Delay: 5 * time.Second})
		for range 4 {
			time.Sleep(25 * time.Minute)
			for range 2 {
				w.mustReload(func(c *config.Config) { c.Poll.Live = !c.Poll.Live })
				time.Sleep(time.Second)
			}
		}
		time.Sleep(5 * time.Minute)
		if n := total(w.counted().Counters[runConclusions]); n != 1 {
			t.Errorf("%v runs counted an hour and three quarters after their end", n)
		}
	})
}
