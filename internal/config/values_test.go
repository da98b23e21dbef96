package config

import (
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		in    string
		want  time.Duration
		print string
	}{
		{"0", 0, "0s"},
		{"0s", 0, "0s"},
		{"30s", 30 * time.Second, "30s"},
		{"60s", time.Minute, "1m"},
		{"2m30s", 150 * time.Second, "2m30s"},
		{"1h30m", 90 * time.Minute, "1h30m"},
		{"1h0m5s", time.Hour + 5*time.Second, "1h0m5s"},
		{"1.5h", 90 * time.Minute, "1h30m"},
		{"10m", 10 * time.Minute, "10m"},
		{"100h", 100 * time.Hour, "100h"},
		{"2d", 2 * day, "48h"},
		{"1w", 7 * day, "168h"},
		{"1w2d3h4m5s6ms", 9*day + 3*time.Hour + 4*time.Minute + 5*time.Second + 6*time.Millisecond, "219h4m5.006s"},
		{"250ms", 250 * time.Millisecond, "250ms"},
		{"106751d", 106751 * day, "2562024h"},
	} {
		got, err := ParseDuration(tt.in)
		if err != nil || time.Duration(got) != tt.want || got.String() != tt.print {
			t.Errorf("ParseDuration(%q) = %s, %v; want %s", tt.in, got, err, tt.print)
		}
		if again, err := ParseDuration(got.String()); again != got || err != nil {
			t.Errorf("ParseDuration(%q) = %s, %v; want %s", got.String(), again, err, got)
		}
	}
	for _, in := range []string{"", "1", "00", "s", "-1s", "+1s", "1 s", " 1s", "1s ", "1y", "1S", "1D", "1e3s", ".s", "1.2.3s", "106752d", "20000w", "9223372036s9223372036s", "1h-1m", "∞"} {
		if got, err := ParseDuration(in); err == nil {
			t.Errorf("ParseDuration(%q) = %s, want an error", in, got)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"0", "30s", "1h30m", "2d", "1w2d", "1.5h", "9223372036s", "-1s", "1..s", "1µs", "106752d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseDuration(s)
		if err != nil {
			return
		}
		if got < 0 {
			t.Errorf("ParseDuration(%q) = %d", s, got)
		}
		if again, err := ParseDuration(got.String()); again != got || err != nil {
			t.Errorf("%q prints as %s, which reads as %s, %v", s, got, again, err)
		}
		// Go adds up the parts before it rounds, so fractions may differ by a nanosecond for each.
		if std, err := time.ParseDuration(s); err == nil && math.Abs(float64(std-time.Duration(got))) > float64(len(s)) {
			t.Errorf("ParseDuration(%q) = %s, but %s to package time", s, got, std)
		}
	})
}

func TestGlob(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want, folded  bool
	}{
		{"*", "", true, true},
		{"*", "a/b\nc", true, true},
		{"main", "main", true, true},
		{"main", "Main", false, true},
		{"main", "main2", false, false},
		{"main", "a-main", false, false},
		{"release-*", "release-", true, true},
		{"release-*", "release-1/2", true, true},
		{"release-?", "release-", false, false},
		{"release-?", "release-1", true, true},
		{"release-?", "release-ü", true, true},
		{"release-?", "release-12", false, false},
		{"*.yml", ".github/workflows/ci.yml", true, true},
		{".github/*/ci.*", ".github/workflows/ci.yml", true, true},
		{"*a*b", "aXbXaYb", true, true},
		{"*ab", "aab", true, true},
		{"a*b*c", "abcabd", false, false},
		{"?*", "", false, false},
		{"a.c", "abc", false, false},
		{"ÄRGER", "ärger", false, true},
	} {
		g, err := NewGlob(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Match(tt.text); got != tt.want {
			t.Errorf("%q matches %q: %t, want %t", tt.pattern, tt.text, got, tt.want)
		}
		if got := (Owner{Selector: Selector{Include: []Glob{g}}}).Match(tt.text); got != tt.folded {
			t.Errorf("%q matches %q in any case: %t, want %t", tt.pattern, tt.text, got, tt.folded)
		}
	}
	for pattern, says := range map[string]string{
		"":           `must not be empty; "*" matches everything`,
		"[ab]*":      `must be a pattern such as "release-*", not "[ab]*": no sets of characters such as [ab]: only * (any run of characters, / included) and ? (any one character) are special; list each pattern, or write ? for the character`,
		"{main,dev}": `not "{main,dev}": no alternatives such as {a,b}: `,
		"**/ci.yml":  `no **: * matches / too; write one *`,
		"!main":      `no ! for what is not to match: `,
		`release-\*`: `no \ before a special character: `,
		"^main$":     `no regular expressions: `,
		"main|dev":   `no regular expressions: `,
	} {
		if _, err := NewGlob(pattern); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %s", pattern, err, says)
		}
	}
}

// A glob is what it says: the regular expression with .* for * and . for ?.
func FuzzGlob(f *testing.F) {
	f.Add("release-*", "release-1")
	f.Add("*a?b*", "xaab/b")
	f.Add("a*b*c*", "abcabcabd")
	f.Add("?ü*", "äü")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		g, err := NewGlob(pattern)
		if err != nil || len(pattern) > 100 {
			return
		}
		quoted := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
		re, err := regexp.Compile("^(?s:" + quoted + ")$")
		if err != nil {
			return // not UTF-8
		}
		if got, want := g.Match(text), re.MatchString(text); got != want {
			t.Errorf("%q matches %q: %t, want %t", pattern, text, got, want)
		}
	})
}

func TestSelector(t *testing.T) {
	s := Selector{Include: globs("api-*", "web"), Exclude: globs("*-old")}
	for text, want := range map[string]bool{"api-1": true, "web": true, "web2": false, "api-1-old": false, "WEB": false} {
		if got := s.Match(text); got != want {
			t.Errorf("%s is picked: %t, want %t", text, got, want)
		}
	}
	if (Selector{}).Match("x") {
		t.Error("a selector without patterns picks something")
	}
	if !(Owner{Selector: s}).Match("API-1") || (Owner{Selector: s}).Match("API-1-Old") {
		t.Error("an owner's patterns tell upper and lower case apart")
	}
}

func TestNameRule(t *testing.T) {
	rule := NameRule{regex(t, "(pool)-([0-9]+)"), "${1}"}
	for name, want := range map[string]string{"pool-12": "pool", "pool-12-a": "", "my-pool-12": ""} {
		got, ok := rule.Apply(name)
		if got != want || ok != (want != "") {
			t.Errorf("Apply(%q) = %q, %t; want %q", name, got, ok, want)
		}
	}
	for template, want := range map[string]string{
		"$1": "", "${2}-$1": "", "$0": "", "$$9": "", "plain": "", "5$": "", "$-": "",
		"$3": "$3", "$1x": "$1x", "${name}": "${name}", "a$$1$4": "$4",
	} {
		if got := unknownReference(rule.Regex, template); got != want {
			t.Errorf("unknownReference(%q) = %q, want %q", template, got, want)
		}
	}
}

func TestErrorsShowNoToken(t *testing.T) {
	for _, token := range []string{
		"ghp_abcdefghijklmnopqrstuvwxyz0123456789", "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz", "ghs_16C7e42F292c6912E7710c838347Ae178B4a",
		"0123456789abcdef0123456789abcdef01234567",
	} {
		text := (&Error{File: "c.yml", Line: 3, Key: "github." + token, Problem: "unknown\nkey, not " + quote(token)}).Error()
		if want := `c.yml:3: github.<token>: unknown key, not "<token>"`; text != want {
			t.Errorf("error is %s, want %s", text, want)
		}
	}
}
