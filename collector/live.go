package collector

import (
	"sync"
	"time"

	"github_workflow_exporter/collector/observe"
)

const (
	// finalFor is for how long it is known that a job is over: what was delivered before it may come after.
	finalFor = time.Hour
	// deliveredFor is for how long a job that was delivered is shown though a page that was read since does not list it: pages
	// lag behind deliveries.
	deliveredFor = time.Minute
	// maxDelivered bounds of how many jobs it is known that they are over, and how many are known by deliveries alone.
	maxDelivered = 50_000
)

// Live holds the gauges of what goes on now: the unfinished jobs of the open runs, as last read or delivered. They are not
// durable; after a restart they are read again.
type Live struct {
	now func() time.Time

	mu     sync.Mutex
	limit  int
	maxAge time.Duration
	runs   map[liveKey]*liveRun
	final  map[int64]time.Time // jobs that a delivery said are over
}

type liveKey struct{ repository, run int64 }

// liveRun are the unfinished jobs of a run, and when GitHub said last that they are.
type liveRun struct {
	jobs map[int64]liveJob
	told time.Time // by a page
}

type liveJob struct {
	observe.LiveJob
	delivered time.Time // zero: read
}

// NewLive makes an empty store.
func NewLive(now func() time.Time) *Live {
	return &Live{now: now, runs: map[liveKey]*liveRun{}, final: map[int64]time.Time{}}
}

// Configure sets the series limit of each family, 0 for none, and for how long what was read is shown without being
// confirmed, 0 for ever: jobs that nobody can read any more do not wait for ever.
func (l *Live) Configure(limit int, maxAge time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit, l.maxAge = limit, maxAge
}

// set takes in the jobs of a run as its pages list them. What deliveries say beyond that stays for a while.
func (l *Live) set(repo, run int64, jobs []observe.LiveJob) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, key := l.now(), liveKey{repo, run}
	before := l.runs[key]
	next := &liveRun{jobs: make(map[int64]liveJob, len(jobs)), told: now}
	for i, j := range jobs {
		if _, over := l.final[j.ID]; over {
			continue
		}
		id := j.ID
		if id == 0 { // it cannot be told from others
			id = -int64(i) - 1
		}
		next.jobs[id] = liveJob{LiveJob: j}
	}
	if before != nil {
		for id, j := range before.jobs {
			listed, ok := next.jobs[id]
			if now.Sub(j.delivered) <= deliveredFor && (!ok || j.Runs && !listed.Runs) {
				next.jobs[id] = j
			}
		}
	}
	if len(next.jobs) == 0 {
		delete(l.runs, key)
		return
	}
	l.runs[key] = next
}

// deliver takes in what a delivery says of one job. Deliveries come in any order: a job that runs waits no more, and one that is
// over is.
func (l *Live) deliver(repo, run int64, id int64, jobs []observe.LiveJob) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, key := l.now(), liveKey{repo, run}
	if _, over := l.final[id]; over {
		return
	}
	of := l.runs[key]
	if len(jobs) == 0 { // it is over
		l.finish(id, now)
		if of != nil {
			delete(of.jobs, id)
		}
		return
	}
	if of == nil {
		if len(l.runs) >= maxDelivered {
			return
		}
		of = &liveRun{jobs: map[int64]liveJob{}, told: now}
		l.runs[key] = of
	}
	if known, ok := of.jobs[id]; ok && known.Runs && !jobs[0].Runs {
		return
	}
	of.jobs[id] = liveJob{jobs[0], now}
}

// finish notes that a job is over.
func (l *Live) finish(id int64, now time.Time) {
	if len(l.final) >= maxDelivered {
		for old, at := range l.final {
			if now.Sub(at) > finalFor {
				delete(l.final, old)
			}
		}
	}
	if len(l.final) < maxDelivered {
		l.final[id] = now
	}
}

// confirm notes that the jobs of a run are still as they were.
func (l *Live) confirm(repo, run int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r, ok := l.runs[liveKey{repo, run}]; ok {
		r.told = l.now()
	}
}

func (l *Live) forget(repo, run int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if run != 0 {
		delete(l.runs, liveKey{repo, run})
		return
	}
	for k := range l.runs {
		if k.repository == repo {
			delete(l.runs, k)
		}
	}
}

// Live folds the samples of all open runs by label set.
func (l *Live) Live() []LiveValue {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := newGauges()
	now := l.now()
	for of, run := range l.runs {
		for _, job := range run.jobs {
			told := run.told
			if job.delivered.After(told) {
				told = job.delivered
			}
			if l.maxAge > 0 && now.Sub(told) > l.maxAge {
				continue
			}
			for _, s := range job.Samples {
				g.add(of.repository, LiveValue{Family: s.Family, Values: s.Values, Value: s.Value})
			}
		}
	}
	return g.values(l.limit)
}
