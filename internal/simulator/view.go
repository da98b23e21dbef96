package simulator

import "time"

// The states of runs, jobs and steps.
const (
	queued     = "queued"
	inProgress = "in_progress"
	waiting    = "waiting"
	pending    = "pending"
	completed  = "completed"
)

func (j *JobPlan) listed(t time.Time) bool { return !j.ListedAt.After(t) }

func (j *JobPlan) finished(t time.Time) bool { return !j.Unfinished && !j.FinishedAt.After(t) }

func (j *JobPlan) hasRunner() bool { return j.Runner.ID != 0 || j.Runner.Name != "" }

// status of a listed job.
func (j *JobPlan) status(t time.Time) string {
	switch {
	case j.finished(t):
		return completed
	case t.Before(j.PendingUntil):
		return pending
	case t.Before(j.WaitingUntil):
		return waiting
	case j.hasRunner() && !t.Before(j.StartedAt):
		return inProgress
	}
	return queued
}

// stepStatus is the state of a step of a job that is still running.
func (s *StepPlan) stepStatus(t time.Time) string {
	switch {
	case s.StartedAt.IsZero() || t.Before(s.StartedAt):
		return queued
	case !s.Unfinished && !t.Before(s.CompletedAt):
		return completed
	}
	return inProgress
}

func (a *AttemptPlan) finished(t time.Time) bool { return !a.Open && !a.EndedAt.After(t) }

// status of an attempt that has started.
func (a *AttemptPlan) status(t time.Time) string {
	if a.finished(t) {
		return completed
	}
	state := queued
	for i := range a.Jobs {
		j := &a.Jobs[i]
		if !j.listed(t) || j.CheckRun {
			continue
		}
		switch j.status(t) {
		case inProgress:
			return inProgress
		case completed:
			if !j.Copy {
				return inProgress
			}
		case waiting, pending:
			state = j.status(t)
		}
	}
	return state
}

func (a *AttemptPlan) listedJobs(t time.Time) []*JobPlan {
	var out []*JobPlan
	for i := range a.Jobs {
		if a.Jobs[i].listed(t) {
			out = append(out, &a.Jobs[i])
		}
	}
	return out
}

// attemptAt is the number of the attempt that the run shows at t; at least 1.
func (n *run) attemptAt(t time.Time) int {
	number := 1
	for i := range n.plan.Attempts {
		if !n.plan.Attempts[i].StartedAt.After(t) {
			number = i + 1
		}
	}
	return number
}

// open tells whether an attempt of the run is not completed at t.
func (n *run) open(t time.Time) bool {
	return n.visible(t) && !n.plan.Attempts[n.attemptAt(t)-1].finished(t)
}

// end is when the last attempt planned is over.
func (n *run) end() time.Time {
	last := &n.plan.Attempts[len(n.plan.Attempts)-1]
	if last.Open {
		return last.StartedAt.Add(never)
	}
	return last.EndedAt
}
