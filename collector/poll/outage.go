package poll

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/githubapi"
)

const (
	// mostObeyed is the longest wait that is taken from an answer at once: after it one request looks again.
	mostObeyed = time.Hour
	// outageStrikes is how many visits in a row, of different repositories, have to end without an answer until it is asked
	// whether the server is there at all.
	outageStrikes = 3

	outagePause    = 10 * time.Second // where the server names no time
	outagePauseMax = 2 * time.Minute  // doubling ends here
)

// outage is the state of a server that serves nobody: it asked everybody to wait (a 5xx with Retry-After), or neither
// several repositories in a row nor /rate_limit got an answer. Until the wait is over nothing is sent; then one request at
// a time tries, and the others fail without being sent.
type outage struct {
	mu     sync.Mutex
	err    error // the last failure; nil while the server is there
	until  time.Time
	trying bool // somebody tries again
	grow   *backoff

	last    string // who struck last
	strikes int    // visits in a row without an answer
}

func newOutage() outage { return outage{grow: &backoff{first: outagePause, most: outagePauseMax}} }

// heldError is the failure of a request that was not sent, for an earlier answer asked to wait.
type heldError struct {
	err   error
	until time.Time
	host  bool // nobody is to ask; otherwise only this repository or target is not to be asked for
}

func (e heldError) Error() string {
	return fmt.Sprintf("not asked until %s, for: %s", e.until.UTC().Format(time.RFC3339), e.err)
}
func (e heldError) Unwrap() error { return e.err }

func held(err error) (heldError, bool) {
	var h heldError
	return h, errors.As(err, &h)
}

// unserved tells whether a request got no answer of the API: the network failed, or something before the API answered.
func unserved(err error) bool {
	var e *githubapi.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Kind {
	case githubapi.KindServer, githubapi.KindNetwork:
		return true
	case githubapi.KindBody:
		return !e.Whole && !e.TooLarge // a web page, or a cut answer
	}
	return false
}

// forHost tells whether an answer that asks to wait speaks for the server as a whole. Limits do too; the budget obeys those.
func forHost(err error) bool {
	var e *githubapi.Error
	return errors.As(err, &e) && e.RetryAsked && unserved(err)
}

// asked is for how long an answer asks to wait, bounded; 0 where it does not.
func asked(err error) time.Duration {
	var e *githubapi.Error
	if !errors.As(err, &e) {
		return 0
	}
	return min(e.RetryAfter, mostObeyed)
}

// holds tells, with an error, that nothing may be sent now.
func (o *outage) holds(now time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil && (o.trying || now.Before(o.until)) {
		return heldError{o.err, o.until, true}
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
		return false, heldError{o.err, o.until, true}
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
	wait := asked(err)
	switch first = o.err == nil; {
	case !first && !try:
		o.until = latest(o.until, now.Add(wait))
		return o.until, false
	case first && wait > 0:
		wait = max(wait, time.Second)
		o.grow.reset()
	default:
		wait = max(wait, o.grow.next())
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
	o.grow.reset()
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
func (p *Poller) served(ctx context.Context, err error, try bool) {
	switch {
	case err == nil, errors.Is(err, githubapi.ErrNotModified):
	case forHost(err), try && unserved(err):
		p.wait(err, try)
		return
	case unserved(err):
		return // the visit's end tells whether it is a strike
	case ctx.Err() != nil, kindIs(err, githubapi.KindCanceled), !answeredBy(err):
		if try {
			p.outage.withdraw()
		}
		return
	}
	if p.outage.answered(try) {
		level.Info(p.Logger).Log("msg", "GitHub answers again")
		p.queue.hurry()
		p.discovery.hurry()
	}
}

// answeredBy tells whether there was an answer at all: without a token nothing is sent.
func answeredBy(err error) bool {
	var e *githubapi.Error
	return errors.As(err, &e) && e.Status != 0
}

// wait stops all requests for a while. That is said once, with its end; what a try adds is said at level debug.
func (p *Poller) wait(err error, try bool) {
	until, first := p.outage.begin(err, p.Now(), try)
	logger := level.Debug(p.Logger)
	if first {
		logger = level.Warn(p.Logger)
	}
	logger.Log("msg", "GitHub does not serve now: nothing is asked for a while, then one request at a time until one is answered",
		"reason", reasonOf(err), "until", until.UTC().Format(time.RFC3339), "err", err)
}

// struck notes a visit, or the reading of a target, that ended without an answer. After several of them /rate_limit, which
// costs nothing, is asked whether the server is there: if it answers, each has its own trouble.
func (p *Poller) struck(ctx context.Context, who string, err error) {
	if _, notSent := held(err); notSent || !unserved(err) || ctx.Err() != nil || !p.outage.strike(who) || p.Now().Before(p.budget.pausedUntil()) {
		return
	}
	_, judged := p.Client.RateLimit(ctx)
	p.answered(judged)
	if unserved(judged) {
		p.wait(judged, false)
	}
}
