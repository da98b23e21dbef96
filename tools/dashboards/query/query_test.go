package query

import (
	"testing"

	"github_workflow_exporter/collector/family"
)

func TestForms(t *testing.T) {
	jobs := Of(family.JobDuration, Window, Repository)
	commits := OfOwn("ledger_commit_duration_seconds", All)
	classic, native := Histograms{}, Histograms{Native: true}
	for _, test := range []struct{ name, got, want string }{
		{"quantile", classic.Quantile(0.95, "label", jobs),
			`histogram_quantile(0.95, sum by (le, label) (rate(github_workflow_job_duration_seconds_bucket{repository=~"$repository"}[$window]))) >= 0`},
		{"quantile of all", classic.Quantile(0.5, "", jobs),
			`histogram_quantile(0.5, sum by (le) (rate(github_workflow_job_duration_seconds_bucket{repository=~"$repository"}[$window]))) >= 0`},
		{"native quantile", native.Quantile(0.95, "label", jobs),
			`histogram_quantile(0.95, sum by (label) (rate(github_workflow_job_duration_seconds{repository=~"$repository"}[$window]))) >= 0`},
		{"native quantile of all", native.Quantile(0.5, "", jobs),
			`histogram_quantile(0.5, sum(rate(github_workflow_job_duration_seconds{repository=~"$repository"}[$window]))) >= 0`},
		{"own figures have no native form", native.Quantile(0.5, "", commits),
			`histogram_quantile(0.5, sum by (le) (rate(github_workflow_exporter_ledger_commit_duration_seconds_bucket[$__range]))) >= 0`},
		{"mean ago", classic.Mean("", jobs.Ago("1w")),
			`sum(increase(github_workflow_job_duration_seconds_sum{repository=~"$repository"}[$window] offset 1w)) / (sum(increase(github_workflow_job_duration_seconds_count{repository=~"$repository"}[$window] offset 1w)) > 0)`},
		{"native mean", native.Mean("label", jobs),
			`sum by (label) (histogram_sum(increase(github_workflow_job_duration_seconds{repository=~"$repository"}[$window]))) / (sum by (label) (histogram_count(increase(github_workflow_job_duration_seconds{repository=~"$repository"}[$window]))) > 0)`},
		{"heatmap", classic.Heatmap(jobs), `sum by (le) (increase(github_workflow_job_duration_seconds_bucket{repository=~"$repository"}[$window]))`},
		{"native heatmap", native.Heatmap(jobs), `sum(increase(github_workflow_job_duration_seconds{repository=~"$repository"}[$window]))`},
		{"per second", classic.PerSecond("runner", jobs), `sum by (runner) (rate(github_workflow_job_duration_seconds_sum{repository=~"$repository"}[$window]))`},
		{"native per second", native.PerSecond("runner", jobs), `sum by (runner) (histogram_sum(rate(github_workflow_job_duration_seconds{repository=~"$repository"}[$window])))`},
		{"ratio", Ratio("a", "b"), "a / (b > 0)"},
		{"no matchers", Own("up"), "github_workflow_exporter_up"},
	} {
		if test.got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, test.got, test.want)
		}
	}
}

// TestMatchersAreNotShared: a selector made of a caller's list leaves the list alone.
func TestMatchersAreNotShared(t *testing.T) {
	matchers := append(make([]string, 0, 8), Repository)
	first := FailureRatio("", family.RunConclusions, Window, matchers...)
	if second := FailureRatio("", family.RunConclusions, Window, matchers...); first != second {
		t.Errorf("%s, then %s", first, second)
	}
	if len(matchers) != 1 || matchers[:2][1] != "" {
		t.Errorf("the caller's list became %q", matchers[:2])
	}
}
