package gate

import (
	"time"

	"github_workflow_exporter/githubapi"
)

// pause is for how long GitHub asked a token to wait, and until when it said that the token's primary limit is used up.
type pause struct {
	token        githubapi.Identity
	paused, used time.Time
}

func (g *Gate) paused() {
	if token, err := g.Client.TokenIdentity(); err == nil {
		paused, used := g.budget.pauses()
		g.pause.Store(&pause{token, paused, used})
	}
}

// TakeOver goes on with the waits of a gate before this one, which a reload does not end: those that GitHub asked of this
// token, or of everybody.
func (g *Gate) TakeOver(before *Gate) {
	if pause := before.pause.Load(); pause != nil {
		if token, err := g.Client.TokenIdentity(); err == nil && token == pause.token {
			g.budget.adopt(pause.paused, pause.used)
			g.pause.Store(pause)
		}
	}
	g.outage.adopt(&before.outage)
}
