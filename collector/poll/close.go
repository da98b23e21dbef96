package poll

import (
	"context"
	"fmt"
	"time"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/githubapi"
)

const (
	// closeWithin is for how long a finished attempt is asked until its jobs are complete; then what is not is discarded.
	closeWithin = time.Hour
	// settleWithin is for how long after its end what an attempt says is taken to be able to change: conclusions and steps
	// that are missing come within seconds as a rule, and so does a conclusion that is taken back.
	settleWithin = 3 * time.Minute
)

// closeAttempts reads the jobs of the run's attempts that are over and closes them as far as they can be closed now, lowest
// number first: what an attempt carried over from an earlier one is recognised by what that one recorded.
func (v *Visitor) closeAttempts(ctx context.Context, r *Repository, open *openRun) error {
	for n := open.next(); n <= open.latest(); n = open.next() {
		attempt, err := v.finishedAttempt(ctx, r, open, n)
		if err == nil && attempt == nil {
			return nil // it still runs
		}
		closed := false
		switch {
		case err != nil:
		case before(attempt.Started(), r.account.Since):
			closed, err = true, v.discard(ctx, r, open.run, n, "")
		case n < open.latest() && before(attempt.Run.NotBefore(), r.account.Pruned): // known once, forgotten since
			closed, err = true, v.discard(ctx, r, open.run, n, "")
		case n < open.latest() && before(attempt.Run.NotBefore(), v.horizon(r)):
			closed, err = true, v.discard(ctx, r, open.run, n, reasonTooOld)
		default:
			closed, err = v.closeAttempt(ctx, r, open, attempt)
		}
		if githubapi.Gone(err) {
			closed, err = v.attemptNotFound(ctx, r, open, n)
		} else if err == nil {
			delete(open.lost, n)
		}
		if err != nil {
			return fmt.Errorf("closing attempt %d: %w", n, err)
		}
		if !closed {
			return nil
		}
		open.close(n)
		r.changed = v.Now()
	}
	v.forgetRun(r, open)
	return nil
}

// finishedAttempt returns the attempt without its jobs, nil if it still runs. A superseded attempt is asked for at its
// own endpoint: the list shows the conclusion of the latest only. So is a re-run that came without its start.
func (v *Visitor) finishedAttempt(ctx context.Context, r *Repository, open *openRun, n int) (*githubapi.Attempt, error) {
	attempt := &githubapi.Attempt{Run: open.run, Number: n, Latest: open.latest()}
	if n == open.latest() {
		if !open.run.Completed() {
			return nil, nil
		}
		if !open.run.Started().IsZero() {
			return attempt, nil
		}
	}
	if n == 1 && !open.run.CreatedAt.IsZero() && open.run.CreatedAt.Before(r.account.Since) {
		// The run's created_at is its first attempt's start: it does not count, no need to ask.
		attempt.Run.RunStartedAt = open.run.CreatedAt
		return attempt, nil
	}
	if known := open.over; known.attempt == n && n < open.latest() && known.run.Completed() && known.run.Conclusion != "" {
		attempt.Run = known.run // superseded: nothing more comes of it but what its jobs tell
		return attempt, nil
	}
	var run githubapi.Run
	err := v.askFor(ctx, r, func() (err error) {
		run, err = r.gate.Client.RunAttempt(ctx, r.Repo().FullName, open.run.ID, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := v.checkIdentity(ctx, r, run.Repository); err != nil {
		return nil, err
	}
	run.ID, run.RunAttempt = open.run.ID, n
	attempt.Run = run
	if !run.Completed() && open.finishedFor(n, v.Now()) < closeWithin {
		return nil, nil // superseded and yet not over: the answer lags behind
	}
	return attempt, nil
}

// closeAttempt reads all jobs of a finished attempt and records them, closing it if they are complete and settled, or time
// is up. Jobs that have not changed since they were read last cost nothing.
func (v *Visitor) closeAttempt(ctx context.Context, r *Repository, open *openRun, attempt *githubapi.Attempt) (closed bool, err error) {
	n := attempt.Number
	late := open.finishedFor(n, v.Now()) >= closeWithin
	changed, whole, err := v.readOver(ctx, r, open, attempt, late)
	if err != nil {
		return false, fmt.Errorf("reading its jobs: %w", err)
	}
	if attempt.Began().IsZero() {
		return true, v.discard(ctx, r, open.run, n, reasonUndated)
	}
	if err := v.nameWorkflow(ctx, r, attempt); err != nil {
		return false, err
	}
	attempt.Settling = v.settling(r, open, attempt)
	closed = late || whole && !(attempt.Settling && v.mayChange(open, attempt))
	if late && !whole {
		level.Warn(v.Logger).Log("msg", "attempt closed although not all of its jobs are final", "repository", r.name,
			"run_id", attempt.Run.ID, "attempt", n, "jobs", len(attempt.Jobs), "total_count", attempt.TotalCount)
	}
	if err := v.record(ctx, r, attempt, closed); err != nil {
		return false, err
	}
	if !closed && v.Options.Live && n == open.latest() {
		if changed || !attempt.Settling {
			v.Recorder.Live(r.Repo(), *attempt)
		} else {
			v.Recorder.StillLive(r.id, open.run.ID)
		}
	}
	return closed, nil
}

// settling tells whether what is listed of an attempt that is over may still change.
func (v *Visitor) settling(r *Repository, open *openRun, attempt *githubapi.Attempt) bool {
	if open.finishedFor(attempt.Number, v.Now()) >= settleWithin {
		return false
	}
	stirred := attempt.Stirred()
	return stirred.IsZero() || r.gate.Client.ServerTime().Sub(stirred) < settleWithin
}

// mayChange tells whether an attempt that is over does not say all of itself yet, or says what its jobs contradict and has
// said so only once.
func (v *Visitor) mayChange(open *openRun, attempt *githubapi.Attempt) bool {
	if attempt.Number != open.latest() {
		return !attempt.Settled()
	}
	open.dispute(attempt.Contradicts(), v.Now())
	return !attempt.Settled() || !open.disputed.IsZero() && !open.confirmed()
}

// attemptNotFound notes that an attempt or its jobs were not found while the list answers; after missingVisits visits
// the attempt is discarded.
func (v *Visitor) attemptNotFound(ctx context.Context, r *Repository, open *openRun, n int) (closed bool, err error) {
	if open.lost[n]++; open.lost[n] < missingVisits {
		return false, nil
	}
	if _, err := v.confirmIdentity(ctx, r); err != nil {
		return false, err
	}
	level.Info(v.Logger).Log("msg", "attempt is gone before it was closed", "repository", r.name, "run_id", open.run.ID, "attempt", n)
	return true, v.discard(ctx, r, open.run, n, reasonRunDeleted)
}
