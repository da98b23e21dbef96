package app

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

// named watches repositories by name instead of an organization's.
func named(names ...string) func(*config.Config) {
	return func(c *config.Config) {
		c.Targets.Organizations, c.Targets.Repositories = nil, names
	}
}

func TestRepositoryThatDoesNotExist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Seed: 5, Repositories: simulator.Repositories(1, 48)}, named("octo-org/typo", service))
		said := w.listen()
		w.start()
		defer func() { w.stop() }()
		time.Sleep(3 * time.Hour)
		w.failed(said, "octo-org/typo", "not_found", "404", "target=octo-org/typo")
		w.shows(1, up)
		w.shows(1, namespace+"_repositories", "state", "failing")
		w.shows(1, namespace+"_repositories", "state", "watched")
		if err := w.github.AddRepository(simulator.RepositoryPlan{Name: "octo-org/typo", RunsPerDay: 24}); err != nil {
			t.Fatal(err)
		}
		w.mended(eventually)
		w.shows(2, namespace+"_repositories", "state", "watched")
	})
}

// After a rename counting goes on under the new name, and what was counted stands under the old.
func TestRenamedRepository(t *testing.T) {
	const renamed = "octo-org/renamed"
	for name, change := range map[string]func(*config.Config){"of an organization": func(*config.Config) {}, "by its old name": named(service)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := handmade(t, change)
				said := w.listen()
				w.add(success(time.Now()))
				w.start()
				defer func() { w.stop() }()
				time.Sleep(30 * time.Minute)
				runs := func(repository string) (n float64) {
					for labels, v := range w.counted().Counters[runConclusions] {
						if strings.Contains(labels, `repository="`+repository+`"`) {
							n += v
						}
					}
					return n
				}
				if n := runs(service); n != 1 {
					t.Fatalf("%v runs before the rename", n)
				}
				if err := w.github.RenameRepository(service, renamed); err != nil {
					t.Fatal(err)
				}
				for range 2 {
					if _, err := w.github.AddRun(renamed, success(time.Now())); err != nil {
						t.Fatal(err)
					}
					time.Sleep(30 * time.Minute)
					w.matchesTruth()
					w.restart()
					time.Sleep(5 * time.Minute)
				}
				if before, after := runs(service), runs(renamed); before != 1 || after != 2 {
					t.Errorf("%v runs under the old name and %v under the new, want 1 and 2", before, after)
				}
				if !said.has("level=info", "repository was renamed", service, renamed) {
					t.Errorf("the rename was not said:\n%s", said.text())
				}
				w.shows(1, namespace+"_repositories", "state", "watched")
				if accounts := w.exporter.ledger.Accounts(); len(accounts) != 1 || accounts[0].Name != renamed {
					t.Errorf("accounts %+v, want one of the new name", accounts)
				}
			})
		})
	}
}

// A different repository under an old name is a new one: what it does is not mixed up with the old one's accounts.
func TestNameTakenByAnotherRepository(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t, named(service))
		w.add(success(time.Now()))
		w.start()
		defer func() { w.stop() }()
		time.Sleep(30 * time.Minute)
		if err := w.github.RenameRepository(service, "octo-org/old"); err != nil {
			t.Fatal(err)
		}
		if err := w.github.AddRepository(simulator.RepositoryPlan{Name: service, ID: 77}); err != nil {
			t.Fatal(err)
		}
		w.add(success(time.Now()))
		time.Sleep(30 * time.Minute)
		accounts := w.exporter.ledger.Accounts()
		if len(accounts) != 2 || accounts[0].ID != 77 {
			t.Fatalf("accounts %+v, want one each", accounts)
		}
		if n := total(w.counted().Counters[runConclusions]); n != 2 {
			t.Errorf("%v runs counted, want one of each repository", n)
		}
		w.shows(1, namespace+"_repositories", "state", "watched")
	})
}

// Of a run deleted while it is open stays what was counted; the rest is discarded once.
func TestRunDeletedWhileOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		id := w.add(simulator.MatrixRun("Matrix", 40, time.Now())) // ten at a time, a minute each
		w.start()
		defer func() { w.stop() }()
		time.Sleep(2*time.Minute + 30*time.Second)
		before := total(w.counted().Counters[jobConclusions])
		if before < 10 || before > 30 {
			t.Fatalf("%v of 40 jobs are counted in the middle of the run", before)
		}
		if err := w.github.DeleteRun(service, id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute) // however visits for its jobs and for the list fall
		for range 2 {
			counted := w.counted()
			if d := counted.Discards["run_deleted"]; d != 1 {
				t.Errorf("%d discarded for run_deleted, want 1", d)
			}
			if n := total(counted.Counters[jobConclusions]); n != before {
				t.Errorf("%v jobs counted after the deletion, %v before", n, before)
			}
			if n := total(counted.Counters[runConclusions]); n != 0 {
				t.Errorf("the deleted run was counted")
			}
			if left := counted.Gauges["github_workflow_jobs"]; len(left) != 0 {
				t.Errorf("jobs of the deleted run still show: %v", left)
			}
			w.shows(0, namespace+"_open_runs")
			w.restart()
			time.Sleep(time.Hour)
		}
	})
}

// A run deleted while the program was down, and one deleted between its end and its reading.
func TestRunDeletedUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		id := w.add(simulator.SimpleRun("CI", time.Now(), 2*time.Hour, "success"))
		w.start()
		time.Sleep(10 * time.Minute)
		w.stop()
		if err := w.github.DeleteRun(service, id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		w.start()
		defer func() { w.stop() }()
		time.Sleep(time.Hour)
		if d := w.counted().Discards["run_deleted"]; d != 1 {
			t.Errorf("%d discarded for run_deleted, want 1", d)
		}
		w.shows(0, namespace+"_open_runs")
	})
}
