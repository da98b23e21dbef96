package gate

import (
	"errors"
	"sync"
	"time"

	"github_workflow_exporter/collector/schedule"
	"github_workflow_exporter/githubapi"
)

// Door is what is known of something that the credential may be let in to or not.
type Door struct {
	gate *Gate

	mu    sync.Mutex
	until time.Time // not to be asked before
	token githubapi.Identity
	said  bool // that it is not for this token
}

// May tells whether it may be asked. A new token may be let in where another was not.
func (d *Door) May() bool {
	token := d.gate.identity()
	d.mu.Lock()
	defer d.mu.Unlock()
	return token != d.token && d.said || !d.gate.Now().Before(d.until)
}

// bar notes that the token is not let in, and closes the door for a while; it tells whether that is news.
func (d *Door) bar(lasts time.Duration) (news bool) {
	token := d.gate.identity()
	d.mu.Lock()
	defer d.mu.Unlock()
	news = !d.said || token != d.token
	d.until, d.token, d.said = d.gate.Now().Add(lasts), token, true
	return news
}

// pause closes the door until then.
func (d *Door) pause(until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until = schedule.Latest(d.until, until)
}

const (
	// barredFor is how long something is not asked for after GitHub said that it is not for this token, or not there at all.
	barredFor = time.Hour
	// brokenPause is how long it is not asked for after it did not answer.
	brokenPause = time.Minute
)

// Failed closes the door for as long as a failure asks for. Where the token is not let in it tells how long that is, if that is
// news, else zero.
func (d *Door) Failed(err error) (barred time.Duration) {
	now := d.gate.Now()
	var e *githubapi.Error
	switch {
	case githubapi.IsKind(err, githubapi.KindForbidden), githubapi.IsKind(err, githubapi.KindNotFound), githubapi.IsKind(err, githubapi.KindUnauthorized):
		if d.bar(barredFor) {
			return barredFor
		}
	case errors.As(err, &e) && e.Kind == githubapi.KindPrimaryLimit && e.Reset.After(now):
		d.pause(e.Reset)
	default:
		d.pause(now.Add(max(brokenPause, Asked(err))))
	}
	return 0
}

// identity is that of the token, as far as there is one.
func (g *Gate) identity() githubapi.Identity {
	token, _ := g.Client.TokenIdentity() // who has none finds out elsewhere
	return token
}
