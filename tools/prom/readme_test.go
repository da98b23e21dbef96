package prom

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github_workflow_exporter/collector/family"
)

var promql = regexp.MustCompile("(?ms)^```promql\n(.*?)^```$")

// TestREADMEQueries parses every query of README.md as Prometheus would, and checks that the metrics of the family table
// have the labels that are asked for. The main module checks the names of the exporter's own figures.
func TestREADMEQueries(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := promql.FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 10 {
		t.Fatalf("only %d queries were found", len(blocks))
	}
	for _, block := range blocks {
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(block[1])
		if err != nil {
			t.Errorf("%v in\n%s", err, block[1])
			continue
		}
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			if s, ok := node.(*parser.VectorSelector); ok {
				checkSelector(t, s)
			}
			return nil
		})
	}
}

func checkSelector(t *testing.T, s *parser.VectorSelector) {
	if strings.HasPrefix(s.Name, "github_workflow_exporter_") {
		return
	}
	labels := labelsOf(s.Name)
	if labels == nil {
		t.Errorf("%s is no metric", s.Name)
		return
	}
	for _, m := range s.LabelMatchers {
		if m.Name != model.MetricNameLabel && !slices.Contains(labels, m.Name) {
			t.Errorf("%s has no label %s", s.Name, m.Name)
		}
	}
}

// labelsOf returns the labels of a metric, with what Prometheus adds; nil if there is none of that name.
func labelsOf(name string) []string {
	for _, f := range family.All() {
		added := []string{model.JobLabel, model.InstanceLabel}
		suffix, ok := strings.CutPrefix(name, f.Name)
		switch {
		case ok && suffix == "":
		case ok && f.Kind == family.Histogram && slices.Contains([]string{"_bucket", "_sum", "_count"}, suffix):
			if suffix == "_bucket" {
				added = append(added, model.BucketLabel)
			}
		default:
			continue
		}
		return append(added, f.Labels...)
	}
	return nil
}
