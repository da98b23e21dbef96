package relabel

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

func rules(t testing.TB, text string) []Rule {
	t.Helper()
	var list []Rule
	if err := yaml.Unmarshal([]byte(text), &list); err != nil {
		t.Fatalf("reading %s: %v", text, err)
	}
	return list
}

// labels reads labels written name=value, separated by spaces.
func labels(text string) []Label {
	var list []Label
	for _, pair := range strings.Fields(text) {
		name, value, _ := strings.Cut(pair, "=")
		list = append(list, Label{name, value})
	}
	return list
}

// The comparison with Prometheus' own code is in tools/prom; this says what each action is for.
func TestProcess(t *testing.T) {
	for _, tt := range []struct{ name, rules, in, want string }{
		{"defaults copy", `[{source_labels: [a], target_label: b}]`, "a=1", "a=1 b=1"},
		{"result is sorted, without empty values", `[{target_label: c, replacement: x}]`, "b=2 d= a=1", "a=1 b=2 c=x"},
		{"replace with groups", `[{source_labels: [a, b], regex: "(.*);(.*)", target_label: c, replacement: $2-$1}]`, "a=1 b=2", "a=1 b=2 c=2-1"},
		{"replace has to match the whole", `[{source_labels: [a], regex: x, target_label: a, replacement: "y"}]`, "a=xx", "a=xx"},
		{"replace with nothing removes", `[{source_labels: [a], target_label: b, replacement: ""}]`, "a=1 b=2", "a=1"},
		{"replace into a name made up", `[{source_labels: [a], regex: (.*)=(.*), target_label: x_$1, replacement: $2}]`, "a=b=c", "a=b=c x_b=c"},
		{"replace into an impossible name does nothing", `[{source_labels: [a], target_label: x_$1}]`, "a=b-c", "a=b-c"},
		{"separator", `[{source_labels: [a, b], separator: "", target_label: c}]`, "a=1 b=2", "a=1 b=2 c=12"},
		{"missing sources are empty", `[{source_labels: [a, none, b], target_label: c}]`, "a=1 b=2", "a=1 b=2 c=1;;2"},
		{"keep", `[{source_labels: [a], regex: x.*, action: keep}]`, "a=xy", "a=xy"},
		{"keep drops others", `[{source_labels: [a], regex: x.*, action: keep}]`, "a=yx", "dropped"},
		{"drop", `[{source_labels: [a], regex: x|y, action: drop}]`, "a=y", "dropped"},
		{"drop keeps others", `[{source_labels: [a], regex: x|y, action: drop}]`, "a=xy", "a=xy"},
		{"rules after a drop are not reached", `[{regex: "", action: drop}, {target_label: a, replacement: "1"}]`, "b=1", "dropped"},
		{"keepequal", `[{source_labels: [a], target_label: b, action: keepequal}]`, "a=1 b=1", "a=1 b=1"},
		{"keepequal drops others", `[{source_labels: [a], target_label: b, action: keepequal}]`, "a=1 b=2", "dropped"},
		{"dropequal", `[{source_labels: [a], target_label: b, action: dropequal}]`, "a=1 b=1", "dropped"},
		{"dropequal keeps others", `[{source_labels: [a], target_label: b, action: dropequal}]`, "a=1 b=2", "a=1 b=2"},
		{"hashmod is the end of the MD5", `[{source_labels: [a], modulus: 1000, target_label: b, action: hashmod}]`, "a=foo", "a=foo b=696"},
		{"labelmap", `[{regex: __(.*)__, replacement: my_$1, action: labelmap}]`, "__a__=1 b=2", "__a__=1 b=2 my_a=1"},
		{"labelmap does not map what it made", `[{regex: (a+), replacement: a$1, action: labelmap}]`, "a=1", "a=1 aa=1"},
		{"labeldrop", `[{regex: a.*, action: labeldrop}]`, "a=1 ab=2 ba=3", "ba=3"},
		{"labelkeep", `[{regex: a.*, action: labelkeep}]`, "a=1 ab=2 ba=3", "a=1 ab=2"},
		{"lowercase", `[{source_labels: [a], target_label: a, action: lowercase}]`, "a=ÄbC", "a=äbc"},
		{"uppercase", `[{source_labels: [a, b], target_label: c, action: UPPERCASE}]`, "a=x b=y", "a=x b=y c=X;Y"},
		{"rules see what those before did", `[{source_labels: [a], target_label: b}, {source_labels: [b], regex: "1", target_label: c, replacement: z}]`, "a=1", "a=1 b=1 c=z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := labels(tt.in)
			got, keep := Process(in, rules(t, tt.rules))
			if tt.want == "dropped" {
				if keep || got != nil {
					t.Errorf("got %v, %t, want it dropped", got, keep)
				}
			} else if diff := cmp.Diff(labels(tt.want), got); diff != "" || !keep {
				t.Errorf("kept: %t, labels differ (-want +got):\n%s", keep, diff)
			}
			if diff := cmp.Diff(labels(tt.in), in); diff != "" {
				t.Errorf("the input was changed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProcessWithoutRules(t *testing.T) {
	in := labels("b=1 a=")
	if allocations := testing.AllocsPerRun(10, func() {
		if out, keep := Process(in, nil); !keep || &out[0] != &in[0] || len(out) != len(in) {
			t.Error("the input did not come back")
		}
	}); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// What went in comes out sorted and without empty values, with no name twice, whatever the rules; and the same again.
func FuzzProcess(f *testing.F) {
	f.Add("replace", "(.*)", "$1", "a", "b", "a=1 b=2 c=")
	f.Add("labelmap", "(a).*", "${1}b", "a", "b", "a=1 ab=2 b=3")
	f.Add("hashmod", ".", "$1", "a", "b", "b=1")
	f.Add("labelkeep", "a|b", "$1", "", "", "a=1 ab=2 b=3")
	f.Add("keepequal", "(.*)", "$1", "a", "b", "a=1 b=1")
	f.Fuzz(func(t *testing.T, action, regex, replacement, source, target, text string) {
		re, err := NewRegexp(regex)
		if err != nil {
			return
		}
		r := Default()
		r.Action, r.Regex, r.Replacement, r.TargetLabel, r.Modulus = Action(action), re, replacement, target, 0
		if source != "" {
			r.SourceLabels = strings.Split(source, ",")
		}
		if r.Action == HashMod {
			r.Modulus = 7
		}
		if r.Validate() != nil {
			return
		}
		in := labels(text)
		slices.SortFunc(in, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
		in = slices.CompactFunc(in, func(a, b Label) bool { return a.Name == b.Name })
		before := slices.Clone(in)
		list := []Rule{r, r}
		out, keep := Process(in, list)
		if !slices.Equal(in, before) {
			t.Errorf("the input %v was changed to %v", before, in)
		}
		if !keep && out != nil {
			t.Errorf("dropped, but %v", out)
		}
		for i, l := range out {
			if l.Value == "" {
				t.Errorf("%q is empty", l.Name)
			}
			if i > 0 && out[i-1].Name >= l.Name {
				t.Errorf("%q follows %q", l.Name, out[i-1].Name)
			}
		}
		if again, kept := Process(in, list); kept != keep || !slices.Equal(again, out) {
			t.Errorf("once %v, %t, then %v, %t", out, keep, again, kept)
		}
	})
}

func BenchmarkProcess(b *testing.B) {
	list := rules(b, `[{source_labels: [__event__], regex: pull_request, action: drop}, {source_labels: [job_name], regex: '(.*) \(.*\)', target_label: job_name}]`)
	in := []Label{
		{"repository", "octo-org/octo-repo"},
		{"workflow", "CI"},
		{"job_name", "test (1.26, ubuntu-24.04)"},
		{"runner", "GitHub Actions"},
		{"label", "ubuntu-24.04"},
		{"conclusion", "success"},
		{"__event__", "push"},
		{"__branch__", "main"},
		{"__actor__", "octocat"},
	}
	b.ReportAllocs()
	for b.Loop() {
		Process(in, list)
	}
}
