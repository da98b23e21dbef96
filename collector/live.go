package collector

import (
	"sync"
	"time"

	"github_workflow_exporter/collector/observe"
)

// Live holds the gauges of what goes on now: the unfinished jobs of the open runs, as last read. They are not durable;
// after a restart they are read again.
type Live struct {
	now func() time.Time

	mu     sync.Mutex
	limit  int
	maxAge time.Duration
	runs   map[liveKey]liveRun
}

type liveKey struct{ repository, run int64 }

// liveRun are the unfinished jobs of a run, and when GitHub said last that they are.
type liveRun struct {
	samples []observe.Sample
	told    time.Time
}

// NewLive makes an empty store.
func NewLive(now func() time.Time) *Live {
	return &Live{now: now, runs: map[liveKey]liveRun{}}
}

// Configure sets the series limit of each family, 0 for none, and for how long what was read is shown without being
// confirmed, 0 for ever: jobs that nobody can read any more do not wait for ever.
func (l *Live) Configure(limit int, maxAge time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit, l.maxAge = limit, maxAge
}

func (l *Live) set(repo, run int64, samples []observe.Sample) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(samples) == 0 {
		delete(l.runs, liveKey{repo, run})
		return
	}
	l.runs[liveKey{repo, run}] = liveRun{samples, l.now()}
}

// confirm notes that the jobs of a run are still as they were.
func (l *Live) confirm(repo, run int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r, ok := l.runs[liveKey{repo, run}]; ok {
		r.told = l.now()
		l.runs[liveKey{repo, run}] = r
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
		if l.maxAge > 0 && now.Sub(run.told) > l.maxAge {
			continue
		}
		for _, s := range run.samples {
			g.add(of.repository, LiveValue{Family: s.Family, Values: s.Values, Value: s.Value})
		}
	}
	return g.values(l.limit)
}
