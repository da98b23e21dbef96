package poll

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/githubapi"
)

// longWait is how long a wait is that is said.
const longWait = time.Minute

// waits keeps track of what was said of the waits for the primary limit.
type waits struct {
	mu    sync.Mutex
	said  bool      // that nothing is left but the reserve
	paced time.Time // the end of the longest wait for the pace that was said

	blind atomic.Bool // the server does not tell its limits when it is asked
}

// waiting says, once, what requests wait for if that is long, and looks at the limits when it is time to.
func (p *Poller) waiting(ctx context.Context, w waiting) {
	if w.look {
		p.lookAtLimits(ctx)
	}
	now := p.Now()
	if w.until.Sub(now) < longWait {
		return
	}
	p.waits.mu.Lock()
	defer p.waits.mu.Unlock()
	left, _ := p.budget.left()
	keys := []any{"until", w.until.UTC().Format(time.RFC3339)}
	switch w.why {
	case waitsForReset:
		if p.waits.said {
			return
		}
		p.waits.said = true
		if _, used := p.budget.pauses(); now.Before(used) {
			return // said when GitHub said so
		}
		level.Warn(p.Logger).Log(append(keys, "msg", "of the rate limit nothing is left but the reserve: nothing is asked until its reset, or until GitHub tells of more",
			"requests_left", p.budget.remains())...)
	case waitsForPace:
		if now.Before(p.waits.paced) {
			return
		}
		p.waits.paced = latest(w.until, now.Add(time.Hour)) // at such a pace many wait: that is said once an hour
		level.Info(p.Logger).Log(append(keys, "msg", "requests wait for more than a minute: what is left of the rate limit is spread over the time to its reset", "requests_left", left)...)
	}
}

// goesOn says that requests go out again after it was said that they wait for the primary limit.
func (p *Poller) goesOn() {
	p.waits.mu.Lock()
	defer p.waits.mu.Unlock()
	if p.waits.said {
		p.waits.said = false
		level.Info(p.Logger).Log("msg", "the rate limit allows requests again", "requests_left", p.budget.remains())
	}
}

// lookAtLimits asks /rate_limit, which is free, and believes it. A server without it is not asked again.
func (p *Poller) lookAtLimits(ctx context.Context) {
	if p.waits.blind.Load() || p.outage.holds(p.Now()) != nil {
		return
	}
	limits, err := p.Client.RateLimit(ctx)
	p.waits.blind.Store(errors.Is(err, githubapi.ErrNoRateLimit))
	p.answered(err)
	if core, ok := limits["core"]; ok && err == nil {
		p.budget.believe(core.Limit, core.Remaining, core.Reset)
	}
}

// waitsUntil tells for each reason until when nothing is asked; the zero time while something is.
func (p *Poller) waitsUntil() map[string]time.Time {
	now := p.Now()
	ends := func(t time.Time) time.Time {
		if t.After(now) {
			return t
		}
		return time.Time{}
	}
	paused, _ := p.budget.pauses()
	return map[string]time.Time{
		string(waitsForReset): ends(p.budget.blockedNow()),
		string(waitsForPause): ends(paused),
		"server":              ends(p.outage.ends()),
	}
}
