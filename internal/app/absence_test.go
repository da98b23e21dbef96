package app

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

// pageThree is a list's third page.
var pageThree = regexp.MustCompile(`[?&]page=3\b`)

const (
	repositories  = namespace + "_repositories"
	ssoRestricted = namespace + "_sso_restricted"
	unwatched     = "repository is no longer watched"
)

// organization is a world of so many repositories in which only what the test adds happens.
func organization(t *testing.T, n int, change ...func(*config.Config)) *world {
	return newWorld(t, simulator.Options{PrimaryLimit: 5000, Repositories: simulator.Repositories(n, 0)}, change...)
}

func (w *world) see(repository string, s simulator.Sight) {
	w.Helper()
	if err := w.github.See(repository, s); err != nil {
		w.Fatal(err)
	}
}

// A token that loses its single sign-on sees a shorter list. What it does not show stays known as failing, with its last
// success, and goes on when the token is authorized again; nothing is lost.
func TestARepositoryThatSingleSignOnHides(t *testing.T) {
	for name, test := range map[string]struct {
		sight  simulator.Sight
		reason string
	}{"403": {simulator.HiddenSSO, "forbidden"}, "404": {simulator.GoneButSSO, "not_found"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := organization(t, 2)
				said := w.listen()
				w.add(success(time.Now()))
				w.start()
				defer func() { w.stop() }()
				time.Sleep(30 * time.Minute)
				w.shows(0, ssoRestricted, "target", "octo-org")
				last := w.scrape().value(lastSuccess, "repository", service)
				w.see(service, test.sight)
				w.add(success(time.Now().Add(time.Hour)))
				failed := 0.0
				for range 3 {
					time.Sleep(time.Hour)
					w.shows(1, repositories, "state", "failing")
					w.shows(1, repositories, "state", "watched")
					w.shows(1, ssoRestricted, "target", "octo-org")
					s := w.scrape()
					if v := s.value(lastSuccess, "repository", service); v < last || time.Since(time.Unix(int64(v), 0)) < 40*time.Minute {
						t.Errorf("the last success is %v, it was %v before", v, last)
					}
					n := s.value(failures, "repository", service, "reason", test.reason)
					if n <= failed {
						t.Errorf("%v failures an hour after there were %v", n, failed)
					}
					failed = n
				}
				if said.has(unwatched) {
					t.Errorf("unwatched:\n%s", said.text())
				}
				if n := strings.Count(said.text(), "single sign-on keeps from this token"); n != 1 || !said.has("level=warn", "owner=octo-org", "authorize the token") {
					t.Errorf("said %d times, want once, with what to do:\n%s", n, said.text())
				}
				if report, err := w.checked(); err == nil || !strings.Contains(report, "FAIL  organization octo-org: its list is partial") || !strings.Contains(report, "authorize the token") {
					t.Errorf("check: %v\n%s", err, report)
				}
				w.restart()
				time.Sleep(time.Hour)
				w.shows(1, repositories, "state", "failing")
				if said.has(unwatched) {
					t.Errorf("unwatched:\n%s", said.text())
				}
				w.see(service, simulator.Seen)
				w.mended(eventually)
				w.shows(0, ssoRestricted, "target", "octo-org")
				w.shows(2, repositories, "state", "watched")
			})
		})
	}
}

// What says that a repository does not belong to the targets any more ends its watching.
func TestARepositoryThatLeaves(t *testing.T) {
	for name, test := range map[string]struct {
		leave func(*world) error
		says  string
		by    time.Duration
	}{
		"deleted": {func(w *world) error { return w.github.See(service, simulator.Gone) }, "level=warn", 45 * time.Minute},
		"archived": {func(w *world) error {
			return w.github.ChangeRepository(service, func(p *simulator.RepositoryPlan) { p.Archived = true })
		}, "it is archived", 12 * time.Minute},
		"renamed to what is excluded": {func(w *world) error { return w.github.RenameRepository(service, "octo-org/x-1") }, "its name is excluded", 12 * time.Minute},
		"moved to another owner":      {func(w *world) error { return w.github.RenameRepository(service, "another/service-1") }, "it is another/service-1 now", 12 * time.Minute},
		"its name is another's": {func(w *world) error {
			if err := w.github.RenameRepository(service, "another/service-1"); err != nil {
				return err
			}
			return w.github.AddRepository(simulator.RepositoryPlan{Name: service, ID: 77})
		}, "it is another/service-1 now", 12 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := organization(t, 3, func(c *config.Config) {
					glob, err := config.NewGlob("x-*")
					if err != nil {
						t.Fatal(err)
					}
					c.Targets.Organizations[0].Exclude = []config.Glob{glob}
				})
				said := w.listen()
				w.add(success(time.Now()))
				w.start()
				defer func() { w.stop() }()
				time.Sleep(35 * time.Minute)
				if err := test.leave(w); err != nil {
					t.Fatal(err)
				}
				time.Sleep(test.by)
				if !said.has(unwatched, test.says) {
					t.Errorf("it is not said that the repository is no longer watched:\n%s", said.text())
				}
				w.shows(0, repositories, "state", "failing")
				if name != "its name is another's" {
					w.shows(2, repositories, "state", "watched")
				}
				if v := w.scrape().value(lastSuccess, "repository", service); name == "deleted" && v != -1 {
					t.Errorf("its last success is still shown: %v", v)
				}
				w.restart()
				time.Sleep(25 * time.Minute)
				w.shows(0, repositories, "state", "failing")
			})
		})
	}
}

// One answer that it is not there is not enough.
func TestARepositoryThatIsNotThereOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := organization(t, 3)
		said := w.listen()
		w.start()
		defer w.stop()
		time.Sleep(25*time.Minute + 30*time.Second)
		w.see(service, simulator.Gone)
		time.Sleep(5 * time.Minute)
		w.see(service, simulator.Seen)
		time.Sleep(time.Hour)
		w.shows(3, repositories, "state", "watched")
		if said.has(unwatched) {
			t.Errorf("unwatched:\n%s", said.text())
		}
	})
}

// A list that is suddenly empty, or lost most, with nothing that says why, is likelier a lost permission than that all were
// deleted: nothing leaves for a day.
func TestAnOrganizationThatIsSuddenlyEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 30
		w := organization(t, n)
		said := w.listen()
		w.start()
		defer func() { w.stop() }()
		time.Sleep(25 * time.Minute)
		for _, name := range w.repositories() {
			w.see(name, simulator.Gone)
		}
		for i := range 4 {
			w.github.ResetRequests()
			time.Sleep(5 * time.Hour)
			w.shows(n, repositories, "state", "failing")
			if said.has(unwatched) {
				t.Fatalf("unwatched:\n%s", said.text())
			}
			if asked := w.github.Requests().ByEndpoint["repository"]; asked > 5*6*20 {
				t.Errorf("%d confirmations in five hours", asked)
			}
			if i == 1 { // a restart makes it no likelier
				if lines := strings.Count(said.text(), "repositories are missing from their target's list"); lines != 1 {
					t.Errorf("said %d times, want once:\n%s", lines, said.text())
				}
				w.restart()
			}
		}
		time.Sleep(36 * time.Hour)
		w.shows(0, repositories, "state", "failing")
	})
}

// A repository that a whole list does not show and that can be read itself is watched on, also after a restart, and costs
// nothing while it is idle.
func TestARepositoryThatIsNotListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := organization(t, 2)
		w.add(success(time.Now()))
		said := w.listen()
		w.start()
		defer func() { w.stop() }()
		time.Sleep(25 * time.Minute)
		w.see(service, simulator.Unlisted)
		time.Sleep(2 * time.Hour)
		w.github.ResetRequests()
		time.Sleep(10 * time.Hour)
		if n := w.github.Requests().Counted; n > 0 {
			t.Errorf("%d requests counted in idle hours", n)
		}
		w.shows(0, repositories, "state", "failing")
		w.add(success(time.Now()))
		time.Sleep(30 * time.Minute)
		w.matchesTruth()
		w.restart()
		time.Sleep(5 * time.Minute)
		w.shows(2, repositories, "state", "watched")
		w.add(success(time.Now()))
		time.Sleep(30 * time.Minute)
		w.matchesTruth()
		if said.has(unwatched) {
			t.Errorf("unwatched:\n%s", said.text())
		}
	})
}

// An owner that cannot be read after a restart hides nothing that the ledger knows: it is watched by itself.
func TestKnownRepositoriesOfAnOwnerThatCannotBeRead(t *testing.T) {
	for name, kind := range map[string]simulator.Kind{"403": simulator.Forbidden, "404": simulator.NotFound} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := organization(t, 2)
				w.add(success(time.Now()))
				w.start()
				defer func() { w.stop() }()
				time.Sleep(25 * time.Minute)
				w.stop()
				w.github.Faults().Set("denied", simulator.Fault{Kind: kind, Endpoint: "org_repos"})
				w.see("octo-org/service-2", simulator.Gone)
				w.start()
				time.Sleep(10 * time.Minute)
				w.shows(1, repositories, "state", "watched")
				w.shows(2, repositories, "state", "failing") // the owner, and the one of which nobody says that it is gone
				w.add(success(time.Now()))
				time.Sleep(30 * time.Minute)
				w.matchesTruth()
			})
		})
	}
}

// A list whose last pages cannot be read shows what is on its first ones.
func TestAListOfWhichThePagesBehindCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := organization(t, 250)
		w.github.Faults().Set("bad", simulator.Fault{Kind: simulator.NotFound, Endpoint: "org_repos", Path: pageThree})
		w.start()
		defer w.stop()
		time.Sleep(30 * time.Minute)
		w.shows(200, repositories, "state", "watched")
		w.github.Faults().ClearAll()
		time.Sleep(30 * time.Minute)
		w.shows(250, repositories, "state", "watched")
		w.github.Faults().Set("bad", simulator.Fault{Kind: simulator.NotFound, Endpoint: "org_repos", Path: pageThree})
		time.Sleep(2 * time.Hour)
		w.shows(250, repositories, "state", "watched")
	})
}
