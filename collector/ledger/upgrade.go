package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github_workflow_exporter/collector/family"
)

// upgrade brings a file of an earlier version up to this one, in one transaction: tables that it has not yet, and series
// whose family has got more labels. Nothing that was counted changes.
func (l *Ledger) upgrade(c *contents) error {
	if c.format == formatVersion && len(c.widened) == 0 {
		return nil
	}
	change := func(tx *bolt.Tx) (bool, error) {
		for _, t := range tables {
			if _, err := tx.CreateBucketIfNotExists([]byte(t.name)); err != nil {
				return false, err
			}
		}
		for _, id := range c.widened {
			if err := l.widen(tx, &l.families[id], c.families[family.Get(id).Name]); err != nil {
				return false, fmt.Errorf("%s: %w", family.Get(id).Name, err)
			}
		}
		return true, put(tx, metaTable, metaFormat, binary.AppendUvarint(begin(), formatVersion))
	}
	return l.write(context.Background(), "upgrading the ledger", change, func() {})
}

// widen writes a family's series with the labels that they have now.
func (l *Ledger) widen(tx *bolt.Tx, f *familyState, record familyRecord) error {
	record.Labels = f.Labels
	if err := put(tx, familyTable, []byte(f.Name), appendFamily(begin(), record)); err != nil {
		return err
	}
	for _, s := range f.series {
		if err := putBirth(tx, s, f.number, s.Shown()); err != nil {
			return err
		}
	}
	return nil
}

// grown tells whether a family has the labels that the file knows and some more behind them. Without a value a label is as
// good as absent, so that its series go on under the names they have.
func (f *loadedFamily) grown() bool {
	old, now := f.familyRecord.Labels, f.Family.Labels
	return len(old) < len(now) && slices.Equal(old, now[:len(old)])
}

// grow gives a series of such a family the labels it has not yet.
func (f *loadedFamily) grow(values []string) []string {
	known := f.Family
	known.Labels = f.familyRecord.Labels
	more := ""
	if isOverflow(known, values) {
		more = family.OverflowValue
	}
	for range f.Family.Labels[len(values):] {
		values = append(values, more)
	}
	return values
}
