// Package relabel applies Prometheus' relabelling to the labels of a sample. It follows prometheus/model/relabel with the
// legacy label-name scheme in everything but error texts; it is its own code because that module drags some 260 others
// into the build.
package relabel

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Action is what a rule does with the labels it looks at.
type Action string

// The actions, as Prometheus documents them under relabel_config.
const (
	Replace   Action = "replace"
	Keep      Action = "keep"
	Drop      Action = "drop"
	HashMod   Action = "hashmod"
	LabelMap  Action = "labelmap"
	LabelDrop Action = "labeldrop"
	LabelKeep Action = "labelkeep"
	Lowercase Action = "lowercase"
	Uppercase Action = "uppercase"
	KeepEqual Action = "keepequal"
	DropEqual Action = "dropequal"
)

// Actions lists every action.
func Actions() []Action {
	return []Action{
		Replace, Keep, Drop, HashMod, LabelMap, LabelDrop, LabelKeep, Lowercase, Uppercase, KeepEqual, DropEqual,
	}
}

// The values of the fields a rule does not set.
const (
	DefaultSeparator   = ";"
	DefaultRegex       = "(.*)"
	DefaultReplacement = "$1"
)

// Rule is one relabelling rule as configured. Start from Default, or let YAML do so: the zero Rule is not valid.
type Rule struct {
	SourceLabels []string `yaml:"source_labels,flow,omitempty"`
	Separator    string   `yaml:"separator"`
	TargetLabel  string   `yaml:"target_label,omitempty"`
	Regex        Regexp   `yaml:"regex"`
	Modulus      uint64   `yaml:"modulus,omitempty"`
	Replacement  string   `yaml:"replacement"`
	Action       Action   `yaml:"action"`
}

// Default returns the rule that an empty mapping stands for. It lacks a target label and so is not valid yet.
func Default() Rule {
	return Rule{
		Separator:   DefaultSeparator,
		Regex:       Regexp{regexp.MustCompile(anchored(DefaultRegex))},
		Replacement: DefaultReplacement,
		Action:      Replace,
	}
}

// Regexp is a regular expression that has to match the whole value, line breaks included. It prints as it was written.
type Regexp struct{ *regexp.Regexp }

const anchorStart, anchorEnd = "^(?s:", ")$"

func anchored(s string) string { return anchorStart + s + anchorEnd }

// NewRegexp compiles s, anchored at both ends.
func NewRegexp(s string) (Regexp, error) {
	// Compiled alone first, so that the error shows what was written, and so that s cannot close the anchoring group.
	if _, err := regexp.Compile(s); err != nil {
		return Regexp{}, err
	}
	re, err := regexp.Compile(anchored(s))
	if err != nil {
		return Regexp{}, err
	}
	return Regexp{re}, nil
}

// String returns the expression as it was written, without the anchors.
func (re Regexp) String() string {
	if re.Regexp == nil {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(re.Regexp.String(), anchorStart), anchorEnd)
}

// Equal reports whether both were written alike; go-cmp uses it too.
func (re Regexp) Equal(other Regexp) bool { return re.String() == other.String() }

// UnmarshalText compiles text; the error says what would be right.
func (re *Regexp) UnmarshalText(text []byte) error {
	compiled, err := NewRegexp(string(text))
	if err != nil {
		return fmt.Errorf("must be a regular expression of Go's syntax: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	*re = compiled
	return nil
}

// MarshalYAML prints the expression as it was written.
func (re Regexp) MarshalYAML() (any, error) { return re.String(), nil }

// FieldError names the field of a rule that is wrong, and says what would be right.
type FieldError struct {
	Field   string // as in YAML; empty if the rule as a whole is wrong
	Line    int    // where YAML has it, counted from 1; 0 if it is not from YAML or not there
	Problem string
}

func (e *FieldError) Error() string {
	text := e.Problem
	if e.Field != "" {
		text = e.Field + ": " + text
	}
	if e.Line > 0 {
		text = fmt.Sprintf("line %d: %s", e.Line, text)
	}
	return text
}

// labelTemplate is a label name in which $1, $name and ${name} may stand; Prometheus has the same expression.
var labelTemplate = regexp.MustCompile(`^(?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+$`)

// ValidLabelName reports whether s is a label name of the legacy character set.
func ValidLabelName(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9' || i == 0) {
			return false
		}
	}
	return true
}

func isTemplate(s string) bool { return strings.Contains(s, "$") }

// Validate accepts what Prometheus accepts under the legacy name scheme, and in addition demands that source labels are
// label names. The error is a *FieldError without a line.
func (r Rule) Validate() error {
	if wrong := r.wrong(); wrong != nil {
		return wrong
	}
	return nil
}

func (r Rule) wrong() *FieldError {
	for _, check := range []func(Rule) *FieldError{checkAction, checkTarget, checkReplacement, checkUnused, checkSources} {
		if err := check(r); err != nil {
			return err
		}
	}
	return nil
}

func problem(field, format string, args ...any) *FieldError {
	return &FieldError{Field: field, Problem: fmt.Sprintf(format, args...)}
}

func checkAction(r Rule) *FieldError {
	if !slices.Contains(Actions(), r.Action) {
		return problem("action", "unknown action %q; use one of %s", r.Action, actionNames())
	}
	if r.Regex.Regexp == nil {
		return problem("regex", "must be a regular expression")
	}
	if r.Action == HashMod && r.Modulus == 0 {
		return problem("modulus", "must be 1 or more for action hashmod")
	}
	return nil
}

func checkTarget(r Rule) *FieldError {
	switch r.Action {
	case Replace, HashMod, Lowercase, Uppercase, KeepEqual, DropEqual:
	default:
		return nil
	}
	if r.TargetLabel == "" {
		return problem("target_label", "must name a label for action %s", r.Action)
	}
	valid := ValidLabelName(r.TargetLabel)
	if r.Action == Replace && isTemplate(r.TargetLabel) {
		valid = labelTemplate.MatchString(r.TargetLabel)
	}
	if !valid {
		return problem("target_label", "%q is no label name for action %s; use letters, digits and underscores, no digit first", r.TargetLabel, r.Action)
	}
	return nil
}

func checkReplacement(r Rule) *FieldError {
	switch r.Action {
	case Lowercase, Uppercase, KeepEqual, DropEqual:
		if r.Replacement != DefaultReplacement {
			return problem("replacement", "cannot be set for action %s; leave it out", r.Action)
		}
	case LabelMap:
		if !labelTemplate.MatchString(r.Replacement) {
			return problem("replacement", "%q is no label name for action labelmap; use letters, digits, underscores and references such as ${1}", r.Replacement)
		}
	}
	return nil
}

// checkUnused refuses fields that have no meaning for the action: who set them expected something else.
func checkUnused(r Rule) *FieldError {
	var takes string
	given := map[string]bool{
		"modulus":     r.Modulus != 0,
		"separator":   r.Separator != DefaultSeparator,
		"replacement": r.Replacement != DefaultReplacement,
	}
	switch r.Action {
	case KeepEqual, DropEqual:
		takes = "source_labels and target_label"
		given["regex"] = r.Regex.String() != DefaultRegex
	case LabelDrop, LabelKeep:
		takes = "regex"
		given["source_labels"] = r.SourceLabels != nil
		given["target_label"] = r.TargetLabel != ""
	default:
		return nil
	}
	for _, field := range fieldNames() {
		if given[field] {
			return problem(field, "cannot be set for action %s, which takes only %s; leave it out", r.Action, takes)
		}
	}
	return nil
}

func checkSources(r Rule) *FieldError {
	for _, name := range r.SourceLabels {
		if !ValidLabelName(name) {
			return problem("source_labels", "%q is no label name; use letters, digits and underscores, no digit first", name)
		}
	}
	return nil
}

func actionNames() string {
	names := make([]string, 0, len(Actions()))
	for _, a := range Actions() {
		names = append(names, string(a))
	}
	return strings.Join(names, ", ")
}

func fieldNames() []string {
	return []string{"source_labels", "separator", "target_label", "regex", "modulus", "replacement", "action"}
}
