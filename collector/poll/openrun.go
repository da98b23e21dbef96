package poll

import (
	"slices"
	"time"

	"github_workflow_exporter/githubapi"
)

// openRun is a run with an attempt that is still to be closed.
type openRun struct {
	run    githubapi.Run // as last seen; only its ID is known after a restart
	closed []int         // attempts closed, ascending
	asked  time.Time     // when its state was last learnt by an answer that held it
	listed bool          // it stands on the list's first page as last answered: a 304 of that page speaks for it
	tag    githubapi.Tag // of the run's own endpoint

	opened   time.Time // when it was taken up
	finished finishing
	lost     map[int]int // attempt -> visits in a row in which it was not found
	missing  int         // visits in a row in which the run was not found
	broken   time.Time   // since when its answer could not be decoded

	follow, live turn       // of the two stages of a visit
	pages        []jobsPage // of the latest attempt while it runs
}

// finishing tells for attempts that are over and not closed when they were first seen so.
type finishing map[int]time.Time

func newOpenRun(id int64, closed []int, now time.Time) *openRun {
	return &openRun{run: githubapi.Run{ID: id}, closed: closed, opened: now, finished: finishing{}, lost: map[int]int{}}
}

// known tells whether more than the id is known.
func (o *openRun) known() bool { return o.run.Status != "" }

// observe takes in a newer state. State only moves forward: an answer that is behind what is known, as lagging replicas
// give, changes nothing. It tells whether anything changed.
func (o *openRun) observe(run githubapi.Run, now time.Time) bool {
	o.asked = now
	o.missing = 0
	if !o.known() {
		o.run = run
		return true
	}
	switch {
	case run.Number() < o.run.Number():
		return false
	case run.Number() == o.run.Number() && o.run.Completed() && !run.Completed():
		return false
	}
	changed := run.Number() != o.run.Number() || run.Status != o.run.Status
	if run.Number() != o.run.Number() {
		o.pages = nil
	}
	if changed {
		o.follow.last = time.Time{} // there may be something to close: at once
	}
	o.run = run
	return changed
}

// latest is the highest attempt number known.
func (o *openRun) latest() int { return o.run.Number() }

// next is the lowest attempt that is not closed; latest+1 when all are.
func (o *openRun) next() int {
	n := 1
	for slices.Contains(o.closed, n) {
		n++
	}
	return n
}

// done tells whether every attempt known is closed.
func (o *openRun) done() bool { return o.known() && o.next() > o.latest() }

func (o *openRun) close(attempt int) {
	if i, found := slices.BinarySearch(o.closed, attempt); !found {
		o.closed = slices.Insert(o.closed, i, attempt)
	}
	delete(o.finished, attempt)
}

// finishedFor tells for how long the attempt has been known to be finished.
func (o *openRun) finishedFor(attempt int, now time.Time) time.Duration {
	since, ok := o.finished[attempt]
	if !ok {
		o.finished[attempt] = now
		return 0
	}
	return now.Sub(since)
}
