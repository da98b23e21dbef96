package poll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github_workflow_exporter/collector/schedule"
	"github_workflow_exporter/githubapi"
)

// live reads the jobs of attempts that still run.
type live struct {
	*site
	runs    *openRuns
	jobs    *jobsReader
	names   *names
	records *records
}

// readLive reads the jobs of attempts that still run, from spare budget: the gauges of what goes on now come from it,
// and jobs that are over are recorded without waiting for the others. An unchanged page costs nothing. Where more runs are
// open than a visit may ask for, the rest has its turn at the next.
func (l *live) readLive(ctx context.Context) error {
	// Where some cannot be read, others show whether it is their trouble or the repository's.
	due := func(open *openRun) bool {
		return l.follows(open) && (len(l.runs.troubled) > 0 || !l.Now().Before(l.due(open))) && l.gate.Spare()
	}
	of := func(open *openRun) *turn { return &open.live }
	err := l.runs.eachOpen(ctx, of, due, func(open *openRun) error {
		err := l.readLiveJobs(ctx, open)
		if githubapi.Gone(err) { // the closing or the run's own endpoint will tell
			return nil
		}
		return err
	})
	if errors.Is(err, errVisitFull) {
		return nil
	}
	return err
}

// follows tells whether a run has an attempt that goes on and counts.
func (l *live) follows(open *openRun) bool {
	started := open.run.Started()
	return l.Options.Live && open.known() && !open.run.Completed() && open.next() == open.latest() &&
		!started.IsZero() && !started.Before(l.account.Since)
}

// due is when the jobs of a run that goes on are read again.
func (l *live) due(open *openRun) time.Time {
	last := open.live.last
	if last.IsZero() {
		return last
	}
	return last.Add(schedule.LiveGap(l.Interval, l.MaxInterval, last.Sub(open.appeared), open.unfinished, open.waiting))
}

func (l *live) readLiveJobs(ctx context.Context, open *openRun) error {
	attempt := githubapi.Attempt{Run: open.run, Number: open.latest(), Latest: open.latest(), Settling: true}
	pages, changed, own, err := l.jobs.readJobs(ctx, &attempt, open.pages)
	if err != nil {
		return fmt.Errorf("reading the jobs of the open attempt %d: %w", attempt.Number, err)
	}
	if !changed {
		l.Recorder.StillLive(l.id, open.run.ID)
		return nil
	}
	open.pages = nil
	if !own {
		return nil // a later attempt has begun: the run's own endpoint will tell
	}
	if len(attempt.Jobs) > 0 {
		if err := l.names.nameWorkflow(ctx, &attempt); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(attempt.Jobs, tells) {
		if err := l.records.record(ctx, &attempt, false); err != nil {
			return err
		}
	}
	l.Recorder.Live(l.Repo(), attempt)
	open.pages = pages // what the tags stand for is committed
	open.unfinished, open.waiting = 0, false
	for _, j := range attempt.Jobs {
		if !j.Completed() {
			open.unfinished++
			open.waiting = open.waiting || j.Status != "in_progress" // for a runner, or held back
		}
	}
	l.changed = l.Now()
	return nil
}

// tells tells whether a job of an open attempt has something to be recorded: that it is over, or that it is held back.
func tells(j githubapi.Job) bool { return j.Completed() || j.HeldBack() }
