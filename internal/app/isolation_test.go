package app

import (
	"fmt"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

const lastSuccess = namespace + "_poll_last_success_timestamp_seconds"

// age is how long ago a repository was polled without a failure.
func (w *world) age(repository string) time.Duration {
	w.Helper()
	return time.Duration(float64(time.Now().Unix())-w.scrape().value(lastSuccess, "repository", repository)) * time.Second
}

// A 401 of one endpoint, as a gateway gives, says nothing of the token: the others go on, and nothing is asked more often.
func TestA401OfOneEndpointLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	repositories := longer(6, 12)
	for name, f := range map[string]simulator.Fault{
		"runs of one repository": {Repository: "octo-org/service-3", Endpoint: "runs"},
		"jobs of one repository": {Repository: "octo-org/service-3", Endpoint: "attempt_jobs"},
		"the organization":       {Endpoint: "org_repos"},
		"one answer of twenty":   {Probability: 0.05},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, simulator.Options{Seed: 3, PrimaryLimit: 5000, Repositories: simulator.Repositories(repositories, 12)})
				w.start()
				defer func() { w.stop() }()
				time.Sleep(time.Hour)
				w.github.ResetRequests()
				time.Sleep(time.Hour)
				usual := w.github.Requests().Total
				f.Kind = simulator.Unauthorized
				w.github.Faults().Set("bad", f)
				w.github.ResetRequests()
				time.Sleep(time.Hour)
				if n := w.github.Requests().Total; n > usual*13/10 || n < usual/2 {
					t.Errorf("%d requests an hour, %d without the trouble", n, usual)
				}
				silent := 0
				for i := range repositories {
					if i != 2 && w.age(fmt.Sprintf("octo-org/service-%d", i+1)) > 35*time.Minute {
						silent++
					}
				}
				if silent > 0 {
					t.Errorf("%d of the repositories without trouble were not polled for half an hour", silent)
				}
			})
		})
	}
}

// A deeper page that cannot be had in a big size for another reason than 5xx: the sweep takes smaller ones, and the visit,
// whose first page answers, does not fail for what can wait.
func TestDeeperPagesThatNeverComeWhole(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{
		"502": {Kind: simulator.ServerError}, "no answer in time": {Kind: simulator.Slow, Delay: time.Minute}, "cut": {Kind: simulator.CutBody},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := handmade(t, func(c *config.Config) { c.Poll.Live = false })
				for i := range longer(250, 400) {
					w.add(success(time.Now().Add(time.Duration(i) * 10 * time.Second)))
				}
				time.Sleep(2 * time.Hour)
				w.start()
				defer w.stop()
				time.Sleep(5 * time.Minute)
				fault.Path = regexp.MustCompile(`actions/runs\?(page=.*per_page=100|.*per_page=100.*&page=)`)
				w.github.Faults().Set("bad", fault)
				time.Sleep(longer(8*time.Hour, 24*time.Hour))
				if w.github.Faults().Fired("bad") == 0 {
					t.Error("no deeper page was asked for: nothing was tested")
				}
				if age := w.age(service); age > time.Hour {
					t.Errorf("the last good poll was %v ago", age)
				}
			})
		})
	}
}

// The list answers and no jobs page does: that repository is failing, and its first sweep is not over. When the pages can be
// read, what happened before is baseline.
func TestAFirstSweepThatReadsNoJobs(t *testing.T) {
	for name, kind := range map[string]simulator.Kind{"502": simulator.ServerError, "403": simulator.Forbidden} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := handmade(t, func(c *config.Config) {
					c.Metrics.InitialZero, c.Poll.Live = config.Duration(150*time.Second), false
				})
				for i := range 50 {
					w.add(success(time.Now().Add(time.Duration(i) * 10 * time.Second)))
				}
				time.Sleep(2 * time.Hour)
				w.github.Faults().Set("bad", simulator.Fault{Kind: kind, Endpoint: "attempt_jobs"})
				w.start()
				defer w.stop()
				time.Sleep(40 * time.Minute)
				if n := w.scrape().value(namespace+"_repositories", "state", "watched"); n != 0 {
					t.Error("shown as watched though nothing of its first sweep could be counted")
				}
				w.github.Faults().ClearAll()
				for range 40 * 60 {
					time.Sleep(time.Second)
					if v := w.counted().Counters[runConclusions]; len(v) > 0 {
						if total(v) == 0 {
							t.Error("two hours' past is shown at 0 first, as if it happened now")
						}
						return
					}
				}
				t.Error("nothing counted")
			})
		})
	}
}

// Long after the first sweep: no jobs page can be read for hours, and that is seen.
func TestHoursWithoutJobsAreSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Seed: 3, Repositories: simulator.Repositories(3, 24)})
		w.start()
		defer func() { w.stop() }()
		time.Sleep(2 * time.Hour)
		w.github.Faults().Set("denied", simulator.Fault{Kind: simulator.Forbidden, Endpoint: "attempt_jobs"})
		time.Sleep(6 * time.Hour)
		w.shows(3, namespace+"_repositories", "state", "failing")
		if age := w.age(service); age < time.Hour {
			t.Errorf("the last good poll was %v ago", age)
		}
		w.github.Faults().ClearAll()
		w.mended(40 * time.Minute)
	})
}

// Two cut bodies more than an hour apart, with 5xx in between, do not mean that a run can never be decoded.
func TestTwoCutBodiesAreNoUndecodableRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t, func(c *config.Config) { c.Poll.Live = false })
		id := w.add(simulator.SimpleRun("Long", time.Now(), 10*time.Hour, "success"))
		w.start()
		defer w.stop()
		own := regexp.MustCompile(fmt.Sprintf(`/runs/%d$`, id))
		time.Sleep(time.Minute)
		for i := range 100 { // the run leaves the first page
			w.add(success(time.Now().Add(time.Duration(i) * time.Millisecond)))
		}
		cut := func() {
			w.github.Faults().Set("cut", simulator.Fault{Kind: simulator.CutBody, Path: own, Times: 1})
			for range 200 {
				if time.Sleep(10 * time.Second); w.github.Faults().Fired("cut") == 1 {
					return
				}
			}
			t.Fatal("it was not asked for")
		}
		cut()
		w.github.Faults().Set("incident", simulator.Fault{Kind: simulator.ServerError, Path: own})
		time.Sleep(70 * time.Minute)
		w.github.Faults().Clear("incident")
		cut()
		time.Sleep(12 * time.Hour)
		w.matchesTruth()
	})
}

// More open runs than can be asked for within an interval: the other stages have their turn all the same.
func TestManyOpenRunsDoNotStarveTheOtherStages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		for range longer(300, 900) {
			plan := success(time.Now())
			plan.Attempts[0].Open, plan.Attempts[0].Jobs = true, nil
			w.add(plan)
		}
		w.add(simulator.SimpleRun("Long", time.Now(), 20*time.Hour, "success"))
		time.Sleep(time.Minute)
		for range 100 {
			w.add(success(time.Now()))
		}
		time.Sleep(10 * time.Minute)
		if !*long { // fewer runs take as long
			w.github.Faults().Set("slow", simulator.Fault{Kind: simulator.Slow, Delay: time.Second})
		}
		w.start()
		defer w.stop()
		time.Sleep(2 * time.Hour)
		if age := w.age(service); age > time.Hour {
			t.Errorf("the last complete poll was %v ago", age)
		}
		// What nobody could confirm for a while is not shown: with so many runs its turn does not always come in time.
		for range 60 {
			if total(w.counted().Gauges[jobsNow]) == 1 {
				return
			}
			time.Sleep(30 * time.Second)
		}
		t.Error("the live job was not shown for half an hour")
	})
}
