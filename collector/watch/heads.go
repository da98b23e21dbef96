package watch

import (
	"context"
	"time"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/collector/hint"
	"github_workflow_exporter/githubapi"
)

const (
	// headsAgain is how often it is looked whether GraphQL may be asked again: a new token may be let in at once.
	headsAgain = 15 * time.Second
	// headsEvery is how often it is asked within an interval, as far as its limit lasts: that late is what it tells.
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
		Now:      w.Now,
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
	if a.Err == nil || ctx.Err() != nil || githubapi.TooGreedy(a.Err) && len(runs) > 1 { // fewer may be answered
		return a
	}
	if barred := w.gate.Heads.Failed(a.Err); barred > 0 {
		level.Info(w.Logger).Log("msg", "GraphQL does not tell where runs have ended; repositories are looked at instead", "retry_in", barred, "err", a.Err)
	} else {
		level.Debug(w.Logger).Log("msg", "asking GraphQL where runs have ended failed", "err", a.Err)
	}
	a.Wait = max(a.Wait, headsAgain)
	return a
}
