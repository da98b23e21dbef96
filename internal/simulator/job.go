package simulator

import "time"

// job lays out one execution of a job: created when its needs are met, then waiting, queued, running, finished.
func (c *course) job(i int, start time.Time, d draws) JobPlan {
	t := c.w[i].t
	ready, met := start, true
	for _, need := range c.w[i].needs {
		ready = latest(ready, c.last[need].FinishedAt)
		met = met && c.last[need].Conclusion == "success"
	}
	j := JobPlan{
		Name: c.w[i].name, Labels: t.Labels, CreatedAt: ready.Add(time.Second), BlankRunner: d.blank,
		NoWorkflowName: c.oldServer, Undecodable: d.undecodable,
	}
	j.ListedAt = j.CreatedAt
	if d.skip || !met && !t.Always {
		return c.skipped(j, t, d)
	}
	released := j.CreatedAt
	if t.Hold[1] > 0 {
		released = released.Add(between(t.Hold, d.hold))
		j.PendingUntil = released
	}
	if t.Wait[1] > 0 {
		released = released.Add(between(t.Wait, d.wait))
		j.WaitingUntil = released
	}
	j.StartedAt = c.disturbedStart(released.Add(between(t.Queue, d.queue)), t, d)
	if gone := released.Add(c.maxQueue); j.StartedAt.After(gone) {
		j.Cause = ByNoRunner
		return c.neverRan(j, gone, d)
	}
	j.Runner = d.runner
	length := between(t.Seconds, d.length)
	if c.disturbedBy(slowDay, j.StartedAt) {
		length = length*4 + 10*time.Second
	}
	j.CompletedAt = j.StartedAt.Add(length)
	j.FinishedAt = j.CompletedAt
	if d.skewedQueue && d.queue < 0.5 && t.Wait[1] == 0 {
		j.CreatedAt = j.StartedAt.Add(time.Second) // small negative queue times occur
		j.ListedAt = j.StartedAt
	}
	j.NoCreatedAt = d.noCreated || c.oldServer
	j.Conclusion = "success"
	if d.fail || c.disturbedBy(failingWorkflow, j.StartedAt) && c.failing(i) {
		j.Conclusion = "failure"
	}
	if j.Conclusion == "success" && d.word < c.rates.OddConclusion {
		j.Conclusion = []string{"neutral", "timed_out", "action_required"}[d.oddKind]
	} else if d.word > 1-c.rates.UnknownWord {
		j.Conclusion = "evaporated"
	}
	j.StepTimes = c.stepTimes(d)
	j.PendingSteps = d.cut < c.rates.PendingStep
	if !d.bare {
		j.Steps = c.stepsOf(&j, t, d)
	}
	if j.Conclusion == "failure" {
		c.suffer(&j, d.cause)
	}
	return j
}

// failing tells whether a job is the one that breaks in a failing workflow: the first.
func (c *course) failing(i int) bool {
	return i == 0 && c.n.repo.failing(c.n.workflow)
}

func (c *course) skipped(j JobPlan, t *JobTemplate, d draws) JobPlan {
	if t.SkippedName != "" {
		j.Name = t.SkippedName
	}
	if d.oddKind == 0 {
		j.Labels = nil
	}
	j.Conclusion = "skipped"
	j.StartedAt, j.CompletedAt, j.FinishedAt = j.CreatedAt, j.CreatedAt, j.CreatedAt
	c.oddTimes(&j, d)
	return j
}

// oddTimes gives a job that never ran one of the meaningless pairs of times that GitHub has been seen to send.
func (c *course) oddTimes(j *JobPlan, d draws) {
	if !d.odd {
		return
	}
	switch d.oddKind {
	case 0:
		j.CompletedAt = j.StartedAt.Add(-time.Duration(3+d.cut*1_906_000) * time.Second)
	case 1:
		j.NoCompletedAt = true
	case 2:
		j.CompletedAt = j.StartedAt.Add(-time.Duration(1+d.cut*20) * time.Second)
	}
}

// neverRan is a job cancelled in the queue.
func (c *course) neverRan(j JobPlan, at time.Time, d draws) JobPlan {
	j.Runner, j.Steps = Runner{}, nil
	j.Conclusion = "cancelled"
	j.StartedAt, j.CompletedAt, j.FinishedAt = at, at, at
	if j.CreatedAt.After(at) {
		j.CreatedAt = at
	}
	if j.WaitingUntil.After(at) {
		j.WaitingUntil = at
	}
	if j.PendingUntil.After(at) {
		j.PendingUntil = at
	}
	c.oddTimes(&j, d)
	return j
}

// cancel ends a job when its run is cancelled: in the middle, in the queue, or before it was created.
func (c *course) cancel(j *JobPlan, at time.Time, d draws, by Cause) {
	if !j.FinishedAt.After(at) {
		return
	}
	j.Cause = by
	switch {
	case !j.ListedAt.Before(at):
		j.CreatedAt, j.ListedAt = at, at
		*j = c.neverRan(*j, at, d)
		j.PendingUntil, j.WaitingUntil = time.Time{}, time.Time{}
	case !j.hasRunner() || !j.StartedAt.Before(at):
		*j = c.neverRan(*j, at, d)
	default:
		j.CompletedAt, j.FinishedAt = at.Add(time.Second), at.Add(time.Second)
		j.Conclusion = "cancelled"
		cutSteps(j)
	}
}

// stuck is a job that the list shows as queued for ever.
func (c *course) stuck(j JobPlan) JobPlan {
	j.Runner, j.Steps, j.Unfinished, j.Undecodable = Runner{}, nil, true, false
	j.Conclusion = "cancelled" // what its dependants make of it
	j.StartedAt, j.CompletedAt, j.FinishedAt = j.CreatedAt, j.CreatedAt, j.CreatedAt
	j.NoCompletedAt = false
	return j
}

// checkRuns are what the job's actions publish; the list shows them as jobs.
func (c *course) checkRuns(j *JobPlan, d *draws, start time.Time) []JobPlan {
	if !j.hasRunner() || j.Unfinished {
		return nil
	}
	at := latest(start, j.CompletedAt.Add(-time.Second))
	var out []JobPlan
	for k := range d.checks {
		out = append(out, JobPlan{
			Name: []string{"Test Results", "golangci", "Coverage report"}[k%3], CreatedAt: at, StartedAt: at, CompletedAt: at,
			ListedAt: at, FinishedAt: at, CheckRun: true, Conclusion: []string{"success", "failure", "neutral"}[(k+d.oddKind)%3],
			NoWorkflowName: c.oldServer, NoCreatedAt: c.oldServer, BlankRunner: d.blank,
		})
	}
	return out
}
