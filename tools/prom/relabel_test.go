// Package prom holds what needs Prometheus' own code: its server and promtool as tools, and tests against its libraries.
package prom

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	theirs "github.com/prometheus/prometheus/model/relabel"

	ours "github_workflow_exporter/collector/relabel"
)

// translate makes of our rule the one that Prometheus would have read from the same YAML.
func translate(t *testing.T, r ours.Rule) *theirs.Config {
	t.Helper()
	c := theirs.DefaultRelabelConfig
	for _, name := range r.SourceLabels {
		c.SourceLabels = append(c.SourceLabels, model.LabelName(name))
	}
	// Prometheus tells a regex that was left out by its pointer.
	if r.Regex.String() != ours.DefaultRegex {
		re, err := theirs.NewRegexp(r.Regex.String())
		if err != nil {
			t.Fatal(err)
		}
		c.Regex = re
	}
	c.Separator, c.TargetLabel, c.Modulus = r.Separator, r.TargetLabel, r.Modulus
	c.Replacement, c.Action = r.Replacement, theirs.Action(r.Action)
	return &c
}

// compare runs the rules that both accept over the labels in both, and reports how far it came.
func compare(t *testing.T, in []ours.Label, rules []ours.Rule) (valid, kept bool) {
	t.Helper()
	configs := make([]*theirs.Config, len(rules))
	valid = true
	for i, r := range rules {
		configs[i] = translate(t, r)
		ourErr, theirErr := r.Validate(), configs[i].Validate(model.LegacyValidation)
		if (ourErr == nil) != (theirErr == nil) {
			t.Fatalf("validation of %s: ours %v, theirs %v", show(r), ourErr, theirErr)
		}
		valid = valid && ourErr == nil
	}
	if !valid {
		return false, false
	}
	before := slices.Clone(in)
	got, gotKeep := ours.Process(in, rules)
	if !slices.Equal(before, in) {
		t.Fatalf("Process changed its input %v to %v", before, in)
	}
	want, wantKeep := process(in, configs)
	if gotKeep != wantKeep || gotKeep && !slices.Equal(got, want) {
		t.Fatalf("labels %v through\n%s\ngive %v, %t; Prometheus gives %v, %t", in, showAll(rules), got, gotKeep, want, wantKeep)
	}
	return true, gotKeep
}

func process(in []ours.Label, configs []*theirs.Config) ([]ours.Label, bool) {
	var list []string
	for _, l := range in {
		list = append(list, l.Name, l.Value)
	}
	b := labels.NewBuilder(labels.FromStrings(list...))
	if !theirs.ProcessBuilder(b, configs...) {
		return nil, false
	}
	var out []ours.Label
	b.Labels().Range(func(l labels.Label) { out = append(out, ours.Label{Name: l.Name, Value: l.Value}) })
	return out, true
}

func show(r ours.Rule) string {
	return fmt.Sprintf("{%s %q sep %q -> %q, regex %q, replacement %q, modulus %d}",
		r.Action, r.SourceLabels, r.Separator, r.TargetLabel, r.Regex, r.Replacement, r.Modulus)
}

func showAll(rules []ours.Rule) string {
	lines := make([]string, len(rules))
	for i, r := range rules {
		lines[i] = show(r)
	}
	return strings.Join(lines, "\n")
}

func rule(t *testing.T, regex string, edit func(*ours.Rule)) ours.Rule {
	t.Helper()
	r := ours.Default()
	re, err := ours.NewRegexp(regex)
	if err != nil {
		t.Fatal(err)
	}
	r.Regex = re
	edit(&r)
	return r
}

var sample = []ours.Label{
	{Name: "repository", Value: "octo-org/octo-repo"},
	{Name: "job_name", Value: "test (1.26, linux)"},
	{Name: "runner", Value: ""},
	{Name: "label", Value: "a\nb"},
	{Name: "__event__", Value: "PUSH"},
	{Name: "__branch__", Value: "push"},
	{Name: "a1", Value: "x"},
	{Name: "a2", Value: "y"},
}

func TestTable(t *testing.T) {
	for name, rules := range map[string][]ours.Rule{
		"no rules but one that does nothing": {rule(t, "(.*)", func(r *ours.Rule) { r.TargetLabel = "none" })},
		"replace with a group":               {rule(t, `(.*) \(.*`, func(r *ours.Rule) { r.SourceLabels, r.TargetLabel = []string{"job_name"}, "job_name" })},
		"replace across a line break":        {rule(t, `a.b`, func(r *ours.Rule) { r.SourceLabels, r.TargetLabel, r.Replacement = []string{"label"}, "label", "c" })},
		"replace with nothing":               {rule(t, ".*", func(r *ours.Rule) { r.SourceLabels, r.TargetLabel, r.Replacement = []string{"label"}, "label", "" })},
		"replace by a constant":              {rule(t, "(.*)", func(r *ours.Rule) { r.TargetLabel, r.Replacement = "runner", "hosted" })},
		"replace from empty to constant": {rule(t, "", func(r *ours.Rule) {
			r.SourceLabels, r.TargetLabel, r.Replacement = []string{"runner"}, "runner", "none"
		})},
		"replace into a name from a group": {rule(t, "(.*)/(.*)", func(r *ours.Rule) {
			r.SourceLabels, r.TargetLabel, r.Replacement = []string{"repository"}, "x_${2}", "$1"
		})},
		"replace into a valid made-up name": {rule(t, "(PU)(.*)", func(r *ours.Rule) { r.SourceLabels, r.TargetLabel, r.Replacement = []string{"__event__"}, "x_$2", "$1" })},
		"keep matching":                     {rule(t, "octo-org/.*", func(r *ours.Rule) { r.SourceLabels, r.Action = []string{"repository"}, ours.Keep })},
		"keep needs the whole":              {rule(t, "octo-org", func(r *ours.Rule) { r.SourceLabels, r.Action = []string{"repository"}, ours.Keep })},
		"drop on several":                   {rule(t, "PUSH;push", func(r *ours.Rule) { r.SourceLabels, r.Action = []string{"__event__", "__branch__"}, ours.Drop })},
		"drop on alternatives":              {rule(t, "a|PUSH", func(r *ours.Rule) { r.SourceLabels, r.Action = []string{"__event__"}, ours.Drop })},
		"hashmod": {rule(t, "(.*)", func(r *ours.Rule) {
			r.SourceLabels, r.TargetLabel, r.Modulus, r.Action = []string{"repository"}, "shard", 1000, ours.HashMod
		})},
		"hashmod of nothing":                {rule(t, "(.*)", func(r *ours.Rule) { r.TargetLabel, r.Modulus, r.Action = "shard", 1<<63+1, ours.HashMod })},
		"labelmap onto one name, last wins": {rule(t, "a.", func(r *ours.Rule) { r.Replacement, r.Action = "b", ours.LabelMap })},
		"labelmap after a set":              {rule(t, "(.*)", func(r *ours.Rule) { r.TargetLabel, r.Replacement = "a1", "z" }), rule(t, "a.", func(r *ours.Rule) { r.Replacement, r.Action = "b", ours.LabelMap })},
		"labelmap onto what it maps":        {rule(t, "(a).", func(r *ours.Rule) { r.Replacement, r.Action = "${1}2", ours.LabelMap })},
		"labeldrop":                         {rule(t, "a[0-9]|__.*", func(r *ours.Rule) { r.Action = ours.LabelDrop })},
		"labelkeep":                         {rule(t, "a[0-9]|__.*", func(r *ours.Rule) { r.Action = ours.LabelKeep })},
		"lowercase": {rule(t, "(.*)", func(r *ours.Rule) {
			r.SourceLabels, r.TargetLabel, r.Action = []string{"__event__", "repository"}, "x", ours.Lowercase
		})},
		"uppercase of nothing removes": {rule(t, "(.*)", func(r *ours.Rule) { r.TargetLabel, r.Action = "label", ours.Uppercase })},
		"lowercase, then dropequal": {
			rule(t, "(.*)", func(r *ours.Rule) {
				r.SourceLabels, r.TargetLabel, r.Action = []string{"__event__"}, "__event__", ours.Lowercase
			}),
			rule(t, "(.*)", func(r *ours.Rule) {
				r.SourceLabels, r.TargetLabel, r.Action = []string{"__event__"}, "__branch__", ours.DropEqual
			}),
		},
		"keepequal differs": {rule(t, "(.*)", func(r *ours.Rule) {
			r.SourceLabels, r.TargetLabel, r.Action = []string{"__event__"}, "__branch__", ours.KeepEqual
		})},
	} {
		t.Run(name, func(t *testing.T) {
			if valid, _ := compare(t, sample, rules); !valid {
				t.Error("the rules are not valid")
			}
		})
	}
}

// Random rules and label sets of few names and values, so that they meet.
func TestRandom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[rnd.IntN(len(from))] }
	names := []string{"a", "b", "c", "a1", "__x__", "job_name"}
	name := func() string { return pick(names...) }
	random := func() ours.Rule {
		r := ours.Default()
		r.Action = ours.Actions()[rnd.IntN(len(ours.Actions()))]
		often := func(set func()) {
			if rnd.IntN(4) > 0 {
				set()
			}
		}
		// Fields an action does not take are set seldom, as then the rule is only good for comparing validation.
		seldom := rnd.IntN(10) == 0
		equal := r.Action == ours.KeepEqual || r.Action == ours.DropEqual
		names := r.Action == ours.LabelDrop || r.Action == ours.LabelKeep
		if !names || seldom {
			often(func() {
				for range rnd.IntN(4) {
					r.SourceLabels = append(r.SourceLabels, name())
				}
			})
			often(func() {
				r.TargetLabel = pick(name(), name(), name(), name(), "$1", "${1}_x", "x_$2", "1a", "a-b", "", "ä", "$")
			})
		}
		if !names && !equal || seldom {
			often(func() { r.Separator = pick(";", ";", "", "-", "ab") })
			often(func() {
				r.Replacement = pick("$1", "$1", "", "c", "x$1", "${1}x", "$2$1", "$$", "a-b", "${2}", "$name")
			})
		}
		if !equal || seldom {
			often(func() {
				re, err := ours.NewRegexp(pick("(.*)", "", "a", "a|b", "(a|b)(.*)", ".*;.*", "(.)(?P<name>.?).*", "[^a]*", "(?i)A.*", "__.*", "(a.*)|(b.*)", "(.*?)b(.*)", "."))
				if err != nil {
					t.Fatal(err)
				}
				r.Regex = re
			})
		}
		if r.Action == ours.HashMod && rnd.IntN(10) > 0 || seldom {
			r.Modulus = rnd.Uint64N(20)
		}
		return r
	}
	var valid, kept, invalid int
	for range 20000 {
		var in []ours.Label
		for _, n := range names {
			if rnd.IntN(3) > 0 {
				in = append(in, ours.Label{Name: n, Value: pick("", "a", "b", "ab", "B;a", "a\nb", "Ä", "\xff", "job_name")})
			}
		}
		rnd.Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] })
		var rules []ours.Rule
		for range 1 + rnd.IntN(5) {
			r := random()
			if r.Validate() != nil {
				compare(t, in, []ours.Rule{r})
				invalid++
				continue
			}
			rules = append(rules, r)
		}
		if len(rules) == 0 {
			continue
		}
		ok, keep := compare(t, in, rules)
		if ok {
			valid++
		}
		if keep {
			kept++
		}
	}
	t.Logf("%d lists of valid rules compared, of which %d keep the labels; %d invalid rules", valid, kept, invalid)
	if valid < 10000 || kept < 3000 || invalid < 1000 {
		t.Error("too few of a kind for the comparison to mean much")
	}
}
