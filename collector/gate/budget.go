package gate

import (
	"context"
	"errors"
	"sync"
	"time"

	"github_workflow_exporter/collector/schedule"
	"github_workflow_exporter/githubapi"
)

// The secondary limits that GitHub documents are 900 points a minute (a GET is one, a 304 too) and 100 concurrent
// requests; two thirds of the first leave room for the token's other users.
const (
	// defaultRate is how many requests there are per second, all of them.
	defaultRate = 10.0
	// burstSeconds is of how many seconds' requests may go out together.
	burstSeconds = 2

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
	perSec  float64 // requests, all of them
	charged bool    // an unchanged answer costs as much as any, as without a token

	known            bool // the server has a primary limit
	limit, remaining int
	reset            time.Time // local clock
	inFlight         int
	queued           [classes]int // requests that wait for their turn

	tokens, points float64 // of the primary and the secondary bucket
	filled         time.Time

	paused  time.Time         // no request before it
	pause   *schedule.Backoff // length of pauses without a time of their own
	proving bool              // a pause was begun, and no answer has shown yet that it is over: one request at a time
	used    time.Time         // the primary limit was refused and is used up until then, as far as is known

	blocked time.Time // since when nothing but the reserve is left; zero while more is
	looked  time.Time // when the limits were looked at last since then

	waits func(context.Context, waiting) // told of each wait before it begins; nil: nobody
}

// waiting is why a request waits, and until when at the latest.
type waiting struct {
	why   reasonToWait
	until time.Time
	look  bool // it is time to look at the limits again
}

// reasonToWait is one of few words, fit for a label.
type reasonToWait string

const (
	waitsForPause reasonToWait = "secondary_limit" // GitHub asked to wait
	waitsForReset reasonToWait = "rate_limit"      // of the primary limit nothing is left but the reserve
	waitsForPace  reasonToWait = "pace"            // what is left is spread over the time to the reset
	waitsForProof reasonToWait = "proof"           // another request shows whether a pause is over
)

const (
	// lookEvery is how often the limits are looked at while nothing is left of them: others may have been given back what is
	// theirs, or the window may have been somebody else's.
	lookEvery = time.Minute
	// proofEvery is how often a request looks whether another has shown that a pause is over.
	proofEvery = 250 * time.Millisecond
)

func newBudget(reserve, perSecond float64, now func() time.Time) *budget {
	return &budget{
		now: now, reserve: reserve, perSec: perSecond, points: burstOf(perSecond), filled: now(),
		pause: &schedule.Backoff{First: secondaryPause, Most: secondaryPauseMax},
	}
}

// burstOf is how many requests may go out together at a rate.
func burstOf(perSecond float64) float64 { return max(burstSeconds*perSecond, 1) }

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
	b.points = min(b.points+passed*b.perSec, burstOf(b.perSec))
	if b.known {
		b.tokens = min(b.tokens+passed*b.rate(now), b.burst(now))
	}
}

// wait returns how long the next request has to wait; 0 takes its tokens.
func (b *budget) wait() time.Duration {
	d, _ := b.turn(Known)
	return d
}

// turn is wait, with why, for a request of a class.
func (b *budget) turn(class Class) (time.Duration, waiting) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if d := b.paused.Sub(now); d > 0 {
		return d, waiting{why: waitsForPause, until: b.paused}
	}
	b.fill(now)
	if until := b.outOfBudget(now); !until.IsZero() {
		return b.blockedUntil(until, now)
	}
	b.blocked = time.Time{}
	if b.proving && b.inFlight > 0 {
		return proofEvery, waiting{why: waitsForProof, until: now.Add(proofEvery)}
	}
	for better := range class {
		if b.queued[better] > 0 {
			return yieldFor, waiting{why: waitsForPace, until: now.Add(yieldFor)}
		}
	}
	var wait float64
	if b.points < 1 {
		wait = (1 - b.points) / b.perSec
	}
	if b.known && b.tokens < 1 {
		wait = max(wait, (1-b.tokens)/b.rate(now))
	}
	if wait > 0 {
		// Rounded up so that the wait ends with a token; capped, for rates change while one waits.
		d := time.Duration(min(wait, maxPace.Seconds())*float64(time.Second)) + time.Millisecond
		return min(d, time.Minute), waiting{why: waitsForPace, until: now.Add(d)}
	}
	b.points--
	b.tokens--
	b.inFlight++
	return 0, waiting{}
}

// maxPace bounds what is said of a wait; rates near zero make it anything.
const maxPace = 24 * time.Hour

// outOfBudget is until when nothing is left to be spent; the zero time while something is.
func (b *budget) outOfBudget(now time.Time) time.Time {
	switch {
	case now.Before(b.used):
		return b.used
	case b.known && b.spendable(now)-float64(b.inFlight) < 1:
		return schedule.Latest(b.reset.Add(time.Second), now.Add(time.Second))
	}
	return time.Time{}
}

func (b *budget) blockedUntil(until, now time.Time) (time.Duration, waiting) {
	w := waiting{why: waitsForReset, until: until}
	switch {
	case b.blocked.IsZero():
		b.blocked, b.looked = now, now
	case now.Sub(b.looked) >= lookEvery:
		b.looked, w.look = now, true // one of all that wait
	}
	return min(until.Sub(now), lookEvery), w
}

// acquire waits for a request's turn.
func (b *budget) acquire(ctx context.Context, class Class) error {
	since := b.now()
	for {
		class := class.after(b.now().Sub(since))
		d, w := b.turn(class)
		if d == 0 {
			return ctx.Err()
		}
		b.queue(class, 1)

		if b.waits != nil {
			b.waits(ctx, w)
		}
		if w.look && b.free() { // by what was seen
			b.queue(class, -1)
			continue
		}
		err := sleep(ctx, d)
		b.queue(class, -1)
		if err != nil {
			return err
		}
	}
}

// queue notes how many more requests of a class wait.
func (b *budget) queue(class Class, more int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queued[class] += more
}

// free tells whether something may be spent now.
func (b *budget) free() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.outOfBudget(b.now()).IsZero()
}

// believe takes in what /rate_limit said when it was asked. It knows better than a refusal of the primary limit, which may
// have been that of another window.
func (b *budget) believe(limit, remaining int, reset time.Time) {
	b.limits(limit, remaining, reset)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spendable(b.now()) >= 1 {
		b.used = time.Time{}
	}
}

// admitExtra takes the turn of a request that the primary limit does not count, if it need not wait: the secondary limits are
// for all together. Settle ends it.
func (b *budget) admitExtra() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.fill(now)
	if now.Before(b.paused) || b.proving || b.points < 1 {
		return false
	}
	b.points--
	b.inFlight++
	return true
}

// release gives back the turn of a request that was not sent.
func (b *budget) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight = max(b.inFlight-1, 0)
	b.tokens++
	b.points++
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
	running := now.Before(b.paused) || now.Before(b.used)
	if !Limited(err) {
		if !running { // not an answer that was under way when the pause began
			if !Unserved(err) {
				b.proving = false
			}
			b.pause.Reset()
		}
		return time.Time{}
	}
	var e *githubapi.Error
	errors.As(err, &e) // it is one, being limited
	wait := Asked(err)
	switch e.Kind {
	case githubapi.KindPrimaryLimit:
		b.remaining = 0
		until := e.Reset
		if !until.After(now) && wait == 0 {
			until = now.Add(secondaryPause)
		}
		if until.After(now) {
			b.used = schedule.Latest(b.used, until.Add(time.Second))
		}
		if wait > 0 {
			b.paused = schedule.Latest(b.paused, now.Add(wait+time.Second))
		}
	case githubapi.KindSecondaryLimit:
		// Requests under way together are refused together: only the first of them lengthens the pause.
		if !running {
			b.paused = now.Add(max(b.pause.Next(), wait))
		} else if wait > 0 {
			b.paused = schedule.Latest(b.paused, now.Add(wait))
		}
	}
	b.proving = true
	until := schedule.Latest(b.paused, b.used)
	if running || !now.Before(until) {
		return time.Time{}
	}
	return until
}

// pauses returns until when GitHub asked to wait, and until when it said that the primary limit is used up.
func (b *budget) pauses() (paused, used time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.paused, b.used
}

// adopt takes over the pauses of another budget.
func (b *budget) adopt(paused, used time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.paused, b.used = schedule.Latest(b.paused, paused), schedule.Latest(b.used, used)
	b.proving = b.proving || b.now().Before(schedule.Latest(b.paused, b.used))
}

// blockedNow is until when nothing is left of the primary limit to be spent; the zero time while something is.
func (b *budget) blockedNow() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.outOfBudget(b.now())
}

// spare tells whether there is budget for what can wait.
func (b *budget) spare() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.fill(now)
	if now.Before(b.paused) || now.Before(b.used) {
		return false
	}
	return !b.known || b.tokens >= b.burst(now)/2
}

// pausedUntil is when requests may go out again after a limit was hit; zero or past when they may now.
func (b *budget) pausedUntil() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return schedule.Latest(b.paused, b.used)
}

// left is what may still be spent before the reset; false where there is no limit.
func (b *budget) left() (int, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return int(max(b.spendable(b.now()), 0)), b.known
}

// remains is what is left before the reset, the reserve included.
func (b *budget) remains() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.remaining
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
