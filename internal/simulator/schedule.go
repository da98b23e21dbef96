package simulator

import (
	"strings"
	"time"
)

// A course is the laying out of one generated run in time. It is a pure function of the run's seed, its workflow, the
// rates and the disturbances; a disturbance moves only what has not begun when it is switched, so that a run may be
// laid out again at any time without changing its past.
type course struct {
	n            *run
	w            []jobOf
	rates        *Rates
	disturbances []disturbance
	maxQueue     time.Duration
	horizon      time.Time // stands for never
	oldServer    bool

	last []JobPlan // by position in w: the newest entry of each job, executed or carried over
}

// jobOf is one job of a workflow: a template, or one variant of it.
type jobOf struct {
	t     *JobTemplate
	name  string
	needs []int
}

func expand(w *WorkflowPlan) []jobOf {
	var jobs []jobOf
	positions := map[string][]int{}
	for i := range w.Jobs {
		t := &w.Jobs[i]
		var needs []int
		for _, need := range t.Needs {
			needs = append(needs, positions[need]...)
		}
		names := []string{t.Name}
		if len(t.Variants) > 0 {
			names = nil
			for _, v := range t.Variants {
				if v == "" { // variants without a say in the name: jobs of one name
					names = append(names, t.Name)
					continue
				}
				names = append(names, t.Name+" ("+v+")")
			}
		}
		for _, name := range names {
			positions[t.Name] = append(positions[t.Name], len(jobs))
			jobs = append(jobs, jobOf{t, name, needs})
		}
	}
	return jobs
}

const maxAttempts = 4

// lay lays a generated run out, anew after a disturbance.
func (g *GitHub) lay(n *run) {
	c := &course{
		n: n, w: expand(n.workflow), rates: n.repo.plan.Rates, disturbances: g.disturbances, maxQueue: g.opts.MaxQueue,
		horizon: g.opts.Start.Add(never), oldServer: n.repo.plan.OldServer,
	}
	c.last = make([]JobPlan, len(c.w))
	n.plan.Attempts = nil
	n.unborn = c.disturbedBy(quiet, n.plan.CreatedAt)
	n.plan.Name = n.plan.Workflow
	rnd := source(n.seed, 3)
	fate := rnd.Float64()
	start := n.plan.CreatedAt
	switch {
	case fate < c.rates.StartupFailure && !strings.HasPrefix(n.plan.Path, "dynamic/"): // GitHub writes those files itself
		c.startupFailure(start)
		return
	case n.plan.Event == "pull_request" && rnd.Float64() < c.rates.ActionRequired:
		a := AttemptPlan{StartedAt: start, Conclusion: "action_required"}
		completeAttempt(&a, 1)
		n.plan.Attempts = append(n.plan.Attempts, a)
		if rnd.IntN(4) == 0 {
			return // never approved
		}
		start = start.Add(c.scaled(rnd.Float64()*0.1) + 5*time.Second)
	}
	executed := c.everything()
	for {
		number := len(n.plan.Attempts) + 1
		if number > 1 && c.disturbedBy(quiet, start) {
			return
		}
		a := c.attempt(number, start, executed)
		n.plan.Attempts = append(n.plan.Attempts, a)
		if number == maxAttempts || a.Open || !a.EndedAt.Before(c.horizon) {
			return
		}
		var delay time.Duration
		if executed, delay = c.rerun(&a, number); executed == nil {
			return
		}
		start = c.recognisable(a.EndedAt.Add(delay), executed)
	}
}

func (c *course) startupFailure(start time.Time) {
	if c.n.pathNamed {
		c.n.plan.Name = c.n.plan.Path
	}
	a := AttemptPlan{StartedAt: start, EndedAt: start.Add(2 * time.Second), Conclusion: "startup_failure"}
	a.Blocked = source(c.n.seed, 11).IntN(4) == 0
	completeAttempt(&a, 1)
	c.n.plan.Attempts = append(c.n.plan.Attempts, a)
}

func (c *course) everything() []bool {
	all := make([]bool, len(c.w))
	for i := range all {
		all[i] = true
	}
	return all
}

// scaled is a share of the longest delay of re-runs.
func (c *course) scaled(share float64) time.Duration {
	return (time.Duration(share * float64(c.rates.RerunDelay))).Truncate(time.Second)
}

// rerun draws whether, how and how long after its end the attempt is run again: nil for not. The kinds are those of
// GitHub: all jobs, the failed ones, or one, the latter two with everything that needs them.
func (c *course) rerun(a *AttemptPlan, number int) ([]bool, time.Duration) {
	rnd := source(c.n.seed, 4, uint64(number))
	draw, kind, pace := rnd.Float64(), rnd.Float64(), rnd.Float64()
	within := rnd.Float64()
	one := rnd.IntN(len(c.w))

	rate := c.rates.RerunSuccess
	if a.Conclusion != "success" {
		rate = c.rates.Rerun
	}
	for i := range c.last {
		if c.last[i].Unfinished {
			return nil, 0
		}
	}
	if draw >= rate {
		return nil, 0
	}
	var delay time.Duration
	switch {
	case pace < 0.3:
		delay = time.Duration(within*3) * time.Second
	case pace < 0.6:
		delay = c.scaled(within*0.02) + 10*time.Second
	case pace < 0.85:
		delay = c.scaled(0.02+within*0.15) + 20*time.Second
	default:
		delay = c.scaled(0.4+within*0.6) + 30*time.Second
	}
	executed := make([]bool, len(c.w))
	chosen := false
	switch {
	case kind < 0.2:
		return c.everything(), delay
	case kind < 0.75:
		for i := range c.last {
			if w := c.last[i].Conclusion; w == "failure" || w == "cancelled" || w == "timed_out" {
				executed[i], chosen = true, true
			}
		}
	}
	if !chosen {
		executed[one] = true
	}
	for i, j := range c.w { // needs come first
		for _, need := range j.needs {
			executed[i] = executed[i] || executed[need]
		}
	}
	return executed, delay
}

// recognisable puts a re-run off where a copy would otherwise look like a job executed in it: one that just ended and
// has no completed_at to tell it by.
func (c *course) recognisable(start time.Time, executed []bool) time.Time {
	for i := range c.last {
		j := &c.last[i]
		if executed[i] || !j.NoCompletedAt && !j.Undecodable {
			continue
		}
		start = latest(start, j.StartedAt.Add(4*time.Second))
	}
	return start
}
