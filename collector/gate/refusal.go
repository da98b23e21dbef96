package gate

import (
	"context"
	"sync"
	"time"

	"github_workflow_exporter/collector/schedule"
	"github_workflow_exporter/githubapi"
)

// refusal is the state of a token that GitHub refuses. It is refused for everything, and those who go on trying are locked
// out: so one request at a time tries again, ever later, and the others fail without being sent. A new token, or an answer
// to such a try, ends it.
//
// A gateway may refuse one endpoint only. /rate_limit is asked which it is: it needs no permission and costs nothing. Where
// it cannot tell, because it does not answer or is itself what the gateway refuses, refusals in a row do.
type refusal struct {
	mu         sync.Mutex
	err        error // the last refusal, nil while the token is taken
	count      int   // in a row
	retry      time.Time
	trying     bool   // somebody tries again
	generation uint64 // of the token that was refused
	strikes    int    // refusals of which it is not known what they mean, no other answer in between

	distrusted uint64 // generation of the token that /rate_limit alone refuses
}

// strikesOut is how many refusals in a row mean the token.
const strikesOut = 3

// admit tells whether a request may be sent, and whether it is a try with a token that was refused. token gives the
// generation of the token it would be sent with.
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
		return false, RefusedError{f.err}
	}
	f.trying = true
	return true, nil
}

// withdraw says that a try was not sent.
func (f *refusal) withdraw() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trying = false
}

// unanswered says that a try found no answer.
func (f *refusal) unanswered(retry time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trying, f.retry = false, retry
}

// refused notes that the token was refused. wait gives the time to the next try after so many refusals in a row.
func (f *refusal) refused(err error, now time.Time, token func() (uint64, error), wait func(int) time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil || !now.Before(f.retry) { // not the answers to what was under way already
		f.count++
		f.retry = now.Add(wait(f.count))
	}
	f.err, f.trying, f.strikes = err, false, 0
	f.generation, _ = token()
}

// answered notes an answer that refuses no token, and tells whether it ended a refusal: that only a try does.
func (f *refusal) answered(try bool) (over bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.strikes = 0
	if !try {
		return false
	}
	over = f.err != nil
	f.err, f.count, f.trying = nil, 0, false
	return over
}

// strike notes a refusal of which it is not known what it means, and tells whether there are enough of them.
func (f *refusal) strike() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.strikes++
	return f.strikes >= strikesOut
}

// distrust notes that /rate_limit refuses a token that is taken elsewhere; trusts tells whether it does not.
func (f *refusal) distrust(generation uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.distrusted = generation
}

func (f *refusal) trusts(generation uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return generation == 0 || f.distrusted != generation
}

// judged takes in what the answer to a request says of the token. A refusal that is not the token's comes back as an
// endpointError.
func (g *Gate) judged(ctx context.Context, err error, try bool) error {
	wait := func(n int) time.Duration { return schedule.RetryWait(g.Interval, g.MaxInterval, n) }
	refused := func() { g.refusal.refused(err, g.Now(), g.Client.TokenAvailable, wait) }
	switch {
	case ctx.Err() != nil, githubapi.IsKind(err, githubapi.KindCanceled), Unserved(err):
		if try {
			g.refusal.unanswered(g.Now().Add(g.Interval))
		}
		return err
	case !githubapi.IsKind(err, githubapi.KindUnauthorized):
		if g.refusal.answered(try) {
			if taken, known := g.askJudge(ctx); known && !taken {
				generation, _ := g.Client.TokenAvailable()
				g.refusal.distrust(generation)
			}
			g.Again()
		}
		return err
	case try:
		refused()
		return err
	}
	if taken, known := g.askJudge(ctx); taken || !known && !g.refusal.strike() {
		return EndpointError{err}
	}
	refused()
	return err
}

// askJudge asks /rate_limit whether the token is taken.
func (g *Gate) askJudge(ctx context.Context) (taken, known bool) {
	if generation, err := g.Client.TokenAvailable(); err == nil && !g.refusal.trusts(generation) {
		return false, false
	}
	_, err := g.Client.RateLimit(ctx)
	g.answered(err)
	return err == nil, err == nil || githubapi.IsKind(err, githubapi.KindUnauthorized)
}
