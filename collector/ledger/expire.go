package ledger

import (
	"context"
	"time"

	bolt "go.etcd.io/bbolt"

	"github_workflow_exporter/collector/family"
)

// Expire deletes, in one transaction, the series without increment for ttl (0 or less: none) before now, and returns them.
// Overflow series stay for ever, gauges as long as watched says that their repository is. Seen marks are untouched: a
// series that returns is born again, and nothing is counted twice. watched must not call the ledger.
func (l *Ledger) Expire(ctx context.Context, now time.Time, ttl time.Duration, watched func(repository int64) bool) ([]*Series, error) {
	if ttl <= 0 {
		return nil, nil
	}
	before := now.Add(-ttl)
	var removed []*Series
	kept := map[family.ID][]*Series{} // of families that lose some
	change := func(tx *bolt.Tx) (bool, error) {
		for i := range l.families {
			f := &l.families[i]
			var stay, leave []*Series
			for _, s := range f.series {
				if s.Overflow || s.State().Updated.After(before) || f.Kind == family.Gauge && watched != nil && watched(s.Repository) {
					stay = append(stay, s)
				} else {
					leave = append(leave, s)
				}
			}
			if len(leave) > 0 {
				kept[f.ID] = stay
				removed = append(removed, leave...)
			}
		}
		return len(removed) > 0, deleteSeries(tx, removed)
	}
	publish := func() {
		for _, s := range removed {
			l.index.remove(s)
			l.families[s.Family].counted--
		}
		for id, stay := range kept {
			l.families[id].series = stay
			l.publish(&l.families[id])
		}
		l.reintern()
	}
	if err := l.write(ctx, "expiring series", change, publish); err != nil {
		return nil, err
	}
	return removed, nil
}

// reintern lets go of label values that no series has any more.
func (l *Ledger) reintern() {
	l.intern = newInterner()
	for i := range l.families {
		for _, s := range l.families[i].series {
			for _, v := range s.Values {
				l.intern.m[v] = v
			}
		}
	}
}
