package hint

import (
	"context"
	"sync"
	"time"

	"github_workflow_exporter/githubapi"
)

const (
	// leastPace is the time between two queries that is reckoned with where no limit asks for more.
	leastPace = 500 * time.Millisecond
	// greedyTries is how often in a row a question has to take too long for fewer ids to be asked for: once may be chance.
	greedyTries = 2
	// smallFor is how long it is until more ids are asked for again after that was too much.
	smallFor = 10 * time.Minute
	// busyFor is how long it is at least until what was not answered is asked again.
	busyFor = time.Second
)

// HeadsOptions configure Heads. All are set.
type HeadsOptions struct {
	// Heads and States ask what githubapi.Client's Heads and RunStates do.
	Heads, States func(ctx context.Context, runs []string) Answer

	Hint  func(News)
	Cover func(repo int64)      // told of a repository of which it tells
	Gap   func()                // called when it could not be asked for a while: it tells of none any more
	Began func(repo int64)      // told of a run that has just begun
	Told  func(repo int64) bool // tells whether another source that is trusted tells all of a repository

	Interval time.Duration // between two questions about the same workflow, where much happens in it
	Now      func() time.Time
}

// Answer is what came of a question.
type Answer struct {
	Sent bool                  // false: nothing may be sent now
	Runs [][]githubapi.RunHead // in the order of the ids; nil where there is none
	Err  error
	Wait time.Duration // until the next may be sent
}

// Heads asks over GraphQL which runs of the workflows that are known began last, and how those stand that go on: a point of
// GraphQL's own limit for a hundred of them. What has come to an end is told; which attempt it was, and what came of it, it
// cannot tell. It knows nothing of re-runs of older runs, nor of workflows that no list has shown.
type Heads struct {
	HeadsOptions
	wake chan struct{}

	mu    sync.Mutex
	known workflows

	queue    []question // what is asked next, as it was when it was queued
	queued   time.Time
	size     int           // how many ids are asked for at once
	greedy   int           // how often in a row that was too much
	grows    time.Time     // from when on more may be
	rests    time.Time     // until when nothing is asked
	pace     time.Duration // that the limit allowed last between two queries
	answered time.Time     // last; zero: not since the last gap
}

// NewHeads makes one of which nothing is known yet.
func NewHeads(o HeadsOptions) *Heads {
	return &Heads{HeadsOptions: o, known: workflows{}, wake: make(chan struct{}, 1), size: githubapi.MaxHeads}
}

// Listed takes in a run that a repository's list showed.
func (h *Heads) Listed(repo int64, run githubapi.Run) {
	h.mu.Lock()
	before := len(h.known)
	h.known.listed(repo, run)
	more := len(h.known) > before
	h.mu.Unlock()
	if more { // else nothing is due that was not
		h.Hurry()
	}
}

// Hurry has it looked at once what is due, as when no other source tells any more.
func (h *Heads) Hurry() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Forget lets go of a repository.
func (h *Heads) Forget(repo int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known.forget(repo)
}

// Run asks until ctx ends.
func (h *Heads) Run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		case <-h.wake:
		}
		timer.Reset(h.round(ctx))
	}
}

// round asks for one batch of what is due, and tells how long to wait.
func (h *Heads) round(ctx context.Context) time.Duration {
	now := h.Now()
	if now.Before(h.rests) {
		return h.rests.Sub(now)
	}
	if len(h.queue) == 0 || now.Sub(h.queued) >= h.Interval {
		h.mu.Lock()
		queue, wait := h.known.due(now, h.Interval, h.longest(), h.size, h.Told)
		h.mu.Unlock()
		if h.queue, h.queued = queue, now; len(queue) == 0 {
			return wait
		}
	}
	asked := h.queue[:min(len(h.queue), h.size)]
	h.queue = h.queue[len(asked):]
	ask := h.States
	if asked[0].heads {
		ask = h.Heads
	}
	ids := make([]string, len(asked))
	for i, a := range asked {
		ids[i] = a.node
	}
	answer := ask(ctx, ids)
	now = h.Now()
	h.rests = now.Add(h.pause(answer))
	if !answer.Sent || answer.Err != nil {
		if !h.answered.IsZero() && now.Sub(h.answered) >= silentFor {
			h.answered = time.Time{}
			h.mu.Lock()
			for _, w := range h.known {
				w.told = false
			}
			h.mu.Unlock()
			h.Gap()
		}
		return h.rests.Sub(now)
	}
	h.answered, h.pace = now, answer.Wait
	var news found
	h.mu.Lock()
	for i, a := range asked {
		var runs []githubapi.RunHead
		if i < len(answer.Runs) {
			runs = answer.Runs[i]
		}
		h.known.take(a, runs, now, &news)
	}
	h.mu.Unlock()
	for _, repo := range news.covers {
		h.Cover(repo)
	}
	for _, n := range news.over {
		h.Hint(n)
	}
	for _, repo := range news.began {
		h.Began(repo)
	}
	return h.rests.Sub(h.Now())
}

// longest is for how long a workflow in which nothing happens is not asked about: twice what it takes to ask about all of them.
func (h *Heads) longest() time.Duration {
	queries := (len(h.known) + h.size - 1) / h.size
	return min(max(2*time.Duration(queries)*max(h.pace, leastPace), h.Interval), max(headsMost, h.Interval))
}

// pause tells how long nothing is asked after an answer.
func (h *Heads) pause(answer Answer) time.Duration {
	switch {
	case answer.Sent && answer.Err == nil:
		h.greedy = 0
		if !h.Now().Before(h.grows) {
			h.size = min(h.size+max(h.size/10, 1), githubapi.MaxHeads)
		}
		return answer.Wait
	case githubapi.TooGreedy(answer.Err) && h.size > 1:
		if h.greedy++; h.greedy == greedyTries {
			h.size, h.grows, h.greedy = h.size/2, h.Now().Add(smallFor), 0
		}
	}
	return max(answer.Wait, busyFor)
}
