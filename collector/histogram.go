package collector

import (
	"math"
	"sync/atomic"

	dto "github.com/prometheus/client_model/go"

	"github_workflow_exporter/collector/ledger"
)

// The ledger's native histograms have schema 3, eight buckets to each doubling. The zero threshold is the default of
// Prometheus' own library, 2^-128: of our durations, which have milliseconds at most, only 0 itself is below it.
const (
	nativeSchema        = int32(3)
	nativeZeroThreshold = 0x1p-128
)

// sharedCounts is up to which count the messages of buckets are shared between series. Most series have few
// observations, and each bucket of each series would otherwise be 80 bytes of its own.
const sharedCounts = 64

// layout is what histograms of the same bounds share. It may be used by several scrapes at once.
type layout struct {
	bounds        []float64 // ends with +Inf
	zero          *ledger.State
	schema        int32
	zeroThreshold float64
	noSpan        []*dto.BucketSpan
	buckets       []atomic.Pointer[dto.Bucket] // by bound × sharedCounts + count, made at need
}

func newLayout(bounds []float64) *layout {
	n := len(bounds) + 1
	return &layout{
		bounds:        append(append(make([]float64, 0, n), bounds...), math.Inf(1)),
		zero:          &ledger.State{Buckets: make([]uint64, n)},
		schema:        nativeSchema,
		zeroThreshold: nativeZeroThreshold,
		noSpan:        []*dto.BucketSpan{{Offset: new(int32), Length: new(uint32)}},
		buckets:       make([]atomic.Pointer[dto.Bucket], n*sharedCounts),
	}
}

// finite returns the bounds without +Inf.
func (l *layout) finite() []float64 { return l.bounds[:len(l.bounds)-1] }

// fill builds the message of a state. old is the series' metric so far, if any, for the exemplars that stay.
func (l *layout) fill(h *dto.Histogram, s *ledger.State, o *ExpositionOptions, old *metric) {
	h.SampleCount, h.SampleSum = &s.Count, &s.Sum
	l.fillClassic(h, s, o, old)
	if o.NativeHistograms {
		l.fillNative(h, s)
	}
}

// ownBucket is a bucket's message with the number it points to.
type ownBucket struct {
	dto.Bucket
	cumulative uint64
}

func (l *layout) fillClassic(h *dto.Histogram, s *ledger.State, o *ExpositionOptions, old *metric) {
	exemplars := s.Exemplars
	if !o.Exemplars {
		exemplars = nil
	}
	// Every format implies the +Inf bucket; it is spelt out only to carry an exemplar.
	n := len(s.Buckets) - 1
	if exemplars != nil && exemplars[n] != nil {
		n++
	}
	h.Bucket = make([]*dto.Bucket, n)
	var own []ownBucket
	cumulative := uint64(0)
	for i := range h.Bucket {
		cumulative += s.Buckets[i]
		hasExemplar := exemplars != nil && exemplars[i] != nil
		if !hasExemplar && cumulative < sharedCounts {
			h.Bucket[i] = l.shared(i, cumulative)
			continue
		}
		if own == nil {
			own = make([]ownBucket, l.owned(s, exemplars, i, n, cumulative))
		}
		b := &own[0]
		own = own[1:]
		b.cumulative = cumulative
		b.CumulativeCount, b.UpperBound = &b.cumulative, &l.bounds[i]
		if hasExemplar {
			b.Exemplar = old.exemplar(i, exemplars[i])
		}
		h.Bucket[i] = &b.Bucket
	}
}

// owned counts the buckets from i on that cannot be shared; cumulative includes that of i.
func (l *layout) owned(s *ledger.State, exemplars []*ledger.Observed, i, n int, cumulative uint64) int {
	count := 0
	for {
		if cumulative >= sharedCounts || exemplars != nil && exemplars[i] != nil {
			count++
		}
		if i++; i == n {
			return count
		}
		cumulative += s.Buckets[i]
	}
}

// shared returns the message of a bucket without exemplar.
func (l *layout) shared(i int, cumulative uint64) *dto.Bucket {
	at := &l.buckets[i*sharedCounts+int(cumulative)]
	if b := at.Load(); b != nil {
		return b
	}
	b := &ownBucket{cumulative: cumulative}
	b.CumulativeCount, b.UpperBound = &b.cumulative, &l.bounds[i]
	at.Store(&b.Bucket)
	return &b.Bucket
}

// ownSpan is a span's message with the numbers it points to.
type ownSpan struct {
	dto.BucketSpan
	offset int32
	length uint32
}

// maxGap is how many empty buckets are written out rather than opening another span, as Prometheus' own library does.
const maxGap = 2

func (l *layout) fillNative(h *dto.Histogram, s *ledger.State) {
	h.Schema, h.ZeroThreshold, h.ZeroCount = &l.schema, &l.zeroThreshold, &s.Zero
	if len(s.Native) == 0 {
		if s.Zero == 0 {
			h.PositiveSpan = l.noSpan // says that a native half is there
		}
		return
	}
	spans, deltas := 1, 1
	for i := 1; i < len(s.Native); i++ {
		gap := int(s.Native[i].Index - s.Native[i-1].Index - 1)
		if gap > maxGap {
			spans++
		} else {
			deltas += gap
		}
		deltas++
	}
	own := make([]ownSpan, spans)
	h.PositiveSpan = make([]*dto.BucketSpan, 0, spans)
	h.PositiveDelta = make([]int64, 0, deltas)
	var span *ownSpan
	var last int64
	next := int32(0)
	add := func(count int64) {
		span.length++
		h.PositiveDelta = append(h.PositiveDelta, count-last)
		last = count
	}
	for i, b := range s.Native {
		gap := b.Index - next
		if i == 0 || gap > maxGap {
			span, own = &own[0], own[1:]
			span.offset = gap
			span.Offset, span.Length = &span.offset, &span.length
			h.PositiveSpan = append(h.PositiveSpan, &span.BucketSpan)
		} else {
			for range gap {
				add(0)
			}
		}
		add(int64(b.Count))
		next = b.Index + 1
	}
}
