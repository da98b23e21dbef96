package app

import (
	"flag"
	"fmt"
	"slices"
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
		{"quiet repositories, poll.live off", false, 12, 1.5, true},
		{"usual repositories, poll.live off", false, 60, 1.4, true},
		{"busy repositories, poll.live off", false, 300, 1.35, false},
		{"usual repositories, poll.live on", true, 60, 2.15, false},
	} {
		if !*costAll && (!test.always || raceDetector && test.runsPerDay > 12) {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				repositories := simulator.Repositories(3, test.runsPerDay)
				repositories = append(repositories, simulator.RepositoryPlan{Name: "octo-org/idle"})
				w := newWorld(t, simulator.Options{Seed: 7, PrimaryLimit: 5000, Repositories: repositories}, func(c *config.Config) { c.Poll.Live = test.live })
				time.Sleep(12 * time.Hour)
				w.start()
				defer w.stop()
				time.Sleep(6 * time.Hour) // the first sweeps are over
				w.github.ResetRequests()
				begin := time.Now()
				length := 12 * time.Hour
				if *costAll {
					length *= 2
				}
				closed := w.closings(begin, length)
				r := w.github.Requests()
				lag := w.lag(0.5, 0.95)
				floor := w.floor(begin, time.Now())
				ratio := float64(r.Counted) / float64(floor)
				t.Logf("%d counted requests (%d unchanged answers were free), floor %d: %.2f times; by endpoint %v; lag of jobs p50 %s p95 %s, of attempts p50 %s p95 %s max %s", r.Counted, r.NotModified, floor, ratio, r.CountedByEndpoint, lag[0], lag[1],
					quantile(closed, 0.5), quantile(closed, 0.95), quantile(closed, 1))
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

// lag is, for shares of the executions, how long at most it took from their end to their being recorded, by the bounds of the
// buckets.
func (w *world) lag(shares ...float64) []time.Duration {
	w.Helper()
	families, err := w.exporter.registry.Gather()
	if err != nil {
		w.Fatal(err)
	}
	var out []time.Duration
	for _, f := range families {
		if f.GetName() != "github_workflow_exporter_ingest_lag_seconds" {
			continue
		}
		h := f.GetMetric()[0].GetHistogram()
		for _, share := range shares {
			bound := time.Duration(-1)
			for _, b := range h.GetBucket() {
				if float64(b.GetCumulativeCount()) >= share*float64(h.GetSampleCount()) {
					bound = time.Duration(b.GetUpperBound() * float64(time.Second))
					break
				}
			}
			out = append(out, bound)
		}
	}
	return out
}

// closings is how long after their end the attempts of the next time were closed, ascending, to ten seconds.
func (w *world) closings(from time.Time, length time.Duration) []time.Duration {
	w.Helper()
	c := w.watchClosings(from)
	for time.Since(from) < length {
		time.Sleep(10 * time.Second)
		c.look()
	}
	return c.ascending()
}

// closings watches how long after their end attempts are closed.
type closings struct {
	*world
	from    time.Time
	done    map[closedAttempt]bool
	numbers map[string]int64
	lags    []time.Duration
	each    map[string][]time.Duration // by repository
}

type closedAttempt struct {
	repository string
	run        int64
	number     int
}

func (w *world) watchClosings(from time.Time) *closings {
	c := &closings{world: w, from: from, done: map[closedAttempt]bool{}, numbers: map[string]int64{}, each: map[string][]time.Duration{}}
	for _, a := range w.exporter.ledger.Accounts() {
		c.numbers[a.Name] = a.ID
	}
	return c
}

// look takes in what has been closed since it was called last.
func (c *closings) look() {
	c.Helper()
	for _, repository := range c.repositories() {
		for _, id := range c.github.Runs(repository) {
			run, ok := c.github.Run(repository, id)
			if !ok || run.CreatedAt.Before(c.from) {
				continue
			}
			var known []int
			for i, a := range run.Attempts {
				one := closedAttempt{repository, id, i + 1}
				if a.Open || a.EndedAt.After(time.Now()) || c.done[one] {
					continue
				}
				if known == nil {
					mark, _, err := c.exporter.ledger.Run(c.numbers[repository], id)
					if err != nil {
						c.Fatal(err)
					}
					known = append(mark.Closed, 0)
				}
				if slices.Contains(known, i+1) {
					c.done[one] = true
					c.lags = append(c.lags, time.Since(a.EndedAt))
					c.each[repository] = append(c.each[repository], time.Since(a.EndedAt))
				}
			}
		}
	}
}

func (c *closings) ascending() []time.Duration { return slices.Sorted(slices.Values(c.lags)) }

// quantile is one of ascending durations.
func quantile(ascending []time.Duration, share float64) time.Duration {
	if len(ascending) == 0 {
		return 0
	}
	return ascending[min(int(share*float64(len(ascending))), len(ascending)-1)].Round(time.Second)
}
