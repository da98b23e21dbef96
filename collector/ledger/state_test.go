package ledger

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github_workflow_exporter/collector/family"
)

// interesting are values on, next to and between bounds.
func interesting() []float64 {
	vs := []float64{0, 1, 0.5, 0.25, 2, 3, 86400, 1e-3, 1e9, math.SmallestNonzeroFloat64, math.MaxFloat64}
	for _, b := range nativeBounds {
		for _, scale := range []float64{1, 2, 64, 4096, 1.0 / 8} {
			v := b * scale
			vs = append(vs, v, math.Nextafter(v, 0), math.Nextafter(v, math.Inf(1)))
		}
	}
	for _, b := range family.Get(family.JobDuration).Buckets {
		vs = append(vs, b, math.Nextafter(b, 0), math.Nextafter(b, math.Inf(1)))
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		vs = append(vs, math.Exp(r.Float64()*20-4))
	}
	return vs
}

// TestObserveAsClientGolang holds both halves of a histogram to what Prometheus' library makes of the same observations.
func TestObserveAsClientGolang(t *testing.T) {
	bounds := family.Get(family.JobDuration).Buckets
	check := func(values ...float64) {
		t.Helper()
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h", Buckets: bounds, NativeHistogramBucketFactor: 1.1,
			NativeHistogramZeroThreshold: prometheus.NativeHistogramZeroThresholdZero})
		s := newState(bounds)
		for _, v := range values {
			h.Observe(v)
			s.observe(bounds, v, nil)
		}
		var m dto.Metric
		if err := h.Write(&m); err != nil {
			t.Fatal(err)
		}
		want := m.GetHistogram()
		if want.GetSchema() != nativeSchema {
			t.Fatalf("client_golang uses schema %d", want.GetSchema())
		}
		if s.Count != want.GetSampleCount() || s.Sum != want.GetSampleSum() || s.Zero != want.GetZeroCount() {
			t.Errorf("count, sum, zero = %d, %g, %d, want %d, %g, %d", s.Count, s.Sum, s.Zero,
				want.GetSampleCount(), want.GetSampleSum(), want.GetZeroCount())
		}
		cumulative := uint64(0)
		for i, b := range want.GetBucket() {
			if cumulative += s.Buckets[i]; cumulative != b.GetCumulativeCount() {
				t.Errorf("%v: bucket le=%g has %d, want %d", values[:min(3, len(values))], b.GetUpperBound(), cumulative, b.GetCumulativeCount())
			}
		}
		var native []NativeBucket
		index, count, delta := int32(0), int64(0), 0
		for _, span := range want.GetPositiveSpan() {
			index += span.GetOffset()
			for range span.GetLength() {
				count += want.GetPositiveDelta()[delta]
				if count > 0 {
					native = append(native, NativeBucket{Index: index, Count: uint64(count)})
				}
				index, delta = index+1, delta+1
			}
		}
		if diff := cmp.Diff(native, s.Native); diff != "" {
			t.Errorf("%v: native buckets (-want +got):\n%s", values[:min(3, len(values))], diff)
		}
		if !s.consistent() {
			t.Errorf("%v: inconsistent state %+v", values, s)
		}
	}
	values := interesting()
	for _, v := range values {
		check(v)
	}
	check(values...)
}

func TestNativeBoundsOfABucket(t *testing.T) {
	for _, v := range interesting() {
		if v == 0 || v > 1e300 || v < 1e-300 {
			continue
		}
		i := float64(nativeIndex(v))
		// The rounded bounds of Pow may differ in the last digit from the exact ones.
		if low, high := math.Exp2((i-1)/8), math.Exp2(i/8); v < low*(1-1e-12) || v > high*(1+1e-12) {
			t.Errorf("%g is put in (%g, %g]", v, low, high)
		}
	}
}

func TestFold(t *testing.T) {
	from := []float64{1, 5, 10, 60}
	for _, to := range [][]float64{{1, 5, 10, 60}, {1}, {60}, {5, 60}, {1, 10}} {
		folded, direct := newState(from), newState(to)
		for _, v := range interesting() {
			folded.observe(from, v, &Exemplar{})
			direct.observe(to, v, nil)
		}
		if diff := cmp.Diff(direct, folded.fold(from, to)); diff != "" {
			t.Errorf("folding to %v differs from observing in it (-want +got):\n%s", to, diff)
		}
	}
}

func TestSubset(t *testing.T) {
	for _, c := range []struct {
		sub, all []float64
		want     bool
	}{
		{[]float64{1}, []float64{1, 2}, true},
		{[]float64{2}, []float64{1, 2}, true},
		{[]float64{1, 2}, []float64{1, 2}, true},
		{[]float64{1.5}, []float64{1, 2}, false},
		{[]float64{1, 3}, []float64{1, 2}, false},
		{[]float64{1, 2, 3}, []float64{1, 2}, false},
	} {
		if got := subset(c.sub, c.all); got != c.want {
			t.Errorf("subset(%v, %v) = %v", c.sub, c.all, got)
		}
	}
}

func TestStateCloneIsDeep(t *testing.T) {
	bounds := []float64{1, 2}
	s := newState(bounds)
	s.observe(bounds, 1, &Exemplar{RunID: 1})
	before := *s.clone()
	c := s.clone()
	c.observe(bounds, 1, &Exemplar{RunID: 2})
	c.observe(bounds, 5, &Exemplar{RunID: 3})
	if diff := cmp.Diff(before, *s); diff != "" {
		t.Errorf("changing a clone changed the original:\n%s", diff)
	}
}
