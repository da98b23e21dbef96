package poll

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/githubapi"
)

// visitRequests is how many requests one visit may make: a long first sweep of one repository must not keep the others
// waiting for its worker.
const visitRequests = 200

// repository is what is known in memory of a watched repository. Only the worker that visits it touches it, but for the
// atomic fields, which metrics read.
type repository struct {
	id      int64
	due     time.Time                            // the queue's, under its lock
	current atomic.Pointer[githubapi.Repository] // as discovery saw it last
	absent  int                                  // discoveries in a row that did not find it; discovery's own
	state   atomic.Int32
	swept   atomic.Bool // the first sweep is over
	openNow atomic.Int64

	account Account
	watched bool // the account is open
	name    string

	front front // the list's first page
	deep  deep  // the pages behind it
	hints hints // filtered lists

	searchFailing bool // it was said that re-runs of old runs cannot be looked for

	runPages, jobPages pageSize // of the lists of runs and of jobs

	runs     map[int64]*openRun
	round    time.Time      // since when the open runs have their turns, each one of them; zero between two rounds
	troubled map[int64]bool // runs that could not be read, while no jobs of any could
	trouble  error          // of the last of them

	changed  time.Time // when anything last happened
	failures int       // visits in a row that failed
	failing  string    // the reason logged, "" when none
	pruned   time.Time

	requests int // of this visit
}

// States of a repository, as shown by repositories{state}.
const (
	stateFirstSweep int32 = iota
	stateWatched
	stateFailing
)

func newRepository(repo githubapi.Repository) *repository {
	r := &repository{id: repo.ID, runs: map[int64]*openRun{}, troubled: map[int64]bool{}}
	r.current.Store(&repo)
	return r
}

// repo is the repository as it is called now.
func (r *repository) repo() githubapi.Repository { return *r.current.Load() }

// errVisitFull ends a visit that has used up its requests; it goes on as soon as others had their turn.
var errVisitFull = errors.New("visit has used up its requests")

// errMoved says that the name now belongs to another repository.
var errMoved = errors.New("the name belongs to another repository now")

// recordError marks a failure to record, as opposed to one to read.
type recordError struct{ err error }

func (e recordError) Error() string { return e.err.Error() }
func (e recordError) Unwrap() error { return e.err }

func recorded(err error) error {
	if err == nil || unrecordable(err) {
		return err
	}
	return recordError{err}
}

// unrecordable tells whether recording failed because of what was to be recorded: something else may well be.
func unrecordable(err error) bool {
	var u interface{ Unrecordable() bool }
	return errors.As(err, &u) && u.Unrecordable()
}

// askFor sends one request of a visit, if the visit may still ask.
func (p *Poller) askFor(ctx context.Context, r *repository, send func() error) error {
	if r.requests >= visitRequests {
		return errVisitFull
	}
	r.requests++
	return p.ask(ctx, send)
}

// visit asks a repository for what is new and returns when to ask again.
func (p *Poller) visit(ctx context.Context, r *repository) time.Time {
	if until := p.rest.over(); p.Now().Before(until) {
		return until
	}
	r.requests = 0
	err := p.stages(ctx, r)
	r.openNow.Store(int64(len(r.runs)))
	return p.outcome(ctx, r, err)
}

// stages runs the visit's stages. What can wait comes last and only when the rest is done.
func (p *Poller) stages(ctx context.Context, r *repository) error {
	if err := p.watch(ctx, r); err != nil {
		return err
	}
	if err := p.readFront(ctx, r); err != nil {
		return err
	}
	if err := p.follow(ctx, r); err != nil {
		return err
	}
	if !r.account.Swept && !p.unswept(r) {
		if err := p.Progress.Swept(ctx, r.id); err != nil {
			return recorded(fmt.Errorf("ending the first sweep: %w", err))
		}
		r.account.Swept = true
		level.Info(p.Logger).Log("msg", "first sweep of repository done", "repository", r.name, "since", r.account.Since)
	}
	if err := p.readLive(ctx, r); err != nil {
		return err
	}
	if err := p.searched(r, p.sweep(ctx, r)); err != nil {
		return err
	}
	if err := p.prune(ctx, r); err != nil {
		return err
	}
	return r.unread()
}

// unswept tells whether a run that ended before the first sweep began still waits to be read after a failure: once the
// sweep is over it would count as news. It is not waited for longer than for attempts to become complete.
func (p *Poller) unswept(r *repository) bool {
	began := r.account.Since.Add(p.Lookback) // also before a restart
	if p.Client.ServerTime().Sub(began) >= closeWithin {
		return false
	}
	for _, open := range r.runs {
		if open.follow.failures > 0 && (!open.known() || open.run.Completed()) {
			return true
		}
	}
	return false
}

// searched tells of a failed search for re-runs once; that can wait, and fails no visit.
func (p *Poller) searched(r *repository, err error) error {
	switch {
	case err == nil:
		r.searchFailing = false
		return nil
	case !confined(err):
		return err
	}
	p.Metrics.failed(r.repo().FullName, reasonOf(err))
	if !r.searchFailing {
		r.searchFailing = true
		level.Warn(p.Logger).Log("msg", "looking for re-runs of old runs failed", "repository", r.repo().FullName, "err", err)
	}
	return nil
}

// watch opens the repository's account at the first visit and after a rename.
func (p *Poller) watch(ctx context.Context, r *repository) error {
	repo := r.repo()
	if r.watched && r.name == repo.FullName {
		return nil
	}
	account, err := p.Progress.Watch(ctx, repo, p.Client.ServerTime().Add(-p.Lookback))
	if err != nil {
		return recorded(fmt.Errorf("opening the account of %s: %w", repo.FullName, err))
	}
	if !r.watched {
		open, err := p.Progress.OpenRuns(r.id)
		if err != nil {
			return recorded(fmt.Errorf("reading the open runs of %s: %w", repo.FullName, err))
		}
		for _, id := range open {
			if err := p.resume(r, id); err != nil {
				return err
			}
		}
		r.changed = p.Now()
	}
	r.account, r.watched, r.name = account, true, repo.FullName
	r.swept.Store(account.Swept)
	return nil
}

// resume takes up a run that was open when the exporter stopped.
func (p *Poller) resume(r *repository, id int64) error {
	closed, err := p.Progress.Attempts(r.id, id)
	if err != nil {
		return recorded(fmt.Errorf("reading the attempts of run %d: %w", id, err))
	}
	open := newOpenRun(id, closed, p.Now())
	maps.Copy(open.finished, p.finishing[r.id][id])
	r.runs[id] = open
	return nil
}

// prune forgets, now and then, what nothing can ask for any more.
func (p *Poller) prune(ctx context.Context, r *repository) error {
	now := p.Now()
	if !r.account.Swept || now.Sub(r.pruned) < time.Hour {
		return nil
	}
	before := p.horizon()
	if err := p.Progress.Prune(ctx, r.id, before); err != nil {
		return recorded(fmt.Errorf("forgetting old runs: %w", err))
	}
	r.pruned, r.account.Pruned = now, latest(r.account.Pruned, before)
	return nil
}

// horizon is the age at which attempts are too old to be counted and marks too old to be needed.
func (p *Poller) horizon() time.Time {
	return p.Client.ServerTime().Add(-max(p.RerunWindow, p.Lookback) - p.MaxRunAge)
}

// outcome turns the end of a visit into metrics, a log line where the state changed, and the time of the next visit.
func (p *Poller) outcome(ctx context.Context, r *repository, err error) time.Time {
	now := p.Now()
	var record recordError
	switch {
	case err == nil:
		return p.succeeded(r, now)
	case ctx.Err() != nil:
		return now
	case errors.Is(err, errVisitFull):
		if r.unread() == nil {
			p.answers(r)
		}
		return now
	case limited(err):
		// Not the repository's fault: everybody waits.
		p.Metrics.failed(r.repo().FullName, reasonOf(err))
		return latest(p.budget.pausedUntil(), now.Add(time.Second))
	case errors.As(err, &record):
		p.rest.hit(now)
		p.failed(r, "recording", err)
		return latest(p.rest.over(), now.Add(time.Second))
	case errors.Is(err, errMoved):
		p.failed(r, "moved", err)
		p.discovery.hurry()
		return now.Add(failureInterval(p.Interval, p.MaxInterval, r.failures))
	default:
		p.failed(r, reasonOf(err), err)
		return now.Add(failureInterval(p.Interval, p.MaxInterval, r.failures))
	}
}

func (p *Poller) succeeded(r *repository, now time.Time) time.Time {
	p.rest.reset()
	p.answers(r)
	p.Metrics.succeeded(r.repo().FullName, now)
	d := nextInterval(p.Interval, p.MaxInterval, now.Sub(r.changed), len(r.runs) > 0, rand.Float64())
	return now.Add(d)
}

// answers ends what was said of failures.
func (p *Poller) answers(r *repository) {
	if r.failing != "" {
		level.Info(p.Logger).Log("msg", "repository answers again", "repository", r.name)
	}
	r.failures, r.failing = 0, ""
	r.swept.Store(r.account.Swept)
	r.state.Store(stateWatched)
	if !r.account.Swept {
		r.state.Store(stateFirstSweep)
	}
}

// failed counts a failure and logs it when its reason is new.
func (p *Poller) failed(r *repository, reason string, err error) {
	r.failures++
	r.state.Store(stateFailing)
	name := r.repo().FullName
	p.Metrics.failed(name, reason)
	if r.failing != reason {
		r.failing = reason
		logger := level.Warn(p.Logger)
		if errors.As(err, &refusedError{}) {
			logger = level.Debug(p.Logger) // said already, by the request that was refused
		}
		logger.Log("msg", "polling repository failed", "repository", name, "reason", reason, "err", err)
	}
}

// reasonOf is the bounded word for a failed request.
func reasonOf(err error) string {
	if unrecordable(err) {
		return "recording"
	}
	var e *githubapi.Error
	if errors.As(err, &e) {
		return e.Kind.String()
	}
	return "other"
}

func limited(err error) bool {
	return kindIs(err, githubapi.KindPrimaryLimit) || kindIs(err, githubapi.KindSecondaryLimit)
}

func kindIs(err error, kind githubapi.Kind) bool {
	var e *githubapi.Error
	return errors.As(err, &e) && e.Kind == kind
}

// gone tells whether an error says that what was asked for does not exist.
func gone(err error) bool {
	return kindIs(err, githubapi.KindNotFound) || kindIs(err, githubapi.KindGone)
}
