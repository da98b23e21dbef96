package poll

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/githubapi"
)

// ending gives runs up.
type ending struct {
	*site
	runs    *openRuns
	jobs    *jobsReader
	names   *names
	records *records
}

// undecodable gives a run up after its answer could not be decoded for some time.
func (e *ending) undecodable(ctx context.Context, open *openRun, err error) error {
	now := e.Now()
	if open.broken.IsZero() {
		open.broken = now
	}
	if now.Sub(open.broken) < brokenFor {
		return err
	}
	return e.giveUp(ctx, open, reasonUndecodable)
}

// outlived gives up a run that has been open for longer than MaxRunAge: GitHub knows runs that never end. One that ended
// is closed as soon as it can be read, however long ago it began; it and one of which nothing could be read are given up
// when that has not succeeded for as long.
func (e *ending) outlived(ctx context.Context, open *openRun) (bool, error) {
	now := e.Now()
	old := before(open.run.NotBefore(), e.today(e.gate.Client.ServerTime()).Add(-e.MaxRunAge))
	switch {
	case !open.known():
		old = now.Sub(open.opened) >= e.MaxRunAge
	case open.run.Completed():
		old = open.finishedFor(open.next(), now) >= e.MaxRunAge
	}
	if !old {
		return false, nil
	}
	if open.looked.IsZero() {
		level.Info(e.Logger).Log("msg", "run has been open for too long and is given up", "repository", e.name, "run_id", open.run.ID, "max_run_age", e.MaxRunAge)
	}
	return true, e.giveUp(ctx, open, reasonRunAbandoned)
}

// giveUp ends the following of a run that may still have jobs to be counted.
func (e *ending) giveUp(ctx context.Context, open *openRun, reason string) error {
	if err := e.lastLook(ctx, open); err != nil {
		return err
	}
	return e.drop(ctx, open, reason)
}

// lastLook reads the jobs of a run's attempts once more before the run is given up, and records those that are over: whether
// they were read while it ran is a matter of budget and settings, and must not change what is counted. What cannot be read
// is tried again for an hour.
func (e *ending) lastLook(ctx context.Context, open *openRun) error {
	now := e.Now()
	if open.looked.IsZero() {
		open.looked = now
	}
	for n := open.next(); n <= max(open.latest(), open.next()); n++ {
		if slices.Contains(open.closed, n) {
			continue
		}
		err := e.lookAt(ctx, open, n)
		if githubapi.Gone(err) || err != nil && confined(err) && now.Sub(open.looked) >= brokenFor {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading the jobs of attempt %d for the last time: %w", n, err)
		}
	}
	return nil
}

func (e *ending) lookAt(ctx context.Context, open *openRun, n int) error {
	attempt := &githubapi.Attempt{Run: open.run, Number: n, Latest: open.latest()}
	if n < open.latest() {
		err := e.askFor(ctx, func() (err error) {
			attempt.Run, err = e.gate.Client.RunAttempt(ctx, e.Repo().FullName, open.run.ID, n)
			return err
		})
		if err != nil {
			return err
		}
		attempt.Run.ID, attempt.Run.RunAttempt = open.run.ID, n
	}
	if _, _, err := e.jobs.readOver(ctx, open, attempt, true); err != nil {
		return err
	}
	if began := attempt.Began(); began.IsZero() || began.Before(e.account.Pruned) || began.Before(e.horizon()) || len(attempt.Jobs) == 0 {
		return nil
	}
	if err := e.names.nameWorkflow(ctx, attempt); err != nil {
		return err
	}
	return e.records.record(ctx, attempt, false)
}

// drop ends the following of a run: every attempt that is not closed is discarded.
func (e *ending) drop(ctx context.Context, open *openRun, reason string) error {
	run, last := open.run, open.latest()
	if !open.known() {
		last = max(last, open.next())              // it was open for an attempt of which nothing more is known
		run.CreatedAt = e.gate.Client.ServerTime() // for as long as it could be listed, the mark is kept
	}
	for n := open.next(); n <= last; n = open.next() {
		if err := e.records.discard(ctx, run, n, reason); err != nil {
			return err
		}
		open.close(n)
	}
	e.runs.forgetRun(open)
	return nil
}
