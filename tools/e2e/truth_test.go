package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github_workflow_exporter/collector/family"
)

// truth is what the simulated GitHub says has happened, as its control address serves it. Series go by their labels in
// the form of canonical.
type truth struct {
	Counters   map[string]map[string]float64 `json:"counters"`
	Histograms map[string]map[string]struct {
		Count float64 `json:"count"`
		Sum   float64 `json:"sum"`
	} `json:"histograms"`
	Gauges       map[string]map[string]float64 `json:"gauges"`
	OpenAttempts int                           `json:"open_attempts"`
}

// values are numbers by metric name (of histograms those of _count and _sum) and canonical labels.
type values map[string]map[string]float64

func (v values) set(metric, labels string, value float64) {
	if v[metric] == nil {
		v[metric] = map[string]float64{}
	}
	v[metric][labels] = value
}

// accumulating returns what only ever grows: counters, counts and sums.
func (tr truth) accumulating() values {
	v := values{}
	for name, series := range tr.Counters {
		for labels, value := range series {
			v.set(name, withoutEmpty(labels), value)
		}
	}
	for name, series := range tr.Histograms {
		if name == family.Get(family.BranchRecovery).Name {
			continue // which of two runs that end together closes first is a matter of chance, and decides about it
		}
		for labels, d := range series {
			labels = withoutEmpty(labels)
			v.set(name+"_count", labels, d.Count)
			v.set(name+"_sum", labels, d.Sum)
		}
	}
	return v
}

// present returns one gauge as it stands.
func (tr truth) present(name string) values {
	v := values{}
	for labels, value := range tr.Gauges[name] {
		v.set(name, withoutEmpty(labels), value)
	}
	return v
}

// since returns what was added to v after earlier.
func (v values) since(earlier values) values {
	added := values{}
	for metric, series := range v {
		for labels, value := range series {
			added.set(metric, labels, value-earlier[metric][labels])
		}
	}
	return added
}

// born returns how many series grew, by v, that shown has not.
func (v values) born(shown values) int {
	n := 0
	for metric, series := range v {
		for labels, growth := range series {
			if _, known := shown[metric][labels]; !known && growth > 0 {
				n++
			}
		}
	}
	return n
}

// total sums up one metric.
func (v values) total(metric string) float64 {
	sum := 0.0
	for _, value := range v[metric] {
		sum += value
	}
	return sum
}

// differences tells where got is further from want than the tolerance, a share of want, one line each. A series that is
// absent counts as 0.
func differences(got, want values, tolerance float64) []string {
	var lines []string
	for _, metric := range slices.Sorted(maps.Keys(want)) {
		for _, labels := range slices.Sorted(maps.Keys(want[metric])) {
			g, w := got[metric][labels], want[metric][labels]
			if math.Abs(g-w) > tolerance*math.Abs(w)+1e-6 {
				lines = append(lines, fmt.Sprintf("%s{%s}: got %g, want %g", metric, labels, g, w))
			}
		}
	}
	for _, metric := range slices.Sorted(maps.Keys(got)) {
		for _, labels := range slices.Sorted(maps.Keys(got[metric])) {
			if _, known := want[metric][labels]; !known && math.Abs(got[metric][labels]) > 1e-6 {
				lines = append(lines, fmt.Sprintf("%s{%s}: got %g, want no such series", metric, labels, got[metric][labels]))
			}
		}
	}
	return lines
}

// summary shortens a list of differences.
func summary(lines []string) string {
	const most = 15
	if len(lines) > most {
		lines = append(slices.Clone(lines[:most]), fmt.Sprintf("and %d more", len(lines)-most))
	}
	return strings.Join(lines, "\n\t")
}

// canonical writes the labels of a sample as the simulator does: name="value" sorted by name, but without empty
// ones and those that Prometheus adds.
func canonical(labels map[string]string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	var parts []string
	for name, value := range labels {
		if value != "" && !slices.Contains(added, name) {
			parts = append(parts, name+`="`+escape.Replace(value)+`"`)
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

// label matches one label of the canonical form.
var label = regexp.MustCompile(`\w+="(?:[^"\\]|\\.)*"`)

// withoutEmpty leaves out the labels that are empty: to Prometheus they do not exist.
func withoutEmpty(labels string) string {
	parts := label.FindAllString(labels, -1)
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return strings.HasSuffix(part, `=""`) }), ",")
}

// added are the labels that are Prometheus' own.
var added = []string{"__name__", "instance", "job"}

// metrics lists the names under which the accumulating families are stored.
func metrics() []string {
	var names []string
	for _, f := range family.All() {
		if f.ID == family.BranchRecovery { // see accumulating
			continue
		}
		switch f.Kind {
		case family.Counter:
			names = append(names, f.Name)
		case family.Histogram:
			names = append(names, f.Name+"_count", f.Name+"_sum")
		case family.Gauge:
		}
	}
	return names
}

// read evaluates an expression, made from each accumulating metric's name, at one moment.
func (s *server) read(ctx context.Context, expression func(metric string) string, at time.Time) (values, error) {
	v := values{}
	for _, metric := range metrics() {
		samples, err := s.query(ctx, expression(metric), at)
		if err != nil {
			return nil, err
		}
		for _, one := range samples {
			v.set(metric, canonical(one.labels), one.value)
		}
	}
	return v, nil
}

// control is the demo's control address.
type control string

// truth tells what has happened, of attempts that started at or after since; the zero time is all.
func (c control) truth(ctx context.Context, since time.Time) (truth, error) {
	query := url.Values{}
	if !since.IsZero() {
		query.Set("since", since.UTC().Format(time.RFC3339))
	}
	body, err := get(ctx, "http://"+string(c)+"/truth?"+query.Encode())
	if err != nil {
		return truth{}, err
	}
	var tr truth
	if err := json.Unmarshal(body, &tr); err != nil {
		return truth{}, fmt.Errorf("reading the truth: %w", err)
	}
	return tr, nil
}

// quiet holds back new attempts, or lets them start again.
func (c control) quiet(ctx context.Context, on bool) error { return c.fault(ctx, "quiet", on) }

// fault switches one of the demo's faults.
func (c control) fault(ctx context.Context, name string, on bool) error {
	_, err := ask(ctx, "POST", fmt.Sprintf("http://%s/faults/%s?on=%t", c, name, on))
	return err
}
