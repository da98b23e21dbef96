package app

import (
	"flag"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

var costAll = flag.Bool("cost.all", false, "count the requests of a whole day, also for busy repositories and with poll.live on")

// TestRequestsOfADay counts the API requests of a simulated day, or half of it unless -cost.all, beside those of a clairvoyant: one list read per
// repository and interval of a minute in which an attempt finished, and one jobs page per 100 jobs of it. Run it with -v
// for the figures.
func TestRequestsOfADay(t *testing.T) {
	for _, test := range []struct {
		name       string
		live       bool
		runsPerDay float64
		most       float64 // times the floor; 0: reported only
		always     bool    // not only with -cost.all
	}{
		{"quiet repositories, poll.live off", false, 12, 2, true},
		{"usual repositories, poll.live off", false, 60, 2, true},
		{"busy repositories, poll.live off", false, 300, 2, false},
		{"usual repositories, poll.live on", true, 60, 0, false},
	} {
		if !*costAll && (!test.always || raceDetector && test.runsPerDay > 12) {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				repositories := simulator.Repositories(3, test.runsPerDay)
				repositories = append(repositories, simulator.RepositoryPlan{Name: "octo-org/idle"})
				w := newWorld(t, simulator.Options{Seed: 7, Repositories: repositories}, func(c *config.Config) { c.Poll.Live = test.live })
				time.Sleep(12 * time.Hour)
				w.start()
				defer w.stop()
				time.Sleep(6 * time.Hour) // the first sweeps are over
				w.github.ResetRequests()
				begin := time.Now()
				if *costAll {
					time.Sleep(12 * time.Hour)
				}
				time.Sleep(12 * time.Hour)
				r := w.github.Requests()
				floor := w.floor(begin, time.Now())
				ratio := float64(r.Counted) / float64(floor)
				t.Logf("%d counted requests (%d unchanged answers were free), floor %d: %.2f times; by endpoint %v", r.Counted, r.NotModified, floor, ratio, r.CountedByEndpoint)
				if test.most > 0 && ratio > test.most {
					t.Errorf("%.2f times the clairvoyant floor, want at most %.1f", ratio, test.most)
				}
				if n := r.CountedByRepository["octo-org/idle"]; n != 0 {
					t.Errorf("%d requests counted for an idle repository", n)
				}
			})
		})
	}
}

// floor is what a clairvoyant would have asked between two times.
func (w *world) floor(from, to time.Time) int {
	w.Helper()
	n := 0
	for _, repository := range w.repositories() {
		intervals := map[time.Duration]bool{}
		for _, id := range w.github.Runs(repository) {
			run, ok := w.github.Run(repository, id)
			if !ok {
				w.Fatal(fmt.Errorf("run %d has vanished", id))
			}
			for _, a := range run.Attempts {
				if a.Open || a.EndedAt.Before(from) || !a.EndedAt.Before(to) {
					continue
				}
				intervals[a.EndedAt.Sub(from)/time.Minute] = true
				n += (len(a.Jobs) + 99) / 100
			}
		}
		n += len(intervals)
	}
	return n
}
