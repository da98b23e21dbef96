package poll

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/githubapi"
)

// undecodable gives a run up after its answer could not be decoded for some time.
func (p *Poller) undecodable(ctx context.Context, r *repository, open *openRun, err error) error {
	now := p.Now()
	if open.broken.IsZero() {
		open.broken = now
	}
	if now.Sub(open.broken) < brokenFor {
		return err
	}
	return p.giveUp(ctx, r, open, reasonUndecodable)
}

// outlived gives up a run that has been open for longer than MaxRunAge: GitHub knows runs that never end. One that ended
// is closed as soon as it can be read, however long ago it began; it and one of which nothing could be read are given up
// when that has not succeeded for as long.
func (p *Poller) outlived(ctx context.Context, r *repository, open *openRun) (bool, error) {
	now := p.Now()
	old := before(open.run.NotBefore(), p.today().Add(-p.MaxRunAge))
	switch {
	case !open.known():
		old = now.Sub(open.opened) >= p.MaxRunAge
	case open.run.Completed():
		old = open.finishedFor(open.next(), now) >= p.MaxRunAge
	}
	if !old {
		return false, nil
	}
	if open.looked.IsZero() {
		level.Info(p.Logger).Log("msg", "run has been open for too long and is given up", "repository", r.name, "run_id", open.run.ID, "max_run_age", p.MaxRunAge)
	}
	return true, p.giveUp(ctx, r, open, reasonRunAbandoned)
}

// giveUp ends the following of a run that may still have jobs to be counted.
func (p *Poller) giveUp(ctx context.Context, r *repository, open *openRun, reason string) error {
	if err := p.lastLook(ctx, r, open); err != nil {
		return err
	}
	return p.drop(ctx, r, open, reason)
}

// lastLook reads the jobs of a run's attempts once more before the run is given up, and records those that are over: whether
// they were read while it ran is a matter of budget and settings, and must not change what is counted. What cannot be read
// is tried again for an hour.
func (p *Poller) lastLook(ctx context.Context, r *repository, open *openRun) error {
	now := p.Now()
	if open.looked.IsZero() {
		open.looked = now
	}
	for n := open.next(); n <= max(open.latest(), open.next()); n++ {
		if slices.Contains(open.closed, n) {
			continue
		}
		err := p.lookAt(ctx, r, open, n)
		if gone(err) || err != nil && confined(err) && now.Sub(open.looked) >= brokenFor {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading the jobs of attempt %d for the last time: %w", n, err)
		}
	}
	return nil
}

func (p *Poller) lookAt(ctx context.Context, r *repository, open *openRun, n int) error {
	attempt := &githubapi.Attempt{Run: open.run, Number: n, Latest: open.latest()}
	if n < open.latest() {
		err := p.askFor(ctx, r, func() (err error) {
			attempt.Run, err = p.Client.RunAttempt(ctx, r.repo().FullName, open.run.ID, n)
			return err
		})
		if err != nil {
			return err
		}
		attempt.Run.ID, attempt.Run.RunAttempt = open.run.ID, n
	}
	if _, _, err := p.readOver(ctx, r, open, attempt, true); err != nil {
		return err
	}
	if began := attempt.Began(); began.IsZero() || began.Before(r.account.Pruned) || began.Before(p.horizon()) || len(attempt.Jobs) == 0 {
		return nil
	}
	if err := p.nameWorkflow(ctx, r, attempt); err != nil {
		return err
	}
	return p.record(ctx, r, attempt, false)
}

// drop ends the following of a run: every attempt that is not closed is discarded.
func (p *Poller) drop(ctx context.Context, r *repository, open *openRun, reason string) error {
	run, last := open.run, open.latest()
	if !open.known() {
		last = max(last, open.next())         // it was open for an attempt of which nothing more is known
		run.CreatedAt = p.Client.ServerTime() // for as long as it could be listed, the mark is kept
	}
	for n := open.next(); n <= last; n = open.next() {
		if err := p.discard(ctx, r, run, n, reason); err != nil {
			return err
		}
		open.close(n)
	}
	p.forgetRun(r, open)
	return nil
}
