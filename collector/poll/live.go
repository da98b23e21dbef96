package poll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github_workflow_exporter/githubapi"
)

// readLive reads the jobs of attempts that still run, from spare budget: the gauges of what goes on now come from it,
// and jobs that are over are recorded without waiting for the others. An unchanged page costs nothing. Where more runs are
// open than a visit may ask for, those come first that were not looked at for longest.
func (p *Poller) readLive(ctx context.Context, r *repository) error {
	if !p.Options.Live {
		return nil
	}
	ids := slices.SortedFunc(maps.Keys(r.runs), func(a, b int64) int {
		return cmp.Or(r.runs[a].looked.Compare(r.runs[b].looked), cmp.Compare(a, b))
	})
	err := p.eachOpen(r, ids, func(open *openRun) error {
		if !open.known() || open.run.Completed() || open.next() != open.latest() ||
			open.run.Started().Before(r.account.Since) || !p.budget.spare() {
			return nil
		}
		err := p.readLiveJobs(ctx, r, open)
		if gone(err) { // the closing or the run's own endpoint will tell
			err = nil
		}
		if err == nil {
			open.looked = p.Now()
		}
		return err
	})
	if errors.Is(err, errVisitFull) {
		return nil // the rest at the next visit
	}
	return err
}

func (p *Poller) readLiveJobs(ctx context.Context, r *repository, open *openRun) error {
	attempt := githubapi.Attempt{Run: open.run, Number: open.latest(), Latest: open.latest()}
	pages, changed, err := p.readPages(ctx, r, &attempt, open.pages)
	if err != nil {
		return fmt.Errorf("reading the jobs of the open attempt %d: %w", attempt.Number, err)
	}
	if !changed {
		return nil
	}
	open.pages = nil
	if foreign(attempt) {
		return nil // perhaps another attempt's: left to the closing, which reads with more care
	}
	if slices.ContainsFunc(attempt.Jobs, githubapi.Job.Completed) {
		if err := p.Recorder.Record(ctx, r.repo(), attempt, false); err != nil {
			return recorded(err)
		}
	}
	p.Recorder.Live(r.repo(), attempt)
	open.pages = pages // what the tags stand for is committed
	r.changed = p.Now()
	return nil
}
