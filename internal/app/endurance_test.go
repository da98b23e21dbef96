package app

import (
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

// A gateway that answers 401 on /rate_limit only (it lets the paths of Actions through and little else).
func TestRateLimitAloneAnswers401(t *testing.T) {
	t.Parallel()
	for _, kind := range []simulator.Kind{simulator.Unauthorized, simulator.Forbidden, simulator.NotFound, simulator.ServerError, simulator.Reset} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, simulator.Options{Seed: 3, Repositories: simulator.Repositories(2, 48)})
				w.github.Faults().Set("gateway", simulator.Fault{Kind: kind, Endpoint: "rate_limit"})
				w.start()
				defer func() { w.stop() }()
				time.Sleep(6 * time.Hour)
				w.shows(2, namespace+"_repositories", "state", "watched")
				w.shows(1, up)
				if n := total(w.counted().Counters[runConclusions]); n == 0 {
					t.Error("nothing is counted in six hours, though every path of Actions answers")
				}
			})
		})
	}
}

// Three runs that cannot be read, and a healthy one that goes on: its jobs are shown.
func TestThreeBadRunsAndALongHealthyOne(t *testing.T) {
	for name, test := range map[string]struct {
		bad  int
		kind simulator.Kind
	}{"2 with 502": {2, simulator.ServerError}, "3 with 502": {3, simulator.ServerError}, "3 cut": {3, simulator.CutBody}, "1 with 403": {1, simulator.Forbidden}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := handmade(t)
				w.start()
				defer w.stop()
				time.Sleep(10 * time.Minute)
				for i := range test.bad {
					w.github.Faults().Set(fmt.Sprint("bad", i), simulator.Fault{Kind: test.kind, Path: jobsOf(w.add(success(time.Now())))})
				}
				time.Sleep(20 * time.Minute)
				w.add(simulator.SimpleRun("Long", time.Now(), 10*time.Hour, "success"))
				w.github.ResetRequests()
				time.Sleep(8 * time.Hour)
				if n := total(w.counted().Gauges[jobsNow]); n != 1 {
					t.Errorf("%v live jobs shown of the 1 that has run for eight hours", n)
				}
				w.shows(0, namespace+"_repositories", "state", "failing")
				if a := w.age(service); a > time.Hour {
					t.Errorf("last good poll %v ago", a)
				}
			})
		})
	}
}

// Three runs that cannot be read, and a re-run behind the first page: it is found.
func TestThreeBadRunsAndAReRun(t *testing.T) {
	t.Parallel()
	for _, bad := range []int{2, 3} {
		t.Run(fmt.Sprint(bad), func(t *testing.T) {
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
				for i := range bad {
					w.github.Faults().Set(fmt.Sprint("bad", i), simulator.Fault{Kind: simulator.ServerError, Path: jobsOf(w.add(success(time.Now())))})
				}
				time.Sleep(30 * time.Minute)
				w.addAttempt(old, simulator.SimpleRun("CI", time.Now(), time.Minute, "failure").Attempts[0])
				time.Sleep(longer(14*time.Hour, 60*time.Hour))
				if n := total(w.counted().Counters[runConclusions]); n != 252 {
					t.Errorf("%v attempts counted of 252 that can be read", n)
				}
			})
		})
	}
}

// Three runs in the lookback that cannot be read: the first sweep ends, and what is born later shows at 0 first.
func TestFirstSweepWithThreeBadRuns(t *testing.T) {
	for _, bad := range []int{2, 3} {
		t.Run(fmt.Sprint(bad), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := handmade(t, func(c *config.Config) { c.Metrics.InitialZero = config.Duration(150 * time.Second) })
				for i := range bad {
					w.github.Faults().Set(fmt.Sprint("bad", i), simulator.Fault{Kind: simulator.ServerError, Path: jobsOf(w.add(success(time.Now())))})
				}
				time.Sleep(10 * time.Minute)
				said := w.listen()
				w.start()
				defer w.stop()
				time.Sleep(24 * time.Hour)
				if !said.has("first sweep of repository done") {
					t.Error("the first sweep is not over after 24 h")
				}
				w.add(simulator.SimpleRun("New", time.Now(), time.Minute, "failure"))
				for range 40 * 60 {
					time.Sleep(time.Second)
					if v := w.counted().Counters[runConclusions]; len(v) > 0 {
						if total(v) != 0 {
							t.Error("a day after the start: the first event of a new series is not shown at 0 first")
						}
						return
					}
				}
				t.Error("nothing counted")
			})
		})
	}
}

// The filtered lists never answer; the repository is idle but for a re-run of an old run. (The re-run is planned from the
// beginning: AddAttempt changes the tag of the first page, which GitHub's page, whose content is the same, does not do.)
func TestHintsThatNeverAnswer(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{"none": {Kind: simulator.Slow}, "502": {Kind: simulator.ServerError}, "403": {Kind: simulator.Forbidden},
		"404": {Kind: simulator.NotFound}, "no answer in time": {Kind: simulator.Slow, Delay: time.Minute}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := handmade(t)
				plan := success(time.Now())
				plan.Attempts = append(plan.Attempts, simulator.SimpleRun("CI", time.Now().Add(30*time.Hour), time.Minute, "failure").Attempts[0])
				w.add(plan)
				for i := range 250 {
					w.add(success(time.Now().Add(12*time.Hour + time.Duration(i)*time.Minute)))
				}
				time.Sleep(18 * time.Hour)
				fault.Path = regexp.MustCompile(`actions/runs\?.*status=`)
				w.github.Faults().Set("bad", fault)
				w.start()
				defer w.stop()
				time.Sleep(longer(30*time.Hour, 20*24*time.Hour))
				if n := total(w.counted().Counters[runConclusions]); n != 252 {
					t.Errorf("%v attempts counted of 252 long after the re-run; a filtered list failed %d times", n, w.github.Faults().Fired("bad"))
				}
				w.shows(0, namespace+"_repositories", "state", "failing")
			})
		})
	}
}

// A repository of which no jobs can be read does not seem well now and then because its runs answer.
func TestFlappingWhileRunsGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		for range 5 {
			w.add(simulator.SimpleRun("Long", time.Now(), 20*time.Hour, "success"))
		}
		said := w.listen()
		w.start()
		defer w.stop()
		time.Sleep(30 * time.Minute)
		w.github.Faults().Set("denied", simulator.Fault{Kind: simulator.Forbidden, Endpoint: "attempt_jobs"})
		oldest := time.Duration(0)
		for range 360 {
			time.Sleep(time.Minute)
			oldest = max(oldest, w.age(service))
		}
		if n := strings.Count(said.text(), "repository answers again"); n > 0 {
			t.Errorf("in six hours in which no jobs can be read it was said %d times that the repository answers again", n)
		}
		t.Logf("last success never older than %v", oldest)
	})
}

// The same where there are more of them than a visit can ask for.
func TestFlappingWithManyUnreadableRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t, func(c *config.Config) { c.Poll.Live = false })
		for i := range 80 {
			w.add(success(time.Now().Add(time.Duration(i) * 10 * time.Second)))
		}
		time.Sleep(2 * time.Hour)
		said := w.listen()
		w.start()
		defer w.stop()
		w.github.Faults().Set("bad", simulator.Fault{Kind: simulator.ServerError, Endpoint: "attempt_jobs"})
		time.Sleep(6 * time.Hour)
		if n := strings.Count(said.text(), "repository answers again"); n > 0 {
			t.Errorf("in six hours in which no jobs can be read it was said %d times that the repository answers again", n)
		}
	})
}

// The token is refused, and /rate_limit cannot say so.
func TestRefusedTokenAndRateLimitInTrouble(t *testing.T) {
	t.Parallel()
	repositories := longer(20, 100)
	for name, fault := range map[string]simulator.Fault{
		"none": {Kind: simulator.Slow},
		"502":  {Kind: simulator.ServerError}, "502, every second": {Kind: simulator.ServerError, Probability: 0.5},
		"403": {Kind: simulator.Forbidden}, "reset": {Kind: simulator.Reset}, "html": {Kind: simulator.HTML},
		"reset, every second": {Kind: simulator.Reset, Probability: 0.5},
		"slow":                {Kind: simulator.Slow, Delay: time.Minute},
		"404 by a gateway":    {Kind: "gateway404"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "token")
				w := newWorld(t, simulator.Options{Seed: 3, Token: secret, Repositories: simulator.Repositories(repositories, 1)},
					func(c *config.Config) { c.GitHub.TokenFile = file })
				var refused atomic.Int32
				on := &atomic.Bool{}
				w.transport = counting{w.transport, &refused, on, fault.Kind == "gateway404"}
				writeToken(t, file, secret)
				said := w.listen()
				w.start()
				defer func() { w.stop() }()
				time.Sleep(30 * time.Minute)
				w.github.SetTokens("ghp_the_next")
				fault.Endpoint = "rate_limit"
				if fault.Kind != "gateway404" {
					w.github.Faults().Set("bad", fault)
				}
				on.Store(true)
				for range 3 {
					refused.Store(0)
					time.Sleep(time.Hour)
					t.Logf("%d requests refused in an hour", refused.Load())
					// Eight visits and the discovery may be under way together, each asks /rate_limit what its refusal means, and there
					// are four tries an hour.
					if n := refused.Load(); n > 9+9+4 {
						t.Errorf("%d requests with a refused token in an hour", n)
					}
				}
				t.Logf("%d warnings", strings.Count(said.text(), "level=warn"))
				w.shows(float64(repositories), namespace+"_repositories", "state", "failing")
				w.github.Faults().ClearAll()
				on.Store(false)
				writeToken(t, file, "ghp_the_next")
				time.Sleep(2 * time.Minute)
				w.shows(1, up)
				w.shows(0, namespace+"_repositories", "state", "failing")
			})
		})
	}
}

type counting struct {
	http.RoundTripper
	n       *atomic.Int32
	on      *atomic.Bool
	gateway bool
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.gateway && c.on.Load() && strings.HasSuffix(r.URL.Path, "/rate_limit") {
		r = r.Clone(r.Context())
		r.URL.Path = strings.Replace(r.URL.Path, "/rate_limit", "/nowhere", 1)
		r.Header.Set("Authorization", "Bearer ghp_the_next")
	}
	a, err := c.RoundTripper.RoundTrip(r)
	if err == nil && a.StatusCode == 401 {
		c.n.Add(1)
	}
	return a, err
}

// A 401 of one run's jobs page.
func TestA401OfOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		w.github.Faults().Set("bad", simulator.Fault{Kind: simulator.Unauthorized, Path: jobsOf(w.add(success(time.Now())))})
		w.start()
		defer w.stop()
		for range 5 {
			w.add(success(time.Now()))
			time.Sleep(time.Hour)
		}
		if n := total(w.counted().Counters[runConclusions]); n != 5 {
			t.Errorf("%v of the 5 healthy runs are counted", n)
		}
	})
}

// Runs whose own endpoints answer beside some whose do not.
func TestRunsByIDThatAnswerBesideThreeThatDoNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		zombie := func() int64 {
			plan := success(time.Now())
			plan.Attempts[0].Open, plan.Attempts[0].Jobs = true, nil
			return w.add(plan)
		}
		var bad []string
		for range 3 {
			bad = append(bad, fmt.Sprint(zombie()))
		}
		for range 10 {
			zombie()
		}
		time.Sleep(time.Minute)
		for range 100 {
			w.add(success(time.Now()))
		}
		time.Sleep(10 * time.Minute)
		said := w.listen()
		w.start()
		defer w.stop()
		time.Sleep(time.Hour)
		w.github.Faults().Set("bad", simulator.Fault{Kind: simulator.ServerError, Path: regexp.MustCompile("runs/(" + strings.Join(bad, "|") + ")$")})
		time.Sleep(5 * time.Hour)
		w.github.ResetRequests()
		time.Sleep(5 * time.Hour)
		t.Log(w.github.Requests().ByEndpoint, w.github.Requests().Counted)
		if a := w.age(service); a > time.Hour {
			t.Errorf("last good poll %v ago, though ten runs answer\n%s", a, said.text())
		}
	})
}

// What has left the targets leaves no figures behind.
func TestFailuresOfATargetThatLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Seed: 3, Repositories: simulator.Repositories(2, 24)}, named("octo-org/nowhere", "octo-org/service-1"))
		w.start()
		defer func() { w.stop() }()
		time.Sleep(time.Hour)
		w.mustReload(func(c *config.Config) { c.Targets.Repositories = []string{"octo-org/service-1"} })
		time.Sleep(time.Hour)
		if v := w.scrape().value(failures, "repository", "octo-org/nowhere", "reason", "not_found"); v != -1 {
			t.Errorf("failures of what is no longer a target: %v", v)
		}
	})
}

// Reloads do not lengthen a first sweep in which one run cannot be read.
func TestRestartsInTheFirstSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		w.github.Faults().Set("bad", simulator.Fault{Kind: simulator.ServerError, Path: jobsOf(w.add(success(time.Now())))})
		time.Sleep(10 * time.Minute)
		said := w.listen()
		w.start()
		defer func() { w.stop() }()
		for range 48 {
			time.Sleep(30 * time.Minute)
			w.mustReload(func(c *config.Config) { c.Poll.Live = !c.Poll.Live })
		}
		if !said.has("first sweep of repository done") {
			t.Error("first sweep not over after a day of reloads")
		}
	})
}

// counting304 answers with GitHub's limit headers as without a token: unchanged answers count too.
type counting304 struct {
	next  http.RoundTripper
	limit int
	mu    sync.Mutex
	used  int
	reset time.Time
	at    []time.Time
	least int
}

func (c *counting304) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(r)
	if err != nil {
		return resp, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if !now.Before(c.reset) {
		c.reset, c.used = now.Truncate(time.Second).Add(time.Hour), 0
	}
	free := regexp.MustCompile("/rate_limit$").MatchString(r.URL.Path)
	if !free {
		c.used++
		c.at = append(c.at, now)
	}
	c.least = min(c.least, c.limit-c.used)
	resp.Header.Set("X-Ratelimit-Limit", strconv.Itoa(c.limit))
	resp.Header.Set("X-Ratelimit-Remaining", strconv.Itoa(max(c.limit-c.used, 0)))
	resp.Header.Set("X-Ratelimit-Used", strconv.Itoa(c.used))
	resp.Header.Set("X-Ratelimit-Reset", strconv.FormatInt(c.reset.Unix(), 10))
	resp.Header.Set("X-Ratelimit-Resource", "core")
	return resp, nil
}

// Without a token unchanged answers count too, and what is left is spread over the hour all the same.
func TestAnonymousRequestsAreSpread(t *testing.T) {
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, simulator.Options{Seed: 3, Repositories: simulator.Repositories(n, 12)}, func(c *config.Config) { c.GitHub.TokenFile = "" })
				tr := &counting304{next: w.transport, limit: 60, least: 60}
				w.transport = tr
				w.start()
				defer func() { w.stop() }()
				time.Sleep(24 * time.Hour)
				tr.mu.Lock()
				defer tr.mu.Unlock()
				var gap time.Duration
				for i := 1; i < len(tr.at); i++ {
					gap = max(gap, tr.at[i].Sub(tr.at[i-1]))
				}
				gaps := 0
				for i := 1; i < len(tr.at); i++ {
					if tr.at[i].Sub(tr.at[i-1]) > 10*time.Minute {
						gaps++
					}
				}
				if gaps > 0 {
					t.Errorf("silent for more than ten minutes %d times in a day: the limit is not spread", gaps)
				}
				t.Logf("requests %d in 24h, longest silence %v, silences over 10m: %d, least left %d, not modified %d", len(tr.at), gap, gaps, tr.least, w.github.Requests().NotModified)
			})
		})
	}
}

func excluding(t *testing.T, globs ...string) func(*config.Config) {
	return func(c *config.Config) {
		c.Targets.Workflows.Exclude = nil
		for _, g := range globs {
			glob, err := config.NewGlob(g)
			if err != nil {
				t.Fatal(err)
			}
			c.Targets.Workflows.Exclude = append(c.Targets.Workflows.Exclude, glob)
		}
	}
}

// An exclusion that is taken back: what ran meanwhile is counted.
func TestExclusionTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		w.start()
		defer func() { w.stop() }()
		time.Sleep(10 * time.Minute)
		w.add(simulator.SimpleRun("CI", time.Now(), 30*time.Minute, "success"))
		time.Sleep(5 * time.Minute)
		w.mustReload(excluding(t, "*ci.yml"))
		time.Sleep(5 * time.Minute)
		w.add(simulator.SimpleRun("CI", time.Now(), 2*time.Minute, "failure"))
		time.Sleep(5 * time.Minute)
		w.mustReload(excluding(t))
		time.Sleep(12 * time.Hour)
		w.matchesTruth()
		t.Log(w.counted().Counters[runConclusions])
	})
}

// What was known of a repository is not forgotten because it cannot be read for a moment.
func TestTheDefaultBranchIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t, named(service))
		w.start()
		defer func() { w.stop() }()
		time.Sleep(25 * time.Minute)
		w.github.Faults().Set("hidden", simulator.Fault{Kind: simulator.NotFound, Endpoint: "repository"})
		w.github.Faults().Set("list", simulator.Fault{Kind: simulator.NotFound, Path: regexp.MustCompile("^/(orgs|users)/")})
		time.Sleep(11 * time.Minute)
		for range 3 {
			w.add(success(time.Now()))
			time.Sleep(3 * time.Minute)
		}
		w.github.Faults().ClearAll()
		time.Sleep(time.Hour)
		w.matchesTruth()
	})
}

// A clock that was ahead left a time in the ledger up to which everything is said to have been seen: it is not believed.
func TestWhatWasSeenAheadOfTheClockIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t, func(c *config.Config) { c.Poll.RerunWindow = config.Duration(time.Hour) })
		w.start()
		defer func() { w.stop() }()
		w.add(success(time.Now()))
		time.Sleep(time.Hour)
		account := w.exporter.ledger.Accounts()[0]
		if err := w.exporter.recorder.Open(t.Context(), account.ID, nil, time.Now().Add(48*time.Hour)); err != nil {
			t.Fatal(err)
		}
		w.stop()
		for range 250 {
			w.add(success(time.Now()))
			time.Sleep(2 * time.Minute)
		}
		w.start()
		time.Sleep(3 * time.Hour)
		w.matchesTruth()
	})
}
