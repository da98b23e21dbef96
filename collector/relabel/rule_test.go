package relabel

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v3"
)

func TestRuleYAML(t *testing.T) {
	dropped, err := NewRegexp("a.*|b")
	if err != nil {
		t.Fatal(err)
	}
	nothing, err := NewRegexp("")
	if err != nil {
		t.Fatal(err)
	}
	want := []Rule{Default(), Default(), Default()}
	want[0].SourceLabels, want[0].TargetLabel = []string{"a", "__b__"}, "c"
	want[1].SourceLabels, want[1].Separator, want[1].Regex, want[1].Action = []string{"a"}, "", dropped, Drop
	want[2].Regex, want[2].TargetLabel, want[2].Replacement, want[2].Modulus = nothing, "d", "", 8
	got := rules(t, `
- source_labels: [a, __b__]
  target_label: c
- {source_labels: [a], separator: "", regex: a.*|b, action: Drop}
- {regex: "", target_label: d, replacement: "", modulus: 8}
`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rules differ (-want +got):\n%s", diff)
	}
	printed, err := yaml.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, rules(t, string(printed))); diff != "" {
		t.Errorf("rules printed and read again differ (-want +got):\n%s", diff)
	}
}

func TestRuleErrors(t *testing.T) {
	const names = "use letters, digits and underscores, no digit first"
	for text, want := range map[string]string{
		"drop":                              "line 1: must be a mapping such as {source_labels: [repository], target_label: workflow}",
		"{}":                                "line 1: target_label: must name a label for action replace",
		"target: a":                         "line 1: target: unknown key; known keys are source_labels, separator, target_label, regex, modulus, replacement, action",
		"target_label: a\ntarget_label: b":  "line 2: target_label: given twice; keep one",
		"target_label: [a]":                 "line 1: target_label: must be text",
		"target_label: a\nreplacement:":     `line 2: replacement: has no value; write "" for an empty text, or leave the key out`,
		"target_label: a b":                 `line 1: target_label: "a b" is no label name for action replace; ` + names,
		"target_label: 1a":                  `line 1: target_label: "1a" is no label name for action replace; ` + names,
		"target_label: ${1}-a":              `line 1: target_label: "${1}-a" is no label name for action replace; ` + names,
		"action: hashmod\ntarget_label: $1": "line 1: modulus: must be 1 or more for action hashmod",
		"{action: hashmod, target_label: $1, modulus: 2}": `line 1: target_label: "$1" is no label name for action hashmod; ` + names,
		"modulus: -1":                           "line 1: modulus: must be a whole number, 1 or more",
		"modulus:":                              "line 1: modulus: must be a whole number, 1 or more",
		"source_labels:":                        "line 1: source_labels: must be a list of label names such as [repository, workflow]",
		"source_labels: a":                      "line 1: source_labels: must be a list of label names such as [repository, workflow]",
		"target_label: a\nsource_labels: [b-c]": `line 2: source_labels: "b-c" is no label name; ` + names,
		"regex: a(":                             "line 1: regex: must be a regular expression of Go's syntax: missing closing ): `a(`",
		"regex: a)(b":                           "line 1: regex: must be a regular expression of Go's syntax: unexpected ): `a)(b`",
		"regex: [a]":                            "line 1: regex: must be text",
		"action: remove":                        `line 1: action: unknown action "remove"; use one of replace, keep, drop, hashmod, labelmap, labeldrop, labelkeep, lowercase, uppercase, keepequal, dropequal`,
		"action: {a: b}":                        "line 1: action: must be text",
		"action: lowercase\nreplacement: x\ntarget_label: a": "line 2: replacement: cannot be set for action lowercase; leave it out",
		"action: labelmap\nreplacement: a-b":                 `line 2: replacement: "a-b" is no label name for action labelmap; use letters, digits, underscores and references such as ${1}`,
		"action: keepequal\ntarget_label: a\nseparator: x":   "line 3: separator: cannot be set for action keepequal, which takes only source_labels and target_label; leave it out",
		"action: dropequal\ntarget_label: a\nregex: x":       "line 3: regex: cannot be set for action dropequal, which takes only source_labels and target_label; leave it out",
		"action: dropequal\ntarget_label: a\nmodulus: 3":     "line 3: modulus: cannot be set for action dropequal, which takes only source_labels and target_label; leave it out",
		"action: labeldrop\nregex: x\ntarget_label: a":       "line 3: target_label: cannot be set for action labeldrop, which takes only regex; leave it out",
		"action: labelkeep\nregex: x\nsource_labels: [a]":    "line 3: source_labels: cannot be set for action labelkeep, which takes only regex; leave it out",
	} {
		rule := Rule{Action: "untouched"}
		err := yaml.Unmarshal([]byte(text), &rule)
		if err == nil || err.Error() != want {
			t.Errorf("%q gives\n%v, want\n%s", text, err, want)
		}
		var field *FieldError
		if !errors.As(err, &field) || field.Line == 0 {
			t.Errorf("%q gives %#v, want a *FieldError with a line", text, err)
		}
		if rule.Action != "untouched" {
			t.Errorf("%q changed the rule to %v", text, rule)
		}
	}
}

func TestValidateByHand(t *testing.T) {
	if err := (Rule{}).Validate(); err == nil || !strings.HasPrefix(err.Error(), `action: unknown action ""`) {
		t.Errorf("the zero rule gives %v", err)
	}
	if err := (Rule{Action: Drop}).Validate(); err == nil || err.Error() != "regex: must be a regular expression" {
		t.Errorf("a rule without regex gives %v", err)
	}
}

// A rule that is accepted is valid and prints as itself.
func FuzzRule(f *testing.F) {
	for _, seed := range []string{
		"source_labels: [a, b]\ntarget_label: c", "{regex: '', action: drop}", "action: labelmap\nregex: __(.*)\nreplacement: $1",
		"{action: hashmod, modulus: 3, target_label: a}", "regex: a)(b", "target_label: ${1}_x", "source_labels: &a [b]\ntarget_label: *a",
		"- a", "? [a]\n: b", "<<: {action: drop}", "modulus: 1e3", "source_labels: []\ntarget_label: c", "{action: keepequal, target_label: a, regex: (.*)}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var rule Rule
		if yaml.Unmarshal([]byte(text), &rule) != nil || rule.Action == "" {
			return // refused, or an empty document
		}
		if err := rule.Validate(); err != nil {
			t.Fatalf("%q is accepted, but %v", text, err)
		}
		printed, err := yaml.Marshal(rule)
		if err != nil {
			t.Fatal(err)
		}
		var again Rule
		if err := yaml.Unmarshal(printed, &again); err != nil {
			t.Fatalf("%q prints as %s, which is refused: %v", text, printed, err)
		}
		if diff := cmp.Diff(rule, again, cmpopts.EquateEmpty()); diff != "" { // an empty list is as good as none
			t.Errorf("%q prints as another rule (-want +got):\n%s", text, diff)
		}
	})
}
