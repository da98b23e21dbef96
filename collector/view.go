package collector

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/ledger"
)

// view shows one family. Its series are kept in the order of exposition; the order is made anew only when series
// were born or removed.
type view struct {
	family family.Family
	desc   *prometheus.Desc
	kind   dto.MetricType
	order  []int // places in a series' Values, by label name
	zero   *ledger.State

	current atomic.Pointer[lineup]

	mu     sync.Mutex // one renewal of current at a time, and what it needs:
	pairs  map[labelPair]*dto.LabelPair
	layout *layout // the latest, nil unless a histogram
}

// lineup is the series of a family at one time, as the source listed them and in order. It never changes.
type lineup struct {
	source  []*ledger.Series
	entries []*entry
}

type labelPair struct{ name, value string }

func newView(f family.Family) *view {
	v := &view{
		family: f,
		desc:   prometheus.NewDesc(f.Name, f.Help, f.Labels, nil),
		kind: map[family.Kind]dto.MetricType{
			family.Counter: dto.MetricType_COUNTER, family.Gauge: dto.MetricType_GAUGE, family.Histogram: dto.MetricType_HISTOGRAM,
		}[f.Kind],
		zero:  &ledger.State{},
		pairs: map[labelPair]*dto.LabelPair{},
	}
	for i := range f.Labels {
		v.order = append(v.order, i)
	}
	slices.SortFunc(v.order, func(a, b int) int { return strings.Compare(f.Labels[a], f.Labels[b]) })
	v.current.Store(&lineup{})
	return v
}

// durable returns the metrics of the ledger's series.
func (v *view) durable(source SeriesSource, o *ExpositionOptions) []*metric {
	entries := v.entries(source)
	metrics := make([]*metric, len(entries))
	for i, e := range entries {
		metrics[i] = e.metric(v, o)
	}
	return metrics
}

// present returns the metrics of the live values of this family.
func (v *view) present(live []LiveValue) []*metric {
	var mine []*LiveValue
	for i := range live {
		if live[i].Family == v.family.ID {
			mine = append(mine, &live[i])
		}
	}
	slices.SortFunc(mine, func(a, b *LiveValue) int { return v.compare(a.Values, b.Values) })
	metrics := make([]*metric, len(mine))
	for i, l := range mine {
		g := &gaugeMetric{metric: metric{desc: v.desc}, gauge: dto.Gauge{Value: &l.Value}}
		g.dto.Label = v.labels(l.Values, newLabelPair)
		g.dto.Gauge = &g.gauge
		metrics[i] = &g.metric
	}
	return metrics
}

func (v *view) compare(a, b []string) int {
	for _, i := range v.order {
		if c := strings.Compare(a[i], b[i]); c != 0 {
			return c
		}
	}
	return 0
}

// labels makes the label pairs of a series, sorted by name.
func (v *view) labels(values []string, pair func(name, value string) *dto.LabelPair) []*dto.LabelPair {
	pairs := make([]*dto.LabelPair, len(v.order))
	for at, i := range v.order {
		pairs[at] = pair(v.family.Labels[i], values[i])
	}
	return pairs
}

// entries returns the family's series in order of exposition.
func (v *view) entries(source SeriesSource) []*entry {
	if c := v.current.Load(); same(c.source, source.Series(v.family.ID)) {
		return c.entries
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	// Asked again under the lock: a scrape that was overtaken must not bring an older list back.
	now := source.Series(v.family.ID)
	c := v.current.Load()
	if !same(c.source, now) {
		c = v.renew(c, now)
		v.current.Store(c)
	}
	return c.entries
}

// same tells whether two lists are the very same. The source never changes a list it handed out, and the older one is
// still referred to, so no other can have taken its place in memory.
func same(a, b []*ledger.Series) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// renew makes the lineup that follows old. Entries of series that live on are kept with what they remember.
func (v *view) renew(old *lineup, now []*ledger.Series) *lineup {
	kept := old.entries
	var born []*ledger.Series
	if len(old.source) <= len(now) && slices.Equal(old.source, now[:len(old.source)]) {
		born = now[len(old.source):]
	} else {
		alive := make(map[*ledger.Series]bool, len(now)) // true: has an entry
		for _, s := range now {
			alive[s] = false
		}
		kept = make([]*entry, 0, len(now))
		v.pairs = map[labelPair]*dto.LabelPair{} // forget those of the removed
		for _, e := range old.entries {
			if _, ok := alive[e.series]; ok {
				alive[e.series] = true
				kept = append(kept, e)
				for _, p := range e.labels {
					v.pairs[labelPair{p.GetName(), p.GetValue()}] = p
				}
			}
		}
		for _, s := range now {
			if !alive[s] {
				born = append(born, s)
			}
		}
	}
	fresh := make([]*entry, len(born))
	for i, s := range born {
		fresh[i] = v.newEntry(s)
	}
	compare := func(a, b *entry) int { return v.compare(a.series.Values, b.series.Values) }
	slices.SortFunc(fresh, compare)
	return &lineup{source: now, entries: merge(kept, fresh, compare)}
}

// merge joins two sorted lists into a new one.
func merge[T any](a, b []T, compare func(a, b T) int) []T {
	out := make([]T, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if compare(a[0], b[0]) <= 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

func (v *view) newEntry(s *ledger.Series) *entry {
	e := &entry{series: s, labels: v.labels(s.Values, v.intern), zero: v.zero}
	if v.family.Kind != family.Gauge {
		e.created = timestamppb.New(s.Created)
	}
	if v.family.Kind == family.Histogram {
		e.layout = v.layoutOf(s.Bounds())
		e.zero = e.layout.zero
	}
	return e
}

func newLabelPair(name, value string) *dto.LabelPair {
	return &dto.LabelPair{Name: &name, Value: &value}
}

// intern keeps one message per label pair: they repeat across series.
func (v *view) intern(name, value string) *dto.LabelPair {
	key := labelPair{name, value}
	p := v.pairs[key]
	if p == nil {
		p = newLabelPair(name, value)
		v.pairs[key] = p
	}
	return p
}

// layoutOf returns the layout of a list of bounds. There is one list at a time; a reload may bring another.
func (v *view) layoutOf(bounds []float64) *layout {
	if v.layout == nil || !slices.Equal(v.layout.finite(), bounds) {
		v.layout = newLayout(bounds)
	}
	return v.layout
}
