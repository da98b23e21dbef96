package watch

import (
	"context"
	"errors"
	"time"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/collector/hint"
	"github_workflow_exporter/githubapi"
)

const (
	// headsBarred is how long GraphQL is not asked after GitHub said that it is not for this credential, or that there is none.
	headsBarred = time.Hour
	// headsAgain is how often it is looked whether it may be asked again: a new token may be let in at once.
	headsAgain = 15 * time.Second
	// headsEvery is how often it is asked within an interval: what it tells of is that late, and it is asked for in vain for free.
	headsEvery = 4
)

// newHeads makes the source that asks GraphQL with the watcher's credential; nil where that is not wanted.
func (w *Watcher) newHeads() *hint.Heads {
	if !w.GraphQL || w.Client.Anonymous() { // GraphQL is not for the anonymous
		return nil
	}
	return hint.NewHeads(hint.HeadsOptions{
		Heads:  func(ctx context.Context, runs []string) hint.Answer { return w.askHeads(ctx, runs, w.Client.Heads) },
		States: func(ctx context.Context, runs []string) hint.Answer { return w.askHeads(ctx, runs, w.Client.RunStates) },
		Hint:   func(n hint.News) { w.hint(hint.GraphQL, n) },
		Cover:  func(repo int64) { w.Hints.Cover(hint.GraphQL, repo, w.Client.ServerTime()) },
		Gap: func() {
			for _, r := range w.fleet.all() {
				w.Hints.Uncover(hint.GraphQL, r.ID())
			}
			w.Hints.Gap(hint.GraphQL)
		},
		Began: func(repo int64) {
			if w.Visit.Live { // its jobs are to be shown, unless it is over by then
				w.fleet.call(repo, w.Now().Add(w.Visit.Interval))
			}
		},
		Told:     w.Hints.Told,
		Interval: w.Visit.Interval / headsEvery,
		Logger:   w.Logger, Now: w.Now,
	})
}

// askHeads asks GraphQL, as long as it lets the credential in and its limit lasts.
func (w *Watcher) askHeads(ctx context.Context, runs []string, ask func(context.Context, []string) ([][]githubapi.RunHead, error)) hint.Answer {
	if !w.gate.Heads.May() || !w.gate.AffordsGraphQL() {
		return hint.Answer{Wait: headsAgain}
	}
	var a hint.Answer
	a.Sent, a.Err = w.gate.AskExtra(func() (err error) {
		a.Runs, err = ask(ctx, runs)
		return err
	})
	a.Wait = w.gate.PaceGraphQL()
	var e *githubapi.Error
	switch {
	case a.Err == nil || ctx.Err() != nil:
	case githubapi.IsKind(a.Err, githubapi.KindForbidden), githubapi.IsKind(a.Err, githubapi.KindNotFound), githubapi.IsKind(a.Err, githubapi.KindUnauthorized):
		if w.gate.Heads.Bar(headsBarred) {
			level.Info(w.Logger).Log("msg", "GraphQL does not tell where runs have ended; repositories are looked at instead", "retry_in", headsBarred, "err", a.Err)
		}
		a.Wait = headsAgain
	case errors.As(a.Err, &e) && e.Kind == githubapi.KindPrimaryLimit && e.Reset.After(w.Now()):
		w.gate.Heads.Pause(e.Reset)
	default:
		a.Wait = max(a.Wait, gate.Asked(a.Err))
	}
	return a
}
