package app

import (
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/internal/config"
)

// A new series is at 0 for the initial zero and then at its value, which no reload, restart or longer zero takes back.
func TestInitialZero(t *testing.T) {
	const zero = 150 * time.Second
	initialZero := func(d time.Duration) func(*config.Config) {
		return func(c *config.Config) { c.Metrics.InitialZero = config.Duration(d) }
	}
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t, initialZero(zero))
		w.start()
		defer func() { w.stop() }()
		time.Sleep(30 * time.Minute)
		w.add(success(time.Now()))
		series := func() int { return len(w.counted().Counters[runConclusions]) }
		want := func(when string, n float64) {
			t.Helper()
			synctest.Wait()
			if got := total(w.counted().Counters[runConclusions]); series() == 0 || got != n {
				t.Errorf("%s: %v of %d series, want %v", when, got, series(), n)
			}
		}
		for series() == 0 {
			time.Sleep(time.Second)
		}
		want("at birth", 0)
		time.Sleep(zero - 2*time.Second)
		want("before the end", 0)
		time.Sleep(4 * time.Second)
		want("at the end", 1)
		w.mustReload(initialZero(24 * time.Hour))
		want("reloaded with a longer zero", 1)
		w.restart()
		want("restarted with it", 1)
		w.add(success(time.Now()))
		time.Sleep(eventually)
		want("one more event", 2)
		w.mustReload(initialZero(0))
		want("reloaded without", 2)
	})
}
