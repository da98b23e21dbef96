package poll

import (
	"context"
	"errors"
	"sync"
	"time"

	"github_workflow_exporter/githubapi"
)

// The secondary limits that GitHub documents are 900 points a minute (a GET is one, a 304 too) and 100 concurrent
// requests; two thirds of the first leave room for the token's other users.
const (
	secondaryRate  = 10.0 // requests per second, all of them
	secondaryBurst = 20.0

	secondaryPause    = time.Minute      // at least, where the answer names no time
	secondaryPauseMax = 16 * time.Minute // doubling ends here
)

// budget paces requests: what is left of the primary limit, less the reserve, is spread over the time to its reset, and
// the rate stays under the secondary limits. It is two token buckets, the one for the primary limit with a refill rate
// that follows the answers.
type budget struct {
	mu      sync.Mutex
	now     func() time.Time
	reserve float64
	charged bool // an unchanged answer costs as much as any, as without a token

	known            bool // the server has a primary limit
	limit, remaining int
	reset            time.Time // local clock
	inFlight         int

	tokens, points float64 // of the primary and the secondary bucket
	filled         time.Time

	paused time.Time // no request before it
	pause  *backoff  // length of pauses without a time of their own
}

func newBudget(reserve float64, now func() time.Time) *budget {
	return &budget{
		now: now, reserve: reserve, points: secondaryBurst, filled: now(),
		pause: &backoff{first: secondaryPause, most: secondaryPauseMax},
	}
}

// limits takes in what an answer's headers said; limit 0 means there is none.
func (b *budget) limits(limit, remaining int, reset time.Time) {
	if limit <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	first := !b.known
	b.known, b.limit, b.remaining, b.reset = true, limit, remaining, reset
	if first {
		b.tokens = b.burst(b.now())
	}
}

// spendable is what may still be spent before the reset.
func (b *budget) spendable(now time.Time) float64 {
	if !now.Before(b.reset) { // a new period has begun; the next answer will tell
		return float64(b.limit) * (1 - b.reserve)
	}
	return float64(b.remaining) - float64(b.limit)*b.reserve
}

// rate is the refill of the primary bucket in requests per second.
func (b *budget) rate(now time.Time) float64 {
	left := b.reset.Sub(now).Seconds()
	if left < 1 {
		left = time.Hour.Seconds()
	}
	return max(b.spendable(now), 0) / left
}

// burst is how many requests may go out together: a minute's share, a few at least.
func (b *budget) burst(now time.Time) float64 { return max(b.rate(now)*60, 5) }

func (b *budget) fill(now time.Time) {
	passed := now.Sub(b.filled).Seconds()
	if passed <= 0 {
		return
	}
	b.filled = now
	b.points = min(b.points+passed*secondaryRate, secondaryBurst)
	if b.known {
		b.tokens = min(b.tokens+passed*b.rate(now), b.burst(now))
	}
}

// wait returns how long the next request has to wait; 0 takes its tokens.
func (b *budget) wait() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if d := b.paused.Sub(now); d > 0 {
		return d
	}
	b.fill(now)
	if b.known && b.spendable(now)-float64(b.inFlight) < 1 {
		// The reserve is reached. Nothing but the reset helps; look again now and then, for others may have a new limit.
		return min(max(b.reset.Sub(now)+time.Second, time.Second), time.Minute)
	}
	var wait float64
	if b.points < 1 {
		wait = (1 - b.points) / secondaryRate
	}
	if b.known && b.tokens < 1 {
		wait = max(wait, (1-b.tokens)/b.rate(now))
	}
	if wait > 0 {
		// Rounded up so that the wait ends with a token; capped, for rates change while one waits.
		return min(time.Duration(wait*float64(time.Second))+time.Millisecond, time.Minute)
	}
	b.points--
	b.tokens--
	b.inFlight++
	return 0
}

// acquire waits for a request's turn.
func (b *budget) acquire(ctx context.Context) error {
	for {
		d := b.wait()
		if d == 0 {
			return ctx.Err()
		}
		if err := sleep(ctx, d); err != nil {
			return err
		}
	}
}

// settle ends a request: a 304 gives its token back, a limit starts a pause; then it returns the pause's end.
func (b *budget) settle(err error) (pausedUntil time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.inFlight = max(b.inFlight-1, 0)
	if errors.Is(err, githubapi.ErrNotModified) && !b.charged {
		b.tokens++
	}
	var e *githubapi.Error
	if !errors.As(err, &e) {
		if !now.Before(b.paused) { // not an answer that was under way when the pause began
			b.pause.reset()
		}
		return time.Time{}
	}
	running := now.Before(b.paused)
	switch e.Kind {
	case githubapi.KindPrimaryLimit:
		b.remaining = 0
		until := latest(e.Reset, now.Add(e.RetryAfter))
		if !until.After(now) {
			until = now.Add(secondaryPause)
		}
		b.paused = latest(b.paused, until.Add(time.Second))
	case githubapi.KindSecondaryLimit:
		// Requests under way together are refused together: only the first of them lengthens the pause.
		if !running {
			b.paused = now.Add(max(b.pause.next(), e.RetryAfter))
		} else if e.RetryAfter > 0 {
			b.paused = latest(b.paused, now.Add(e.RetryAfter))
		}
	}
	if running || !now.Before(b.paused) {
		return time.Time{}
	}
	return b.paused
}

// pauseUntil takes over a pause.
func (b *budget) pauseUntil(t time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.paused = latest(b.paused, t)
}

// spare tells whether there is budget for what can wait.
func (b *budget) spare() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.fill(now)
	if now.Before(b.paused) {
		return false
	}
	return !b.known || b.tokens >= b.burst(now)/2
}

// pausedUntil is when requests may go out again after a limit was hit; zero or past when they may now.
func (b *budget) pausedUntil() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.paused
}

// left is what may still be spent before the reset; false where there is no limit.
func (b *budget) left() (int, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return int(max(b.spendable(b.now()), 0)), b.known
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
