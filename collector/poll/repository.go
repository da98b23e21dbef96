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

	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/collector/schedule"
	"github_workflow_exporter/githubapi"
)

// visitRequests is how many requests one visit may make: a long first sweep of one repository must not keep the others
// waiting for its worker.
const visitRequests = 200

// Repository is what is known in memory of a watched repository. Only the worker that visits it touches it, but for the
// atomic fields, which others read.
type Repository struct {
	gate    *gate.Gate // of the credential that sees it
	id      int64
	current atomic.Pointer[githubapi.Repository] // as discovery saw it last
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

	runPages, jobPages gate.PageSize // of the lists of runs and of jobs

	runs     map[int64]*openRun
	round    time.Time      // since when the open runs have their turns, each one of them; zero between two rounds
	troubled map[int64]bool // runs that could not be read, while no jobs of any could
	trouble  error          // of the last of them

	changed  time.Time // when anything last happened
	failures int       // visits in a row that failed
	failing  string    // the reason logged, "" when none
	pruned   time.Time

	workflows map[int64]string // names asked for, by workflow id

	odd      int            // entries of its lists without an id that were discarded
	requests int            // of this visit
	held     gate.HeldError // for how long an answer asked not to ask for it
}

// State of a repository, as its visits go.
type State int32

// The states, as shown by repositories{state}.
const (
	FirstSweep State = iota
	Watched
	Failing
)

// NewRepository is a repository of which nothing is known yet; it is asked for through a gate.
func NewRepository(g *gate.Gate, repo githubapi.Repository) *Repository {
	r := &Repository{gate: g, id: repo.ID, runs: map[int64]*openRun{}, troubled: map[int64]bool{}, workflows: map[int64]string{}}
	r.current.Store(&repo)
	return r
}

// ID is its number, which renames do not change.
func (r *Repository) ID() int64 { return r.id }

// Repo is the repository as it is called now.
func (r *Repository) Repo() githubapi.Repository { return *r.current.Load() }

// State is how the last visit went.
func (r *Repository) State() State { return State(r.state.Load()) }

// Swept tells whether the first sweep is over.
func (r *Repository) Swept() bool { return r.swept.Load() }

// OpenRuns counts the runs with an attempt that is still to be closed.
func (r *Repository) OpenRuns() int { return int(r.openNow.Load()) }

// Update takes in what discovery saw of it.
func (v *Visitor) Update(r *Repository, repo githubapi.Repository) {
	v.renamed(r, repo.FullName)
	r.current.Store(&repo)
}

// Pause ends the visits for now: the live jobs, which are no longer refreshed, are dropped, and read anew if it is visited again.
func (v *Visitor) Pause(r *Repository) {
	v.Recorder.Forget(r.id, 0)
	for _, open := range r.runs {
		open.pages = nil
	}
}

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
func (v *Visitor) askFor(ctx context.Context, r *Repository, send func() error) error {
	if r.requests >= visitRequests {
		return errVisitFull
	}
	return v.askOf(ctx, r, send)
}

// askOf sends one request of a visit, unless an answer to an earlier one asked to wait. What is answered for one repository
// only, such as a 404 with Retry-After, holds that repository.
func (v *Visitor) askOf(ctx context.Context, r *Repository, send func() error) error {
	r.requests++
	if v.Now().Before(r.held.Until) {
		return r.held
	}
	err := r.gate.Ask(ctx, send)
	if hold := gate.Hold(err, v.Now()); hold.Err != nil {
		r.held = hold
	}
	return err
}

// Visit asks a repository for what is new and returns when to ask again.
func (v *Visitor) Visit(ctx context.Context, r *Repository) time.Time {
	if until := schedule.Latest(v.rest.Over(), r.held.Until); v.Now().Before(until) {
		return until
	}
	r.requests = 0
	err := v.stages(ctx, r)
	r.openNow.Store(int64(len(r.runs)))
	return v.outcome(ctx, r, err)
}

// stages runs the visit's stages. What can wait comes last and only when the rest is done.
func (v *Visitor) stages(ctx context.Context, r *Repository) error {
	if err := v.watch(ctx, r); err != nil {
		return err
	}
	if err := v.readFront(ctx, r); err != nil {
		return err
	}
	if err := v.follow(ctx, r); err != nil {
		return err
	}
	if !r.account.Swept && !v.unswept(r) {
		if err := v.Progress.Swept(ctx, r.id); err != nil {
			return recorded(fmt.Errorf("ending the first sweep: %w", err))
		}
		r.account.Swept = true
		level.Info(v.Logger).Log("msg", "first sweep of repository done", "repository", r.name, "since", r.account.Since)
	}
	if err := v.readLive(ctx, r); err != nil {
		return err
	}
	if err := v.searched(r, v.sweep(ctx, r)); err != nil {
		return err
	}
	if err := v.prune(ctx, r); err != nil {
		return err
	}
	return r.unread()
}

// unswept tells whether a run that ended before the first sweep began still waits to be read after a failure: once the
// sweep is over it would count as news. It is not waited for longer than for attempts to become complete.
func (v *Visitor) unswept(r *Repository) bool {
	began := r.account.Since.Add(v.Lookback) // also before a restart
	if r.gate.Client.ServerTime().Sub(began) >= closeWithin {
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
func (v *Visitor) searched(r *Repository, err error) error {
	switch {
	case err == nil:
		r.searchFailing = false
		return nil
	case !confined(err):
		return err
	}
	v.Figures.Failed(r.Repo().FullName, reasonOf(err))
	if !r.searchFailing {
		r.searchFailing = true
		level.Warn(v.Logger).Log("msg", "looking for re-runs of old runs failed", "repository", r.Repo().FullName, "err", err)
	}
	return nil
}

// watch opens the repository's account at the first visit and after a rename.
func (v *Visitor) watch(ctx context.Context, r *Repository) error {
	repo := r.Repo()
	if r.watched && r.name == repo.FullName && !r.account.Since.After(v.today(r.gate.Client.ServerTime())) {
		return nil
	}
	since := v.today(r.gate.Client.ServerTime()).Add(-v.Lookback)
	account, err := v.Progress.Watch(ctx, repo, since)
	if err != nil {
		return recorded(fmt.Errorf("opening the account of %s: %w", repo.FullName, err))
	}
	if account.Since.After(v.today(r.gate.Client.ServerTime())) {
		level.Warn(v.Logger).Log("msg", "the beginning of the count lies ahead, by a clock that was wrong, and is corrected",
			"repository", repo.FullName, "since", account.Since, "corrected", since)
		if account, err = v.Progress.MoveSince(ctx, r.id, since); err != nil {
			return recorded(fmt.Errorf("correcting since of %s: %w", repo.FullName, err))
		}
		r.front = front{} // to be read anew
	}
	if !r.watched {
		open, err := v.Progress.OpenRuns(r.id)
		if err != nil {
			return recorded(fmt.Errorf("reading the open runs of %s: %w", repo.FullName, err))
		}
		for _, id := range open {
			if err := v.resume(r, id); err != nil {
				return err
			}
		}
		r.changed = v.Now()
	}
	r.account, r.watched, r.name = account, true, repo.FullName
	r.swept.Store(account.Swept)
	return nil
}

// resume takes up a run that was open when the exporter stopped.
func (v *Visitor) resume(r *Repository, id int64) error {
	closed, err := v.Progress.Attempts(r.id, id)
	if err != nil {
		return recorded(fmt.Errorf("reading the attempts of run %d: %w", id, err))
	}
	open := newOpenRun(id, closed, v.Now())
	maps.Copy(open.finished, v.finishing[r.id][id])
	r.runs[id] = open
	return nil
}

// prune forgets, now and then, what nothing can ask for any more.
func (v *Visitor) prune(ctx context.Context, r *Repository) error {
	now := v.Now()
	if !r.account.Swept || now.Sub(r.pruned) < time.Hour {
		return nil
	}
	before := v.horizon(r)
	if err := v.Progress.Prune(ctx, r.id, before); err != nil {
		return recorded(fmt.Errorf("forgetting old runs: %w", err))
	}
	r.pruned, r.account.Pruned = now, schedule.Latest(r.account.Pruned, before)
	return nil
}

// horizon is the age at which attempts are too old to be counted and marks too old to be needed.
func (v *Visitor) horizon(r *Repository) time.Time { return v.Horizon(r.gate.Client.ServerTime()) }

// Horizon is the same by a server's clock.
func (v *Visitor) Horizon(server time.Time) time.Time {
	return v.today(server).Add(-max(v.RerunWindow, v.Lookback) - v.MaxRunAge)
}

// clocksAgree is how far the server's clock and the local one may be apart for the server's to be believed alone.
const clocksAgree = 15 * time.Minute

// today is now for what is decided for good: by the server's clock, as its times are, and where the two clocks differ by the
// earlier one. By one that is ahead nothing would count until then, or what is needed would be forgotten.
func (v *Visitor) today(server time.Time) time.Time {
	if local := v.Now(); local.Before(server.Add(-clocksAgree)) {
		return local
	}
	return server
}

// outcome turns the end of a visit into metrics, a log line where the state changed, and the time of the next visit.
func (v *Visitor) outcome(ctx context.Context, r *Repository, err error) time.Time {
	now := v.Now()
	var record recordError
	h, notAsked := gate.Held(err)
	switch {
	case err == nil:
		return v.succeeded(r, now)
	case ctx.Err() != nil:
		return now
	case errors.Is(err, errVisitFull):
		if r.unread() == nil {
			v.answers(r)
		}
		return now
	case gate.Limited(err):
		// Not the repository's fault: everybody waits.
		v.Figures.Failed(r.Repo().FullName, reasonOf(err))
		return schedule.Latest(r.gate.PausedUntil(), now.Add(time.Second))
	case notAsked && h.Host:
		// Whoever tries again is on the way: then it is known soon.
		if state := r.State(); state != Failing || now.Before(h.Until) {
			v.fails(r, reasonOf(err), err)
		}
		return schedule.Latest(h.Until, now.Add(gate.OutagePause))
	case errors.As(err, &record):
		v.rest.Hit(now)
		v.failed(r, "recording", err)
		return schedule.Latest(v.rest.Over(), now.Add(time.Second))
	case errors.Is(err, errMoved):
		v.failed(r, "moved", err)
		v.Moved()
		return now.Add(schedule.Retry(v.Interval, v.MaxInterval, r.failures))
	default:
		v.failed(r, reasonOf(err), err)
		r.gate.Struck(ctx, r.Repo().FullName, err)
		if until := r.gate.OutageEnds(); gate.Unserved(err) && !until.IsZero() && r.held.Until.Before(until) {
			return schedule.Latest(until, now.Add(gate.OutagePause)) // the server's trouble: where repositories are few, it has to try again itself
		}
		return schedule.Latest(now.Add(schedule.Retry(v.Interval, v.MaxInterval, r.failures)), r.held.Until)
	}
}

func (v *Visitor) succeeded(r *Repository, now time.Time) time.Time {
	v.rest.Reset()
	v.answers(r)
	v.Figures.Succeeded(r.Repo().FullName, now)
	d := schedule.Revisit(v.Interval, v.MaxInterval, now.Sub(r.changed), len(r.runs) > 0, rand.Float64())
	return now.Add(d)
}

// answers ends what was said of failures.
func (v *Visitor) answers(r *Repository) {
	if r.failing != "" {
		level.Info(v.Logger).Log("msg", "repository answers again", "repository", r.name)
	}
	r.gate.SSO.Lift(r.Repo().FullName)
	r.failures, r.failing = 0, ""
	r.swept.Store(r.account.Swept)
	r.state.Store(int32(Watched))
	if !r.account.Swept {
		r.state.Store(int32(FirstSweep))
	}
}

// failed counts a failure and logs it when its reason is new.
func (v *Visitor) failed(r *Repository, reason string, err error) {
	r.failures++
	v.fails(r, reason, err)
}

// fails is failed for a repository that was not asked for: that makes the wait until it is asked again no longer.
func (v *Visitor) fails(r *Repository, reason string, err error) {
	r.state.Store(int32(Failing))
	name := r.Repo().FullName
	v.Figures.Failed(name, reason)
	r.gate.SSO.Note(name, err)
	if r.failing != reason {
		r.failing = reason
		logger := level.Warn(v.Logger)
		if gate.Said(err) {
			logger = level.Debug(v.Logger)
		}
		logger.Log("msg", "polling repository failed", "repository", name, "reason", reason, "err", err)
	}
}

// reasonOf is the bounded word for a failed request.
func reasonOf(err error) string {
	if unrecordable(err) {
		return "recording"
	}
	return githubapi.Reason(err)
}
