package watch

import (
	"context"
	"time"

	"github.com/go-kit/log/level"
)

// reportEvery is how often a first sweep that takes long says how far it has come.
const reportEvery = 10 * time.Second

// reportFirstSweep logs the progress of the first sweeps until none is left, and again when repositories are added.
func (w *Watcher) reportFirstSweep(ctx context.Context) error {
	t := time.NewTicker(reportEvery)
	defer t.Stop()
	began, base := w.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
		c := w.Count()
		total := c.Watched + c.Failing + c.FirstSweep
		done := total - c.FirstSweep - c.Unswept
		switch {
		case !w.discovery.Done() || total == 0:
			continue
		case c.FirstSweep == 0:
			switch {
			case began.IsZero(): // said
			case c.Unswept > 0:
				level.Warn(w.Logger).Log("msg", "first sweep done but for repositories that are failing", "repositories_done", done, "repositories_failing", c.Unswept)
			default:
				level.Info(w.Logger).Log("msg", "first sweep done", "repositories", total)
			}
			began = time.Time{} // what is added or recovers later is a sweep of its own
			continue
		case began.IsZero():
			began, base = w.Now(), done
		}
		keys := []any{"msg", "first sweep under way", "repositories_done", done, "repositories", total}
		if left, ok := w.gate.Left(); ok {
			keys = append(keys, "budget_left", left)
		}
		if spent := w.Now().Sub(began); done > base && spent > 0 {
			keys = append(keys, "remaining", (spent / time.Duration(done-base) * time.Duration(c.FirstSweep)).Round(time.Second))
		}
		level.Info(w.Logger).Log(keys...)
	}
}
