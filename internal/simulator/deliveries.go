package simulator

import (
	"cmp"
	"slices"
	"time"
)

// Delivery is what a webhook sends of one event.
type Delivery struct {
	Event string // workflow_run or workflow_job
	At    time.Time
	Body  []byte
}

// Deliveries returns what webhooks of all repositories for runs and jobs send of what happened after from, up to to, in the
// order in which it happened. Bodies show the world as it was at that moment.
func (g *GitHub) Deliveries(from, to time.Time) []Delivery {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	g.advance(now)
	if to.After(now) {
		to = now
	}
	p := place{"https://github.invalid" + g.opts.BasePath, "https://github.invalid"}
	var out []Delivery
	g.happened(p, from, to, func(h happening) {
		o := newObject(nil)
		o.str("action", h.action)
		o.raw(h.event, h.body())
		o.raw("repository", wholeRepositoryJSON(p, h.repo))
		out = append(out, Delivery{h.event, h.at, o.end()})
	})
	slices.SortStableFunc(out, func(a, b Delivery) int { return cmp.Compare(a.At.UnixNano(), b.At.UnixNano()) })
	return out
}

// happening is what a hook tells of.
type happening struct {
	event, action string
	at            time.Time
	repo          *repository
	body          func() []byte
}

// happened calls tell for what happened after from, up to to, in no order. The lock is held.
func (g *GitHub) happened(p place, from, to time.Time, tell func(happening)) {
	within := func(t time.Time) bool { return t.After(from) && !t.After(to) }
	for _, r := range g.repos {
		for _, n := range r.runs {
			if n.unborn {
				continue
			}
			for i := range n.plan.Attempts {
				a := &n.plan.Attempts[i]
				if a.StartedAt.After(to) || !a.Open && a.EndedAt.Before(from) {
					continue
				}
				say := func(event, action string, at time.Time, body func() []byte) {
					if within(at) && n.visible(at) {
						tell(happening{event, action, at, r, body})
					}
				}
				run := func(action string, at time.Time) {
					say("workflow_run", action, at, func() []byte { return g.runJSON(nil, p, n, i+1, false, at) })
				}
				run("requested", a.StartedAt)
				if !a.Open {
					run("completed", a.EndedAt)
				}
				for k := range a.Jobs {
					j := &a.Jobs[k]
					if j.Copy || j.CheckRun {
						continue
					}
					job := func(action string, at time.Time) {
						say("workflow_job", action, at, func() []byte { return jobJSON(nil, p, n, j, j.ShownAttempt, j.Undecodable, at) })
					}
					job("queued", j.ListedAt)
					if j.hasRunner() && j.StartedAt.After(j.ListedAt) {
						job("in_progress", j.StartedAt)
					}
					if !j.Unfinished {
						job("completed", j.FinishedAt)
					}
				}
			}
		}
	}
}
