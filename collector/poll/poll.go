// Package poll visits one repository: it asks GitHub for what is new there and hands what it reads to a Recorder. Reading
// may repeat: the recorder counts once. Who is visited next is decided elsewhere.
//
// A visit of a repository goes through the same stages each time: the front of the unfiltered runs list (list.go), the
// open runs that list does not show, by id (follow.go), the jobs of what finished (close.go) or still runs (live.go),
// and, from spare budget, a deeper page of the list in search of re-runs of old runs (sweep.go).
package poll

import (
	"context"
	"maps"
	"time"

	"github.com/go-kit/log"

	"github_workflow_exporter/collector/schedule"
	"github_workflow_exporter/githubapi"
)

// Recorder commits what was read. Every method is safe for concurrent use and idempotent.
type Recorder interface {
	// Record commits, in one transaction, the jobs of the attempt that are final and not yet recorded. With closing set
	// the attempt is closed in the same transaction: its run sample counts and what is not final is discarded. The run
	// stays open while closing is false or attempt.Latest is a later attempt.
	Record(ctx context.Context, repo githubapi.Repository, attempt githubapi.Attempt, closing bool) error
	// Discard closes one attempt of a run without counting it; reason "" when it is not even a discard (older than since).
	Discard(ctx context.Context, repo githubapi.Repository, run githubapi.Run, attempt, latest int, reason string) error
	// Unexplained lists the jobs of an attempt, by id, that Record would count as failed and has not yet.
	Unexplained(repo githubapi.Repository, attempt githubapi.Attempt) ([]int64, error)
	// Live replaces what is known of the unfinished jobs of an open attempt.
	Live(repo githubapi.Repository, attempt githubapi.Attempt)
	// StillLive says that the unfinished jobs of a run are as they were: without that they are not shown for long.
	StillLive(repo, run int64)
	// Forget drops the live jobs of a run, or of all runs of the repository where run is 0.
	Forget(repo, run int64)
}

// Progress is the durable memory of how far reading has come.
type Progress interface {
	// Watch opens the account of a repository, born with since, or renames it, and returns what is remembered.
	Watch(ctx context.Context, repo githubapi.Repository, since time.Time) (Account, error)
	// MoveSince moves a since that lies ahead of the clocks back, and with it how far the list has been seen.
	MoveSince(ctx context.Context, repo int64, since time.Time) (Account, error)
	// Open remembers runs to be followed until they close, and that the list has been seen down to through (zero: leave).
	Open(ctx context.Context, repo int64, runs []githubapi.Run, through time.Time) error
	// Attempts returns the closed attempts of a run, ascending.
	Attempts(repo, run int64) ([]int, error)
	// OpenRuns returns the ids of the runs to be followed.
	OpenRuns(repo int64) ([]int64, error)
	// WorkflowName is what a workflow of the repository was called last, "" where nothing has told.
	WorkflowName(repo, workflow int64) string
	// Swept ends the first sweep: series born from now on are not baseline.
	Swept(ctx context.Context, repo int64) error
	// Prune forgets the runs whose newest attempt started before the given time.
	Prune(ctx context.Context, repo int64, before time.Time) error
}

// Account is what is remembered of a repository.
type Account struct {
	Since   time.Time // attempts started before it do not count
	Through time.Time // runs created before it have been seen in the list
	Pruned  time.Time // runs whose newest attempt started before it have been forgotten
	Swept   bool      // the first sweep is over
}

// Reasons for which an attempt is discarded as a whole.
const (
	reasonTooOld       = "too_old"
	reasonRunDeleted   = "run_deleted"
	reasonRunAbandoned = "run_abandoned"
	reasonUndecodable  = "undecodable"
	reasonUndated      = "missing_time"
)

// Figures are told how visits go.
type Figures interface {
	// Succeeded notes a complete visit of a repository.
	Succeeded(repository string, now time.Time)
	// Failed counts a failure of a repository.
	Failed(repository, reason string)
	// Forget drops the figures of a repository that is not called so any more.
	Forget(repository string)
}

// Hints are what others say of where there may be news, and are told what reading finds.
type Hints interface {
	// Looked takes in that a repository's list was read, begun at a time by GitHub's clock, and when the latest of what it
	// showed to be over ended, of first attempts and of re-runs; zero where nothing new was. It tells whether it is worth
	// looking again soon.
	Looked(repo int64, began, first, rerun, now time.Time) (again bool)
	// Hinted tells how much of what happens in a repository is told.
	Hinted(repo int64) schedule.Told
}

// nobody tells nothing.
type nobody struct{}

func (nobody) Looked(int64, time.Time, time.Time, time.Time, time.Time) bool { return false }
func (nobody) Hinted(int64) schedule.Told                                    { return schedule.ToldNothing }

// Options configure a Visitor. All durations are positive.
type Options struct {
	Recorder Recorder
	Progress Progress
	Workflow func(path string) bool // nil: all; an excluded run costs no jobs page
	Hints    Hints                  // nil: nobody tells anything
	// Listed is told of every run that a list shows, but for those left out; nil: nobody is.
	Listed func(repo int64, run githubapi.Run)
	Moved  func() // called when a repository's name belongs to another one

	Interval    time.Duration
	MaxInterval time.Duration
	// HintedInterval is between looks at a repository of which others tell.
	HintedInterval time.Duration
	Lookback       time.Duration
	MaxRunAge      time.Duration
	RerunWindow    time.Duration
	Live           bool
	Annotations    Annotations

	Figures Figures
	Logger  log.Logger
	Now     func() time.Time // local clock
}

// Visitor visits repositories, several of them at a time.
type Visitor struct {
	Options
	rest schedule.Backoff // after a recording that failed: no reading that could not be recorded

	finishing map[int64]map[int64]finishing // what a visitor before this one waited for, by repository and run
}

// NewVisitor makes a visitor; nothing is asked before Visit.
func NewVisitor(o Options) *Visitor {
	if o.Workflow == nil {
		o.Workflow = func(string) bool { return true }
	}
	if o.Hints == nil {
		o.Hints = nobody{}
	}
	if o.Listed == nil {
		o.Listed = func(int64, githubapi.Run) {}
	}
	return &Visitor{Options: o, rest: schedule.Backoff{First: 5 * time.Second, Most: time.Minute}}
}

// TakeOver takes over from a visitor whose visits have ended for how long the jobs of finished attempts have been waited
// for, which is not remembered durably and yet outlasts a reload. What else it knew is learnt anew, under the new
// configuration.
func (v *Visitor) TakeOver(before *Visitor, visited []*Repository) {
	taken := map[int64]map[int64]finishing{}
	maps.Copy(taken, before.finishing) // of repositories that it did not come to
	for _, r := range visited {
		if !r.watched {
			continue
		}
		runs := map[int64]finishing{}
		for id, open := range r.runs.open {
			if len(open.finished) > 0 {
				runs[id] = open.finished
			}
		}
		taken[r.id] = runs
	}
	v.finishing = taken
}
