package githubapi

import (
	"strings"
	"time"
)

// Repository is what the exporter reads of a repository object.
// Any field but ID and FullName may be missing.
type Repository struct {
	ID            int64     `json:"id"`
	FullName      string    `json:"full_name"` // owner/name, spelt as GitHub spells it; "" in a run where it is none
	DefaultBranch string    `json:"default_branch"`
	Archived      bool      `json:"archived"`
	Disabled      bool      `json:"disabled"`
	Fork          bool      `json:"fork"`
	PushedAt      time.Time `json:"pushed_at"` // to any branch; zero where the server does not say
	// Public only where the server says so.
	Public bool `json:"-"`
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
	RunNumber    int64      `json:"run_number"` // counts the runs of the workflow, the same for all attempts
	CreatedAt    time.Time  `json:"created_at"`
	UpdatedAt    time.Time  `json:"updated_at"`
	RunStartedAt time.Time  `json:"run_started_at"`
	Actor        Account    `json:"actor"`
	Repository   Repository `json:"repository"` // in run objects a short form: id and full_name
	NodeID       string     `json:"node_id"`    // what GraphQL calls it, "" where the server does not tell
	// CheckSuiteNodeID is what GraphQL calls the check suite of the run, "" where the server does not tell.
	CheckSuiteNodeID string `json:"check_suite_node_id"`

	// ImpossibleTime: some time of the entry was before GitHub existed or after tomorrow. Such a time is zero here.
	ImpossibleTime bool `json:"-"`
	// Undecodable is set instead of the other fields (ID may still be known) when the entry could not be decoded.
	Undecodable bool `json:"-"`
	// Sum stands for the text of an Undecodable entry without a usable ID (missing, unreadable, 0 or negative), so that it is
	// recognised when it is read again; 0 otherwise. Entries of the same text have the same.
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
	ID           int64  `json:"id"`
	RunID        int64  `json:"run_id"`
	RunAttempt   int    `json:"run_attempt"` // 0 where the server does not send it
	Name         string `json:"name"`
	WorkflowName string `json:"workflow_name"`
	HeadBranch   string `json:"head_branch"`
	// HTMLURL is the job's page: "…/actions/runs/N/job/ID" (…/jobs/… until 2023). Of a check run that an action published
	// it is "…/runs/ID", as it was of all jobs on servers before 2022.
	HTMLURL         string    `json:"html_url"`
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
	NodeID          string    `json:"node_id"` // what GraphQL calls it, "" where the server does not tell

	// ImpossibleTime: some time of the job itself was before GitHub existed or after tomorrow. Such a time is zero here.
	ImpossibleTime bool `json:"-"`
	// Undecodable is set instead of the other fields (ID may still be known) when the entry could not be decoded.
	Undecodable bool `json:"-"`
	// Sum stands for the text of an Undecodable entry without a usable ID, as Run.Sum does.
	Sum uint64 `json:"-"`
}

// Completed tells whether the job is over. What it says may lag behind for some seconds, see Settled.
func (j Job) Completed() bool { return j.Status == StatusCompleted }

// Step is one step of a job. Numbers have gaps. Times may be sent with an offset and milliseconds; here they are in UTC.
type Step struct {
	Name        string    `json:"name"`
	Number      int       `json:"number"`
	Status      string    `json:"status"`
	Conclusion  string    `json:"conclusion"`
	StartedAt   time.Time `json:"started_at"`
	CompletedAt time.Time `json:"completed_at"`

	// ImpossibleTime: a time of the step was before GitHub existed or after tomorrow. Such a time is zero here.
	ImpossibleTime bool `json:"-"`
}
