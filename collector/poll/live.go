package poll

import (
	"context"
	"fmt"
	"slices"

	"github_workflow_exporter/githubapi"
)

// readLive reads the jobs of attempts that still run, from spare budget: the gauges of what goes on now come from it,
// and jobs that are over are recorded without waiting for the others. An unchanged page costs nothing.
func (p *Poller) readLive(ctx context.Context, r *repository) error {
	if !p.Options.Live {
		return nil
	}
	return p.eachOpen(r, func(open *openRun) error {
		if !open.known() || open.run.Completed() || open.next() != open.latest() ||
			open.run.Started().Before(r.account.Since) || !p.budget.spare() {
			return nil
		}
		err := p.readLiveJobs(ctx, r, open)
		if gone(err) { // the closing or the run's own endpoint will tell
			return nil
		}
		return err
	})
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
