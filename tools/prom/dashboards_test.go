package prom

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"github_workflow_exporter/collector/family"
)

// dashboard is what these tests need of a dashboard; tools/dashboards checks the whole of it.
type dashboard struct {
	Title      string
	Templating struct {
		List []struct{ Name, Definition string }
	}
	Panels []struct {
		Title   string
		Targets []struct{ Expr, LegendFormat string }
	}
}

func dashboards(t *testing.T, dir string) []dashboard {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboards found: %v", err)
	}
	var out []dashboard
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(b, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out = append(out, d)
	}
	return out
}

// TestDashboardQueriesParse reads every query with Prometheus' own parser, and holds the labels in it to the table of
// families: a label that a family does not have matches nothing and groups everything into one.
func TestDashboardQueriesParse(t *testing.T) {
	checkDashboards(t, "../../deploy/grafana/dashboards")
}

// TestNativeDashboardQueriesParse does the same for the form for native histograms, which is not kept as files.
func TestNativeDashboardQueriesParse(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "-C", "../dashboards", "run", ".", "generate", "-native", "-dir", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	checkDashboards(t, dir)
}

func checkDashboards(t *testing.T, dir string) {
	t.Helper()
	queries := 0
	for _, d := range dashboards(t, dir) {
		pairs := []string{"$window", "5m", "$__range", "1h", "$compare", "1w"}
		for _, v := range d.Templating.List {
			pairs = append(pairs, "$"+v.Name, ".*")
		}
		values := strings.NewReplacer(pairs...)
		for _, v := range d.Templating.List {
			if v.Definition == "" {
				continue
			}
			selector, label, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(values.Replace(v.Definition), "label_values("), ")"), ", ")
			if !ok {
				t.Errorf("%s: variable %s: %q is not label_values(selector, label)", d.Title, v.Name, v.Definition)
				continue
			}
			checkLabels(t, d.Title+": variable "+v.Name, "sum by ("+label+") ("+selector+")")
		}
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				queries++
				checkLabels(t, d.Title+": "+p.Title, values.Replace(target.Expr))
			}
		}
	}
	t.Logf("%d queries", queries)
}

// checkLabels checks the matchers of every selector, and the labels by which an aggregation groups, against the families
// that are in it. The exporter's own figures are checked elsewhere; here any label of theirs passes.
func checkLabels(t *testing.T, where, query string) {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		t.Errorf("%s: %v: %s", where, err, query)
		return
	}
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(selector.Name, "_bucket"), "_sum"), "_count")
		f, known := family.ByName(base)
		if !known {
			f, known = family.ByName(selector.Name)
		}
		if !known {
			if !strings.HasPrefix(selector.Name, "github_workflow_exporter_") {
				t.Errorf("%s: no family %s", where, selector.Name)
			}
			return nil
		}
		if base != selector.Name && f.Kind != family.Histogram {
			t.Errorf("%s: %s is not a histogram", where, f.Name)
		}
		allowed := append([]string{"instance", "job", "le", model.MetricNameLabel}, f.Labels...)
		for _, m := range selector.LabelMatchers {
			if !slices.Contains(allowed, m.Name) {
				t.Errorf("%s: %s has no label %s", where, f.Name, m.Name)
			}
		}
		for _, parent := range path {
			if a, ok := parent.(*parser.AggregateExpr); ok && !a.Without {
				for _, by := range a.Grouping {
					if !slices.Contains(allowed, by) {
						t.Errorf("%s: %s has no label %s to group by", where, f.Name, by)
					}
				}
			}
		}
		return nil
	})
}

// TestScheduledWorkflowsTable: the schedule that never succeeded heads the table, which is sorted by the time since the last
// success; and a success is what the alert takes for one.
func TestScheduledWorkflowsTable(t *testing.T) {
	promtool := tool(t, "PROMTOOL3", "prometheus", "promtool")
	const in = "github_workflow_run_last_completion_timestamp_seconds{job=\"github_workflow_exporter\",repository=\"o/r\",workflow=%q,event=%q,branch=\"main\",conclusion=%q}"
	type series = map[string]string
	cases := map[string]any{"evaluation_interval": "1m", "tests": []any{map[string]any{
		"interval": "1m",
		"input_series": []series{
			{"series": fmt.Sprintf(in, "Green", "schedule", "success"), "values": "60x120"},
			{"series": fmt.Sprintf(in, "Green", "schedule", "failure"), "values": "1800x120"},
			{"series": fmt.Sprintf(in, "Idle", "schedule", "skipped"), "values": "120x120"},
			{"series": fmt.Sprintf(in, "Never", "schedule", "failure"), "values": "3000x120"},
			{"series": fmt.Sprintf(in, "Never", "push", "success"), "values": "3000x120"},
		},
		"promql_expr_test": []any{
			map[string]any{"eval_time": "1h", "expr": scheduledQuery(t, "Completed before"), "exp_samples": []any{
				map[string]any{"labels": `{repository="o/r",workflow="Green"}`, "value": 1800},
				map[string]any{"labels": `{repository="o/r",workflow="Idle"}`, "value": 3480},
				map[string]any{"labels": `{repository="o/r",workflow="Never"}`, "value": 600},
			}},
			// Time began an hour ago: so long ago did succeed what never did.
			map[string]any{"eval_time": "1h", "expr": scheduledQuery(t, "Succeeded before"), "exp_samples": []any{
				map[string]any{"labels": `{repository="o/r",workflow="Green"}`, "value": 3540},
				map[string]any{"labels": `{repository="o/r",workflow="Idle"}`, "value": 3480},
				map[string]any{"labels": `{repository="o/r",workflow="Never"}`, "value": 3600},
			}},
		},
	}}}
	b, err := yaml.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "table_test.yml"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, promtool, "test", "rules", "table_test.yml")
}

// scheduledQuery returns the query of a column of the table, over all repositories.
func scheduledQuery(t *testing.T, column string) string {
	t.Helper()
	for _, d := range dashboards(t, "../../deploy/grafana/dashboards") {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				if p.Title == "Scheduled workflows" && target.LegendFormat == column {
					return strings.ReplaceAll(target.Expr, "$repository", ".*")
				}
			}
		}
	}
	t.Fatalf("no panel Scheduled workflows with a column %s", column)
	return ""
}

// TestScheduleSucceeds: the table and the alert go by the same conclusions.
func TestScheduleSucceeds(t *testing.T) {
	of := regexp.MustCompile(`event="schedule",(conclusion=~?"[^"]+")`)
	want := ""
	for _, r := range rulesIn(t, "recording.yml") {
		if m := of.FindStringSubmatch(r.Expr); m != nil {
			want = m[1]
		}
	}
	if got := of.FindStringSubmatch(scheduledQuery(t, "Succeeded before")); got == nil || got[1] != want || want == "" {
		t.Errorf("the table takes %q for a success, the alert %s", got, want)
	}
}
