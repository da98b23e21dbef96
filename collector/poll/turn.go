package poll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/collector/schedule"
	"github_workflow_exporter/githubapi"
)

// turn is when a stage did something for an open run last, and how that went.
type turn struct {
	last     time.Time
	failures int       // in a row
	retry    time.Time // after failures: not again before then
}

// networkFailures is how many runs in a row may get no answer until it is taken to be the network, not the runs.
const networkFailures = 3

// openRuns are the runs of the repository with an attempt that is still to be closed.
type openRuns struct {
	*site
	open     map[int64]*openRun
	round    time.Time      // since when they have their turns, each one of them; zero between two rounds
	troubled map[int64]bool // those that could not be read, while no jobs of any could
	trouble  error          // of the last of them
}

func newOpenRuns(s *site) *openRuns {
	return &openRuns{site: s, open: map[int64]*openRun{}, troubled: map[int64]bool{}}
}

// eachOpen calls do for the open runs for which something is due, those first that had no turn for longest: however many
// there are and however little a visit gets done, none is left out. A failure that concerns one run only, such as a page
// GitHub cannot make, delays that run and leaves the others alone.
func (o *openRuns) eachOpen(ctx context.Context, of func(*openRun) *turn, due func(*openRun) bool, do func(*openRun) error) error {
	unanswered := 0
	for _, open := range inTurn(o.open, of) {
		t, now := of(open), o.Now()
		if now.Before(t.retry) || !due(open) {
			continue
		}
		err := do(open)
		switch {
		case err == nil:
			*t, unanswered = turn{last: now}, 0
			delete(o.troubled, open.run.ID)
			continue
		case ctx.Err() != nil, errors.Is(err, errVisitFull): // its turn is still to come
			return err
		case !confined(err):
			return fmt.Errorf("run %d: %w", open.run.ID, err)
		}
		o.delay(open, t, now, err)
		if !githubapi.IsKind(err, githubapi.KindNetwork) {
			unanswered = 0
		} else if unanswered++; unanswered >= networkFailures {
			return fmt.Errorf("run %d and others before it: %w", open.run.ID, err)
		}
	}
	return nil
}

func inTurn(runs map[int64]*openRun, of func(*openRun) *turn) []*openRun {
	return slices.SortedFunc(maps.Values(runs), func(a, b *openRun) int {
		// Of those that are over, first what ended first: what comes after it, on the same branch, is held against it.
		return cmp.Or(of(a).last.Compare(of(b).last), a.ended().Compare(b.ended()), cmp.Compare(a.run.ID, b.run.ID))
	})
}

// confined tells whether a failure is that of what was asked for, and says nothing of the token, the limits, the
// server as a whole, the repository's name or the recording.
func confined(err error) bool {
	var e *githubapi.Error
	var record recordError
	switch {
	case unrecordable(err):
		return true
	case !errors.As(err, &e), gate.Limited(err), gate.ForHost(err), errors.As(err, &record), errors.As(err, &gate.HeldError{}):
		return false
	case e.Kind == githubapi.KindUnauthorized:
		return errors.As(err, &gate.EndpointError{})
	}
	return e.Kind != githubapi.KindCanceled
}

func (o *openRuns) delay(open *openRun, t *turn, now time.Time, err error) {
	t.last = now
	t.failures++
	t.retry = now.Add(schedule.RetryWait(o.Interval, o.MaxInterval, t.failures))
	o.trouble, o.troubled[open.run.ID] = err, true
	o.Figures.Failed(o.Repo().FullName, reasonOf(err))
	if t.failures == 1 {
		level.Warn(o.Logger).Log("msg", "polling run failed", "repository", o.Repo().FullName, "run_id", open.run.ID, "err", err)
	}
}

// resume takes up a run that was open when the exporter stopped.
func (o *openRuns) resume(waited map[int64]finishing, id int64) error {
	closed, err := o.Progress.Attempts(o.id, id)
	if err != nil {
		return recorded(fmt.Errorf("reading the attempts of run %d: %w", id, err))
	}
	open := newOpenRun(id, closed, o.Now())
	maps.Copy(open.finished, waited[id])
	o.open[id] = open
	return nil
}
