package grafana

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	// vanishes finds queries whose series end while all is well: filtered ones, quantiles of nothing, and the gauges of
	// what is open, which have no series for a label that nothing is open of.
	vanishes = regexp.MustCompile(`[<>]=? *[0-9]|[=!]= *[0-9]|histogram_quantile|github_workflow_(jobs|oldest_job_timestamp_seconds)\b`)
	// alternative gives a value where the query before it has none.
	alternative = regexp.MustCompile(`\bor\b`)
	// windowed finds queries of which a value tells of a whole window.
	windowed = regexp.MustCompile(`\b(rate|i?increase|delta|[a-z]+_over_time)\(`)
	// estimated finds how much was done at a time, worked out from what has finished: the time spent, per second.
	estimated = regexp.MustCompile(`(histogram_sum\(rate\(|rate\([^/]*_duration_seconds_sum\{)[^/]*$`)
	// judged are labels whose values are good or bad: a palette by order would paint a failure green.
	judged = regexp.MustCompile(`\{\{ *(conclusion|code|reason|outcome|result|state|status|phase|held) *\}\}`)
	// failures are selections of what went wrong.
	failures = regexp.MustCompile(`conclusion=~?"(failure|timed_out|startup_failure)|_failures_total|_overflowed_total`)
	// fullNames are label values that all begin alike.
	fullNames = regexp.MustCompile(`\{\{ *family *\}\}`)
)

// lintLooks finds what a panel would say that is not so: by a colour, by a line, by a word, by what it cuts off.
func lintLooks(p Panel) error {
	if p.FieldConfig == nil {
		return nil // said elsewhere
	}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	d := p.FieldConfig.Defaults
	if d.NoValue == "" || strings.EqualFold(d.NoValue, "no data") {
		bad("noValue %q: must say what it means that there is no data", d.NoValue)
	}
	switch p.Type {
	case "timeseries":
		if d.Custom["spanNulls"] != false {
			bad("spanNulls must be false: a line across a gap makes values up")
		}
		legend, _ := p.Options["legend"].(map[string]any)
		calcs := words(legend["calcs"])
		last := slices.Contains(calcs, "last") || slices.Contains(calcs, "lastNotNull")
		if last {
			for _, t := range p.Targets {
				if vanishes.MatchString(t.Expr) && !alternative.MatchString(t.Expr) {
					bad("query %s: its series may end, so that the legend's last value would be an old one", t.RefID)
				}
			}
		}
		for _, t := range p.Targets {
			if last && windowed.MatchString(t.Expr) {
				bad("query %s: its last value is of a window, and contradicts the numbers of now", t.RefID)
			}
			if estimated.MatchString(t.Expr) && slices.ContainsFunc(calcs, func(calc string) bool { return calc != "mean" }) {
				bad("query %s: of an estimate the legend shows the mean or nothing", t.RefID)
			}
		}
		if slices.Contains(calcs, "sum") {
			bad("the legend's total has a window more than the time shown, and contradicts the numbers over it")
		}
		if sort, _ := legend["sortBy"].(string); strings.HasPrefix(sort, "Last") && !slices.Contains(calcs, "lastNotNull") {
			bad("the legend is sorted by %q, which it does not show", sort)
		}
		if sort, _ := legend["sortBy"].(string); sort == "Mean" && !slices.Contains(calcs, "mean") {
			bad("the legend is sorted by %q, which it does not show", sort)
		}
		for _, t := range p.Targets {
			palette := d.Color == nil || d.Color.Mode != "fixed"
			if palette && (judged.MatchString(t.LegendFormat) || failures.MatchString(t.Expr) && !strings.Contains(t.Expr, "/")) {
				bad("query %s: colours by order would paint what is bad in a good colour", t.RefID)
			}
		}
	case "table":
		if p.Options["enablePagination"] != true {
			bad("enablePagination must be true: without it the last row is cut")
		}
	}
	errs = append(errs, lintColours(p), lintOpen(p), lintNames(p))
	return errors.Join(errs...)
}

// lintColours finds names of one panel that cannot be told apart.
func lintColours(p Panel) error {
	names := map[string]string{}
	var errs []error
	for _, o := range p.FieldConfig.Overrides {
		if o.Matcher.ID != "byName" {
			continue
		}
		for _, property := range o.Properties {
			colour := fixedColour(property)
			if colour == "" {
				continue
			}
			if other, taken := names[colour]; taken {
				errs = append(errs, fmt.Errorf("%v and %s have the same colour %s", o.Matcher.Options, other, colour))
			}
			names[colour] = fmt.Sprint(o.Matcher.Options)
		}
	}
	return errors.Join(errs...)
}

// lintOpen finds colours that say good or bad of names that are neither. Grafana's palettes hold greens and reds, whether
// they go by order, by name or by value.
func lintOpen(p Panel) error {
	if p.Type != "timeseries" || p.FieldConfig.Defaults.Color == nil {
		return nil
	}
	var errs []error
	mode := p.FieldConfig.Defaults.Color.Mode
	if mode != "fixed" && mode != Shades {
		errs = append(errs, fmt.Errorf("colour mode %q: its colours are kept for good and bad", mode))
	}
	for _, t := range p.Targets {
		if strings.Contains(t.LegendFormat, "{{") && !judged.MatchString(t.LegendFormat) && mode != Shades {
			errs = append(errs, fmt.Errorf("query %s: names that are an open set are coloured by shades, not by %q", t.RefID, mode))
		}
	}
	return errors.Join(errs...)
}

// lintNames finds names that would look the same once they are cut at their end, as legends cut them.
func lintNames(p Panel) error {
	var errs []error
	begins := map[string]string{}
	for _, t := range p.Targets {
		if fullNames.MatchString(t.LegendFormat) && !strings.Contains(t.Expr, "label_replace") {
			errs = append(errs, fmt.Errorf("query %s: the names of families begin alike; leave that out", t.RefID))
		}
		if p.Type == "table" {
			continue
		}
		begin, _, _ := strings.Cut(t.LegendFormat, "{{")
		if other, taken := begins[begin]; taken {
			errs = append(errs, fmt.Errorf("queries %s and %s: their names begin alike; what tells them apart comes first", other, t.RefID))
		}
		begins[begin] = t.RefID
	}
	return errors.Join(errs...)
}

// fixedColour is the colour that a property gives; "" if it gives none.
func fixedColour(p Property) string {
	if p.ID != "color" {
		return ""
	}
	switch c := p.Value.(type) {
	case Color:
		return c.FixedColor
	case map[string]any: // as decoded from JSON
		colour, _ := c["fixedColor"].(string)
		return colour
	}
	return ""
}

// words reads a list of strings, as made here or as decoded from JSON.
func words(v any) (out []string) {
	switch list := v.(type) {
	case []string:
		return list
	case []any:
		for _, e := range list {
			s, _ := e.(string)
			out = append(out, s)
		}
	}
	return out
}
