package config

import (
	"fmt"
	"regexp"
	"strconv"

	"github_workflow_exporter/collector/relabel"
)

// NameRule gives a runner, or a runs-on label, whose whole name Regex matches the name Replacement, in which $1 or ${name}
// stand for what a group matched.
type NameRule struct {
	Regex       relabel.Regexp `yaml:"regex"`
	Replacement string         `yaml:"replacement"`
}

// SetDefaults gives a rule written without replacement the one that Prometheus has.
func (r *NameRule) SetDefaults() { r.Replacement = relabel.DefaultReplacement }

// Apply returns the new name, or false if the rule does not match.
func (r NameRule) Apply(name string) (string, bool) {
	match := r.Regex.FindStringSubmatchIndex(name)
	if match == nil {
		return "", false
	}
	return string(r.Regex.ExpandString(nil, r.Replacement, name, match)), true
}

// reference finds what Expand of package regexp takes for one: the longest run of word characters after a dollar sign.
var reference = regexp.MustCompile(`\$(?:\$|\{(\w+)\}|(\w+))`)

// unknownReference returns a reference of template to a group that re does not have, or "". Expand would replace it by
// nothing without a word; $1x for ${1}x is how it happens.
func unknownReference(re relabel.Regexp, template string) string {
	for _, match := range reference.FindAllStringSubmatch(template, -1) {
		name := match[1] + match[2]
		if number, err := strconv.Atoi(name); err == nil && number <= re.NumSubexp() {
			continue
		}
		if name == "" || re.SubexpIndex(name) >= 0 {
			continue
		}
		return match[0]
	}
	return ""
}

// check returns the field that is wrong and what is wrong with it, if anything.
func (r NameRule) check() (field, problem string) {
	if r.Regex.Regexp == nil {
		return "regex", "must be there, such as (.*)-[0-9]+"
	}
	ref := unknownReference(r.Regex, r.Replacement)
	switch {
	case ref == "":
		return "", ""
	case r.Replacement == relabel.DefaultReplacement:
		return "replacement", "is $1 unless given, but the regex has no group; give the name to use, or put the part to keep in parentheses"
	default:
		return "replacement", fmt.Sprintf("refers to %s, a group that the regex does not have; its first group is ${1}", ref)
	}
}
