package gate

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/collector/schedule"
	"github_workflow_exporter/githubapi"
)

const (
	// outageStrikes is how many visits in a row, of different repositories, have to end without an answer until it is asked
	// whether the server is there at all.
	outageStrikes = 3

	// OutagePause is how long nothing is asked where the server names no time, and how long after a try it is known how it went.
	OutagePause    = 10 * time.Second
	outagePauseMax = 2 * time.Minute // doubling ends here
)

// outage is the state of a server that serves nobody: it asked everybody to wait (a 5xx with Retry-After), or neither
// several repositories in a row nor /rate_limit got an answer. Until the wait is over nothing is sent; then one request at
// a time tries, and the others fail without being sent.
type outage struct {
	mu     sync.Mutex
	err    error // the last failure; nil while the server is there
	until  time.Time
	trying bool // somebody tries again
	grow   *schedule.Backoff

	last    string // who struck last
	strikes int    // visits in a row without an answer
}

func newOutage() outage {
	return outage{grow: &schedule.Backoff{First: OutagePause, Most: outagePauseMax}}
}

// holds tells, with an error, that nothing may be sent now.
func (o *outage) holds(now time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil && (o.trying || now.Before(o.until)) {
		return HeldError{o.err, o.until, true}
	}
	return nil
}

// admit is holds for a request that is about to be sent; it tells whether that is the one that tries again.
func (o *outage) admit(now time.Time) (try bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.err == nil:
		return false, nil
	case o.trying || now.Before(o.until):
		return false, HeldError{o.err, o.until, true}
	}
	o.trying = true
	return true, nil
}

// withdraw says that a try was not sent, or came to nothing.
func (o *outage) withdraw() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.trying = false
}

// begin starts or lengthens the wait and returns its end; first tells whether the server was there until now. Answers to
// what was under way when the wait began change it only if they ask for a longer one.
func (o *outage) begin(err error, now time.Time, try bool) (until time.Time, first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	wait := Asked(err)
	switch first = o.err == nil; {
	case !first && !try:
		o.until = schedule.Latest(o.until, now.Add(wait))
		return o.until, false
	case first && wait > 0:
		wait = max(wait, time.Second)
		o.grow.Reset()
	default:
		wait = max(wait, o.grow.Next())
	}
	o.err, o.until, o.strikes, o.last = err, now.Add(wait), 0, ""
	if try {
		o.trying = false
	}
	return o.until, first
}

// answered notes an answer of the API, and tells whether it ended an outage: that only a try does.
func (o *outage) answered(try bool) (over bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.strikes, o.last = 0, ""
	if !try || o.err == nil {
		return false
	}
	o.err, o.trying = nil, false
	o.grow.Reset()
	return true
}

// strike notes a visit of somebody that ended without an answer, and tells whether there are enough of them in a row.
func (o *outage) strike(who string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil || who == o.last {
		return false
	}
	o.last = who
	if o.strikes++; o.strikes < outageStrikes {
		return false
	}
	o.strikes, o.last = 0, ""
	return true
}

// ends returns the end of the wait under way; the zero time while there is none.
func (o *outage) ends() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		return time.Time{}
	}
	return o.until
}

// adopt goes on with the wait of another.
func (o *outage) adopt(other *outage) {
	other.mu.Lock()
	err, until := other.err, other.until
	other.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err, o.until = err, until
}

// served takes in what a request tells of the server.
func (g *Gate) served(ctx context.Context, err error, try bool) {
	switch {
	case err == nil, errors.Is(err, githubapi.ErrNotModified):
	case ForHost(err), try && Unserved(err):
		g.wait(err, try)
		return
	case Unserved(err):
		return // the visit's end tells whether it is a strike
	case ctx.Err() != nil, githubapi.IsKind(err, githubapi.KindCanceled), !answeredBy(err):
		if try {
			g.outage.withdraw()
		}
		return
	}
	if g.outage.answered(try) {
		level.Info(g.Logger).Log("msg", "GitHub answers again")
		g.Again()
	}
}

// wait stops all requests for a while. That is said once, with its end; what a try adds is said at level debug.
func (g *Gate) wait(err error, try bool) {
	until, first := g.outage.begin(err, g.Now(), try)
	logger := level.Debug(g.Logger)
	if first {
		logger = level.Warn(g.Logger)
	}
	logger.Log("msg", "GitHub does not serve now: nothing is asked for a while, then one request at a time until one is answered",
		"reason", githubapi.Reason(err), "until", until.UTC().Format(time.RFC3339), "err", err)
}

// Struck notes a visit, or the reading of a target, that ended without an answer. After several of them /rate_limit, which
// costs nothing, is asked whether the server is there: if it answers, each has its own trouble.
func (g *Gate) Struck(ctx context.Context, who string, err error) {
	if _, notSent := Held(err); notSent || !Unserved(err) || ctx.Err() != nil || !g.outage.strike(who) || g.Now().Before(g.budget.pausedUntil()) {
		return
	}
	_, judged := g.Client.RateLimit(ctx)
	g.answered(judged)
	if Unserved(judged) {
		g.wait(judged, false)
	}
}
