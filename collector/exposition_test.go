package collector

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"google.golang.org/protobuf/testing/protocmp"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/observe"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

var formats = map[string]expfmt.Format{
	"txt":         expfmt.NewFormat(expfmt.TypeTextPlain),
	"openmetrics": expfmt.NewFormat(expfmt.TypeOpenMetrics),
	"protobuf":    expfmt.NewFormat(expfmt.TypeProtoDelim),
}

func encode(t testing.TB, format expfmt.Format, families []*dto.MetricFamily, o ...expfmt.EncoderOption) string {
	t.Helper()
	var out bytes.Buffer
	enc := expfmt.NewEncoder(&out, format, o...)
	for _, mf := range families {
		if err := enc.Encode(mf); err != nil {
			t.Fatal(err)
		}
	}
	if c, ok := enc.(expfmt.Closer); ok {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// gathered returns the exposition through a registry that checks everything.
func gathered(t testing.TB, e *Exposition) []*dto.MetricFamily {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	if err := reg.Register(e); err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families
}

func TestGolden(t *testing.T) {
	w := newWorld(t)
	w.fill()
	families := NewExposition(w.ledger, someLive(), ExpositionOptions{Exemplars: true, NativeHistograms: true}).Families()
	if len(families) != len(family.All()) {
		t.Fatalf("%d families, want all %d", len(families), len(family.All()))
	}
	for _, mf := range families {
		for _, ext := range []string{"txt", "openmetrics"} {
			t.Run(mf.GetName()+"."+ext, func(t *testing.T) {
				got := encode(t, formats[ext], []*dto.MetricFamily{mf})
				file := filepath.Join("testdata", mf.GetName()+"."+ext)
				if *update {
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got); diff != "" {
					t.Errorf("%s (-want +got), rewrite with -update:\n%s", file, diff)
				}
			})
		}
	}
}

func TestPedanticRegistryAndLint(t *testing.T) {
	w := newWorld(t)
	w.fill()
	e := NewExposition(w.ledger, someLive(), ExpositionOptions{Exemplars: true, NativeHistograms: true})
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(e)
	problems, err := testutil.GatherAndLint(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// Names are checked by the UTF-8 rule only since client_golang 1.24; older servers know the legacy set.
func TestLegacyCharacterSet(t *testing.T) {
	name, label := regexp.MustCompile(`^github_workflow_[a-z0-9_]+$`), regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	for _, f := range family.All() {
		if !name.MatchString(f.Name) {
			t.Errorf("family name %q", f.Name)
		}
		for _, l := range f.Labels {
			if !label.MatchString(l) || l == "job" || l == "instance" || l == "le" || l == "quantile" {
				t.Errorf("%s: label %q", f.Name, l)
			}
		}
	}
}

// Both ways to expose must say the same, byte by byte.
func TestGathererEqualsRegistry(t *testing.T) {
	w := newWorld(t)
	w.fill()
	var many []observe.Sample
	for i := range 300 {
		labels := jobNamed(string([]byte{byte('a' + i%26), byte('z' - i%13)}))
		labels[family.Runner] = strings.Repeat("r", i%7)
		many = append(many, sampleOf(family.JobDuration, float64(i), labels), sampleOf(family.JobConclusions, 1, labels))
	}
	w.record(many...)
	e := NewExposition(w.ledger, someLive(), ExpositionOptions{Exemplars: true, NativeHistograms: true})
	families, done, err := NewGatherer(e, prometheus.NewRegistry()).Gather()
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	checked := gathered(t, e)
	for name, format := range formats {
		if diff := cmp.Diff(encode(t, format, checked), encode(t, format, families)); diff != "" {
			t.Errorf("%s: (-registry +gatherer):\n%s", name, diff)
		}
	}
}

// The ledger and this package together must show what Prometheus' own library shows of the same observations.
func TestHistogramEqualsClientGolang(t *testing.T) {
	w := newWorld(t)
	f := family.Get(family.StepDuration)
	vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: f.Name, Help: f.Help, Buckets: f.Buckets, NativeHistogramBucketFactor: 1.1,
	}, f.Labels)
	r := rand.New(rand.NewPCG(3, 4))
	for i := 1; i < 40; i++ {
		labels := map[string]string{family.StepName: string(rune('A' + i))}
		var samples []observe.Sample
		for range 1 + r.IntN(6*i) {
			v := []float64{0, 1, 0.25, 2, 86400, 86401, 432000, float64(r.IntN(5)), float64(r.IntN(200)), float64(r.IntN(100000)), r.Float64() * 100}[r.IntN(11)]
			s := sampleOf(f.ID, v, labels)
			samples = append(samples, s)
			vec.WithLabelValues(s.Values...).Observe(v)
		}
		w.record(samples...)
	}
	e := w.exposition(func(o *ExpositionOptions) { o.Exemplars = false })
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(vec)
	want, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]*dto.MetricFamily{"registry": gathered(t, e), "families": e.Families()} {
		if diff := cmp.Diff(want, got, protocmp.Transform(), protocmp.IgnoreFields(&dto.Histogram{}, "created_timestamp")); diff != "" {
			t.Errorf("%s: (-client_golang +ours):\n%s", name, diff)
		}
	}
}

func histogramOf(t *testing.T, e *Exposition, id family.ID) *dto.Histogram {
	t.Helper()
	m := only(t, e, id)
	return m.GetHistogram()
}

// only returns the one metric of a family.
func only(t *testing.T, e *Exposition, id family.ID) *dto.Metric {
	t.Helper()
	for _, mf := range e.Families() {
		if mf.GetName() == family.Get(id).Name {
			if len(mf.Metric) != 1 {
				t.Fatalf("%s has %d series, want 1", mf.GetName(), len(mf.Metric))
			}
			return mf.Metric[0]
		}
	}
	t.Fatalf("%s is not shown", family.Get(id).Name)
	return nil
}

func TestProtobufCarriesBothHalves(t *testing.T) {
	w := newWorld(t)
	w.record(sampleOf(family.JobDuration, 61, nil))
	raw := encode(t, formats["protobuf"], w.exposition().Families())
	var mf dto.MetricFamily
	if err := expfmt.NewDecoder(strings.NewReader(raw), formats["protobuf"]).Decode(&mf); err != nil {
		t.Fatal(err)
	}
	h := mf.Metric[0].Histogram
	if h.GetSampleCount() != 1 || h.GetSampleSum() != 61 || len(h.Bucket) != len(family.Get(family.JobDuration).Buckets) {
		t.Errorf("classic half: %v", h)
	}
	if h.GetSchema() != 3 || len(h.PositiveSpan) != 1 || h.PositiveSpan[0].GetOffset() != 48 || !cmp.Equal(h.PositiveDelta, []int64{1}) {
		t.Errorf("native half: %v", h)
	}
	if !h.CreatedTimestamp.AsTime().Equal(worldStart) {
		t.Errorf("created at %v", h.CreatedTimestamp.AsTime())
	}
	if x := h.Bucket[5].GetExemplar(); x.GetValue() != 61 || len(x.Label) != 2 || x.Timestamp == nil {
		t.Errorf("exemplar: %v", h)
	}

	classic := w.exposition(func(o *ExpositionOptions) { o.NativeHistograms = false })
	if h := histogramOf(t, classic, family.JobDuration); h.Schema != nil || h.ZeroThreshold != nil || h.PositiveSpan != nil || h.PositiveDelta != nil {
		t.Errorf("a native half though it is off: %v", h)
	}
}

func TestCreatedTimestamps(t *testing.T) {
	w := newWorld(t)
	w.record(sampleOf(family.JobConclusions, 1, nil), sampleOf(family.RunLastCompletion, 5, nil))
	w.swept()
	w.clock = worldStart.Add(time.Hour)
	w.record(sampleOf(family.RunConclusions, 1, nil))
	e := w.exposition()
	if at := only(t, e, family.JobConclusions).Counter.CreatedTimestamp.AsTime(); !at.Equal(worldStart) {
		t.Errorf("baseline: created at %v, want the repository's since", at)
	}
	if at := only(t, e, family.RunConclusions).Counter.CreatedTimestamp.AsTime(); !at.Equal(w.clock) {
		t.Errorf("created at %v, want its birth", at)
	}
	got := encode(t, formats["openmetrics"], e.Families(), expfmt.WithCreatedLines())
	if n := strings.Count(got, "_created{"); n != 2 {
		t.Errorf("%d _created lines, want those of the two counters:\n%s", n, got)
	}
	w.clock = worldStart.Add(9 * time.Hour)
	w.reopen()
	if at := only(t, w.exposition(), family.RunConclusions).Counter.CreatedTimestamp.AsTime(); !at.Equal(worldStart.Add(time.Hour)) {
		t.Errorf("created at %v after a restart", at)
	}
}
