package poll

import (
	"slices"
	"time"

	"github_workflow_exporter/collector/schedule"
	"github_workflow_exporter/githubapi"
)

// openRun is a run with an attempt that is still to be closed.
type openRun struct {
	run    githubapi.Run // as last seen; only its ID is known after a restart
	closed []int         // attempts closed, ascending
	asked  time.Time     // when its state was last learnt by an answer that held it
	told   time.Time     // when an answer first told its present state
	again  time.Time     // when an answer told it last, a 304 included
	listed bool          // it stands on the list's first page as last answered: a 304 of that page speaks for it
	tag    githubapi.Tag // of the run's own endpoint

	opened   time.Time // when it was taken up
	appeared time.Time // when its latest attempt was first seen
	finished finishing
	lost     map[int]int // attempt -> visits in a row in which it was not found
	missing  int         // visits in a row in which the run was not found
	broken   time.Time   // since when its answer could not be decoded

	follow, live turn       // of the two stages of a visit
	pages        []jobsPage // of the latest attempt while it runs
	unfinished   int        // how many of its jobs were when they were read last
	waiting      bool       // and whether some of them waited
	over         jobsRead   // of the attempt that is over and not closed yet
	disputed     time.Time  // since when its jobs contradict the run's conclusion; zero where they do not
	looked       time.Time  // when its jobs were first to be read for the last time, see lastLook
}

// jobsRead are the jobs of an attempt as they were read last, so that reading them again costs nothing while they stand.
type jobsRead struct {
	attempt int           // 0: nothing was read
	run     githubapi.Run // as it stood for the attempt
	pages   []jobsPage
	jobs    []githubapi.Job
	total   int
	bytes   int // of the jobs
}

// finishing tells for attempts that are over and not closed when they were first seen so.
type finishing map[int]time.Time

func newOpenRun(id int64, closed []int, now time.Time) *openRun {
	return &openRun{run: githubapi.Run{ID: id}, closed: closed, opened: now, appeared: now, finished: finishing{}, lost: map[int]int{}}
}

// known tells whether more than the id is known.
func (o *openRun) known() bool { return o.run.Status != "" }

// confirmAfter is how much later a second answer has to tell the same to confirm the first: replicas lag by seconds.
const confirmAfter = 5 * time.Second

// observe takes in a newer state. It never goes back to an earlier attempt, as answers of lagging replicas would have it.
// Within an attempt it is what GitHub said last, also when a conclusion is taken back: what is not closed is not final. It
// tells whether anything changed.
func (o *openRun) observe(run githubapi.Run, now time.Time) bool {
	o.asked = now
	o.missing = 0
	before := o.run
	switch {
	case !o.known():
		o.run, o.told, o.again = run, now, now
		return true
	case run.Number() < before.Number():
		return false
	}
	o.run, o.again = run, now
	another := run.Number() != before.Number()
	if !another && run.Status == before.Status && run.Conclusion == before.Conclusion {
		return false
	}
	o.told = now
	if another {
		o.pages, o.over, o.live, o.appeared = nil, jobsRead{}, turn{}, now
	}
	o.disputed = time.Time{}
	if !run.Completed() {
		delete(o.finished, run.Number())
	}
	o.follow.last = time.Time{} // there may be something to close: at once
	return true
}

// confirm notes that an answer said that nothing has changed.
func (o *openRun) confirm(now time.Time) { o.again = now }

// dispute notes whether the jobs of the latest attempt contradict the run's conclusion.
func (o *openRun) dispute(contradicts bool, now time.Time) {
	switch {
	case !contradicts:
		o.disputed = time.Time{}
	case o.disputed.IsZero():
		o.disputed = now
	}
}

// confirmed tells whether an answer told the run's present state some time after the first one that did, and after its jobs
// began to contradict it: what was told before that knew nothing of it.
func (o *openRun) confirmed() bool {
	return o.again.Sub(schedule.Latest(o.told, o.disputed)) >= confirmAfter
}

// ask has the run asked for by its number soon, whatever a list says of it.
func (o *openRun) ask() { o.asked, o.listed = time.Time{}, false }

// toClose tells whether an attempt that is over waits to be closed.
func (o *openRun) toClose() bool {
	return o.known() && (o.run.Completed() || o.next() < o.latest())
}

// closeGap is how long an attempt of the run that is over is left alone after it was read.
func (o *openRun) closeGap(interval time.Duration) time.Duration {
	since, ok := o.finished[o.next()]
	if !ok {
		return 0
	}
	return schedule.CloseGap(interval, o.follow.last.Sub(since))
}

// ended is when the run was last heard of, if it is over; else zero.
func (o *openRun) ended() time.Time {
	if !o.run.Completed() {
		return time.Time{}
	}
	return o.run.UpdatedAt
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
	if o.over.attempt == attempt {
		o.over = jobsRead{}
	}
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
