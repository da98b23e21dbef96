package poll

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/githubapi"
)

// undecodable gives a run up after its answer could not be decoded for some time.
func (v *Visitor) undecodable(ctx context.Context, r *Repository, open *openRun, err error) error {
	now := v.Now()
	if open.broken.IsZero() {
		open.broken = now
	}
	if now.Sub(open.broken) < brokenFor {
		return err
	}
	return v.giveUp(ctx, r, open, reasonUndecodable)
}

// outlived gives up a run that has been open for longer than MaxRunAge: GitHub knows runs that never end. One that ended
// is closed as soon as it can be read, however long ago it began; it and one of which nothing could be read are given up
// when that has not succeeded for as long.
func (v *Visitor) outlived(ctx context.Context, r *Repository, open *openRun) (bool, error) {
	now := v.Now()
	old := before(open.run.NotBefore(), v.today(r.gate.Client.ServerTime()).Add(-v.MaxRunAge))
	switch {
	case !open.known():
		old = now.Sub(open.opened) >= v.MaxRunAge
	case open.run.Completed():
		old = open.finishedFor(open.next(), now) >= v.MaxRunAge
	}
	if !old {
		return false, nil
	}
	if open.looked.IsZero() {
		level.Info(v.Logger).Log("msg", "run has been open for too long and is given up", "repository", r.name, "run_id", open.run.ID, "max_run_age", v.MaxRunAge)
	}
	return true, v.giveUp(ctx, r, open, reasonRunAbandoned)
}

// giveUp ends the following of a run that may still have jobs to be counted.
func (v *Visitor) giveUp(ctx context.Context, r *Repository, open *openRun, reason string) error {
	if err := v.lastLook(ctx, r, open); err != nil {
		return err
	}
	return v.drop(ctx, r, open, reason)
}

// lastLook reads the jobs of a run's attempts once more before the run is given up, and records those that are over: whether
// they were read while it ran is a matter of budget and settings, and must not change what is counted. What cannot be read
// is tried again for an hour.
func (v *Visitor) lastLook(ctx context.Context, r *Repository, open *openRun) error {
	now := v.Now()
	if open.looked.IsZero() {
		open.looked = now
	}
	for n := open.next(); n <= max(open.latest(), open.next()); n++ {
		if slices.Contains(open.closed, n) {
			continue
		}
		err := v.lookAt(ctx, r, open, n)
		if githubapi.Gone(err) || err != nil && confined(err) && now.Sub(open.looked) >= brokenFor {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading the jobs of attempt %d for the last time: %w", n, err)
		}
	}
	return nil
}

func (v *Visitor) lookAt(ctx context.Context, r *Repository, open *openRun, n int) error {
	attempt := &githubapi.Attempt{Run: open.run, Number: n, Latest: open.latest()}
	if n < open.latest() {
		err := v.askFor(ctx, r, func() (err error) {
			attempt.Run, err = r.gate.Client.RunAttempt(ctx, r.Repo().FullName, open.run.ID, n)
			return err
		})
		if err != nil {
			return err
		}
		attempt.Run.ID, attempt.Run.RunAttempt = open.run.ID, n
	}
	if _, _, err := v.readOver(ctx, r, open, attempt, true); err != nil {
		return err
	}
	if began := attempt.Began(); began.IsZero() || began.Before(r.account.Pruned) || began.Before(v.horizon(r)) || len(attempt.Jobs) == 0 {
		return nil
	}
	if err := v.nameWorkflow(ctx, r, attempt); err != nil {
		return err
	}
	return v.record(ctx, r, attempt, false)
}

// drop ends the following of a run: every attempt that is not closed is discarded.
func (v *Visitor) drop(ctx context.Context, r *Repository, open *openRun, reason string) error {
	run, last := open.run, open.latest()
	if !open.known() {
		last = max(last, open.next())              // it was open for an attempt of which nothing more is known
		run.CreatedAt = r.gate.Client.ServerTime() // for as long as it could be listed, the mark is kept
	}
	for n := open.next(); n <= last; n = open.next() {
		if err := v.discard(ctx, r, run, n, reason); err != nil {
			return err
		}
		open.close(n)
	}
	v.forgetRun(r, open)
	return nil
}
