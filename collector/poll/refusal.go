package poll

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github_workflow_exporter/githubapi"
)

// refusal is the state of a token that GitHub refuses. It is refused for everything, and those who go on trying are locked
// out: so one request at a time tries again, ever later, and the others fail without being sent. A new token, or one that
// is taken again, ends it. Whether it is the token that was refused, or one endpoint behind some gateway, /rate_limit
// tells: it needs no permission, costs nothing, and is answered with 401 to a bad token also where limits are off.
type refusal struct {
	mu         sync.Mutex
	err        error // the last refusal, nil while the token is taken
	count      int   // in a row
	retry      time.Time
	trying     bool   // somebody tries again
	generation uint64 // of the token that was refused
}

// refusedError is a request's failure that was not sent.
type refusedError struct{ err error }

func (e refusedError) Error() string {
	return fmt.Sprintf("not asked, for the token was refused: %s", e.err)
}
func (e refusedError) Unwrap() error { return e.err }

// admit tells whether a request may be sent, and whether the token has to be tried before. token gives the generation of
// the token it would be sent with.
func (f *refusal) admit(now time.Time, token func() (uint64, error)) (try bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		return false, nil
	}
	if generation, err := token(); err == nil && generation != f.generation {
		f.err, f.count = nil, 0
		return false, nil
	}
	if f.trying || now.Before(f.retry) {
		return false, refusedError{f.err}
	}
	f.trying = true
	return true, nil
}

// withdraw says that the try came to nothing.
func (f *refusal) withdraw() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trying = false
}

// refused notes that the token was refused. wait gives the time to the next try after so many refusals in a row.
func (f *refusal) refused(err error, now time.Time, token func() (uint64, error), wait func(int) time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil || !now.Before(f.retry) { // not the answers to what was under way already
		f.count++
		f.retry = now.Add(wait(f.count))
	}
	f.err, f.trying = err, false
	f.generation, _ = token()
}

// taken notes that the token is taken.
func (f *refusal) taken() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.count, f.trying = nil, 0, false
}

// tryToken finds out whether the token is taken again, and wakes everybody if so.
func (p *Poller) tryToken(ctx context.Context) error {
	if err := p.budget.acquire(ctx); err != nil {
		p.refusal.withdraw()
		return err
	}
	_, err := p.Client.RateLimit(ctx)
	p.settle(err)
	switch {
	case kindIs(err, githubapi.KindUnauthorized):
		p.refused(err)
		return err
	case ctx.Err() != nil, kindIs(err, githubapi.KindNetwork):
		p.refusal.withdraw() // no answer
		return err
	}
	p.refusal.taken()
	p.queue.hurry()
	p.discovery.hurry()
	return nil
}

// suspect finds out whether a request was refused for its token.
func (p *Poller) suspect(ctx context.Context, refused error) {
	_, err := p.Client.RateLimit(ctx)
	p.answered(err)
	if kindIs(err, githubapi.KindUnauthorized) {
		p.refused(refused)
	}
}

func (p *Poller) refused(err error) {
	wait := func(n int) time.Duration { return failureInterval(p.Interval, p.MaxInterval, n) }
	p.refusal.refused(err, p.Now(), p.Client.TokenAvailable, wait)
}
