package ledger

import (
	"hash/maphash"
	"slices"
	"sync/atomic"
	"time"

	"github_workflow_exporter/collector/family"
)

// Series is one label set of one family. All but its state is fixed; a change of the family's buckets makes new Series
// of the same ID, so whoever holds a list of them keeps a coherent picture.
type Series struct {
	ID     uint64 // ascending by birth, never used again
	Family family.ID
	Values []string // one per label of the family; shared, not to be changed
	// Repository whose batch gave birth to the series; 0 for an overflow series.
	Repository int64
	Born       time.Time // when the ledger first counted it, or when its family last restarted
	Created    time.Time // since when it counts
	// Baseline series came from their repository's first sweep and show their value at once.
	Baseline bool
	// Overflow series take the samples for which there is no room; they do not count against the limit nor expire.
	Overflow bool
	// Named: the repository label was the repository's name at birth; otherwise relabelling made it. Of gauges only.
	Named bool

	shown  atomic.Bool
	bounds []float64
	state  atomic.Pointer[State]
	next   *Series // in the index, of the same hash
}

// State is the state last committed. It is never nil and must not be changed.
func (s *Series) State() *State { return s.state.Load() }

// Shown tells whether the series is shown at its value, or still at 0: see Ledger.Reveal. Once shown it stays so.
func (s *Series) Shown() bool { return s.shown.Load() }

// Bounds are the upper bounds of the classic buckets of State in seconds, without +Inf; nil unless a histogram.
func (s *Series) Bounds() []float64 { return s.bounds }

// maxOverflow is up to how many overflow series of a family keep their conclusion; GitHub knows ten. Relabelling can put
// anything there, and beyond these it becomes family.OverflowValue like the other labels.
const maxOverflow = 16

// isOverflow tells whether values are those of an overflow series of the family.
func isOverflow(f family.Family, values []string) bool {
	for i, v := range values {
		if f.Labels[i] != family.Conclusion && v != family.OverflowValue {
			return false
		}
	}
	return true
}

// overflowValues are the label values of the series that takes a sample for which there is no room.
func overflowValues(f family.Family, values []string, keepConclusion bool) []string {
	v := slices.Clone(values)
	for i := range v {
		if f.Labels[i] != family.Conclusion || !keepConclusion {
			v[i] = family.OverflowValue
		}
	}
	return v
}

// index finds series by family and label values. It is keyed by a hash of the values alone: families with the same labels
// then meet under one entry and share the values in memory.
type index struct {
	seed maphash.Seed
	m    map[uint64]*Series
}

func newIndex(seed maphash.Seed, size int) index {
	return index{seed: seed, m: make(map[uint64]*Series, size)}
}

func (x index) hash(values []string) uint64 {
	h := uint64(len(values))
	for _, v := range values {
		h = h*0x9e3779b97f4a7c15 ^ maphash.String(x.seed, v)
	}
	return h
}

func (x index) find(f family.ID, values []string) *Series {
	for s := x.m[x.hash(values)]; s != nil; s = s.next {
		if s.Family == f && slices.Equal(s.Values, values) {
			return s
		}
	}
	return nil
}

// shared returns values as another series holds them, nil if none does.
func (x index) shared(values []string) []string {
	for s := x.m[x.hash(values)]; s != nil; s = s.next {
		if slices.Equal(s.Values, values) {
			return s.Values
		}
	}
	return nil
}

func (x index) add(s *Series) {
	h := x.hash(s.Values)
	s.next = x.m[h] // it may have been in another index before
	x.m[h] = s
}

func (x index) remove(gone *Series) {
	h := x.hash(gone.Values)
	if x.m[h] == gone {
		if gone.next == nil {
			delete(x.m, h)
		} else {
			x.m[h] = gone.next
		}
		return
	}
	for s := x.m[h]; s != nil; s = s.next {
		if s.next == gone {
			s.next = gone.next
			return
		}
	}
}

// interner keeps one copy of each label value: they repeat across series.
type interner struct{ m map[string]string }

func newInterner() *interner { return &interner{m: map[string]string{}} }

func (n *interner) bytes(b []byte) string {
	if n == nil {
		return string(b)
	}
	if s, ok := n.m[string(b)]; ok { // does not allocate
		return s
	}
	s := string(b)
	n.m[s] = s
	return s
}

func (n *interner) string(s string) string {
	if v, ok := n.m[s]; ok {
		return v
	}
	s = string([]byte(s)) // the sample's may be a piece of a whole response
	n.m[s] = s
	return s
}
