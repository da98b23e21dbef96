package observe

import (
	"fmt"

	"github_workflow_exporter/collector/relabel"
)

// Rule folds names into one label value: those of runners, or runs-on labels.
type Rule struct {
	// Regex has to match the whole name, as in relabelling.
	Regex relabel.Regexp
	// Replacement becomes the label value, with $1 or ${name} for what the groups matched.
	Replacement string
	// About, Example and Folded describe a built-in rule to readers: Example becomes Folded.
	About, Example, Folded string

	// drawn, if set, has to agree that what the group "id" matched was made up by a program. A regular expression cannot
	// tell that.
	drawn func(id string) bool
}

// NewRule compiles a rule of the settings.
func NewRule(regex, replacement string) (Rule, error) {
	re, err := relabel.NewRegexp(regex)
	if err != nil {
		return Rule{}, fmt.Errorf("compiling rule: %w", err)
	}
	return Rule{Regex: re, Replacement: replacement}, nil
}

// Apply returns what the rule makes of a name, or false if it does not match.
func (r Rule) Apply(name string) (string, bool) {
	at := r.Regex.FindStringSubmatchIndex(name)
	if at == nil {
		return "", false
	}
	if r.drawn != nil {
		if id := 2 * r.Regex.SubexpIndex("id"); at[id] < 0 || !r.drawn(name[at[id]:at[id+1]]) {
			return "", false
		}
	}
	return string(r.Regex.ExpandString(nil, r.Replacement, name, at)), true
}

// rules fold names: the first of the user's that matches decides. Without one the first built-in one that matches does,
// and then once more with what is left, for some products put one changing part behind another.
type rules struct{ own, builtin []Rule }

func (r rules) fold(name string) string {
	if folded, ok := first(r.own, name); ok {
		return folded
	}
	for range 3 {
		folded, ok := first(r.builtin, name)
		if !ok || folded == name {
			return name
		}
		name = folded
	}
	return name
}

func first(rules []Rule, name string) (string, bool) {
	if name == "" {
		return "", false
	}
	for _, r := range rules {
		if folded, ok := r.Apply(name); ok {
			return folded, true
		}
	}
	return "", false
}

// builtin compiles a rule of a table.
func builtin(regex, replacement, about, example, folded string) Rule {
	r, err := NewRule(regex, replacement)
	if err != nil {
		panic(err) // the table is wrong, as regexp.MustCompile would say
	}
	r.About, r.Example, r.Folded = about, example, folded
	return r
}

// where limits a built-in rule to names whose group "id" a program made up.
func (r Rule) where(drawn func(string) bool) Rule {
	r.drawn = drawn
	return r
}
