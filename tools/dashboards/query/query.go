// Package query writes the PromQL of the dashboards. Metric names come from the table of families, so that a renamed
// family cannot leave a dashboard behind; histogram functions exist in a classic and a native form.
package query

import (
	"fmt"
	"strings"

	"github_workflow_exporter/collector/family"
)

// OwnPrefix begins the names of the exporter's own figures.
const OwnPrefix = "github_workflow_exporter_"

// Success and Judged are what a failure ratio is made of. Conclusions that say nothing about the code, such as skipped,
// cancelled or neutral, are in neither.
const (
	Success = `conclusion="success"`
	Failed  = `conclusion=~"failure|timed_out|startup_failure"`
	Judged  = `conclusion=~"success|failure|timed_out|startup_failure"`
)

// Done are the conclusions of a scheduled run that did what it should; one that found nothing to do did. The alert
// GitHubWorkflowScheduleFailing goes by the same.
const Done = `conclusion=~"success|skipped|neutral"`

// Matchers over the dashboards' variables.
const (
	Repository = `repository=~"$repository"`
	Workflow   = `workflow=~"$workflow"`
	Branch     = `branch=~"$branch"`
	JobName    = `job_name=~"$job_name"`
	Label      = `label=~"$label"`
	Runner     = `runner=~"$runner"`
)

// Window is the dashboards' variable for the length of time over which a point of a chart looks back; All is the time
// range shown.
const (
	Window = "$window"
	All    = "$__range"
)

// Select writes a selector.
func Select(name string, matchers ...string) string {
	if len(matchers) == 0 {
		return name
	}
	return name + "{" + strings.Join(matchers, ",") + "}"
}

// Data writes a selector of a data family.
func Data(id family.ID, matchers ...string) string { return Select(family.Get(id).Name, matchers...) }

// Own writes a selector of one of the exporter's own figures, named without the prefix.
func Own(name string, matchers ...string) string { return Select(OwnPrefix+name, matchers...) }

// By writes an aggregation, over everything if by is empty.
func By(aggregation, by, inner string) string {
	if by == "" {
		return aggregation + "(" + inner + ")"
	}
	return aggregation + " by (" + by + ") (" + inner + ")"
}

// Increase writes the increase of a counter over a window, summed by labels.
func Increase(by, selector, window string) string {
	return By("sum", by, "increase("+selector+"["+window+"])")
}

// Ratio writes a quotient of two expressions with equal labels. Where nothing happened there is no value, not NaN: NaN
// sorts before every number and would head the tables.
func Ratio(part, whole string) string { return part + " / (" + whole + " > 0)" }

// FailureRatio writes which part of the judged executions of a family failed. A group without a failure is 0, although
// no series of it says so.
func FailureRatio(by string, id family.ID, window string, matchers ...string) string {
	judged := Increase(by, Data(id, with(matchers, Judged)...), window)
	failed := Increase(by, Data(id, with(matchers, Failed)...), window)
	return Ratio("("+failed+" or 0 * "+judged+")", judged)
}

// SuccessRatio is what is left of FailureRatio.
func SuccessRatio(by string, id family.ID, window string, matchers ...string) string {
	return "1 - " + FailureRatio(by, id, window, matchers...)
}

// Histograms writes functions over histograms in the form that the server stores.
type Histograms struct {
	// Native selects native histograms (scrape_native_histograms without always_scrape_classic_histograms).
	Native bool
}

// Histogram is a histogram metric with matchers and a window of time.
type Histogram struct {
	Name     string
	Matchers []string
	Window   string
	Offset   string // "" for none
}

// Of is a data family's histogram.
func Of(id family.ID, window string, matchers ...string) Histogram {
	return Histogram{Name: family.Get(id).Name, Matchers: matchers, Window: window}
}

// OfOwn is a histogram of the exporter's own, named without the prefix. These have no native form.
func OfOwn(name, window string, matchers ...string) Histogram {
	return Histogram{Name: OwnPrefix + name, Matchers: matchers, Window: window}
}

// Ago is the same histogram a while before.
func (h Histogram) Ago(offset string) Histogram {
	h.Offset = offset
	return h
}

func (h Histogram) over(function, suffix string) string {
	inner := Select(h.Name+suffix, h.Matchers...) + "[" + h.Window + "]"
	if h.Offset != "" {
		inner += " offset " + h.Offset
	}
	return function + "(" + inner + ")"
}

func (h Histogram) own() bool { return strings.HasPrefix(h.Name, OwnPrefix) }

// Quantile writes a quantile by labels, in seconds. Where nothing happened there is no value.
func (f Histograms) Quantile(q float64, by string, h Histogram) string {
	if f.Native && !h.own() {
		return fmt.Sprintf("histogram_quantile(%g, %s) >= 0", q, By("sum", by, h.over("rate", "")))
	}
	return fmt.Sprintf("histogram_quantile(%g, %s) >= 0", q, By("sum", join("le", by), h.over("rate", "_bucket")))
}

// Seconds writes the time spent by labels, in seconds within the window.
func (f Histograms) Seconds(by string, h Histogram) string {
	if f.Native && !h.own() {
		return By("sum", by, "histogram_sum("+h.over("increase", "")+")")
	}
	return By("sum", by, h.over("increase", "_sum"))
}

// PerSecond writes the time spent by labels per second of the window: how many were at work at a time.
func (f Histograms) PerSecond(by string, h Histogram) string {
	if f.Native && !h.own() {
		return By("sum", by, "histogram_sum("+h.over("rate", "")+")")
	}
	return By("sum", by, h.over("rate", "_sum"))
}

// Count writes the number of observations by labels within the window.
func (f Histograms) Count(by string, h Histogram) string {
	if f.Native && !h.own() {
		return By("sum", by, "histogram_count("+h.over("increase", "")+")")
	}
	return By("sum", by, h.over("increase", "_count"))
}

// Mean writes the mean by labels, in seconds.
func (f Histograms) Mean(by string, h Histogram) string {
	return Ratio(f.Seconds(by, h), f.Count(by, h))
}

// Heatmap writes the observations per bucket within the window.
func (f Histograms) Heatmap(h Histogram) string {
	if f.Native && !h.own() {
		return By("sum", "", h.over("increase", ""))
	}
	return By("sum", "le", h.over("increase", "_bucket"))
}

func join(a, b string) string {
	if b == "" {
		return a
	}
	return a + ", " + b
}

// with adds to a list without changing it.
func with(matchers []string, more ...string) []string {
	return append(append([]string(nil), matchers...), more...)
}
