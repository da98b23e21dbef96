package githubapi

import (
	"strings"
	"time"
)

// Repository is what the exporter reads of a repository object.
// Any field but ID and FullName may be missing.
type Repository struct {
	ID            int64  `json:"id"`
	FullName      string `json:"full_name"` // owner/name, spelt as GitHub spells it
	DefaultBranch string `json:"default_branch"`
	Archived      bool   `json:"archived"`
	Disabled      bool   `json:"disabled"`
	Fork          bool   `json:"fork"`
}

// Account is the little that is read of a user object.
type Account struct {
	Login string `json:"login"`
}

// Run is a workflow run as it stands at its latest attempt, or, when read from an attempt's own endpoint, as it stood
// at that attempt. Every field may be missing (zero).
//
// CreatedAt differs between the run and its attempts; the attempt's beginning is RunStartedAt (github-api: "the run and
// its attempt disagree on created_at"). UpdatedAt is not the end of the run.
type Run struct {
	ID           int64      `json:"id"`
	Name         string     `json:"name"`
	Path         string     `json:"path"`
	HeadBranch   string     `json:"head_branch"`
	Event        string     `json:"event"`
	Status       string     `json:"status"`
	Conclusion   string     `json:"conclusion"`
	WorkflowID   int64      `json:"workflow_id"`
	RunAttempt   int        `json:"run_attempt"`
	CreatedAt    time.Time  `json:"created_at"`
	UpdatedAt    time.Time  `json:"updated_at"`
	RunStartedAt time.Time  `json:"run_started_at"`
	Actor        Account    `json:"actor"`
	Repository   Repository `json:"repository"` // in run objects a short form: id and full_name

	// Undecodable is set instead of the other fields (ID may still be known) when the entry could not be decoded.
	Undecodable bool `json:"-"`
	// Sum is of the text of an entry without an id that can be read, to tell it from others; 0 where the id is known.
	Sum uint64 `json:"-"`
}

// Number is the run's attempt number, 1 where the server does not tell.
func (r Run) Number() int { return max(r.RunAttempt, 1) }

// Started is when the attempt started: run_started_at, or, where the server does not send that, created_at of a first
// attempt. Of a re-run it is zero then, for that run's created_at is its first attempt's: only the attempt's own endpoint
// can tell.
func (r Run) Started() time.Time {
	if r.RunStartedAt.IsZero() && r.Number() == 1 {
		return r.CreatedAt
	}
	return r.RunStartedAt
}

// NotBefore is when the attempt started, or where that is not known a time it did not start before: the run's creation.
func (r Run) NotBefore() time.Time {
	if t := r.Started(); !t.IsZero() {
		return t
	}
	return r.CreatedAt
}

// WorkflowPath is the path of the workflow's file within its repository, as ".github/workflows/ci.yml". GitHub's
// descriptions give runs' paths also with a repository in front and a ref behind ("octocat/octo-repo/.github/workflows/ci.yml@main").
func (r Run) WorkflowPath() string {
	path, _, _ := strings.Cut(r.Path, "@")
	if i := strings.Index(path, "/.github/"); i >= 0 {
		path = path[i+1:]
	}
	return path
}

// Completed tells whether the attempt is over.
func (r Run) Completed() bool { return r.Status == StatusCompleted }

// StatusCompleted is the one status of a run, job or step that is final; all others, and unknown ones, are not.
const StatusCompleted = "completed"

// Job is one job of a run attempt. Every field may be missing (zero); StartedAt equals CreatedAt while the job waits.
// Times have whole seconds.
type Job struct {
	ID              int64     `json:"id"`
	RunID           int64     `json:"run_id"`
	RunAttempt      int       `json:"run_attempt"` // 0 where the server does not send it
	Name            string    `json:"name"`
	WorkflowName    string    `json:"workflow_name"`
	HeadBranch      string    `json:"head_branch"`
	Status          string    `json:"status"`
	Conclusion      string    `json:"conclusion"`
	CreatedAt       time.Time `json:"created_at"` // zero before GHES 3.9
	StartedAt       time.Time `json:"started_at"`
	CompletedAt     time.Time `json:"completed_at"`
	Labels          []string  `json:"labels"`
	RunnerID        int64     `json:"runner_id"`
	RunnerName      string    `json:"runner_name"`
	RunnerGroupName string    `json:"runner_group_name"`
	Steps           []Step    `json:"steps"`

	// Undecodable is set instead of the other fields (ID may still be known) when the entry could not be decoded.
	Undecodable bool `json:"-"`
	// Sum is of the text of an entry without an id that can be read, to tell it from others; 0 where the id is known.
	Sum uint64 `json:"-"`
}

// Completed tells whether the job is over. What it says may lag behind for some seconds, see Settled.
func (j Job) Completed() bool { return j.Status == StatusCompleted }

// Settled tells whether a completed job says all there is to say: its conclusion, that of each step, and its times and
// steps at all if a runner worked on it. GitHub shows jobs as completed some seconds before that (cases of conclusion null, and of steps
// that are still in_progress); where a runner died, or the steps were dropped, it never comes to it.
func (j Job) Settled() bool {
	if j.Conclusion == "" || j.HasRunner() && (len(j.Steps) == 0 || j.StartedAt.IsZero() || j.CompletedAt.IsZero()) {
		return false
	}
	for _, s := range j.Steps {
		if s.Conclusion == "" {
			return false
		}
	}
	return true
}

// HasRunner tells whether a runner took the job: null, 0 and "" all mean none.
func (j Job) HasRunner() bool { return j.RunnerID != 0 || j.RunnerName != "" }

// Step is one step of a job. Numbers have gaps; times may carry an offset and milliseconds.
type Step struct {
	Name        string    `json:"name"`
	Number      int       `json:"number"`
	Status      string    `json:"status"`
	Conclusion  string    `json:"conclusion"`
	StartedAt   time.Time `json:"started_at"`
	CompletedAt time.Time `json:"completed_at"`
}

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
	// TotalCount is how many jobs GitHub says there are.
	TotalCount int
	// Settling: what is listed may still change, so jobs that are not settled have to wait.
	Settling bool
	// Workflow is what the workflow's own endpoint calls it; "" where it was not asked, as its jobs tell or it is remembered.
	Workflow string
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

// Settled tells whether the attempt says all there is to say: its own conclusion and everything of its jobs.
func (a Attempt) Settled() bool {
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
