package app

import (
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

const (
	lastCompletion = "github_workflow_run_last_completion_timestamp_seconds"
	jobsNow        = "github_workflow_jobs"
)

// A repository is not unwatched because its target has not been read since the start: its last completion stays.
func TestLastCompletionsStayUntilTheTargetsAreKnown(t *testing.T) {
	for name, trouble := range map[string]func(*world){
		"GitHub is down at the start": func(w *world) {
			w.github.Faults().Set("down", simulator.Fault{Kind: simulator.ServerError})
			w.restart()
		},
		"slow answers after a reload": func(w *world) {
			time.Sleep(9*time.Minute + 55*time.Second) // the next look for what has expired is five seconds away
			w.github.Faults().Set("slow", simulator.Fault{Kind: simulator.Slow, Delay: 10 * time.Second})
			w.mustReload(func(c *config.Config) { c.Metrics.SeriesLimit = 5000 })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := handmade(t, func(c *config.Config) { c.Metrics.SeriesTTL = config.Duration(24 * time.Hour) })
				w.start()
				defer func() { w.stop() }()
				w.add(success(time.Now()))
				time.Sleep(3 * 24 * time.Hour)
				trouble(w)
				time.Sleep(11 * time.Minute)
				w.github.Faults().ClearAll()
				time.Sleep(time.Hour)
				if n := len(w.counted().Gauges[lastCompletion]); n != 1 {
					t.Errorf("%d last completions of 1", n)
				}
				w.mustReload(func(c *config.Config) { // it has left: now it goes
					c.Targets.Organizations = nil
					c.Targets.Repositories = []string{"octo-org/another"}
				})
				time.Sleep(time.Hour)
				if left := w.counted().Gauges[lastCompletion]; len(left) != 0 {
					t.Errorf("last completions of a repository that is no longer watched: %v", left)
				}
			})
		})
	}
}

// Copies may keep their id and their old run_attempt. What the new attempt runs is shown and recorded while it is open all
// the same, and an unchanged page costs nothing.
func TestLiveJobsBesideCopiesOfAnEarlierAttempt(t *testing.T) {
	for name, shape := range map[string]simulator.CopyShape{"new id": simulator.CopyNewID, "old number": simulator.CopyKeepOld} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := handmade(t)
				w.start()
				defer w.stop()
				time.Sleep(time.Minute)
				first := success(time.Now())
				id := w.add(first)
				time.Sleep(20 * time.Minute)
				start := time.Now().Truncate(time.Second)
				again := simulator.SimpleRun("CI", start, time.Minute, "failure").Attempts[0]
				again.Jobs[0].Name = "quick"
				long := simulator.SimpleRun("CI", start, 3*time.Hour, "success").Attempts[0].Jobs[0]
				long.Name = "long"
				again.Jobs = append(again.Jobs, long)
				again.Jobs = append(again.Jobs, simulator.CarryOver(first.Attempts[0].Jobs, 1, 2, start, shape)...)
				w.addAttempt(id, again)
				time.Sleep(10 * time.Minute)
				w.github.ResetRequests()
				time.Sleep(2 * time.Hour)
				c := w.counted()
				if live := total(c.Gauges[jobsNow]); live != 1 {
					t.Errorf("%v live jobs, want 1", live)
				}
				if c.Executions != 2 {
					t.Errorf("%d executions recorded two hours after the second ended, want 2", c.Executions)
				}
				if r := w.github.Requests(); r.Counted > 5 {
					t.Errorf("%d requests counted in two hours in which nothing changed: %v", r.Counted, r.ByEndpoint)
				}
				time.Sleep(2 * time.Hour)
				w.matchesTruth()
			})
		})
	}
}

// Of a completed run nothing is live, though a job of it never becomes final.
func TestNothingOfACompletedRunIsLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		w.start()
		defer w.stop()
		time.Sleep(10 * time.Minute)
		plan := stuck(simulator.SimpleRun("CI", time.Now(), 10*time.Minute, "cancelled"))
		plan.Attempts[0].EndedAt = time.Now().Add(15 * time.Minute)
		w.add(plan)
		time.Sleep(10 * time.Minute)
		if len(w.counted().Gauges[jobsNow]) == 0 {
			t.Error("nothing is shown of a run that runs")
		}
		time.Sleep(10 * time.Minute)
		if left := w.counted().Gauges[jobsNow]; len(left) > 0 {
			t.Errorf("five minutes after its end: %v", left)
		}
	})
}

// A repository leaves while its jobs are being read: what that reading tells is not kept.
func TestNothingIsLiveOfARepositoryThatLeft(t *testing.T) {
	for off := time.Duration(0); off < 40*time.Second; off += 5 * time.Second {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, simulator.Options{Repositories: simulator.Repositories(2, 0)},
				func(c *config.Config) { c.Poll.DiscoveryInterval = config.Duration(20 * time.Second) })
			w.add(simulator.MatrixRun("CI", 100, time.Now()))
			w.github.Faults().Set("slow", simulator.Fault{Kind: simulator.Slow, Delay: 25 * time.Second, Endpoint: "attempt_jobs"})
			w.start()
			defer w.stop()
			time.Sleep(150*time.Second + off)
			if err := w.github.ChangeRepository(service, func(p *simulator.RepositoryPlan) { p.Archived = true }); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Minute)
			w.shows(1, namespace+"_repositories", "state", "watched")
			if left := w.exporter.live.Live(); len(left) > 0 {
				t.Errorf("%d live values are kept", len(left))
			}
		})
	}
}

// What nobody can read any more is not shown for ever as it was.
func TestLiveJobsOfARepositoryThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		w.start()
		defer w.stop()
		time.Sleep(2 * time.Minute)
		w.add(simulator.SimpleRun("CI", time.Now(), 12*time.Hour, "success"))
		time.Sleep(3 * time.Hour)
		if n := total(w.counted().Gauges[jobsNow]); n != 1 {
			t.Errorf("%v jobs shown of 1 that has run for three hours", n)
		}
		w.github.Faults().Set("denied", simulator.Fault{Kind: simulator.Forbidden})
		time.Sleep(10 * time.Minute)
		if n := total(w.counted().Gauges[jobsNow]); n != 1 {
			t.Errorf("%v jobs shown of 1 that was there ten minutes ago", n)
		}
		time.Sleep(10 * time.Minute)
		if left := w.counted().Gauges[jobsNow]; len(left) > 0 {
			t.Errorf("still shown: %v", left)
		}
		w.github.Faults().ClearAll()
		time.Sleep(20 * time.Minute)
		if n := total(w.counted().Gauges[jobsNow]); n != 1 {
			t.Errorf("%v jobs shown of 1 that can be read again", n)
		}
	})
}

// After a reload that fails the old poller goes on, and shows what it showed.
func TestLiveJobsAfterAReloadThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		w.add(simulator.SimpleRun("CI", time.Now(), 12*time.Hour, "success"))
		w.start()
		defer w.stop()
		time.Sleep(10 * time.Minute)
		c := *w.config
		c.Metrics.Buckets.Job = []float64{777, 77} // not validated: the ledger refuses it, as it does anything on a full disk
		if err := w.exporter.Reload(&c); err == nil {
			t.Fatal("the reload did not fail: nothing was tested")
		}
		time.Sleep(10 * time.Minute)
		if n := total(w.counted().Gauges[jobsNow]); n != 1 {
			t.Errorf("%v jobs shown of 1 ten minutes after a reload that failed", n)
		}
	})
}

// However short poll.max_interval is, what is asked for every interval and has not changed stays shown.
func TestLiveJobsDoNotFlicker(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		most    time.Duration
		refused bool
	}{"equal intervals": {time.Minute, false}, "equal intervals, a refusal": {time.Minute, true}, "twice, a refusal": {2 * time.Minute, true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := handmade(t, func(c *config.Config) { c.Poll.MaxInterval = config.Duration(test.most) })
				w.add(simulator.SimpleRun("CI", time.Now(), 12*time.Hour, "success"))
				w.github.Faults().Set("slow", simulator.Fault{Kind: simulator.Slow, Delay: time.Second})
				w.start()
				defer w.stop()
				time.Sleep(10 * time.Minute)
				absent, every := 0, longer(200, 600)
				for i := range 3 * every {
					if test.refused && i%every == 0 {
						w.github.Faults().Set("once", simulator.Fault{Kind: simulator.ServerError, Endpoint: "runs", Times: 4})
					}
					time.Sleep(time.Second)
					if total(w.counted().Gauges[jobsNow]) != 1 {
						absent++
					}
				}
				if absent > 0 {
					t.Errorf("not shown at %d of %d scrapes", absent, 3*every)
				}
			})
		})
	}
}
