package simulator

import (
	"time"
)

// A disturbance changes what happens in the world while it lasts, unlike a fault, which changes how it is shown.
type disturbance struct {
	kind     disturbanceKind
	from, to time.Time // to is zero while it lasts
}

type disturbanceKind int

const (
	failingWorkflow disturbanceKind = iota // the first job of the first workflow of every repository fails
	stoppedRunners                         // no job gets a self-hosted runner: the queue builds up
	slowDay                                // jobs take four times as long
	quiet                                  // no run is created and no attempt started
)

func (d disturbance) covers(t time.Time) bool {
	return !t.Before(d.from) && (d.to.IsZero() || t.Before(d.to))
}

// FailingWorkflow lets the first workflow of every repository fail from now on, or ends it.
func (g *GitHub) FailingWorkflow(on bool) { g.disturb(failingWorkflow, on) }

// StoppedRunners keeps generated jobs from starting on anything but hosted runners, from now on, or ends it.
func (g *GitHub) StoppedRunners(on bool) { g.disturb(stoppedRunners, on) }

// SlowDay lets generated jobs take four times as long, from now on, or ends it.
func (g *GitHub) SlowDay(on bool) { g.disturb(slowDay, on) }

// HoldNew keeps generated runs from being created and run again, from now on, or ends it. What runs goes on to its end.
func (g *GitHub) HoldNew(on bool) { g.disturb(quiet, on) }

func (g *GitHub) disturb(kind disturbanceKind, on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := whole(g.now()).Add(time.Second) // what has begun by now stays
	g.advance(t)
	if g.disturbed(kind) == on {
		return
	}
	if on {
		g.disturbances = append(g.disturbances, disturbance{kind: kind, from: t})
	} else {
		for i := range g.disturbances {
			if d := &g.disturbances[i]; d.kind == kind && d.to.IsZero() {
				d.to = t
			}
		}
	}
	for _, r := range g.repos {
		for _, n := range r.runs {
			if n.workflow != nil && n.end().After(t) {
				g.lay(n)
				n.version++
			}
		}
	}
}

// plan puts a stretch into the world before anything happens in it.
func (g *GitHub) plan(s Stretch) {
	from := g.opts.Start.Add(s.After)
	for kind, on := range map[disturbanceKind]bool{slowDay: s.SlowDay, stoppedRunners: s.StoppedRunners} {
		if on {
			g.disturbances = append(g.disturbances, disturbance{kind: kind, from: from, to: from.Add(s.Length)})
		}
	}
}

// disturbed tells whether a disturbance is on. The lock is held.
func (g *GitHub) disturbed(kind disturbanceKind) bool {
	for _, d := range g.disturbances {
		if d.kind == kind && d.to.IsZero() {
			return true
		}
	}
	return false
}

func (c *course) disturbedBy(kind disturbanceKind, t time.Time) bool {
	for _, d := range c.disturbances {
		if d.kind == kind && d.covers(t) {
			return true
		}
	}
	return false
}

// disturbedStart is when a job gets its runner that would have got it at t.
func (c *course) disturbedStart(t time.Time, template *JobTemplate, d draws) time.Time {
	if template.Runner == Hosted {
		return t
	}
	for _, s := range c.disturbances { // ascending, so that one after the other is waited for
		if s.kind != stoppedRunners || !s.covers(t) {
			continue
		}
		if s.to.IsZero() {
			return c.horizon
		}
		t = s.to.Add(time.Duration(1+d.queue*30) * time.Second)
	}
	return t
}

// failing returns the workflow that breaks while FailingWorkflow is on.
func (r *repository) failing(w *WorkflowPlan) bool { return w.ID == r.workflows[0].ID }
