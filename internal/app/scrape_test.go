package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/internal/simulator"
)

// scrape is one answer of /metrics.
type scrape map[string]*dto.MetricFamily

func parseScrape(text string) (scrape, error) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("reading an exposition: %w", err)
	}
	return families, nil
}

// truth is the scrape as the truth is written.
func (s scrape) truth() simulator.Truth { return readTruth(slices.Collect(maps.Values(s))) }

// value is what one counter or gauge shows; labels are pairs of name and value. -1: there is none.
func (s scrape) value(name string, labels ...string) float64 {
	wanted := simulator.Canonical(labels...)
	for _, m := range s[name].GetMetric() {
		if canonical(m) == wanted {
			return m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
		}
	}
	return -1
}

func canonical(m *dto.Metric) string {
	var pairs []string
	for _, l := range m.GetLabel() {
		pairs = append(pairs, l.GetName(), l.GetValue())
	}
	return simulator.Canonical(pairs...)
}

// durable are the values that must never go back, restart or not: all counters, counts, sums and buckets of the data
// families, and the totals that the ledger keeps.
func (s scrape) durable() map[string]float64 {
	values := map[string]float64{}
	for name, mf := range s {
		_, data := family.ByName(name)
		totals := []string{"executions_recorded_total", "discarded_total", "series_overflowed_total"}
		if !data && !slices.Contains(totals, strings.TrimPrefix(name, namespace+"_")) {
			continue
		}
		for _, m := range mf.GetMetric() {
			series := name + "{" + canonical(m) + "}"
			switch h := m.GetHistogram(); {
			case h != nil:
				values[series+" count"] = float64(h.GetSampleCount())
				values[series+" sum"] = h.GetSampleSum()
				for _, b := range h.GetBucket() {
					values[fmt.Sprint(series, " le ", b.GetUpperBound())] = float64(b.GetCumulativeCount())
				}
			case m.GetCounter() != nil:
				values[series] = m.GetCounter().GetValue()
			case strings.HasSuffix(name, "_last_completion_timestamp_seconds"):
				values[series] = m.GetGauge().GetValue()
			}
		}
	}
	return values
}

// setBack lists what of an earlier scrape's durable values is lower or missing now.
func (s scrape) setBack(earlier map[string]float64) []string {
	var wrong []string
	now := s.durable()
	for _, series := range slices.Sorted(maps.Keys(earlier)) {
		switch v, shown := now[series]; {
		case !shown:
			wrong = append(wrong, fmt.Sprintf("%s was %v and is gone", series, earlier[series]))
		case v < earlier[series]:
			wrong = append(wrong, fmt.Sprintf("%s was %v and is %v", series, earlier[series], v))
		}
	}
	return wrong
}
