package poll

import (
	"fmt"
	"sync"
	"time"

	"github_workflow_exporter/githubapi"
)

// refusal is the state of a token that GitHub refuses. It is refused for everything, and those who go on trying are locked
// out: so one request at a time tries again, ever later, and the others fail without being sent. A new token, or an
// answer, ends it.
type refusal struct {
	mu         sync.Mutex
	err        error // the last refusal, nil while the token is taken
	count      int   // in a row
	retry      time.Time
	trying     bool   // a request that tries again is under way
	generation uint64 // of the token that was refused
}

// refusedError is a request's failure that was not sent.
type refusedError struct{ err error }

func (e refusedError) Error() string {
	return fmt.Sprintf("not asked, for the token was refused: %s", e.err)
}
func (e refusedError) Unwrap() error { return e.err }

// admit tells whether a request may be sent; token gives the generation of the token it would be sent with.
func (f *refusal) admit(now time.Time, token func() (uint64, error)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		return nil
	}
	if generation, err := token(); err == nil && generation != f.generation {
		f.err, f.count = nil, 0
		return nil
	}
	if f.trying || now.Before(f.retry) {
		return refusedError{f.err}
	}
	f.trying = true
	return nil
}

// withdraw says that a request that was admitted was not sent after all.
func (f *refusal) withdraw() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trying = false
}

// settle takes in how a request that was sent ended, and tells whether that ended a refusal. wait gives the time to the
// next try after so many refusals in a row.
func (f *refusal) settle(err error, now time.Time, token func() (uint64, error), wait func(int) time.Duration) (over bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trying = false
	if !kindIs(err, githubapi.KindUnauthorized) {
		if kindIs(err, githubapi.KindNetwork) || kindIs(err, githubapi.KindCanceled) {
			return false // no answer
		}
		over = f.err != nil
		f.err, f.count = nil, 0
		return over
	}
	if f.err == nil || !now.Before(f.retry) { // not the answers to what was under way already
		f.count++
		f.retry = now.Add(wait(f.count))
	}
	f.err = err
	f.generation, _ = token()
	return false
}
