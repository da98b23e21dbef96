package gate

import (
	"errors"
	"fmt"
	"time"

	"github_workflow_exporter/githubapi"
)

// mostObeyed is the longest wait that is taken from an answer at once: after it one request looks again.
const mostObeyed = time.Hour

// HeldError is the failure of a request that was not sent, for an earlier answer asked to wait.
type HeldError struct {
	Err   error
	Until time.Time
	Host  bool // nobody is to ask; otherwise only one repository or target is not to be asked for
}

func (e HeldError) Error() string {
	return fmt.Sprintf("not asked until %s, for: %s", e.Until.UTC().Format(time.RFC3339), e.Err)
}

// Unwrap returns the failure that asked to wait.
func (e HeldError) Unwrap() error { return e.Err }

// Held tells whether a request was not sent, for an earlier answer asked to wait.
func Held(err error) (HeldError, bool) {
	var h HeldError
	return h, errors.As(err, &h)
}

// Hold is what one repository or target is held by after an answer to a question for it: the zero value where the answer
// asks for no wait, or for one of everybody.
func Hold(err error, now time.Time) HeldError {
	if wait := Asked(err); wait > 0 && !Limited(err) && !ForHost(err) {
		return HeldError{Err: err, Until: now.Add(wait)}
	}
	return HeldError{}
}

// EndpointError is a refusal that was not for the token, as far as is known.
type EndpointError struct{ Err error }

func (e EndpointError) Error() string { return e.Err.Error() }

// Unwrap returns the refusal.
func (e EndpointError) Unwrap() error { return e.Err }

// RefusedError is the failure of a request that was not sent, for its token was refused.
type RefusedError struct{ Err error }

func (e RefusedError) Error() string {
	if errors.Is(e.Err, githubapi.ErrNoToken) {
		return e.Err.Error()
	}
	return fmt.Sprintf("not asked, for the token was refused: %s", e.Err)
}

// Unwrap returns the refusal.
func (e RefusedError) Unwrap() error { return e.Err }

// Said tells whether an error was logged already and holds for everything: by the request that was refused, by the one whose
// answer asked to wait, or by who reads the token.
func Said(err error) bool {
	h, ok := Held(err)
	return unsent(err) || ok && h.Host
}

// unsent tells whether a request was not sent for want of a token that is taken.
func unsent(err error) bool {
	return errors.As(err, &RefusedError{}) || errors.Is(err, githubapi.ErrNoToken)
}

// Limited tells whether an answer says that a limit is reached.
func Limited(err error) bool {
	return githubapi.IsKind(err, githubapi.KindPrimaryLimit) || githubapi.IsKind(err, githubapi.KindSecondaryLimit)
}

// Unserved tells whether a request got no answer of the API: the network failed, or something before the API answered.
func Unserved(err error) bool {
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

// ForHost tells whether an answer that asks to wait speaks for the server as a whole. Limits do too; the budget obeys those.
func ForHost(err error) bool {
	var e *githubapi.Error
	return errors.As(err, &e) && e.RetryAsked && Unserved(err)
}

// Asked is for how long an answer asks to wait, bounded; 0 where it does not.
func Asked(err error) time.Duration {
	var e *githubapi.Error
	if !errors.As(err, &e) {
		return 0
	}
	return min(e.RetryAfter, mostObeyed)
}

// answeredBy tells whether there was an answer at all: without a token nothing is sent.
func answeredBy(err error) bool {
	var e *githubapi.Error
	return errors.As(err, &e) && e.Status != 0
}
