package app

import (
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/internal/config"
)

// everyMinute polls as seldom as usual: days go by here.
func everyMinute(c *config.Config) {
	c.Poll.Interval, c.Poll.MaxInterval = config.Duration(time.Minute), config.Duration(2*time.Minute)
}

// GitHub knows runs that never end although all of their jobs did. Whether these were read on the way depends on settings
// and budget, and must not change what is counted.
func TestJobsOfRunsThatNeverEndAreCounted(t *testing.T) {
	for name, live := range map[string]bool{"live": true, "not live": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, github := scriptedWorld(t, everyMinute, func(c *config.Config) {
					c.Poll.Live = live
					c.Poll.MaxRunAge = config.Duration(24 * time.Hour)
				})
				github.runs(aRun(7))
				github.jobs(7, aJob(7, 71), aJob(7, 72).with("conclusion", "failure"),
					aJob(7, 73).with("conclusion", nil), aJob(7, 74).with("status", "queued", "conclusion", nil, "completed_at", nil))
				w.start()
				defer w.stop()
				time.Sleep(25 * time.Hour)
				w.expectConclusions(jobConclusions, map[string]float64{"success": 1, "failure": 1, "other": 1})
				w.expectConclusions(runConclusions, map[string]float64{})
				if n := w.counted().Discards["run_abandoned"]; n != 1 {
					t.Errorf("%d runs abandoned, want 1", n)
				}
			})
		})
	}
}

// A last look that fails is tried again, and in the end the run is given up all the same.
func TestLastLookThatFails(t *testing.T) {
	for name, test := range map[string]struct {
		down time.Duration
		want float64
	}{"for a while": {30 * time.Minute, 1}, "for good": {48 * time.Hour, 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, github := scriptedWorld(t, everyMinute, func(c *config.Config) {
					c.Poll.Live = false
					c.Poll.MaxRunAge = config.Duration(24 * time.Hour)
				})
				github.runs(aRun(7))
				const jobs = "actions/runs/7/attempts/1/jobs"
				github.answer(jobs, scriptedAnswer{status: 502, body: "{}"})
				w.start()
				defer w.stop()
				time.Sleep(24*time.Hour - 2*time.Minute + test.down)
				job := aJob(7, 71).with("created_at", instant(24*time.Hour), "started_at", instant(24*time.Hour), "completed_at", instant(23*time.Hour))
				github.jobs(7, job)
				time.Sleep(3 * time.Hour)
				if n := total(w.counted().Counters[jobConclusions]); n != test.want {
					t.Errorf("%v jobs counted, want %v", n, test.want)
				}
				if n := w.counted().Discards["run_abandoned"]; n != 1 {
					t.Errorf("%d runs abandoned, want 1", n)
				}
			})
		})
	}
}

// A run whose own entry nobody can decode has jobs all the same.
func TestJobsOfAnUndecodableRunAreCountedBeforeItIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, github := scriptedWorld(t)
		github.runs(aRun(7).with("status", 3))
		github.jobs(7, aJob(7, 71))
		w.start()
		defer w.stop()
		time.Sleep(3 * time.Hour)
		w.expectConclusions(jobConclusions, map[string]float64{"success": 1})
		if n := w.counted().Discards["undecodable"]; n != 1 {
			t.Errorf("%d discarded as undecodable, want 1", n)
		}
	})
}
