package hint

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github_workflow_exporter/githubapi"
)

// ErrFull says that more deliveries wait than can be kept. GitHub does not send them again: reading will find what they told.
var ErrFull = errors.New("too many deliveries wait")

// ErrIgnored says that a delivery is of an event that tells nothing of runs and jobs.
var ErrIgnored = errors.New("not an event of a run or job")

const (
	// maxWaiting is how many deliveries wait at most. What is kept of one has no more than the texts of a job.
	maxWaiting = 1_000
	// runsTell is for how long after a delivery of a run those of jobs are taken to add nothing of what is over.
	runsTell = time.Hour
)

// News is what a source says of a repository.
type News struct {
	Repository int64
	Run        int64
	Attempt    int
	Path       string    // of its workflow; "" where the source does not say
	Over       bool      // the attempt is, not only a job of it
	AsOf       time.Time // by GitHub's clock
}

// Receiver takes in the deliveries of a webhook. They are parsed at once and acted upon by Run.
type Receiver struct {
	queue chan githubapi.Delivery
	hint  func(News)
	live  func(githubapi.Delivery)
	lag   func(time.Duration)
	now   func() time.Time

	runs time.Time // when a delivery of a run came last
}

// NewReceiver makes a receiver. hint is told of each attempt that ended, or whose job did where nothing else is told, live
// of each delivery of a job, lag how old each delivery is.
func NewReceiver(hint func(News), live func(githubapi.Delivery), lag func(time.Duration), now func() time.Time) *Receiver {
	return &Receiver{queue: make(chan githubapi.Delivery, maxWaiting), hint: hint, live: live, lag: lag, now: now}
}

// Accept takes a delivery whose signature is right. ErrIgnored is no failure; ErrFull and what cannot be read are.
func (r *Receiver) Accept(ctx context.Context, event string, body []byte) error {
	if event != githubapi.EventRun && event != githubapi.EventJob {
		return ErrIgnored
	}
	d, err := githubapi.ParseDelivery(ctx, event, body, r.now())
	if err != nil {
		return fmt.Errorf("taking a delivery: %w", err)
	}
	select {
	case r.queue <- d:
		return nil
	default:
		return ErrFull
	}
}

// Run acts upon what was accepted until ctx ends.
func (r *Receiver) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case d := <-r.queue:
			r.act(d)
		}
	}
}

func (r *Receiver) act(d githubapi.Delivery) {
	now := r.now()
	asOf := happened(d)
	if asOf.IsZero() || asOf.After(now) {
		asOf = now
	}
	r.lag(now.Sub(asOf))
	if d.Event == githubapi.EventJob {
		r.live(d)
	} else {
		r.runs = now
	}
	switch {
	case d.Action != "completed":
	case d.Event == githubapi.EventRun, now.Sub(r.runs) > runsTell: // else the run itself is told of when it is over
		r.hint(News{Repository: d.Repository.ID, Run: d.Run.ID, Attempt: d.Run.Number(), Path: d.Run.WorkflowPath(), Over: d.Event == githubapi.EventRun, AsOf: asOf})
	}
}

// happened is when what a delivery tells happened, by GitHub's clock; zero where it does not say.
func happened(d githubapi.Delivery) time.Time {
	switch {
	case d.Event == githubapi.EventRun:
		return d.Run.UpdatedAt
	case d.Action == "completed":
		return d.Job.CompletedAt
	case d.Action == "in_progress":
		return d.Job.StartedAt
	}
	return d.Job.CreatedAt
}
