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
	target  string                               // by which it was found last; discovery's own, as is the next
	owner   string                               // whose it was then, in lower case
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

	workflows map[int64]string // names asked for, by workflow id

	odd      int       // entries of its lists without an id that were discarded
	requests int       // of this visit
	held     heldError // for how long an answer asked not to ask for it
}

// States of a repository, as shown by repositories{state}.
const (
	stateFirstSweep int32 = iota
	stateWatched
	stateFailing
)

func newRepository(repo githubapi.Repository) *repository {
	r := &repository{id: repo.ID, runs: map[int64]*openRun{}, troubled: map[int64]bool{}, workflows: map[int64]string{}}
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
	return p.askOf(ctx, r, send)
}

// askOf sends one request of a visit, unless an answer to an earlier one asked to wait. What is answered for one repository
// only, such as a 404 with Retry-After, holds that repository.
func (p *Poller) askOf(ctx context.Context, r *repository, send func() error) error {
	r.requests++
	if p.Now().Before(r.held.until) {
		return r.held
	}
	err := p.ask(ctx, send)
	if wait := asked(err); wait > 0 && !limited(err) && !forHost(err) {
		r.held = heldError{err: err, until: p.Now().Add(wait)}
	}
	return err
}

// visit asks a repository for what is new and returns when to ask again.
func (p *Poller) visit(ctx context.Context, r *repository) time.Time {
	if until := latest(p.rest.over(), r.held.until); p.Now().Before(until) {
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
	if r.watched && r.name == repo.FullName && !r.account.Since.After(p.today()) {
		return nil
	}
	since := p.today().Add(-p.Lookback)
	account, err := p.Progress.Watch(ctx, repo, since)
	if err != nil {
		return recorded(fmt.Errorf("opening the account of %s: %w", repo.FullName, err))
	}
	if account.Since.After(p.today()) {
		level.Warn(p.Logger).Log("msg", "the beginning of the count lies ahead, by a clock that was wrong, and is corrected",
			"repository", repo.FullName, "since", account.Since, "corrected", since)
		if account, err = p.Progress.MoveSince(ctx, r.id, since); err != nil {
			return recorded(fmt.Errorf("correcting since of %s: %w", repo.FullName, err))
		}
		r.front = front{} // to be read anew
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
	return p.today().Add(-max(p.RerunWindow, p.Lookback) - p.MaxRunAge)
}

// clocksAgree is how far the server's clock and the local one may be apart for the server's to be believed alone.
const clocksAgree = 15 * time.Minute

// today is now for what is decided for good: by the server's clock, as its times are, and where the two clocks differ by the
// earlier one. By one that is ahead nothing would count until then, or what is needed would be forgotten.
func (p *Poller) today() time.Time {
	server, local := p.Client.ServerTime(), p.Now()
	if local.Before(server.Add(-clocksAgree)) {
		return local
	}
	return server
}

// outcome turns the end of a visit into metrics, a log line where the state changed, and the time of the next visit.
func (p *Poller) outcome(ctx context.Context, r *repository, err error) time.Time {
	now := p.Now()
	var record recordError
	h, notAsked := held(err)
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
	case notAsked && h.host:
		// Whoever tries again is on the way: then it is known soon.
		if state := r.state.Load(); state != stateFailing || now.Before(h.until) {
			p.fails(r, reasonOf(err), err)
		}
		return latest(h.until, now.Add(outagePause))
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
		p.struck(ctx, r.repo().FullName, err)
		if until := p.outage.ends(); unserved(err) && !until.IsZero() && r.held.until.Before(until) {
			return latest(until, now.Add(outagePause)) // the server's trouble: where repositories are few, it has to try again itself
		}
		return latest(now.Add(failureInterval(p.Interval, p.MaxInterval, r.failures)), r.held.until)
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
	p.sso.lift(r.repo().FullName, p.Logger)
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
	p.fails(r, reason, err)
}

// fails is failed for a repository that was not asked for: that makes the wait until it is asked again no longer.
func (p *Poller) fails(r *repository, reason string, err error) {
	r.state.Store(stateFailing)
	name := r.repo().FullName
	p.Metrics.failed(name, reason)
	p.noteSSO(name, err)
	if r.failing != reason {
		r.failing = reason
		logger := level.Warn(p.Logger)
		if said(err) {
			logger = level.Debug(p.Logger)
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
