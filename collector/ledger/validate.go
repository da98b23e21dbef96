package ledger

import (
	"fmt"
	"math"
)

// validate refuses what no correct caller sends.
func (l *Ledger) validate(b Batch) error {
	if b.Account != nil && b.Account.ID != b.Repository {
		return fmt.Errorf("the account given is of repository %d", b.Account.ID)
	}
	for i := range b.Entries {
		e := &b.Entries[i]
		if e.Omitted != "" && len(e.Samples) > 0 {
			return fmt.Errorf("job %d of run %d is left out (%s) but has samples", e.ID, e.Run, e.Omitted)
		}
		if err := l.validateSamples(e.Samples); err != nil {
			return fmt.Errorf("job %d of run %d: %w", e.ID, e.Run, err)
		}
	}
	for _, r := range b.Runs {
		for _, cl := range r.Close {
			if err := l.validateSamples(cl.Samples); err != nil {
				return fmt.Errorf("attempt %d of run %d: %w", cl.Attempt, r.Run, err)
			}
		}
	}
	return nil
}

func (l *Ledger) validateSamples(samples []Sample) error {
	for _, s := range samples {
		if s.Family < 0 || int(s.Family) >= len(l.families) || !l.families[s.Family].Durable {
			return fmt.Errorf("family %d is not kept in the ledger", s.Family)
		}
		f := &l.families[s.Family].Family // of all that belongs to who has the turn, this alone never changes
		if len(s.Values) != len(f.Labels) {
			return fmt.Errorf("%s has %d labels, the sample %d values", f.Name, len(f.Labels), len(s.Values))
		}
		if !(s.Value >= 0) || math.IsInf(s.Value, 0) {
			return fmt.Errorf("%s: %v is no finite value of 0 or more", f.Name, s.Value)
		}
	}
	return nil
}
