package githubapi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ErrNotModified is returned (test with errors.Is) when the server answered 304: what the Tag stands for is unchanged.
var ErrNotModified = errors.New("not modified")

// ErrNoRateLimit is returned by Client.RateLimit where the server has no such endpoint. That is the normal state of a
// GitHub Enterprise Server: rate limiting is off by default, and then GET /rate_limit is 404.
var ErrNoRateLimit = errors.New("rate limiting is not enabled on this server")

// ErrNoToken is beneath an Error of KindUnauthorized for which nothing was sent, since the TokenSource had no token.
var ErrNoToken = errors.New("no token")

// Kind says what a caller can do about a failed request.
type Kind int

// The kinds of failure. KindNone and KindCanceled only occur in an Observation, never in an Error.
const (
	KindNone           Kind = iota // no failure; a 304 is none either
	KindPrimaryLimit               // the hourly limit is used up: wait until Error.Reset
	KindSecondaryLimit             // too fast: wait Error.RetryAfter, or a minute and then doubling where it is 0
	KindUnauthorized               // 401, or no token could be had: bad, expired or revoked
	KindForbidden                  // 403 that is no rate limit: a permission is missing. Waiting does not help
	KindNotFound                   // 404: not there, or the token may not see it
	KindGone                       // 410: logs after their retention
	KindServer                     // 5xx: ask again later, for a smaller page
	KindBody                       // answered, but with HTML, a cut, too large or broken body: nothing was decoded
	KindNetwork                    // no answer: connection, TLS, proxy, timeout
	KindRedirect                   // a redirect or a next link that was not followed
	KindVersion                    // the API version is not supported, even without asking for one
	KindOther                      // anything else
	KindCanceled                   // the caller's context ended first
)

// String is a short snake_case word, fit for a metric label.
func (k Kind) String() string {
	switch k {
	case KindNone:
		return "none"
	case KindPrimaryLimit:
		return "primary_limit"
	case KindSecondaryLimit:
		return "secondary_limit"
	case KindUnauthorized:
		return "unauthorized"
	case KindForbidden:
		return "forbidden"
	case KindNotFound:
		return "not_found"
	case KindGone:
		return "gone"
	case KindServer:
		return "server"
	case KindBody:
		return "body"
	case KindNetwork:
		return "network"
	case KindRedirect:
		return "redirect"
	case KindVersion:
		return "version"
	case KindCanceled:
		return "canceled"
	default:
		return "other"
	}
}

// Error is a request that failed. A canceled or expired context of the caller is not one: that is returned as the
// context's own error.
type Error struct {
	Kind     Kind
	Endpoint string // bounded name, such as "list_runs"
	Status   int    // HTTP status; 0 if there was no answer
	Message  string // GitHub's own message, cleaned and cut

	RetryAfter  time.Duration // how long the server asked to wait, a day at most; 0 = it did not say, or see RetryAsked
	RetryAsked  bool          // there was a readable Retry-After; with RetryAfter 0 it said "now", lay in the past or cannot be
	Reset       time.Time     // KindPrimaryLimit: when the limit is renewed, by the local clock; zero = unknown
	Whole       bool          // KindBody: the answer is JSON in full, and yet not what was asked for
	TooLarge    bool          // KindBody: the answer is over a limit of the client; a smaller page can mend it
	SSO         SSO           // what was said of single sign-on
	Permissions string        // permissions that would do, from x-accepted-github-permissions, e.g. "actions=read"
	Err         error         // what lies beneath, may be nil

	method string // "": GET
	path   string // what was asked, below the base URL, without the query
}

// Error is one line for operators. It holds no token, no query and at most maxText characters of anything the server
// sent.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Endpoint != "" {
		b.WriteString(e.Endpoint + ": ")
	}
	if e.path != "" {
		b.WriteString(orDefault(e.method, http.MethodGet) + " " + cleanText(e.path) + ": ")
	}
	switch {
	case e.Status != 0:
		b.WriteString(strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))))
	case e.Kind == KindNetwork:
		b.WriteString("no answer")
	default:
		b.WriteString("failed")
	}
	switch e.Kind {
	case KindPrimaryLimit:
		b.WriteString(", rate limit used up")
		if !e.Reset.IsZero() {
			b.WriteString(" until " + e.Reset.UTC().Format(time.RFC3339))
		}
	case KindSecondaryLimit:
		b.WriteString(", secondary rate limit")
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, ", retry after %s", e.RetryAfter)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Permissions != "" {
		b.WriteString(" (accepted permissions: " + e.Permissions + ")")
	}
	if advice := e.SSO.Advice(); advice != "" {
		b.WriteString(": " + advice)
	}
	if e.Err != nil {
		b.WriteString(": " + cleanText(e.Err.Error()))
	}
	return b.String()
}

// Unwrap gives what lies beneath.
func (e *Error) Unwrap() error { return e.Err }

// maxText is how many characters of foreign text an error shows.
const maxText = 200

// cleanText makes foreign text fit for one log line: valid UTF-8, no control characters, at most maxText characters.
func cleanText(s string) string {
	if len(s) > 16*maxText {
		s = s[:16*maxText] // enough, and no work for megabytes
	}
	var b strings.Builder
	n, blank := 0, true // no blanks at the front, and never two
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			r = ' '
		}
		if r == ' ' && blank {
			continue
		}
		if n == maxText-1 {
			b.WriteRune('…')
			break
		}
		blank = r == ' '
		b.WriteRune(r)
		n++
	}
	return strings.TrimSpace(b.String())
}

// IsKind tells whether an error is one of the API's, of that kind.
func IsKind(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}

// Gone tells whether an error says that what was asked for does not exist.
func Gone(err error) bool { return IsKind(err, KindNotFound) || IsKind(err, KindGone) }

// Reason is the bounded word for a failed request, fit for a label: its kind, "other" for an error that is not the API's.
func Reason(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind.String()
	}
	return "other"
}
