package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github_workflow_exporter/collector/family"
)

// stagedSeries gathers what a commit does to series: all increments of one are folded before it is written once.
type stagedSeries struct {
	l          *Ledger
	born       index // in this commit; not yet in the ledger's
	births     []*Series
	counted    map[family.ID]int // of them, against the limit
	overflows  map[family.ID]int // of them, overflow series
	byID       map[uint64]*stagedChange
	changed    []*stagedChange
	overflowed map[family.ID]int
}

type stagedChange struct {
	series *Series
	state  *State // a copy, for the commit to change
}

func (s *stagedSeries) init(l *Ledger) {
	*s = stagedSeries{l: l, born: newIndex(l.index.seed, 0), counted: map[family.ID]int{}, overflows: map[family.ID]int{}, byID: map[uint64]*stagedChange{}}
}

func (s *stagedSeries) add(c *commit, sm *Sample) error {
	f := &s.l.families[sm.Family]
	if f.disabled {
		return nil
	}
	if !possible(sm.Value) {
		c.discard(Discard{ImpossibleValue, 1})
		return nil
	}
	values := labelValues(sm.Values)
	series := s.find(f.ID, values)
	if series == nil {
		values, overflowed := s.place(c, f, values)
		if overflowed {
			series = s.find(f.ID, values)
			if s.overflowed == nil {
				s.overflowed = map[family.ID]int{}
			}
			s.overflowed[f.ID]++
			c.totals[totalOverflow+f.Name]++
		}
		if series == nil {
			var err error
			if series, err = s.bear(c, f, values); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
		}
	}
	state := s.change(series)
	state.Updated = c.now
	switch {
	case f.Kind == family.Histogram:
		state.observe(series.bounds, sm.Value, sm.Exemplar)
	case f.Fold == family.Maximum:
		state.Value = max(state.Value, sm.Value)
	default:
		state.Value += sm.Value
		state.exemplify(0, 1, sm.Value, sm.Exemplar)
	}
	return nil
}

func (s *stagedSeries) find(f family.ID, values []string) *Series {
	if series := s.l.index.find(f, values); series != nil {
		return series
	}
	return s.born.find(f, values)
}

// place returns the values under which a label set that is new is counted, and whether they are others for want of room.
func (s *stagedSeries) place(c *commit, f *familyState, values []string) (at []string, overflowed bool) {
	at = values
	if !isOverflow(f.Family, values) {
		if s.l.room(f, c.repository, s.counted[f.ID]) {
			return values, false
		}
		at, overflowed = overflowValues(f.Family, values, true), true
	}
	if s.find(f.ID, at) == nil && len(f.series)-f.counted+s.overflows[f.ID] >= maxOverflow {
		at, overflowed = overflowValues(f.Family, values, false), true
	}
	return at, overflowed
}

func (s *stagedSeries) bear(c *commit, f *familyState, values []string) (*Series, error) {
	id, err := c.tx.Bucket([]byte(labelTable.name)).NextSequence()
	if err != nil {
		return nil, err
	}
	n := &Series{ID: id, Family: f.ID, Values: s.keep(values), Repository: c.repository, Born: c.now, Created: c.created,
		Baseline: c.baseline, Overflow: isOverflow(f.Family, values), bounds: f.bounds}
	if n.Overflow {
		n.Repository = 0
		s.overflows[f.ID]++
	} else {
		s.counted[f.ID]++
		n.Named = f.Kind == family.Gauge && repositoryOf(f.Family, values) == c.account.Name
	}
	n.shown.Store(n.Baseline || f.Kind == family.Gauge || s.l.initialZero == 0)
	n.state.Store(newState(f.bounds))
	s.born.add(n)
	s.births = append(s.births, n)
	return n, nil
}

// keep returns values in the memory that other series have for them.
func (s *stagedSeries) keep(values []string) []string {
	if shared := s.l.index.shared(values); shared != nil {
		return shared
	}
	if shared := s.born.shared(values); shared != nil {
		return shared
	}
	kept := make([]string, len(values))
	for i, v := range values {
		kept[i] = s.l.intern.string(v)
	}
	return kept
}

func (s *stagedSeries) change(series *Series) *State {
	ch := s.byID[series.ID]
	if ch == nil {
		ch = &stagedChange{series, series.State().clone()}
		s.byID[series.ID] = ch
		s.changed = append(s.changed, ch)
	}
	return ch.state
}

func (s *stagedSeries) put(c *commit) error {
	labels := c.tx.Bucket([]byte(labelTable.name))
	labels.FillPercent = 1 // ids ascend, and a birth that is rewritten keeps its size
	for _, n := range s.births {
		if err := putBirth(c.tx, n, s.l.families[n.Family].number, n.Shown()); err != nil {
			return err
		}
	}
	slices.SortFunc(s.changed, func(a, b *stagedChange) int { return cmp.Compare(a.series.ID, b.series.ID) })
	for _, ch := range s.changed {
		if err := putState(c.tx, ch.series.ID, ch.state, s.l.families[ch.series.Family].Kind); err != nil {
			return err
		}
	}
	return nil
}

// publish shows the committed states, first the states and then the births.
func (s *stagedSeries) publish(l *Ledger) []*Series {
	changed := make([]*Series, len(s.changed))
	for i, ch := range s.changed {
		ch.series.state.Store(ch.state)
		changed[i] = ch.series
	}
	grown := map[family.ID]bool{}
	for _, n := range s.births {
		l.index.add(n)
		f := &l.families[n.Family]
		f.series = append(f.series, n)
		if !n.Overflow {
			f.counted++
			f.claims.change(n.Repository, 1)
		}
		grown[n.Family] = true
	}
	for id := range maps.Keys(grown) {
		l.publish(&l.families[id])
	}
	return changed
}
