package poll

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github_workflow_exporter/githubapi"
)

// readLive reads the jobs of attempts that still run, from spare budget: the gauges of what goes on now come from it,
// and jobs that are over are recorded without waiting for the others. An unchanged page costs nothing. Where more runs are
// open than a visit may ask for, the rest has its turn at the next.
func (v *Visitor) readLive(ctx context.Context, r *Repository) error {
	if !v.Options.Live {
		return nil
	}
	due := func(open *openRun) bool {
		started := open.run.Started()
		return open.known() && !open.run.Completed() && open.next() == open.latest() &&
			!started.IsZero() && !started.Before(r.account.Since) && r.gate.Spare()
	}
	of := func(open *openRun) *turn { return &open.live }
	err := v.eachOpen(ctx, r, of, due, func(open *openRun) error {
		err := v.readLiveJobs(ctx, r, open)
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

func (v *Visitor) readLiveJobs(ctx context.Context, r *Repository, open *openRun) error {
	attempt := githubapi.Attempt{Run: open.run, Number: open.latest(), Latest: open.latest(), Settling: true}
	pages, changed, own, err := v.readJobs(ctx, r, &attempt, open.pages)
	if err != nil {
		return fmt.Errorf("reading the jobs of the open attempt %d: %w", attempt.Number, err)
	}
	if !changed {
		v.Recorder.StillLive(r.id, open.run.ID)
		return nil
	}
	open.pages = nil
	if !own {
		return nil // a later attempt has begun: the run's own endpoint will tell
	}
	if len(attempt.Jobs) > 0 {
		if err := v.nameWorkflow(ctx, r, &attempt); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(attempt.Jobs, tells) {
		if err := v.record(ctx, r, &attempt, false); err != nil {
			return err
		}
	}
	v.Recorder.Live(r.Repo(), attempt)
	open.pages = pages // what the tags stand for is committed
	r.changed = v.Now()
	return nil
}

// tells tells whether a job of an open attempt has something to be recorded: that it is over, or that it is held back.
func tells(j githubapi.Job) bool { return j.Completed() || j.HeldBack() }
