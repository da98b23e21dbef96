package gate

import (
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

// Bar notes that the token is not let in, and closes the door for a while; it tells whether that is news.
func (d *Door) Bar(lasts time.Duration) (news bool) {
	token := d.gate.identity()
	d.mu.Lock()
	defer d.mu.Unlock()
	news = !d.said || token != d.token
	d.until, d.token, d.said = d.gate.Now().Add(lasts), token, true
	return news
}

// Pause closes the door until then.
func (d *Door) Pause(until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until = schedule.Latest(d.until, until)
}

// identity is that of the token, as far as there is one.
func (g *Gate) identity() githubapi.Identity {
	token, _ := g.Client.TokenIdentity() // who has none finds out elsewhere
	return token
}

// AffordsGraphQL tells whether more is left of the limit of GraphQL than the share that belongs to others.
func (g *Gate) AffordsGraphQL() bool {
	l, known := g.Client.GraphQLLimit()
	return !known || !g.Now().Before(l.Reset) || float64(l.Remaining) > float64(l.Limit)*g.Reserve
}

// graphqlSpare is the share of the limit of GraphQL that is left for the annotations of failed jobs, beside the reserve.
const graphqlSpare = 0.1

// PaceGraphQL is how long to wait after a point of GraphQL's limit was spent, so that what is not left to others lasts until
// the reset. Zero where there is no limit, or none is known yet.
func (g *Gate) PaceGraphQL() time.Duration {
	l, known := g.Client.GraphQLLimit()
	left := l.Reset.Sub(g.Now())
	if !known || l.Limit == 0 || left <= 0 {
		return 0
	}
	points := float64(l.Remaining) - float64(l.Limit)*(g.Reserve+graphqlSpare)
	if points < 1 {
		return left
	}
	return time.Duration(float64(left) / points)
}
