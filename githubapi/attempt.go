package githubapi

import "time"

// Attempt is one attempt of a run with the jobs read of it.
type Attempt struct {
	// Run as it stood for this attempt: its own run_started_at, status and conclusion. Of an attempt that a later one
	// superseded these come from the attempt's own endpoint, never from a list.
	Run Run
	// Number of the attempt, 1 and up.
	Number int
	// Latest is the highest attempt number known of the run.
	Latest int
	// Jobs read so far, unique by ID, as listed under this attempt number.
	Jobs []Job
	// TotalCount is how many jobs GitHub says there are, 0 to MaxJobsCount.
	TotalCount int
	// Settling: what is listed may still change, so jobs that are not settled have to wait.
	Settling bool
	// Workflow is what the workflow's own endpoint calls it; "" where it was not asked, as its jobs tell or it is remembered.
	Workflow string
	// Annotations say why jobs failed, by the job's id; RunAnnotations why the run did not start. Empty where nobody asked, or
	// where they could not be had.
	Annotations    map[int64][]Annotation
	RunAnnotations []Annotation
}

// Started is when this attempt started.
func (a Attempt) Started() time.Time { return a.Run.Started() }

// Began is the time by which the attempt is held against a moment such as since: its start, or where no answer tells that
// the run's creation, the earliest time of its jobs, or the run's last update. It is zero where nothing is known.
func (a Attempt) Began() time.Time {
	if t := a.Run.NotBefore(); !t.IsZero() {
		return t
	}
	var first time.Time
	for _, j := range a.Jobs {
		for _, t := range [...]time.Time{j.CreatedAt, j.StartedAt} {
			if !t.IsZero() && (first.IsZero() || t.Before(first)) {
				first = t
			}
		}
	}
	if first.IsZero() {
		return a.Run.UpdatedAt
	}
	return first
}

// Stirred is when the attempt last changed as far as its answers tell: the run's last update or the last end of a job.
// Zero where nothing is known.
func (a Attempt) Stirred() time.Time {
	t := a.Run.UpdatedAt
	for _, j := range a.Jobs {
		if j.CompletedAt.After(t) {
			t = j.CompletedAt
		}
	}
	return t
}

// Contradicts tells whether the run's conclusion is not what its jobs make one expect: success although a job failed, as
// with continue-on-error, or failure although none did. GitHub also shows both for moments while a run ends.
func (a Attempt) Contradicts() bool {
	if len(a.Jobs) == 0 {
		return false
	}
	failed := false
	for _, j := range a.Jobs {
		switch j.Conclusion {
		case "failure", "timed_out", "cancelled", "startup_failure":
			failed = true
		}
	}
	switch a.Run.Conclusion {
	case "success", "skipped", "neutral":
		return failed
	case "failure":
		return !failed
	}
	return false
}

// Settled tells whether the attempt says all there is to say: its own conclusion and everything of its jobs. Without any job
// nothing succeeds and nothing takes too long: then they are not listed yet. Whatever else ends may end before it has one.
func (a Attempt) Settled() bool {
	if len(a.Jobs) == 0 && (a.Run.Conclusion == "success" || a.Run.Conclusion == "timed_out") {
		return false
	}
	for _, j := range a.Jobs {
		if !j.Settled() {
			return false
		}
	}
	return a.Run.Conclusion != ""
}

// NamesWorkflow tells whether its jobs tell what the workflow is called.
func (a Attempt) NamesWorkflow() bool {
	for _, j := range a.Jobs {
		if j.WorkflowName != "" {
			return true
		}
	}
	return false
}

// Whole tells whether every job of the attempt was read, could be decoded and is final.
func (a Attempt) Whole() bool {
	if len(a.Jobs) != a.TotalCount {
		return false
	}
	for _, j := range a.Jobs {
		if !j.Completed() {
			return false
		}
	}
	return true
}
