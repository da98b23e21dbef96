package prom

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

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
		Targets []struct{ Expr string }
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
