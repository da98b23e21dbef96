package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/githubapi"
)

// closeWithin is for how long a finished attempt is asked until its jobs are complete; then what is not is discarded.
const closeWithin = time.Hour

// closeAttempts reads the jobs of the run's attempts that are over and closes them as far as they can be closed now, lowest
// number first: what an attempt carried over from an earlier one is recognised by what that one recorded.
func (p *Poller) closeAttempts(ctx context.Context, r *repository, open *openRun) error {
	for n := open.next(); n <= open.latest(); n = open.next() {
		attempt, err := p.finishedAttempt(ctx, r, open, n)
		if err == nil && attempt == nil {
			return nil // it still runs
		}
		closed := false
		switch {
		case err != nil:
		case attempt.Started().Before(r.account.Since):
			closed, err = true, p.discard(ctx, r, open.run, n, "")
		case n < open.latest() && attempt.Started().Before(r.account.Pruned): // known once, forgotten since
			closed, err = true, p.discard(ctx, r, open.run, n, "")
		case n < open.latest() && attempt.Started().Before(p.horizon()):
			closed, err = true, p.discard(ctx, r, open.run, n, reasonTooOld)
		default:
			closed, err = p.closeAttempt(ctx, r, open, attempt)
		}
		if gone(err) {
			closed, err = p.attemptNotFound(ctx, r, open, n)
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
		r.changed = p.Now()
	}
	p.forgetRun(r, open)
	return nil
}

// finishedAttempt returns the attempt without its jobs, nil if it still runs. A superseded attempt is asked for at its
// own endpoint: the list shows the conclusion of the latest only. So is a re-run that came without its start.
func (p *Poller) finishedAttempt(ctx context.Context, r *repository, open *openRun, n int) (*githubapi.Attempt, error) {
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
	var run githubapi.Run
	err := p.askFor(ctx, r, func() (err error) {
		run, err = p.Client.RunAttempt(ctx, r.repo().FullName, open.run.ID, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := p.checkIdentity(r, run.Repository); err != nil {
		return nil, err
	}
	run.ID, run.RunAttempt = open.run.ID, n
	attempt.Run = run
	if !run.Completed() && open.finishedFor(n, p.Now()) < closeWithin {
		return nil, nil // superseded and yet not over: the answer lags behind
	}
	return attempt, nil
}

// closeAttempt reads all jobs of a finished attempt and records them, closing it if they are complete or time is up.
func (p *Poller) closeAttempt(ctx context.Context, r *repository, open *openRun, attempt *githubapi.Attempt) (closed bool, err error) {
	_, _, settled, err := p.readJobs(ctx, r, attempt, nil)
	if err != nil {
		return false, fmt.Errorf("reading its jobs: %w", err)
	}
	whole := settled && attempt.Whole()
	late := open.finishedFor(attempt.Number, p.Now()) >= closeWithin
	if late && !whole {
		level.Warn(p.Logger).Log("msg", "attempt closed although not all of its jobs are final", "repository", r.name,
			"run_id", attempt.Run.ID, "attempt", attempt.Number, "jobs", len(attempt.Jobs), "total_count", attempt.TotalCount)
	}
	if err := p.Recorder.Record(ctx, r.repo(), *attempt, whole || late); err != nil {
		return false, recorded(err)
	}
	return whole || late, nil
}

// attemptNotFound notes that an attempt or its jobs were not found while the list answers; after missingVisits visits
// the attempt is discarded.
func (p *Poller) attemptNotFound(ctx context.Context, r *repository, open *openRun, n int) (closed bool, err error) {
	if open.lost[n]++; open.lost[n] < missingVisits {
		return false, nil
	}
	if err := p.confirmIdentity(ctx, r); err != nil {
		return false, err
	}
	level.Info(p.Logger).Log("msg", "attempt is gone before it was closed", "repository", r.name, "run_id", open.run.ID, "attempt", n)
	return true, p.discard(ctx, r, open.run, n, reasonRunDeleted)
}

// readJobs fills in the attempt's jobs as readPages does. A page with a job of another attempt is read again, once: a job
// carried over may keep its old number, one of a later attempt does not belong here and is left out; then settled is
// false.
func (p *Poller) readJobs(ctx context.Context, r *repository, attempt *githubapi.Attempt, known []jobsPage) (pages []jobsPage, changed, settled bool, err error) {
	for range 2 {
		pages, changed, err = p.readPages(ctx, r, attempt, known)
		if err != nil || !changed || !foreign(*attempt) {
			return pages, changed, err == nil, err
		}
		known = nil
	}
	own := attempt.Jobs[:0]
	for _, job := range attempt.Jobs {
		if job.RunAttempt <= attempt.Number {
			own = append(own, job)
		}
	}
	settled = len(own) == len(attempt.Jobs)
	attempt.Jobs = own
	return pages, true, settled, nil
}

// foreign tells whether a job says it is of another attempt.
func foreign(attempt githubapi.Attempt) bool {
	for _, job := range attempt.Jobs {
		if job.RunAttempt != 0 && job.RunAttempt != attempt.Number {
			return true
		}
	}
	return false
}

// jobsPage remembers one page of an attempt's jobs list as it was read.
type jobsPage struct {
	tag  githubapi.Tag
	next string
}

// readPages fills in all of the attempt's jobs, unique by id, and returns the pages to be handed in as known next time.
// Known pages are asked for conditionally: if none has changed, changed is false and the attempt's jobs are left alone.
func (p *Poller) readPages(ctx context.Context, r *repository, attempt *githubapi.Attempt, known []jobsPage) (pages []jobsPage, changed bool, err error) {
	request := githubapi.PageRequest{PerPage: r.jobPages.now(p.Now())}
	var seen map[int64]bool
	begin := func() {
		attempt.Jobs, pages, seen = attempt.Jobs[:0], nil, map[int64]bool{}
	}
	begin()
	for skipped := 0; ; {
		if len(known) > 0 {
			request.Tag = known[skipped].tag
		}
		page, restarted, err := p.jobsPage(ctx, r, attempt, &request)
		if errors.Is(err, githubapi.ErrNotModified) {
			if skipped++; skipped == len(known) {
				return known, false, nil
			}
			request = githubapi.PageRequest{PerPage: request.PerPage, Next: known[skipped-1].next}
			continue
		}
		if err != nil {
			return nil, false, err
		}
		known = nil
		if skipped > 0 && !restarted { // what was skipped is needed after all
			skipped, request = 0, githubapi.PageRequest{PerPage: request.PerPage}
			continue
		}
		if restarted {
			skipped = 0
			begin()
		}
		attempt.TotalCount = page.TotalCount
		for _, job := range page.Items {
			if !seen[job.ID] {
				seen[job.ID] = job.ID != 0 // of entries that cannot be decoded not even the id may be known
				attempt.Jobs = append(attempt.Jobs, job)
			}
		}
		pages = append(pages, jobsPage{tag: page.Tag, next: page.Next})
		if page.Next == "" {
			return pages, true, nil
		}
		request = githubapi.PageRequest{PerPage: request.PerPage, Next: page.Next}
	}
}

// jobsPage reads one page of an attempt's jobs, where it fails for its size smaller ones from the first on.
func (p *Poller) jobsPage(ctx context.Context, r *repository, attempt *githubapi.Attempt, request *githubapi.PageRequest) (page githubapi.Page[githubapi.Job], restarted bool, err error) {
	restarted, err = r.jobPages.ask(&p.shrinks, request, p.Now(), func() error {
		send := func() (err error) {
			page, err = p.Client.AttemptJobs(ctx, r.repo().FullName, attempt.Run.ID, attempt.Number, *request)
			return err
		}
		if request.Next != "" {
			// Never refused: an attempt of very many jobs that was cut off between two pages would begin again for ever.
			return p.askOf(ctx, r, send)
		}
		return p.askFor(ctx, r, send)
	})
	if err == nil || errors.Is(err, githubapi.ErrNotModified) {
		clear(r.troubled)
	}
	return page, restarted, err
}
