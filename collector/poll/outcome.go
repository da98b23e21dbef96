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
func (r *Repository) outcome(ctx context.Context, err error) schedule.Turn {
	now := r.Now()
	var record recordError
	h, notAsked := gate.Held(err)
	switch {
	case err == nil:
		return r.succeeded(now)
	case ctx.Err() != nil:
		return schedule.Turn{At: now, Reason: schedule.Continued}
	case errors.Is(err, errVisitFull):
		if r.runs.unread() == nil {
			r.answers()
		}
		return schedule.Turn{At: now, Reason: schedule.Continued}
	case gate.Limited(err):
		// Not the repository's fault: everybody waits.
		r.Figures.Failed(r.Repo().FullName, reasonOf(err))
		return schedule.Turn{At: schedule.Latest(r.gate.PausedUntil(), now.Add(time.Second)), Reason: schedule.Waited}
	case notAsked && h.Host:
		// Whoever tries again is on the way: then it is known soon.
		if state := r.State(); state != Failing || now.Before(h.Until) {
			r.fails(reasonOf(err), err)
		}
		return schedule.Turn{At: schedule.Latest(h.Until, now.Add(gate.OutagePause)), Reason: schedule.Waited}
	case errors.As(err, &record):
		r.visitor.rest.Hit(now)
		r.failed("recording", err)
		return schedule.Turn{At: schedule.Latest(r.visitor.rest.Over(), now.Add(time.Second)), Reason: schedule.Waited}
	case errors.Is(err, errMoved):
		r.failed("moved", err)
		r.Moved()
		return schedule.Turn{At: now.Add(schedule.RetryWait(r.Interval, r.MaxInterval, r.failures)), Reason: schedule.Retry}
	default:
		r.failed(reasonOf(err), err)
		r.gate.Struck(ctx, r.Repo().FullName, err)
		if until := r.gate.OutageEnds(); gate.Unserved(err) && !until.IsZero() && r.held.Until.Before(until) {
			// The server's trouble: where repositories are few, it has to try again itself.
			return schedule.Turn{At: schedule.Latest(until, now.Add(gate.OutagePause)), Reason: schedule.Waited}
		}
		return schedule.Turn{At: schedule.Latest(now.Add(schedule.RetryWait(r.Interval, r.MaxInterval, r.failures)), r.held.Until), Reason: schedule.Retry}
	}
}

func (r *Repository) succeeded(now time.Time) schedule.Turn {
	r.visitor.rest.Reset()
	r.answers()
	r.Figures.Succeeded(r.Repo().FullName, now)
	return r.next(now)
}

// next is when the repository is visited again after a visit that had nothing to complain of.
func (r *Repository) next(now time.Time) schedule.Turn {
	server := r.gate.Client.ServerTime()
	state := schedule.State{
		Outlook: schedule.Outlook{
			Interval: r.Interval, Most: r.MaxInterval, Worth: 2 * r.Interval,
			Idle: now.Sub(r.changed), Known: now.Sub(r.first), Rate: r.habits.Rate(server), Lengths: r.habits.Lengths(0),
		},
		Looked: r.looked, LookAt: r.lookAt, HintedInterval: r.HintedInterval,
	}
	for _, open := range r.runs.open {
		if open.toClose() {
			at := now.Add(r.Interval) // those that wait for long go together
			if gap := open.closeGap(r.Interval); gap < r.Interval {
				at = open.follow.last.Add(gap)
			}
			if state.ToClose.IsZero() || at.Before(state.ToClose) {
				state.ToClose = at
			}
			continue
		}
		started := open.run.Started()
		if started.IsZero() {
			started = server
		}
		state.Open = append(state.Open, schedule.Open{
			Age: server.Sub(started), Started: open.run.Status == "in_progress", Lengths: r.habits.Lengths(open.run.WorkflowID),
		})
		if r.live.follows(open) {
			if due := r.live.due(open); state.LiveAt.IsZero() || due.Before(state.LiveAt) {
				state.LiveAt = schedule.Latest(due, now)
			}
		}
	}
	if r.looked && r.Hints.Looked(r.id, r.front.began, r.news.first, r.news.rerun, now) {
		state.Again = true
	}
	// What makes requests conditional belongs to a token, and those of an App last an hour.
	state.Told, state.Charged = r.Hints.Hinted(r.id), r.gate.Client.Renews()
	state.Empty = r.front.page.empty
	turn, lookAt := state.Next(now, rand.Float64())
	r.lookAt = lookAt
	return turn
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
