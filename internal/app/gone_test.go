package app

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

// The old name is taken over by a new, empty repository while runs are open: they were not deleted.
func TestOpenRunsOfARepositoryWhoseNameIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		w.start()
		defer w.stop()
		time.Sleep(5 * time.Minute)
		w.add(simulator.SimpleRun("CI", time.Now(), time.Hour, "success"))
		time.Sleep(2 * time.Minute)
		w.shows(1, namespace+"_open_runs")
		if err := w.github.RenameRepository(service, "octo-org/moved"); err != nil {
			t.Fatal(err)
		}
		if err := w.github.AddRepository(simulator.RepositoryPlan{Name: service, ID: 77}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		c := w.counted()
		if n := total(c.Counters[runConclusions]); n != 1 || c.Discards["run_deleted"] != 0 {
			t.Errorf("%v runs counted, want 1; discards %v, want none", n, c.Discards)
		}
	})
}

// A re-run is deleted while the program is down: after the start not even its number is known.
func TestARerunThatIsDeletedWhileTheProgramIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		id := w.add(success(time.Now()))
		w.start()
		time.Sleep(10 * time.Minute)
		w.addAttempt(id, simulator.SimpleRun("CI", time.Now(), 2*time.Hour, "success").Attempts[0])
		time.Sleep(10 * time.Minute)
		w.stop()
		if err := w.github.DeleteRun(service, id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		w.start()
		defer func() { w.stop() }()
		for range 2 {
			time.Sleep(time.Hour)
			if d := w.counted().Discards["run_deleted"]; d != 1 {
				t.Errorf("%d discarded for run_deleted, want 1", d)
			}
			open, err := w.exporter.ledger.OpenRuns(w.exporter.ledger.Accounts()[0].ID)
			if err != nil || len(open) > 0 {
				t.Errorf("still open: %v, %v", open, err)
			}
			w.restart()
		}
	})
}

// Two answers of 404 with good ones between them are no deletion.
func TestAJobsPageThatIsMissingNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		plan := success(time.Now())
		late := plan.Attempts[0].Jobs[0]
		late.Name, late.FinishedAt = "late", time.Now().Add(40*time.Minute)
		plan.Attempts[0].Jobs = append(plan.Attempts[0].Jobs, late)
		plan.Attempts[0].EndedAt = time.Now().Add(2 * time.Minute)
		w.add(plan)
		w.start()
		defer w.stop()
		for range 2 {
			time.Sleep(15 * time.Minute)
			w.github.Faults().Set("once", simulator.Fault{Kind: simulator.NotFound, Endpoint: "attempt_jobs", Times: 1})
		}
		time.Sleep(2 * time.Hour)
		w.matchesTruth()
		if n := total(w.counted().Counters[runConclusions]); n != 1 {
			t.Errorf("%v runs counted, want 1", n)
		}
	})
}

// A rename shows in the runs while the organization's list cannot be read: it is taken over once, and the old name's
// figures go.
func TestARenameWhileTheListCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Repositories: simulator.Repositories(1, 0)})
		w.add(success(time.Now()))
		said := w.listen()
		w.start()
		defer w.stop()
		time.Sleep(30 * time.Minute)
		w.github.Faults().Set("denied", simulator.Fault{Kind: simulator.Forbidden, Endpoint: "org_repos"})
		if err := w.github.RenameRepository(service, "octo-org/renamed"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.github.AddRun("octo-org/renamed", success(time.Now())); err != nil {
			t.Fatal(err)
		}
		time.Sleep(12 * time.Hour)
		if n := strings.Count(said.text(), "repository was renamed"); n != 1 {
			t.Errorf("%d renames said of 1\n%s", n, said.text())
		}
		w.shows(-1, namespace+"_poll_last_success_timestamp_seconds", "repository", service) // none
	})
}

// A list that shifts while it is read hides a repository: that alone does not end its watching.
func TestARepositoryThatAListHidesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Repositories: simulator.Repositories(205, 0)})
		said := w.listen()
		w.start()
		defer w.stop()
		time.Sleep(30 * time.Minute)
		w.github.Faults().Set("shift", simulator.Fault{Kind: simulator.ShiftedPages, Shift: 1, Endpoint: "org_repos", Times: 1})
		if err := w.github.AddRepository(simulator.RepositoryPlan{Name: "octo-org/new"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Minute)
		if w.github.Faults().Fired("shift") != 1 {
			t.Error("the list did not shift: nothing was tested")
		}
		if said.has("no longer watched") {
			t.Errorf("unwatched:\n%s", said.text())
		}
	})
}

// Marks are forgotten after the windows; what they stood for does not count again, neither when the windows become longer
// nor when an old run is run again.
func TestWhatWasForgottenDoesNotCountAgain(t *testing.T) {
	t.Parallel()
	short := func(c *config.Config) {
		c.Poll.Lookback, c.Poll.RerunWindow, c.Poll.MaxRunAge = config.Duration(time.Hour), config.Duration(24*time.Hour), config.Duration(24*time.Hour)
	}
	t.Run("longer windows", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, simulator.Options{Seed: 3, Repositories: simulator.Repositories(1, 10)}, short)
			time.Sleep(2 * time.Hour)
			w.start()
			defer func() { w.stop() }()
			time.Sleep(5 * 24 * time.Hour)
			w.mustReload(func(c *config.Config) {
				c.Poll.RerunWindow, c.Poll.MaxRunAge = config.Duration(720*time.Hour), config.Duration(840*time.Hour)
			})
			w.settle()
			w.matchesTruth()
		})
	})
	t.Run("a re-run", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := handmade(t, short)
			w.start()
			defer func() { w.stop() }()
			time.Sleep(10 * time.Minute)
			id := w.add(success(time.Now()))
			time.Sleep(5 * 24 * time.Hour)
			w.addAttempt(id, simulator.SimpleRun("CI", time.Now(), time.Minute, "failure").Attempts[0])
			time.Sleep(2 * time.Hour)
			w.matchesTruth()
		})
	})
}
