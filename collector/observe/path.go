package observe

import (
	"slices"
	"time"

	"github_workflow_exporter/githubapi"
)

// What the time of a critical path went into; values of the label phase.
const (
	PhaseRun   = "run"   // the job ran
	PhaseQueue = "queue" // from its creation to its start: runners, approvals and concurrency groups
	PhaseGap   = "gap"   // before its creation: from the end of the job before it, or from the attempt's start
)

// Stretch is a part of an attempt's critical path.
type Stretch struct {
	Job   githubapi.Job
	Phase string
	Time  time.Duration // above 0
}

// criticalPath goes back from the job that ended last to the attempt's start, from each job to the one whose end its creation
// waited for. It is found by times alone, since GitHub does not tell which job needs which. What overlaps is counted once,
// so that the stretches come to the time from start to end exactly, the last one first.
//
// Jobs are those that the attempt executed and that ran; without an end they are left out.
func criticalPath(start, end time.Time, jobs []githubapi.Job) []Stretch {
	var path []Stretch
	left := slices.DeleteFunc(slices.Clone(jobs), func(j githubapi.Job) bool { return j.CompletedAt.IsZero() })
	cursor := end
	book := func(j githubapi.Job, phase string, from time.Time) {
		if from.Before(start) {
			from = start
		}
		if from.Before(cursor) {
			path = append(path, Stretch{j, phase, cursor.Sub(from)})
			cursor = from
		}
	}
	for at := lastBefore(left, end); at >= 0; {
		j := left[at]
		left = slices.Delete(left, at, at+1)
		created, started := waitOf(j)
		book(j, PhaseRun, started)
		book(j, PhaseQueue, created)
		at = lastBefore(left, created.Add(Slack))
		from := start
		if at >= 0 {
			from = left[at].CompletedAt
		}
		book(j, PhaseGap, from)
	}
	return path
}

// waitOf are the times between which a job waited. What is missing is put where no time is made up.
func waitOf(j githubapi.Job) (created, started time.Time) {
	created, started = j.CreatedAt, j.StartedAt
	if started.IsZero() {
		started = created
	}
	if started.IsZero() {
		started = j.CompletedAt
	}
	if created.IsZero() {
		created = started
	}
	return created, started
}

// lastBefore finds the job that ended last, not after a time; of several the one that ran longest, then that of the lowest
// id. It is -1 where there is none.
func lastBefore(jobs []githubapi.Job, limit time.Time) int {
	best := -1
	for i, j := range jobs {
		if j.CompletedAt.After(limit) {
			continue
		}
		if best < 0 || endsLater(j, jobs[best]) {
			best = i
		}
	}
	return best
}

func endsLater(a, b githubapi.Job) bool {
	if !a.CompletedAt.Equal(b.CompletedAt) {
		return a.CompletedAt.After(b.CompletedAt)
	}
	_, from := waitOf(a)
	_, other := waitOf(b)
	if !from.Equal(other) {
		return from.Before(other)
	}
	return a.ID < b.ID
}
