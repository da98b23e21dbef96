package ledger

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// What comes from outside is bounded where it enters; here it is once more, so that one impossible value costs no more than
// itself: an error would keep back everything that is to be recorded with it, for ever.
const (
	// maxValue is more than any duration, time or count can be: 32,000 years in seconds.
	maxValue = 1e12
	// maxDiscarded is the most that one discard counts: no list of GitHub's holds as many.
	maxDiscarded = 1_000_000
	// maxLabelBytes cuts label values.
	maxLabelBytes = 4096
)

// ImpossibleValue is the reason for which samples are left out whose value is negative, not finite or beyond all bounds.
const ImpossibleValue = "impossible_value"

func possible(value float64) bool { return value >= 0 && value <= maxValue }

// tellable is a time that can be shown, or none.
func tellable(t time.Time) time.Time {
	if t.Year() < 1970 || t.Year() > 9998 {
		return time.Time{}
	}
	return t
}

// labelValues are values that can be shown: UTF-8, and not endless.
func labelValues(values []string) []string {
	var changed []string
	for i, v := range values {
		if len(v) <= maxLabelBytes && utf8.ValidString(v) {
			continue
		}
		if changed == nil {
			changed = append(changed, values...)
		}
		v = strings.ToValidUTF8(v, "\uFFFD")
		if len(v) > maxLabelBytes {
			v = strings.ToValidUTF8(v[:maxLabelBytes], "") // without half a character at its end
		}
		changed[i] = v
	}
	if changed == nil {
		return values
	}
	return changed
}

// validate refuses what no correct caller sends, whatever comes from outside, with a BatchError.
func (l *Ledger) validate(b Batch) error {
	if err := l.check(b); err != nil {
		return &BatchError{err}
	}
	return nil
}

func (l *Ledger) check(b Batch) error {
	if b.Repository == 0 {
		return errors.New("a repository has no id")
	}
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
	}
	return nil
}
