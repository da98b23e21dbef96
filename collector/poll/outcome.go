package poll

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/collector/schedule"
	"github_workflow_exporter/githubapi"
)

// outcome turns the end of a visit into metrics, a log line where the state changed, and the time of the next visit.
func (r *Repository) outcome(ctx context.Context, err error) time.Time {
	now := r.Now()
	var record recordError
	h, notAsked := gate.Held(err)
	switch {
	case err == nil:
		return r.succeeded(now)
	case ctx.Err() != nil:
		return now
	case errors.Is(err, errVisitFull):
		if r.runs.unread() == nil {
			r.answers()
		}
		return now
	case gate.Limited(err):
		// Not the repository's fault: everybody waits.
		r.Figures.Failed(r.Repo().FullName, reasonOf(err))
		return schedule.Latest(r.gate.PausedUntil(), now.Add(time.Second))
	case notAsked && h.Host:
		// Whoever tries again is on the way: then it is known soon.
		if state := r.State(); state != Failing || now.Before(h.Until) {
			r.fails(reasonOf(err), err)
		}
		return schedule.Latest(h.Until, now.Add(gate.OutagePause))
	case errors.As(err, &record):
		r.visitor.rest.Hit(now)
		r.failed("recording", err)
		return schedule.Latest(r.visitor.rest.Over(), now.Add(time.Second))
	case errors.Is(err, errMoved):
		r.failed("moved", err)
		r.Moved()
		return now.Add(schedule.Retry(r.Interval, r.MaxInterval, r.failures))
	default:
		r.failed(reasonOf(err), err)
		r.gate.Struck(ctx, r.Repo().FullName, err)
		if until := r.gate.OutageEnds(); gate.Unserved(err) && !until.IsZero() && r.held.Until.Before(until) {
			return schedule.Latest(until, now.Add(gate.OutagePause)) // the server's trouble: where repositories are few, it has to try again itself
		}
		return schedule.Latest(now.Add(schedule.Retry(r.Interval, r.MaxInterval, r.failures)), r.held.Until)
	}
}

func (r *Repository) succeeded(now time.Time) time.Time {
	r.visitor.rest.Reset()
	r.answers()
	r.Figures.Succeeded(r.Repo().FullName, now)
	d := schedule.Revisit(r.Interval, r.MaxInterval, now.Sub(r.changed), len(r.runs.open) > 0, rand.Float64())
	return now.Add(d)
}

// answers ends what was said of failures.
func (r *Repository) answers() {
	if r.failing != "" {
		level.Info(r.Logger).Log("msg", "repository answers again", "repository", r.name)
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
func (r *Repository) failed(reason string, err error) {
	r.failures++
	r.fails(reason, err)
}

// fails is failed for a repository that was not asked for: that makes the wait until it is asked again no longer.
func (r *Repository) fails(reason string, err error) {
	r.state.Store(int32(Failing))
	name := r.Repo().FullName
	r.Figures.Failed(name, reason)
	r.gate.SSO.Note(name, err)
	if r.failing != reason {
		r.failing = reason
		logger := level.Warn(r.Logger)
		if gate.Said(err) {
			logger = level.Debug(r.Logger)
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
