package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github_workflow_exporter/collector/family"
)

// Configure applies what may change at a reload, under the same rules as at opening: layouts and disabled families as in
// Options. Bounds that are a subset of the old ones fold exactly. Any other change of bounds, and enabling a family that
// was disabled, restarts that family: its counters and histograms at 0 as of now, its gauges gone until they are set again.
// It returns what an operator should know of that. On an error nothing has changed.
func (l *Ledger) Configure(layouts map[family.ID][]float64, disabled map[family.ID]bool, seriesLimit int) ([]string, error) {
	for id, bounds := range layouts {
		if id < 0 || int(id) >= len(l.families) {
			return nil, fmt.Errorf("configuring the ledger: there is no family %d", id)
		}
		if err := checkLayout(family.Get(id).Name, bounds); err != nil {
			return nil, fmt.Errorf("configuring the ledger: %w", err)
		}
	}
	if seriesLimit < 0 {
		return nil, fmt.Errorf("configuring the ledger: series limit %d is negative", seriesLimit)
	}
	var plans []*plan
	var warnings []string
	change := func(tx *bolt.Tx) (bool, error) {
		now := stored(l.now())
		for i := range l.families {
			f := &l.families[i]
			if !f.Durable {
				continue
			}
			p, err := l.plan(tx, f, layouts[f.ID], disabled[f.ID])
			if err != nil || p == nil {
				if err != nil {
					return false, err
				}
				continue
			}
			if err := p.write(tx, now); err != nil {
				return false, fmt.Errorf("%s: %w", f.Name, err)
			}
			plans = append(plans, p)
			if p.warning != "" {
				warnings = append(warnings, p.warning)
			}
		}
		return len(plans) > 0, nil
	}
	publish := func() {
		for _, p := range plans {
			l.carryOut(p)
		}
	}
	if err := l.write(context.Background(), "configuring the ledger", change, publish); err != nil {
		return nil, err
	}
	<-l.turn
	l.seriesLimit = seriesLimit
	l.turn <- struct{}{}
	l.mu.Lock()
	l.warnings = warnings
	l.mu.Unlock()
	return slices.Clone(warnings), nil
}

// plan is what is to be done to one family.
type plan struct {
	f       *familyState
	record  familyRecord
	act     action
	was     []float64
	warning string
	series  []*Series // the family's after it, if act changes them
	gone    []*Series
}

type action int

const (
	keep    action = iota // the series stay as they are
	fold                  // into fewer buckets
	restart               // at 0
	drop                  // altogether
)

// plan compares a family in the file with what is asked for; nil if they agree.
func (l *Ledger) plan(tx *bolt.Tx, f *familyState, bounds []float64, disabled bool) (*plan, error) {
	if f.Kind != family.Histogram {
		bounds = nil
	} else if len(bounds) == 0 {
		bounds = f.Buckets
	}
	p := &plan{f: f, record: familyRecord{Kind: byte(f.Kind), Labels: f.Labels, Bounds: slices.Clone(bounds), Disabled: disabled}}
	families := tx.Bucket([]byte(familyTable.name))
	value := families.Get([]byte(f.Name))
	if value == nil {
		number, err := families.NextSequence()
		p.record.Number = number
		return p, err
	}
	payload, err := familyTable.unseal([]byte(f.Name), value)
	if err != nil {
		return nil, err
	}
	old, err := decodeFamily(payload)
	if err != nil {
		return nil, err
	}
	p.record.Number, p.was = old.Number, old.Bounds
	var why string
	switch {
	case old.Kind != p.record.Kind || !slices.Equal(old.Labels, p.record.Labels):
		p.act, why = drop, "has other labels in this version"
	case disabled && old.Disabled:
		return nil, nil
	case disabled:
		p.record.Bounds = old.Bounds // the series stay as they are, hidden
	case old.Disabled:
		p.act, why = restart, "is enabled again"
	case slices.Equal(old.Bounds, bounds):
		return nil, nil
	case subset(bounds, old.Bounds):
		p.act, why = fold, "has fewer buckets"
	default:
		p.act, why = restart, "has other buckets"
	}
	if p.act == restart && f.Kind == family.Gauge {
		p.act = drop // 0 would be no time at which anything happened
	}
	if n := len(f.series); n > 0 {
		switch p.act {
		case fold:
			p.warning = fmt.Sprintf("%s %s: its %d series were folded and go on", f.Name, why, n)
		case restart:
			p.warning = fmt.Sprintf("%s %s: its %d series restart at 0", f.Name, why, n)
		case drop:
			p.warning = fmt.Sprintf("%s %s: its %d series were dropped", f.Name, why, n)
		}
	}
	return p, nil
}

// write makes the plan's new series and stores them and the family.
func (p *plan) write(tx *bolt.Tx, now time.Time) error {
	switch p.act {
	case keep:
		p.series = p.f.series
	case drop:
		p.gone = p.f.series
		if err := deleteSeries(tx, p.gone); err != nil {
			return err
		}
	case fold, restart:
		for _, s := range p.f.series {
			n := &Series{ID: s.ID, Family: s.Family, Values: s.Values, Repository: s.Repository, Born: s.Born,
				Created: s.Created, Baseline: s.Baseline, Overflow: s.Overflow, Named: s.Named, bounds: p.record.Bounds}
			state := s.State()
			if p.act == fold {
				n.shown.Store(s.Shown())
				state = state.fold(p.was, p.record.Bounds)
			} else {
				n.Born, n.Created, n.Baseline = now, now, false
				updated := state.Updated
				state = newState(p.record.Bounds)
				state.Updated = updated
				if err := putBirth(tx, n, p.record.Number, false); err != nil {
					return err
				}
			}
			if err := putState(tx, n.ID, state, p.f.Kind); err != nil {
				return err
			}
			n.state.Store(state)
			p.series = append(p.series, n)
		}
		p.gone = p.f.series
	}
	return put(tx, familyTable, []byte(p.f.Name), appendFamily(begin(), p.record))
}

// carryOut brings memory up to a plan that has been committed.
func (l *Ledger) carryOut(p *plan) {
	for _, s := range p.gone {
		l.index.remove(s)
	}
	if p.act != keep {
		for _, s := range p.series {
			l.index.add(s)
		}
	}
	f := p.f
	f.number, f.bounds, f.disabled, f.series = p.record.Number, p.record.Bounds, p.record.Disabled, p.series
	if p.act == drop {
		f.counted, f.claims = 0, newClaims(nil)
	}
	l.publish(f)
}

func putBirth(tx *bolt.Tx, s *Series, number uint64, shown bool) error {
	return put(tx, labelTable, key1(s.ID), appendBirth(begin(), birthRecord{Family: number, Repository: s.Repository,
		Born: s.Born, Created: s.Created, Baseline: s.Baseline, Shown: shown, Named: s.Named, Values: s.Values}))
}

func putState(tx *bolt.Tx, id uint64, s *State, kind family.Kind) error {
	return put(tx, stateTable, key1(id), appendState(begin(), s, kind == family.Histogram))
}

func deleteSeries(tx *bolt.Tx, gone []*Series) error {
	for _, s := range gone {
		key := key1(s.ID)
		for _, t := range []table{labelTable, stateTable} {
			if err := tx.Bucket([]byte(t.name)).Delete(key); err != nil {
				return err
			}
		}
	}
	return nil
}

func putTotal(tx *bolt.Tx, name string, n uint64) error {
	return put(tx, totalTable, []byte(name), binary.AppendUvarint(begin(), n))
}
