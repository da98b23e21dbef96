package app

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/githubapi"
)

// A server whose clock is ahead at first must not keep what happens until then from counting.
func TestClocksThatAreAheadDoNotHideWhatHappens(t *testing.T) {
	for name, ahead := range map[string]time.Duration{
		"hours": 20 * time.Hour, "ten days": 10 * 24 * time.Hour, "a year": 365 * 24 * time.Hour, "two centuries": 200 * 365 * 24 * time.Hour,
		"behind by ten days": -10 * 24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, github := scriptedWorld(t)
				github.ahead(ahead)
				run := aRun(7).with("status", "completed", "conclusion", "success")
				github.runs(run)
				github.jobs(7, aJob(7, 71))
				w.start()
				defer w.stop()
				time.Sleep(time.Minute)
				if since, now := w.since("octo-org/app"), time.Now(); since.After(now.Add(-23 * time.Hour)) {
					t.Errorf("since is %s, now is %s", since, now)
				}
				github.ahead(0)
				github.runs(run, aRun(8).with("status", "completed", "conclusion", "failure"))
				github.jobs(8, aJob(8, 81).with("conclusion", "failure"))
				time.Sleep(time.Minute)
				w.expectConclusions(runConclusions, map[string]float64{"success": 1, "failure": 1})
			})
		})
	}
}

// What an older version stored by a wrong clock is corrected when the clocks tell better.
func TestSinceThatLiesAheadIsCorrected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, github := scriptedWorld(t)
		github.runs(aRun(7).with("status", "completed", "conclusion", "success"))
		github.jobs(7, aJob(7, 71))
		e, err := Open(w.config, Options{Logger: w.logger, Transport: w.transport})
		if err != nil {
			t.Fatal(err)
		}
		repo := githubapi.Repository{ID: 1001, FullName: "octo-org/app"}
		if _, err := e.recorder.Watch(t.Context(), repo, time.Now().Add(10*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		said := w.listen()
		w.start()
		defer w.stop()
		time.Sleep(time.Minute)
		w.expectConclusions(runConclusions, map[string]float64{"success": 1})
		if n := strings.Count(said.text(), "is corrected"); n != 1 {
			t.Errorf("the correction was said %d times", n)
		}
	})
}
