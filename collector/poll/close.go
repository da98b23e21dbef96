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

// closing reads the jobs of attempts that are over and closes them.
type closing struct {
	*site
	identity *identity
	runs     *openRuns
	jobs     *jobsReader
	names    *names
	records  *records
}

// closeAttempts reads the jobs of the run's attempts that are over and closes them as far as they can be closed now, lowest
// number first: what an attempt carried over from an earlier one is recognised by what that one recorded.
func (c *closing) closeAttempts(ctx context.Context, open *openRun) error {
	for n := open.next(); n <= open.latest(); n = open.next() {
		attempt, err := c.finishedAttempt(ctx, open, n)
		if err == nil && attempt == nil {
			return nil // it still runs
		}
		closed := false
		switch {
		case err != nil:
		case before(attempt.Started(), c.account.Since):
			closed, err = true, c.records.discard(ctx, open.run, n, "")
		case n < open.latest() && before(attempt.Run.NotBefore(), c.account.Pruned): // known once, forgotten since
			closed, err = true, c.records.discard(ctx, open.run, n, "")
		case n < open.latest() && before(attempt.Run.NotBefore(), c.horizon()):
			closed, err = true, c.records.discard(ctx, open.run, n, reasonTooOld)
		default:
			closed, err = c.closeAttempt(ctx, open, attempt)
		}
		if githubapi.Gone(err) {
			closed, err = c.attemptNotFound(ctx, open, n)
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
		c.changed = c.Now()
	}
	c.runs.forgetRun(open)
	return nil
}

// finishedAttempt returns the attempt without its jobs, nil if it still runs. A superseded attempt is asked for at its
// own endpoint: the list shows the conclusion of the latest only. So is a re-run that came without its start.
func (c *closing) finishedAttempt(ctx context.Context, open *openRun, n int) (*githubapi.Attempt, error) {
	attempt := &githubapi.Attempt{Run: open.run, Number: n, Latest: open.latest()}
	if n == open.latest() {
		if !open.run.Completed() {
			return nil, nil
		}
		if !open.run.Started().IsZero() {
			return attempt, nil
		}
	}
	if n == 1 && !open.run.CreatedAt.IsZero() && open.run.CreatedAt.Before(c.account.Since) {
		// The run's created_at is its first attempt's start: it does not count, no need to ask.
		attempt.Run.RunStartedAt = open.run.CreatedAt
		return attempt, nil
	}
	if known := open.over; known.attempt == n && n < open.latest() && known.run.Completed() && known.run.Conclusion != "" {
		attempt.Run = known.run // superseded: nothing more comes of it but what its jobs tell
		return attempt, nil
	}
	var run githubapi.Run
	err := c.askFor(ctx, func() (err error) {
		run, err = c.gate.Client.RunAttempt(ctx, c.Repo().FullName, open.run.ID, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := c.identity.checkIdentity(ctx, run.Repository); err != nil {
		return nil, err
	}
	run.ID, run.RunAttempt = open.run.ID, n
	attempt.Run = run
	if !run.Completed() && open.finishedFor(n, c.Now()) < closeWithin {
		return nil, nil // superseded and yet not over: the answer lags behind
	}
	return attempt, nil
}

// closeAttempt reads all jobs of a finished attempt and records them, closing it if they are complete and settled, or time
// is up. Jobs that have not changed since they were read last cost nothing.
func (c *closing) closeAttempt(ctx context.Context, open *openRun, attempt *githubapi.Attempt) (closed bool, err error) {
	n := attempt.Number
	late := open.finishedFor(n, c.Now()) >= closeWithin
	changed, whole, err := c.jobs.readOver(ctx, open, attempt, late)
	if err != nil {
		return false, fmt.Errorf("reading its jobs: %w", err)
	}
	if attempt.Began().IsZero() {
		return true, c.records.discard(ctx, open.run, n, reasonUndated)
	}
	if err := c.names.nameWorkflow(ctx, attempt); err != nil {
		return false, err
	}
	attempt.Settling = c.settling(open, attempt)
	closed = late || whole && !(attempt.Settling && c.mayChange(open, attempt))
	if late && !whole {
		level.Warn(c.Logger).Log("msg", "attempt closed although not all of its jobs are final", "repository", c.name,
			"run_id", attempt.Run.ID, "attempt", n, "jobs", len(attempt.Jobs), "total_count", attempt.TotalCount)
	}
	if err := c.records.record(ctx, attempt, closed); err != nil {
		return false, err
	}
	if !closed && c.Options.Live && n == open.latest() {
		if changed || !attempt.Settling {
			c.Recorder.Live(c.Repo(), *attempt)
		} else {
			c.Recorder.StillLive(c.id, open.run.ID)
		}
	}
	return closed, nil
}

// settling tells whether what is listed of an attempt that is over may still change.
func (c *closing) settling(open *openRun, attempt *githubapi.Attempt) bool {
	if open.finishedFor(attempt.Number, c.Now()) >= settleWithin {
		return false
	}
	stirred := attempt.Stirred()
	return stirred.IsZero() || c.gate.Client.ServerTime().Sub(stirred) < settleWithin
}

// mayChange tells whether an attempt that is over does not say all of itself yet, or says what its jobs contradict and has
// said so only once.
func (c *closing) mayChange(open *openRun, attempt *githubapi.Attempt) bool {
	if attempt.Number != open.latest() {
		return !attempt.Settled()
	}
	open.dispute(attempt.Contradicts(), c.Now())
	return !attempt.Settled() || !open.disputed.IsZero() && !open.confirmed()
}

// attemptNotFound notes that an attempt or its jobs were not found while the list answers; after missingVisits visits
// the attempt is discarded.
func (c *closing) attemptNotFound(ctx context.Context, open *openRun, n int) (closed bool, err error) {
	if !c.looked {
		return false, nil // it is asked again after the list
	}
	if open.lost[n]++; open.lost[n] < missingVisits {
		return false, nil
	}
	if _, err := c.identity.confirmIdentity(ctx); err != nil {
		return false, err
	}
	level.Info(c.Logger).Log("msg", "attempt is gone before it was closed", "repository", c.name, "run_id", open.run.ID, "attempt", n)
	return true, c.records.discard(ctx, open.run, n, reasonRunDeleted)
}
