package poll

import (
	"context"
	"fmt"
	"time"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/collector/schedule"
)

// Visit asks for what is new and returns when to ask again, and why.
func (r *Repository) Visit(ctx context.Context, reason schedule.Reason) schedule.Turn {
	if until := schedule.Latest(r.visitor.rest.Over(), r.held.Until); r.Now().Before(until) {
		return schedule.Turn{At: until, Reason: schedule.Waited}
	}
	r.requests, r.looked, r.news = 0, false, news{}
	if reason == schedule.Called {
		r.lookAt = time.Time{}
	}
	r.class = gate.History
	err := r.stages(ctx, reason)
	r.openNow.Store(int64(len(r.runs.open)))
	return r.outcome(ctx, err)
}

// stages runs the visit's stages. What can wait comes last and only when the rest is done. The list of runs is left alone
// where the visit is for something else.
func (r *Repository) stages(ctx context.Context, reason schedule.Reason) error {
	if err := r.openAccount(ctx); err != nil {
		return err
	}
	if !r.Now().Before(r.lookAt) || !r.account.Swept {
		r.lookAt = time.Time{} // until it has been read
		if reason == schedule.Look && r.account.Swept {
			r.class = gate.Looking
		}
		if err := r.front.readFront(ctx); err != nil {
			return err
		}
		r.looked = true
		if r.first.IsZero() {
			r.first = r.Now()
		}
		r.read.Store(r.front.began.UnixNano())
		if r.account.Swept {
			if err := r.list.want(ctx, r.wanted.take()); err != nil {
				return err
			}
		}
	}
	r.class = gate.History
	if r.account.Swept {
		r.class = gate.Known
	}
	if err := r.following.follow(ctx); err != nil {
		return err
	}
	if !r.account.Swept && !r.unswept() {
		if err := r.Progress.Swept(ctx, r.id); err != nil {
			return recorded(fmt.Errorf("ending the first sweep: %w", err))
		}
		r.account.Swept = true
		level.Info(r.Logger).Log("msg", "first sweep of repository done", "repository", r.name, "since", r.account.Since)
	}
	r.class = gate.Spare
	if err := r.live.readLive(ctx); err != nil {
		return err
	}
	if err := r.search.searched(r.search.sweep(ctx)); err != nil {
		return err
	}
	if err := r.prune(ctx); err != nil {
		return err
	}
	return r.runs.unread()
}

// unswept tells whether a run that ended before the first sweep began still waits to be read after a failure: once the
// sweep is over it would count as news. It is not waited for longer than for attempts to become complete.
func (r *Repository) unswept() bool {
	began := r.account.Since.Add(r.Lookback) // also before a restart
	if r.gate.Client.ServerTime().Sub(began) >= closeWithin {
		return false
	}
	for _, open := range r.runs.open {
		if open.follow.failures > 0 && (!open.known() || open.run.Completed()) {
			return true
		}
	}
	return false
}

// openAccount opens the repository's account at the first visit and after a rename.
func (r *Repository) openAccount(ctx context.Context) error {
	repo := r.Repo()
	if r.watched && r.name == repo.FullName && !r.account.Since.After(r.today(r.gate.Client.ServerTime())) {
		return nil
	}
	since := r.today(r.gate.Client.ServerTime()).Add(-r.Lookback)
	account, err := r.Progress.Watch(ctx, repo, since)
	if err != nil {
		return recorded(fmt.Errorf("opening the account of %s: %w", repo.FullName, err))
	}
	if account.Since.After(r.today(r.gate.Client.ServerTime())) {
		level.Warn(r.Logger).Log("msg", "the beginning of the count lies ahead, by a clock that was wrong, and is corrected",
			"repository", repo.FullName, "since", account.Since, "corrected", since)
		if account, err = r.Progress.MoveSince(ctx, r.id, since); err != nil {
			return recorded(fmt.Errorf("correcting since of %s: %w", repo.FullName, err))
		}
		r.front.page = front{} // to be read anew
	}
	if !r.watched {
		open, err := r.Progress.OpenRuns(r.id)
		if err != nil {
			return recorded(fmt.Errorf("reading the open runs of %s: %w", repo.FullName, err))
		}
		for _, id := range open {
			if err := r.runs.resume(r.visitor.finishing[r.id], id); err != nil {
				return err
			}
		}
		r.changed = r.Now()
	}
	r.account, r.watched, r.name = account, true, repo.FullName
	r.swept.Store(account.Swept)
	return nil
}

// prune forgets, now and then, what nothing can ask for any more.
func (r *Repository) prune(ctx context.Context) error {
	now := r.Now()
	if !r.account.Swept || now.Sub(r.pruned) < time.Hour {
		return nil
	}
	before := r.horizon()
	if err := r.Progress.Prune(ctx, r.id, before); err != nil {
		return recorded(fmt.Errorf("forgetting old runs: %w", err))
	}
	r.pruned, r.account.Pruned = now, schedule.Latest(r.account.Pruned, before)
	return nil
}
