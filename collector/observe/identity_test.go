package observe

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever stands around it, the run's id is gone afterwards, and what is left was there before.
func FuzzStrip(f *testing.F) {
	for _, text := range []string{
		"", "gpu-17000000001-2", "17000000001", "a/17000000001/b=17000000001", "é17000000001ü", "((17000000001))", "run-id=17000000001,x",
		"17000000001-4711-2-17000000001", "x=17000000001:y", "-17000000001-", "attempt 2 of 4711", "\xff17000000001\xff",
	} {
		f.Add(text)
	}
	who := identity{run: "17000000001", job: "48000000009", number: "4711", attempt: "2"}
	f.Fuzz(func(t *testing.T, text string) {
		for _, numbers := range []bool{false, true} {
			got := who.strip(text, numbers)
			for _, token := range digits.FindAllString(got, -1) {
				if token == who.run || token == who.job {
					t.Errorf("%q becomes %q, with %s", text, got, token)
				}
			}
			if utf8.ValidString(text) && !utf8.ValidString(got) {
				t.Errorf("%q becomes %q, which is no UTF-8", text, got)
			}
			if len(got) > len(text) {
				t.Errorf("%q becomes %q, which is longer", text, got)
			}
			if !slices.ContainsFunc(digits.FindAllString(text, -1), func(s string) bool { return slices.Contains([]string{who.run, who.job, who.number, who.attempt}, s) }) && got != text {
				t.Errorf("%q becomes %q without cause", text, got)
			}
		}
	})
}

func FuzzRulesForNames(f *testing.F) {
	for _, r := range append(BuiltinRunnerRules(), BuiltinLabelRules()...) {
		f.Add(r.Example)
	}
	o := New(Options{})
	f.Fuzz(func(t *testing.T, name string) {
		name = clean(name)
		for _, rules := range []rules{o.runners, o.labels} {
			got := rules.fold(name)
			if len(got) > len(name)+len("container") || !utf8.ValidString(got) || strings.ContainsRune(got, 0) {
				t.Errorf("%q becomes %q", name, got)
			}
		}
	})
}
