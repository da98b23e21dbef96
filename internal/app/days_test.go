package app

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

var (
	daysOf    = flag.Int("days.repositories", 10, "how many repositories the days of TestDays have; 1000 take ten minutes for each way")
	daysLossy = flag.Bool("days.lossy", false, "the sources of hints of TestDays lose one in twenty, and all of half an hour")
	daysLast  = flag.Duration("days.last", 8*time.Hour, "how long they last")
	daysBack  = flag.Duration("days.lookback", 0, "poll.lookback of theirs: the first sweep of 10,000 takes seven hours of an installation's limit otherwise; 0: as it is by default")
	daysRuns  = flag.Float64("days.runs", 0, "how many runs a day they have all together; 0: 500 for 10, 5,000 for 1,000")
)

// daysPlan are the repositories of the days.
func daysPlan() []simulator.RepositoryPlan {
	runs := *daysRuns
	if runs == 0 {
		runs = 50 * math.Sqrt(float64(*daysOf)*10)
	}
	return zipf(*daysOf, runs)
}

// zipf plans repositories of which the n-th has 1/n of the first one's runs, with so many runs a day all together.
func zipf(repositories int, runsPerDay float64) []simulator.RepositoryPlan {
	sum := 0.0
	for i := range repositories {
		sum += 1 / float64(i+1)
	}
	plans := simulator.Repositories(repositories, 0)
	for i := range plans {
		plans[i].RunsPerDay = runsPerDay / sum / float64(i+1)
		plans[i].PushedAt = time.Now().Add(-time.Duration(i) * time.Hour) // where more runs, more is pushed
	}
	return plans
}

// jain is 1 where all have the same, and 1/n where one of n has all.
func jain(of []float64) float64 {
	sum, squares := 0.0, 0.0
	for _, x := range of {
		sum += x
		squares += x * x
	}
	if squares == 0 {
		return 1
	}
	return sum * sum / (float64(len(of)) * squares)
}

// TestDays is a simulated day, or eight hours of it, of repositories of which few have most of the runs: what each way to poll
// costs beside a clairvoyant, how late it is, and whom it neglects. Run it with -v for the table.
func TestDays(t *testing.T) {
	for _, test := range []struct {
		name    string
		live    bool
		hook    bool
		log     bool
		graphql bool
		most    float64 // times the floor, of ten repositories
	}{
		{name: "plain, live off", most: 1.35},
		{name: "plain, live on", live: true, most: 2.25},
		{name: "graphql, live off", graphql: true, most: 1.35},
		{name: "graphql, live on", graphql: true, live: true, most: 2.5},
		{name: "webhook, live off", hook: true, most: 1.3},      // a look each hour without a hint, too
		{name: "delivery log, live off", log: true, most: 1.55}, // and what each new token costs
		{name: "delivery log and graphql, live off", log: true, graphql: true, most: 1.55},
	} {
		if raceDetector {
			continue // its parts are in other tests; without the detector it is among the long worlds
		}
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				change, lost := func(*config.Config) {}, 0.
				if *daysLossy {
					lost = .05
				}
				if test.hook {
					change = hooked(t)
				}
				o := simulator.Options{Seed: 11, Repositories: daysPlan(), PrimaryLimit: 5000}
				if test.log {
					o.PrimaryLimit = min(5000+50*max(*daysOf-20, 0), 12500) // an installation has more for more repositories
					o.App = simulator.AppPlan{DeliveryLag: 5 * time.Second, DeliveriesLost: lost, Installed: []simulator.InstallationPlan{{Login: "octo-org"}}}
					change = throughApp(t, &o.App)
				}
				w := newWorld(t, o, func(c *config.Config) {
					change(c)
					c.Poll.Live = test.live
					if *daysBack > 0 {
						c.Poll.Lookback = config.Duration(*daysBack)
					}
					if !test.graphql {
						c.Hints.GraphQL = config.Off
					} else if !test.log {
						c.GitHub.TokenFile = someToken(t)
					}
				})
				time.Sleep(24 * time.Hour)
				w.start()
				defer w.stop()
				wait := func(length time.Duration, each func()) {
					if test.hook {
						h := hook{lost: lost}
						if *daysLossy {
							h.gap = lossyGap
						}
						w.hook(h, length, each)
						return
					}
					for passed := time.Duration(0); passed < length; passed += 10 * time.Second {
						if *daysLossy && length == *daysLast {
							w.lose(passed)
						}
						time.Sleep(10 * time.Second)
						each()
					}
				}
				began := time.Now()
				busiest := time.Duration(0) // after how long all of them have been asked for
				for w.exporter.running().group.Count().FirstSweep > 0 || time.Since(began) < time.Minute {
					time.Sleep(10 * time.Second)
					if busiest == 0 && w.askedForAll(o.Repositories[:min(50, *daysOf)]) {
						busiest = time.Since(began)
					}
				}
				swept := time.Since(began)
				sweepFloor := w.sweepFloor(began)
				sweep := w.github.Requests()
				wait(*daysLast/4, func() {})
				w.github.ResetRequests()
				begin := time.Now()
				closed := w.watchClosings(begin)
				wait(*daysLast, closed.look)
				r := w.github.Requests()
				own := 0 // of the App's own limit
				for _, endpoint := range []string{"app_deliveries", "installations", "access_tokens"} {
					own += r.CountedByEndpoint[endpoint]
				}
				r.Counted -= own
				floor := w.floor(begin, time.Now())
				naive := w.naive(begin, time.Now())
				lags := closed.ascending()
				var each []float64
				idle := 0
				for _, name := range w.repositories() {
					if len(w.github.Runs(name)) == 0 {
						idle += r.CountedByRepository[name]
					}
				}
				for _, lag := range closed.byRepository() {
					each = append(each, lag.Seconds())
				}
				ratio := float64(r.Counted) / float64(floor)
				t.Logf("%d repositories: first sweep %s with %d requests (floor %d), the 50 busiest asked for within %s; then %d counted of %d (asking for everything each minute %d), %d of the App's own, %d points of GraphQL, floor %d: %.2f times; attempts closed after p50 %s p95 %s max %s; "+
					"Jain fairness of the repositories' mean %.2f; idle ones %d; %d MiB, %d entries; refused %d; by endpoint %v",
					*daysOf, swept, sweep.Counted, sweepFloor, busiest, r.Counted, r.Total, naive, own, r.Points, floor, ratio, quantile(lags, .5), quantile(lags, .95), quantile(lags, 1),
					jain(each), idle, r.Bytes>>20, r.Entries, r.ByStatus[403]+r.ByStatus[429], r.CountedByEndpoint)
				for source, f := range w.exporter.hints.Figures() {
					t.Logf("%s: %v, %d missed, trusted %t", source, f.Outcomes, f.Missed, f.Trusted)
				}
				if ratio > test.most && *daysOf == 10 && !*daysLossy {
					t.Errorf("%.2f times the floor, want at most %.2f", ratio, test.most)
				}
				if idle > 0 && !test.log { // each new token costs a look
					t.Errorf("%d requests counted for idle repositories", idle)
				}
				if n := r.ByStatus[403] + r.ByStatus[429]; n > 0 {
					t.Errorf("GitHub had to say %d times that a limit is reached", n)
				}
				if missed := closed.missed(2 * time.Hour); missed > 0 {
					t.Errorf("%d attempts that ended two hours ago are not closed", missed)
				}
				if *daysOf == 10 { // each counted once, whoever told of it
					w.settle()
					truth, counted := w.github.Truth(simulator.TruthQuery{Since: w.since}), w.counted()
					withoutRecoveries(truth, counted)
					w.compare(truth, counted)
				}
			})
		})
	}
}

// askedForAll tells whether each of some repositories has been asked for.
func (w *world) askedForAll(repositories []simulator.RepositoryPlan) bool {
	asked := w.github.Requests().ByRepository
	return !slices.ContainsFunc(repositories, func(r simulator.RepositoryPlan) bool { return asked[r.Name] == 0 })
}

// lossyGap is when the sources of lossy days tell nothing.
var lossyGap = [2]time.Duration{time.Hour, 90 * time.Minute}

// lose has the log of deliveries and GraphQL be as lossy as such days want it, so long after their beginning.
func (w *world) lose(passed time.Duration) {
	switch passed {
	case 0:
		w.github.Faults().Set("some", simulator.Fault{Kind: simulator.ServerError, Endpoint: "graphql", Probability: .05})
	case lossyGap[0]:
		w.github.StopDeliveries(true)
		w.github.Faults().Set("all", simulator.Fault{Kind: simulator.ServerError, Endpoint: "graphql"})
	case lossyGap[1]:
		w.github.StopDeliveries(false)
		w.github.Faults().Clear("all")
	}
}

// someToken is a file that holds a token.
func someToken(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("ghp_abcdefghijklmnopqrstuvwxyz0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// naive is how many requests it takes, free ones included, to ask for the list of each repository and for the jobs of each open
// run once a minute.
func (w *world) naive(from, to time.Time) int {
	w.Helper()
	repositories := w.repositories()
	n := len(repositories) * int(to.Sub(from)/time.Minute)
	for _, repository := range repositories {
		for _, id := range w.github.Runs(repository) {
			run, _ := w.github.Run(repository, id)
			for _, a := range run.Attempts {
				began, ended := a.StartedAt, a.EndedAt
				if began.Before(from) {
					began = from
				}
				if a.Open || ended.After(to) {
					ended = to
				}
				if open := ended.Sub(began); open > 0 {
					n += (int(open/time.Minute) + 1) * ((len(a.Jobs) + 99) / 100)
				}
			}
		}
	}
	return n
}

// sweepFloor is what a clairvoyant would have asked for the first sweeps: each page of runs that a lookback of a day reaches, and
// one jobs page for each attempt that counts.
func (w *world) sweepFloor(at time.Time) int {
	w.Helper()
	n := 0
	for _, repository := range w.repositories() {
		runs := 0
		for _, id := range w.github.Runs(repository) {
			run, ok := w.github.Run(repository, id)
			if !ok {
				w.Fatal(fmt.Errorf("run %d has vanished", id))
			}
			if run.CreatedAt.After(at) {
				continue
			}
			runs++
			for _, a := range run.Attempts {
				if !a.Open && !a.StartedAt.Before(at.Add(-time.Duration(w.config.Poll.Lookback))) && a.EndedAt.Before(at) {
					n += (len(a.Jobs) + 99) / 100
				}
			}
		}
		n += max(1, (runs+99)/100)
	}
	return n
}

// byRepository is how long after their end the attempts of each repository were closed in the mean.
func (c *closings) byRepository() map[string]time.Duration {
	mean := map[string]time.Duration{}
	for name, all := range c.each {
		sum := time.Duration(0)
		for _, lag := range all {
			sum += lag
		}
		mean[name] = sum / time.Duration(len(all))
	}
	return mean
}

// missed counts the attempts that ended so long ago and have not been closed.
func (c *closings) missed(ago time.Duration) int {
	c.Helper()
	n := 0
	for _, repository := range c.repositories() {
		for _, id := range c.github.Runs(repository) {
			run, ok := c.github.Run(repository, id)
			if !ok {
				c.Fatal(fmt.Errorf("run %d has vanished", id))
			}
			for i, a := range run.Attempts {
				if !a.Open && !run.CreatedAt.Before(c.from) && time.Since(a.EndedAt) > ago && !c.done[closedAttempt{repository, id, i + 1}] {
					n++
				}
			}
		}
	}
	return n
}
