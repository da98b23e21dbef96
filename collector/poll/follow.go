package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/collector/schedule"
	"github_workflow_exporter/githubapi"
)

// missingVisits is in how many visits in a row a run must be missing, while the list answers, to count as deleted: one
// 404 may be a permission that is just being taken away.
const missingVisits = 2

// brokenFor is how long an answer that cannot be decoded is asked for again.
const brokenFor = time.Hour

// following brings open runs forward.
type following struct {
	*site
	identity *identity
	runs     *openRuns
	closing  *closing
	ending   *ending
}

// follow brings every open run forward: it asks by id for those that the list's first page does not speak for, and closes
// the attempts that are over. One run after the other, so that what was asked is recorded before more is asked: however
// often the program is restarted in between, it comes to an end. It comes after the list answered, so a run that is not
// found was deleted.
func (f *following) follow(ctx context.Context) error {
	if f.runs.round.IsZero() {
		f.runs.round = f.Now()
	}
	of := func(open *openRun) *turn { return &open.follow }
	due := func(open *openRun) bool { return f.due(open) && open.follow.last.Before(f.runs.round) }
	err := f.runs.eachOpen(ctx, of, due, func(open *openRun) error {
		dropped, err := f.ending.outlived(ctx, open)
		if err != nil || dropped {
			return err
		}
		if f.dueByID(open) {
			if err := f.askByID(ctx, open); err != nil {
				return fmt.Errorf("reading the run: %w", err)
			}
		}
		if !open.known() || f.runs.open[open.run.ID] == nil {
			return nil
		}
		return f.closing.closeAttempts(ctx, open)
	})
	if errors.Is(err, errVisitFull) {
		return err // the round goes on with those that had no turn in it
	}
	f.runs.round = time.Time{}
	return err
}

// unreadRuns is how many runs cannot be read, while no jobs of any can, for it to be the repository's trouble and not theirs.
const unreadRuns = 3

// unread is the trouble of a repository whose list answers and whose runs and jobs do not. A missing permission needs no
// second run to show it.
func (o *openRuns) unread() error {
	if n := len(o.troubled); n == 0 || n < unreadRuns && !githubapi.IsKind(o.trouble, githubapi.KindForbidden) {
		return nil
	}
	return fmt.Errorf("no run can be read, the last: %w", o.trouble)
}

// due tells whether an open run is to be asked for by its id, or has an attempt to be closed that was not tried within the
// interval.
func (f *following) due(open *openRun) bool {
	if f.dueByID(open) {
		return true
	}
	over := open.run.Completed() || open.next() < open.latest()
	return over && f.Now().Sub(open.follow.last) >= open.closeGap(f.Interval)
}

// believed is how long the list alone is believed of a run that it shows.
const believed = time.Hour

// dueByID tells whether an open run has to be asked for by its id. The list speaks for the runs on its first page as
// long as it is believed.
func (f *following) dueByID(open *openRun) bool {
	age := f.Now().Sub(open.asked)
	if open.known() && open.run.Completed() {
		// It is to be closed. What there is to learn is whether GitHub takes it back, while that is waited for.
		return !open.listed && open.over.attempt == open.latest() && age >= f.Interval
	}
	if open.listed {
		return age >= max(f.MaxInterval, believed)
	}
	return age >= f.Interval
}

func (f *following) askByID(ctx context.Context, open *openRun) error {
	id := open.run.ID
	var run githubapi.Run
	var tag githubapi.Tag
	err := f.askFor(ctx, func() (err error) {
		run, tag, err = f.gate.Client.Run(ctx, f.Repo().FullName, id, open.tag)
		return err
	})
	now := f.Now()
	if undecodable(err) {
		return f.ending.undecodable(ctx, open, err)
	}
	open.broken = time.Time{}
	switch {
	case errors.Is(err, githubapi.ErrNotModified):
		open.asked, open.missing = now, 0
		open.confirm(now)
		return nil
	case githubapi.Gone(err):
		open.asked = now
		return f.notFound(ctx, open)
	case err != nil:
		return err
	}
	if err := f.identity.checkIdentity(ctx, run.Repository); errors.Is(err, errForeign) {
		return f.ending.undecodable(ctx, open, err)
	} else if err != nil {
		return err
	}
	run.ID = id
	first := !open.known()
	f.runs.saw(open, run)
	open.tag = tag
	if first && !f.Workflow(run.WorkflowPath()) { // excluded since it was opened
		if run.NotBefore().Before(f.horizon()) {
			return f.ending.drop(ctx, open, "")
		}
		f.runs.forgetRun(open) // the ledger keeps it open: a reload may take the exclusion back
	}
	return nil
}

// saw takes in a run's state as an answer told it.
func (o *openRuns) saw(open *openRun, run githubapi.Run) {
	now, before := o.Now(), open.latest()
	if open.observe(run, now) {
		o.changed = now
		o.found(run)
	}
	if open.latest() != before {
		o.Recorder.Forget(o.id, run.ID) // nothing of that attempt goes on any more
	}
}

// found notes that a run is over, if it is.
func (s *site) found(run githubapi.Run) {
	switch {
	case !run.Completed():
	case run.Number() > 1:
		s.news.rerun = schedule.Latest(s.news.rerun, run.UpdatedAt)
	default:
		s.news.first = schedule.Latest(s.news.first, run.UpdatedAt)
	}
}

// notFound notes that a run was not found while its repository answers; after missingVisits of them it was deleted.
func (f *following) notFound(ctx context.Context, open *openRun) error {
	if !f.looked { // it is asked for again soon, after the list: in visits for the list that come soon after others it is never due
		open.ask()
		f.lookAt = f.Now().Add(confirmAfter)
		return nil
	}
	if open.missing++; open.missing < missingVisits {
		return nil
	}
	if _, err := f.identity.confirmIdentity(ctx); err != nil {
		return err
	}
	level.Info(f.Logger).Log("msg", "run was deleted before it was closed", "repository", f.name, "run_id", open.run.ID)
	return f.ending.drop(ctx, open, reasonRunDeleted)
}

// undecodable tells whether an answer came whole and yet does not say what was asked for. Cut bodies and web pages pass.
func undecodable(err error) bool {
	var e *githubapi.Error
	return errors.As(err, &e) && e.Kind == githubapi.KindBody && e.Whole
}

// forgetRun ends the following of a run whose attempts are all closed.
func (o *openRuns) forgetRun(open *openRun) {
	o.Recorder.Forget(o.id, open.run.ID)
	delete(o.open, open.run.ID)
	delete(o.troubled, open.run.ID)
}
