package config

import (
	"errors"
	"slices"
	"strings"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/relabel"
)

func checkBranches(m Metrics) *Error {
	for i, g := range m.Branches {
		if strings.HasPrefix(g.String(), "refs/") {
			return wrong(indexed("metrics.branches", i), "must be the branch's name alone, such as main, not %s", quote(g.String()))
		}
		if bad := g.impossible(inBranchName); bad != "" {
			return wrong(indexed("metrics.branches", i), "%s matches nothing: no branch has a %s in its name", quote(g.String()), quote(bad))
		}
	}
	return nil
}

// inBranchName leaves out what git allows in no name.
func inBranchName(r rune) bool { return r > ' ' && r != 0x7f && !strings.ContainsRune("~^:[\\", r) }

func checkNameRules(m Metrics) *Error {
	for _, list := range []struct {
		key   string
		rules []NameRule
	}{{"metrics.runner_rules", m.RunnerRules}, {"metrics.label_rules", m.LabelRules}} {
		for i, rule := range list.rules {
			if field, problem := rule.check(); problem != "" {
				return wrong(indexed(list.key, i)+"."+field, "%s", problem)
			}
		}
	}
	return nil
}

// checkRelabelConfigs refuses, beyond what Prometheus does, names that no sample can ever have: a family's labels are
// fixed, so a value written to another would be lost without a word.
func checkRelabelConfigs(m Metrics) *Error {
	labels := sampleLabels()
	known := func(name string) bool { return strings.HasPrefix(name, "__") || slices.Contains(labels, name) }
	for i, rule := range m.RelabelConfigs {
		at := indexed("metrics.relabel_configs", i)
		if err := rule.Validate(); err != nil {
			var field *relabel.FieldError
			if errors.As(err, &field) {
				return wrong(at+"."+field.Field, "%s", field.Problem)
			}
			return wrong(at, "%s", err)
		}
		for _, name := range rule.SourceLabels {
			if !known(name) {
				return wrong(at+".source_labels", "no sample has a label %s; %s", quote(name), labelHint(name, labels))
			}
		}
		if name := rule.TargetLabel; name != "" && !strings.Contains(name, "$") && !known(name) {
			return wrong(at+".target_label", "no sample has a label %s; %s", quote(name), labelHint(name, labels))
		}
	}
	return nil
}

func labelHint(name string, labels []string) string {
	if similar := Nearest(name, labels); similar != "" {
		return "did you mean " + similar + "?"
	}
	return "there are " + strings.Join(labels, ", ") + ", and temporary ones that begin with __"
}

// sampleLabels lists the labels of the families that are relabelled and kept.
func sampleLabels() []string {
	var labels []string
	for _, f := range family.All() {
		for _, label := range f.Labels {
			if !slices.Contains(labels, label) {
				labels = append(labels, label)
			}
		}
	}
	return labels
}
