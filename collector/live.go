package collector

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github_workflow_exporter/collector/family"
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

// liveSeries is a label set and the repository it is put down to: of those that it comes from the one with the least id.
type liveSeries struct {
	LiveValue
	repository int64
}

// Live folds the samples of all open runs by label set: counts add up, of the oldest the oldest stays. Label sets beyond
// the limit fold into one.
func (l *Live) Live() []LiveValue {
	l.mu.Lock()
	defer l.mu.Unlock()
	type key struct {
		family family.ID
		values string
	}
	folded := map[key]*liveSeries{}
	now := l.now()
	for of, run := range l.runs {
		if l.maxAge > 0 && now.Sub(run.told) > l.maxAge {
			continue
		}
		for _, s := range run.samples {
			k := key{s.Family, strings.Join(s.Values, "\xff")}
			if v, ok := folded[k]; ok {
				v.Value = fold(s.Family, v.Value, s.Value)
				v.repository = min(v.repository, of.repository)
			} else {
				folded[k] = &liveSeries{LiveValue{Family: s.Family, Values: s.Values, Value: s.Value}, of.repository}
			}
		}
	}
	values := make([]liveSeries, 0, len(folded))
	for _, v := range folded {
		values = append(values, *v)
	}
	slices.SortFunc(values, func(a, b liveSeries) int {
		if a.Family != b.Family {
			return int(a.Family - b.Family)
		}
		return slices.Compare(a.Values, b.Values)
	})
	return l.bound(values)
}

// bound folds what is over the limit of each family into its overflow label set. The limit is shared by the repositories:
// each has room for as many as any other, and what some do not need the others have. Of a repository's the first stay, in
// order of their labels.
func (l *Live) bound(values []liveSeries) []LiveValue {
	kept := make([]LiveValue, 0, len(values))
	if l.limit <= 0 || len(values) <= l.limit {
		for _, v := range values {
			kept = append(kept, v.LiveValue)
		}
		return kept
	}
	type owner struct {
		family     family.ID
		repository int64
	}
	of := func(v liveSeries) owner { return owner{v.Family, v.repository} }
	wanted := map[family.ID]map[int64]int{}
	for _, v := range values {
		if wanted[v.Family] == nil {
			wanted[v.Family] = map[int64]int{}
		}
		wanted[v.Family][v.repository]++
	}
	room := map[owner]int{}
	for id, wants := range wanted {
		for repository, n := range divide(l.limit, wants) {
			room[owner{id, repository}] = n
		}
	}
	overflow := map[family.ID]*LiveValue{}
	for _, v := range values {
		if room[of(v)] > 0 {
			room[of(v)]--
			kept = append(kept, v.LiveValue)
			continue
		}
		if o, ok := overflow[v.Family]; ok {
			o.Value = fold(v.Family, o.Value, v.Value)
			continue
		}
		o := LiveValue{Family: v.Family, Value: v.Value}
		for range v.Values {
			o.Values = append(o.Values, family.OverflowValue)
		}
		overflow[v.Family] = &o
	}
	for _, o := range overflow {
		kept = append(kept, *o)
	}
	return kept
}

// divide gives everybody what is wanted, or where that is more than the limit as much as any other gets.
func divide(limit int, wants map[int64]int) map[int64]int {
	got := make(map[int64]int, len(wants))
	least := slices.SortedFunc(maps.Keys(wants), func(a, b int64) int { return cmp.Or(cmp.Compare(wants[a], wants[b]), cmp.Compare(a, b)) })
	for i, who := range least {
		got[who] = min(wants[who], limit/(len(least)-i))
		limit -= got[who]
	}
	return got
}

func fold(id family.ID, a, b float64) float64 {
	switch family.Get(id).Fold {
	case family.Minimum:
		return min(a, b)
	case family.Maximum:
		return max(a, b)
	default:
		return a + b
	}
}
