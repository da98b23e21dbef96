package ledger

import (
	"context"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Reveal shows the counters and histograms that were born at least zero ago; until then they are to be shown at 0. It
// returns after how long another call may find more. Baseline series and gauges are shown from birth, and with a zero of 0
// so is all that is born until the next call.
//
// That a series is shown is in the file before anybody sees it. So none goes back to 0: not after a crash, nor with a
// longer zero, nor by a clock that is set back. A birth that such a clock has put into the future counts as if it lay as
// far in the past, lest its series stay at 0 until the clock is there.
func (l *Ledger) Reveal(ctx context.Context, zero time.Duration) (next time.Duration, err error) {
	var due []*Series
	change := func(tx *bolt.Tx) (bool, error) {
		l.initialZero = zero
		next = zero
		now := stored(l.now())
		for i := range l.families {
			f := &l.families[i]
			for _, s := range f.series {
				if s.Shown() {
					continue
				}
				if age := now.Sub(s.Born).Abs(); age < zero {
					next = min(next, zero-age)
					continue
				}
				due = append(due, s)
				if err := putBirth(tx, s, f.number, true); err != nil {
					return false, fmt.Errorf("%s: %w", f.Name, err)
				}
			}
		}
		return len(due) > 0, nil
	}
	publish := func() {
		for _, s := range due {
			s.shown.Store(true)
		}
	}
	err = l.write(ctx, "revealing series", change, publish)
	return next, err
}
