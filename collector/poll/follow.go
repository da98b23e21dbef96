package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/githubapi"
)

// missingVisits is in how many visits in a row a run must be missing, while the list answers, to count as deleted: one
// 404 may be a permission that is just being taken away.
const missingVisits = 2

// brokenFor is how long an answer that cannot be decoded is asked for again.
const brokenFor = time.Hour

// follow brings every open run forward: it asks by id for those that the list's first page does not speak for, and closes
// the attempts that are over. One run after the other, so that what was asked is recorded before more is asked: however
// often the program is restarted in between, it comes to an end. It comes after the list answered, so a run that is not
// found was deleted.
func (v *Visitor) follow(ctx context.Context, r *Repository) error {
	if r.round.IsZero() {
		r.round = v.Now()
	}
	of := func(open *openRun) *turn { return &open.follow }
	due := func(open *openRun) bool { return v.due(open) && open.follow.last.Before(r.round) }
	err := v.eachOpen(ctx, r, of, due, func(open *openRun) error {
		dropped, err := v.outlived(ctx, r, open)
		if err != nil || dropped {
			return err
		}
		if v.dueByID(open) {
			if err := v.askByID(ctx, r, open); err != nil {
				return fmt.Errorf("reading the run: %w", err)
			}
		}
		if !open.known() || r.runs[open.run.ID] == nil {
			return nil
		}
		return v.closeAttempts(ctx, r, open)
	})
	if errors.Is(err, errVisitFull) {
		return err // the round goes on with those that had no turn in it
	}
	r.round = time.Time{}
	return err
}

// unreadRuns is how many runs cannot be read, while no jobs of any can, for it to be the repository's trouble and not theirs.
const unreadRuns = 3

// unread is the trouble of a repository whose list answers and whose runs and jobs do not. A missing permission needs no
// second run to show it.
func (r *Repository) unread() error {
	if n := len(r.troubled); n == 0 || n < unreadRuns && !githubapi.IsKind(r.trouble, githubapi.KindForbidden) {
		return nil
	}
	return fmt.Errorf("no run can be read, the last: %w", r.trouble)
}

// due tells whether an open run is to be asked for by its id, or has an attempt to be closed that was not tried within the
// interval.
func (v *Visitor) due(open *openRun) bool {
	if v.dueByID(open) {
		return true
	}
	over := open.run.Completed() || open.next() < open.latest()
	return over && v.Now().Sub(open.follow.last) >= v.Interval
}

// dueByID tells whether an open run has to be asked for by its id. The list speaks for the runs on its first page as
// long as it is believed, which is for MaxInterval.
func (v *Visitor) dueByID(open *openRun) bool {
	age := v.Now().Sub(open.asked)
	if open.known() && open.run.Completed() {
		// It is to be closed. What there is to learn is whether GitHub takes it back, while that is waited for.
		return !open.listed && open.over.attempt == open.latest() && age >= v.Interval
	}
	if open.listed {
		return age >= v.MaxInterval
	}
	return age >= v.Interval
}

func (v *Visitor) askByID(ctx context.Context, r *Repository, open *openRun) error {
	id := open.run.ID
	var run githubapi.Run
	var tag githubapi.Tag
	err := v.askFor(ctx, r, func() (err error) {
		run, tag, err = r.gate.Client.Run(ctx, r.Repo().FullName, id, open.tag)
		return err
	})
	now := v.Now()
	if undecodable(err) {
		return v.undecodable(ctx, r, open, err)
	}
	open.broken = time.Time{}
	switch {
	case errors.Is(err, githubapi.ErrNotModified):
		open.asked, open.missing = now, 0
		open.confirm(now)
		return nil
	case githubapi.Gone(err):
		open.asked = now
		return v.notFound(ctx, r, open)
	case err != nil:
		return err
	}
	if err := v.checkIdentity(ctx, r, run.Repository); errors.Is(err, errForeign) {
		return v.undecodable(ctx, r, open, err)
	} else if err != nil {
		return err
	}
	run.ID = id
	first := !open.known()
	v.saw(r, open, run)
	open.tag = tag
	if first && !v.Workflow(run.WorkflowPath()) { // excluded since it was opened
		if run.NotBefore().Before(v.horizon(r)) {
			return v.drop(ctx, r, open, "")
		}
		v.forgetRun(r, open) // the ledger keeps it open: a reload may take the exclusion back
	}
	return nil
}

// saw takes in a run's state as an answer told it.
func (v *Visitor) saw(r *Repository, open *openRun, run githubapi.Run) {
	now, before := v.Now(), open.latest()
	if open.observe(run, now) {
		r.changed = now
	}
	if open.latest() != before {
		v.Recorder.Forget(r.id, run.ID) // nothing of that attempt goes on any more
	}
}

// notFound notes that a run was not found while its repository answers; after missingVisits of them it was deleted.
func (v *Visitor) notFound(ctx context.Context, r *Repository, open *openRun) error {
	if open.missing++; open.missing < missingVisits {
		return nil
	}
	if _, err := v.confirmIdentity(ctx, r); err != nil {
		return err
	}
	level.Info(v.Logger).Log("msg", "run was deleted before it was closed", "repository", r.name, "run_id", open.run.ID)
	return v.drop(ctx, r, open, reasonRunDeleted)
}

// undecodable tells whether an answer came whole and yet does not say what was asked for. Cut bodies and web pages pass.
func undecodable(err error) bool {
	var e *githubapi.Error
	return errors.As(err, &e) && e.Kind == githubapi.KindBody && e.Whole
}

// forgetRun ends the following of a run whose attempts are all closed.
func (v *Visitor) forgetRun(r *Repository, open *openRun) {
	v.Recorder.Forget(r.id, open.run.ID)
	delete(r.runs, open.run.ID)
	delete(r.troubled, open.run.ID)
}
