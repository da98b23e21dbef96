package gate

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/collector/schedule"
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
func (g *Gate) waiting(ctx context.Context, w waiting) {
	if w.look {
		g.lookAtLimits(ctx)
	}
	now := g.Now()
	if w.until.Sub(now) < longWait {
		return
	}
	g.waits.mu.Lock()
	defer g.waits.mu.Unlock()
	left, _ := g.budget.left()
	keys := []any{"until", w.until.UTC().Format(time.RFC3339)}
	switch w.why {
	case waitsForReset:
		if g.waits.said {
			return
		}
		g.waits.said = true
		if _, used := g.budget.pauses(); now.Before(used) {
			return // said when GitHub said so
		}
		level.Warn(g.Logger).Log(append(keys, "msg", "of the rate limit nothing is left but the reserve: nothing is asked until its reset, or until GitHub tells of more",
			"requests_left", g.budget.remains())...)
	case waitsForPace:
		if now.Before(g.waits.paced) {
			return
		}
		g.waits.paced = schedule.Latest(w.until, now.Add(time.Hour)) // at such a pace many wait: that is said once an hour
		level.Info(g.Logger).Log(append(keys, "msg", "requests wait for more than a minute: what is left of the rate limit is spread over the time to its reset", "requests_left", left)...)
	}
}

// goesOn says that requests go out again after it was said that they wait for the primary limit.
func (g *Gate) goesOn() {
	g.waits.mu.Lock()
	defer g.waits.mu.Unlock()
	if g.waits.said {
		g.waits.said = false
		level.Info(g.Logger).Log("msg", "the rate limit allows requests again", "requests_left", g.budget.remains())
	}
}

// lookAtLimits asks /rate_limit, which is free, and believes it. A server without it is not asked again.
func (g *Gate) lookAtLimits(ctx context.Context) {
	if g.waits.blind.Load() || g.outage.holds(g.Now()) != nil {
		return
	}
	limits, err := g.Client.RateLimit(ctx)
	g.waits.blind.Store(errors.Is(err, githubapi.ErrNoRateLimit))
	g.answered(err)
	if core, ok := limits["core"]; ok && err == nil {
		g.budget.believe(core.Limit, core.Remaining, core.Reset)
	}
}

// WaitsUntil tells for each reason until when nothing is asked; the zero time while something is.
func (g *Gate) WaitsUntil() map[string]time.Time {
	now := g.Now()
	ends := func(t time.Time) time.Time {
		if t.After(now) {
			return t
		}
		return time.Time{}
	}
	paused, _ := g.budget.pauses()
	return map[string]time.Time{
		string(waitsForReset): ends(g.budget.blockedNow()),
		string(waitsForPause): ends(paused),
		"server":              ends(g.outage.ends()),
	}
}
