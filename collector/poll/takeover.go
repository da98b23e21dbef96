package poll

import (
	"maps"
	"time"

	"github_workflow_exporter/githubapi"
)

// pause is for how long GitHub asked a token to wait, and until when it said that the token's primary limit is used up.
type pause struct {
	token        githubapi.Identity
	paused, used time.Time
}

func (p *Poller) paused() {
	if token, err := p.Client.TokenIdentity(); err == nil {
		paused, used := p.budget.pauses()
		p.pause.Store(&pause{token, paused, used})
	}
}

// takeOver takes over what a poller before this one knew, is not remembered durably and yet outlasts a reload: for how long
// GitHub asked this token or everybody to wait, and for how long the jobs of finished attempts have been waited for. What else
// was known in memory is learnt anew, under the new configuration.
func (p *Poller) takeOver(before *Poller) {
	if pause := before.pause.Load(); pause != nil {
		if token, err := p.Client.TokenIdentity(); err == nil && token == pause.token {
			p.budget.adopt(pause.paused, pause.used)
			p.pause.Store(pause)
		}
	}
	p.outage.adopt(&before.outage)
	p.discovery.before = before.known()
	p.finishing = map[int64]map[int64]finishing{}
	maps.Copy(p.finishing, before.finishing) // of repositories that it did not come to
	for _, r := range before.queue.all() {
		if !r.watched {
			continue
		}
		runs := map[int64]finishing{}
		for id, open := range r.runs {
			if len(open.finished) > 0 {
				runs[id] = open.finished
			}
		}
		p.finishing[r.id] = runs
	}
}

// known are the repositories that were watched, and those of which it could not be decided.
func (p *Poller) known() map[int64]bool {
	ids := map[int64]bool{}
	for _, r := range p.queue.all() {
		ids[r.id] = true
	}
	p.discovery.mu.Lock()
	defer p.discovery.mu.Unlock()
	for id := range p.discovery.absent {
		ids[id] = true
	}
	return ids
}
