package ledger

import (
	"math"
	"slices"
	"sort"
	"time"
)

// nativeSchema is the resolution of the native histograms: eight buckets to each doubling.
const nativeSchema = 3

// nativeBounds are the upper bounds of native buckets between 0.5 and 1, the very numbers of client_golang: a value on a
// bound must land where Prometheus' own library puts it.
var nativeBounds = [1 << nativeSchema]float64{
	0.5, 0.5452538663326288, 0.5946035575013605, 0.6484197773255048,
	0.7071067811865475, 0.7711054127039704, 0.8408964152537144, 0.9170040432046711,
}

// State is what a series has come to. A published State never changes; increments replace it.
type State struct {
	Value float64 // counters and gauges

	// Histograms:
	Count   uint64
	Sum     float64
	Buckets []uint64 // one per bound and one for +Inf, not cumulative
	Zero    uint64   // native: observations of 0
	Native  []NativeBucket

	// Exemplars are the last ones: one of a counter, one per classic bucket of a histogram, nil where there is none; nil
	// as a whole as long as there is none at all. They live in memory only. Gauges have none.
	Exemplars []*Observed

	Updated time.Time // of the last increment
}

// NativeBucket counts the observations v with 2^((Index-1)/8) < v <= 2^(Index/8): schema 3. Ascending by Index.
type NativeBucket struct {
	Index int32
	Count uint64
}

// Observed is an exemplar with the value that was observed.
type Observed struct {
	Exemplar
	Value float64
}

// newState is the state of a series at birth.
func newState(bounds []float64) *State {
	if bounds == nil {
		return &State{}
	}
	return &State{Buckets: make([]uint64, len(bounds)+1)}
}

// clone is a copy to change.
func (s *State) clone() *State {
	c := *s
	c.Buckets = slices.Clone(s.Buckets)
	c.Native = slices.Clone(s.Native)
	c.Exemplars = slices.Clone(s.Exemplars)
	return &c
}

func (s *State) observe(bounds []float64, v float64, e *Exemplar) {
	at := sort.SearchFloat64s(bounds, v) // the first bound >= v
	s.Count++
	s.Sum += v
	s.Buckets[at]++
	if v == 0 {
		s.Zero++
	} else {
		s.addNative(nativeIndex(v))
	}
	s.exemplify(at, len(s.Buckets), v, e)
}

func (s *State) addNative(index int32) {
	i := sort.Search(len(s.Native), func(i int) bool { return s.Native[i].Index >= index })
	if i < len(s.Native) && s.Native[i].Index == index {
		s.Native[i].Count++
		return
	}
	// Exactly one more: there are many series, and each sees few new buckets.
	grown := make([]NativeBucket, len(s.Native)+1)
	copy(grown, s.Native[:i])
	grown[i] = NativeBucket{Index: index, Count: 1}
	copy(grown[i+1:], s.Native[i:])
	s.Native = grown
}

func (s *State) exemplify(at, size int, v float64, e *Exemplar) {
	if e == nil {
		return
	}
	if s.Exemplars == nil {
		s.Exemplars = make([]*Observed, size)
	}
	s.Exemplars[at] = &Observed{Exemplar: Exemplar{RunID: e.RunID, JobID: e.JobID, At: tellable(e.At)}, Value: v}
}

// nativeIndex is the schema 3 bucket of a finite v > 0.
func nativeIndex(v float64) int32 {
	frac, exp := math.Frexp(v)
	return int32(sort.SearchFloat64s(nativeBounds[:], frac) + (exp-1)*len(nativeBounds))
}

// fold carries a state over from bounds to a subset of them; ok is false if to is none. Exemplars are left behind.
func (s *State) fold(from, to []float64) *State {
	c := s.clone()
	c.Exemplars = nil
	c.Buckets = make([]uint64, len(to)+1)
	for i, n := range s.Buckets {
		at := len(to)
		if i < len(from) {
			at = sort.SearchFloat64s(to, from[i])
		}
		c.Buckets[at] += n
	}
	return c
}

// subset tells whether every bound of sub is one of all, both ascending.
func subset(sub, all []float64) bool {
	for _, b := range sub {
		if _, ok := slices.BinarySearch(all, b); !ok {
			return false
		}
	}
	return true
}

// consistent tells whether the parts of a histogram's state agree on the number of observations.
func (s *State) consistent() bool {
	classic, native := uint64(0), s.Zero
	for _, n := range s.Buckets {
		classic += n
	}
	for _, n := range s.Native {
		native += n.Count
	}
	return classic == s.Count && native == s.Count
}
