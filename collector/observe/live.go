package observe

import (
	"time"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/githubapi"
)

// The states in which a job is shown while it is not over.
const (
	queued     = "queued"
	inProgress = "in_progress"
	waiting    = githubapi.StatusWaiting
	pending    = githubapi.StatusPending
)

// LiveJob is a job that is not over, as it is shown.
type LiveJob struct {
	ID      int64
	Runs    bool // it waits no longer
	Samples []Sample
}

// Live shows the jobs of an attempt that are not over: 1 each for family.JobsNow, and for family.OldestJob the Unix
// time since which the job has been in its state. A job whose time is not known has no sample of the latter. Of a
// completed run there is nothing live, whatever its jobs say: some stay "queued" for ever.
func (o *Observer) Live(repo githubapi.Repository, a githubapi.Attempt, workflow string) []LiveJob {
	over := a.Run.Completed()
	if over && !a.Settling {
		return nil
	}
	var jobs []LiveJob
	var samples []Sample
	var slab []string
	run, siblings := o.forRun(repo, a, workflow), siblingsOf(a)
	for _, j := range a.Jobs {
		state, since := live(j)
		if state == "" || over && state != inProgress || siblings.checkRun(j) {
			continue
		}
		b := run.forJob(j)
		b.visible[statusSlot] = state
		before := len(samples)
		b.samples, b.slab = samples, slab
		b.add(family.JobsNow, 1)
		if !since.IsZero() {
			b.add(family.OldestJob, unixSeconds(since))
		}
		samples, slab = b.samples, b.slab
		jobs = append(jobs, LiveJob{ID: j.ID, Runs: state == inProgress, Samples: samples[before:len(samples):len(samples)]})
	}
	return jobs
}

// live returns the state in which a job is shown and since when it has been in it, "" if it is not shown.
func live(j githubapi.Job) (state string, since time.Time) {
	switch j.Status {
	case queued, "requested":
		state = queued
	case waiting, pending: // not for a runner
		state = j.Status
	case inProgress:
		return inProgress, j.StartedAt
	default:
		return "", time.Time{}
	}
	if j.CreatedAt.IsZero() {
		return state, j.StartedAt // the creation time as well, as long as a job waits
	}
	return state, j.CreatedAt
}
