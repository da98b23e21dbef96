package ledger

import (
	"context"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github_workflow_exporter/collector/family"
)

// Expire deletes, in one transaction, the series without increment for ttl (0 or less: none) before now, and returns them.
// Overflow series stay for ever, gauges as long as watched says that their repository is; those of a name that it has no
// more do not. Seen marks are untouched: a series that returns is born again, and nothing is counted twice. watched may
// ask for accounts, but nothing that waits for the turn.
func (l *Ledger) Expire(ctx context.Context, now time.Time, ttl time.Duration, watched func(repository int64) bool) ([]*Series, error) {
	if ttl <= 0 {
		return nil, nil
	}
	before := now.Add(-ttl)
	var removed []*Series
	kept := map[family.ID][]*Series{} // of families that lose some
	change := func(tx *bolt.Tx) (bool, error) {
		held := l.holding(watched)
		for i := range l.families {
			f := &l.families[i]
			var stay, leave []*Series
			for _, s := range f.series {
				if s.Overflow || s.State().Updated.After(before) || f.Kind == family.Gauge && held(f.Family, s) {
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
			l.families[s.Family].claims.change(s.Repository, -1)
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

// holding tells of which gauges the repository is watched. Where the label names the repository the name decides: after a
// rename the old name's gauges stand still and are nobody's, and who takes a name over takes its gauges over. Where
// relabelling made the label there is only the repository that gave birth to the gauge.
func (l *Ledger) holding(watched func(repository int64) bool) func(family.Family, *Series) bool {
	if watched == nil {
		return func(family.Family, *Series) bool { return false }
	}
	names := map[string]bool{}
	for id, a := range l.accounts { // only writers change the map, and this is the writer
		if watched(id) {
			names[a.Name] = true
		}
	}
	return func(f family.Family, s *Series) bool {
		if s.Named {
			return names[repositoryOf(f, s.Values)]
		}
		return watched(s.Repository)
	}
}

// repositoryOf is the value of the repository label.
func repositoryOf(f family.Family, values []string) string {
	if i := slices.Index(f.Labels, family.Repository); i >= 0 {
		return values[i]
	}
	return ""
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
