package prom

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Every alert has a case in which it fires and one in which it is silent; one that depends on the form of the histograms has
// both for both forms.
func TestEveryAlertIsTested(t *testing.T) {
	type seen struct{ fires, silent bool }
	cases := map[string]map[string]seen{"classic": {}, "native": {}}
	for _, f := range testFiles(t) {
		form := "classic"
		if f.native() {
			form = "native"
		}
		if !f.loads("alerts.yml") {
			continue
		}
		for _, test := range f.Tests {
			for _, c := range test.Alerts {
				s := cases[form][c.Alert]
				if len(c.Want) == 0 {
					s.silent = true
				}
				for _, w := range c.Want {
					s.fires = true
					key := c.Alert + " " + w.Labels["severity"]
					cases[form][key] = seen{fires: true}
				}
				cases[form][c.Alert] = s
			}
		}
	}
	histogram := recordedFrom(t, "recording.classic.yml")
	for _, r := range rulesIn(t, "alerts.yml") {
		forms := []string{"classic"}
		// $value and the limits of this one depend on a mean or a quantile; where it is a threshold only, one form is enough.
		if dependsOn(r, histogram) && r.Alert != "GitHubWorkflowJobRunningTooLong" {
			forms = append(forms, "native")
		}
		for _, form := range forms {
			if s := cases[form][r.Alert]; !s.fires || !s.silent {
				t.Errorf("%s, %s histograms: fires in a case: %t, is silent in a case: %t", r.Alert, form, s.fires, s.silent)
			}
			if !cases[form][r.Alert+" "+r.Labels["severity"]].fires {
				t.Errorf("%s, %s histograms: no case in which it fires with severity %s", r.Alert, form, r.Labels["severity"])
			}
		}
	}
}

// Every recording rule has a case with a value, one with a counter that is reset where it reads a counter, and is asked for
// where there is nothing to read.
func TestEveryRecordingRuleIsTested(t *testing.T) {
	for _, file := range []string{"recording.yml", "recording.classic.yml", "recording.native.yml"} {
		valued, absent := map[string]bool{}, false
		for _, f := range testFiles(t) {
			if !f.loads(file) {
				continue
			}
			for _, test := range f.Tests {
				for _, c := range test.Expressions {
					if strings.Contains(c.Expr, `.+:.+:.+`) && len(c.Want) == 0 {
						absent = true
					}
					for _, r := range rulesIn(t, file) {
						if names(c.Expr, r.Record) && len(c.Want) > 0 {
							valued[r.Record] = true
						}
					}
				}
			}
		}
		if !absent {
			t.Errorf("%s: no case in which nothing is recorded since there is nothing to read", file)
		}
		for _, r := range rulesIn(t, file) {
			if !valued[r.Record] {
				t.Errorf("%s: no case with a value for %s", file, r.Record)
			}
		}
	}
}

// names tells whether an expression asks for exactly this recorded name.
func names(expr, record string) bool {
	return regexp.MustCompile(regexp.QuoteMeta(record) + `([^a-z0-9_:]|$)`).MatchString(expr)
}

func recordedFrom(t *testing.T, file string) []string {
	t.Helper()
	var names []string
	for _, r := range rulesIn(t, file) {
		names = append(names, r.Record)
	}
	return names
}

func dependsOn(r serverRule, records []string) bool {
	return slices.ContainsFunc(records, func(record string) bool { return names(r.Expr, record) })
}

// The alerts must not notice which of the two files is loaded.
func TestClassicAndNativeRecordTheSame(t *testing.T) {
	classic, native := recordedFrom(t, "recording.classic.yml"), recordedFrom(t, "recording.native.yml")
	if !slices.Equal(classic, native) {
		t.Errorf("recording.classic.yml records\n%s\nrecording.native.yml\n%s", strings.Join(classic, "\n"), strings.Join(native, "\n"))
	}
	for _, r := range rulesIn(t, "recording.native.yml") {
		if strings.Contains(r.Expr, "_bucket") || regexp.MustCompile(`_seconds_(sum|count)\{`).MatchString(r.Expr) {
			t.Errorf("%s is recorded from the classic form: %s", r.Record, r.Expr)
		}
	}
	// Their cases ask the same questions.
	questions := map[string][]string{}
	for _, f := range testFiles(t) {
		for _, form := range []string{"classic", "native"} {
			if f.name != "recording."+form+"_test.yml" && f.name != "alerts."+form+"_test.yml" {
				continue
			}
			for _, test := range f.Tests {
				for _, c := range test.Expressions {
					questions[form] = append(questions[form], c.Expr+" "+c.Time)
				}
				for _, c := range test.Alerts {
					questions[form] = append(questions[form], c.Alert+" "+c.Time)
				}
			}
		}
	}
	if len(questions["classic"]) == 0 || !slices.Equal(questions["classic"], questions["native"]) {
		t.Errorf("the cases for classic and for native histograms differ:\n%s\n\n%s", strings.Join(questions["classic"], "\n"), strings.Join(questions["native"], "\n"))
	}
}

// Recorded names are level:metric:operations, and the level is what an aggregation by `without` leaves.
func TestRecordedNames(t *testing.T) {
	form := regexp.MustCompile(`^[a-z_]+:github_workflow_[a-z_]+:[a-z0-9_]+$`)
	for _, file := range ruleFiles {
		for _, r := range rulesIn(t, file) {
			if r.Record == "" {
				continue
			}
			if !form.MatchString(r.Record) {
				t.Errorf("%s: %s is not level:metric:operations", file, r.Record)
			}
			if regexp.MustCompile(`\b(by|on) \(`).MatchString(r.Expr) {
				t.Errorf("%s: %s aggregates by the labels it keeps; labels that a server adds to the target would be lost", file, r.Record)
			}
		}
	}
}

func TestAlertsSayWhatIsNeeded(t *testing.T) {
	severities := []string{"critical", "warning", "info"}
	runbook := headings(t)
	for _, r := range rulesIn(t, "alerts.yml") {
		if !regexp.MustCompile(`^GitHubWorkflow[A-Za-z]+$`).MatchString(r.Alert) {
			t.Errorf("%s: the name must begin with GitHubWorkflow: routes and inhibition know the alerts by it", r.Alert)
		}
		if !slices.Contains(severities, r.Labels["severity"]) {
			t.Errorf("%s: severity is %q, want one of %v", r.Alert, r.Labels["severity"], severities)
		}
		if r.Annotations["summary"] == "" {
			t.Errorf("%s has no summary", r.Alert)
		}
		// A number of its own, or the time for which a state has lasted.
		if d := r.Annotations["description"]; !strings.Contains(d, "$value") && !strings.Contains(d, "| value") && !strings.Contains(d, "minutes") {
			t.Errorf("%s: the description names no number: %s", r.Alert, d)
		}
		if url, ok := r.Annotations["runbook_url"]; ok {
			t.Errorf("%s: the runbook is at %s, which can only be somebody else's", r.Alert, url)
		}
		if !slices.Contains(runbook, r.Alert) {
			t.Errorf("%s has no section in the runbook", r.Alert)
		}
	}
}

// headings returns the titles of the runbook's sections, from wherever it is kept.
func headings(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, file := range []string{deployDir + "/README.md"} {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for _, m := range regexp.MustCompile(`(?m)^#{2,5} (GitHubWorkflow\w+)\s*$`).FindAllStringSubmatch(string(b), -1) {
			out = append(out, m[1])
		}
	}
	return out
}

// TestAlertsCanLinkToTheRunbook runs the line at the top of alerts.yml: each alert then leads to its section.
func TestAlertsCanLinkToTheRunbook(t *testing.T) {
	file := filepath.Join(deployDir, "prometheus", "alerts.yml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^#   (awk .*) alerts\.yml$`).FindSubmatch(text)
	if line == nil {
		t.Fatal("alerts.yml does not say how to add links")
	}
	linked, err := exec.CommandContext(t.Context(), "sh", "-c", string(line[1])+" "+file).Output()
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert       string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(linked, &rules); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			n++
			if want := "https://HOST/PATH/README.md#" + strings.ToLower(r.Alert); r.Annotations["runbook_url"] != want || r.Annotations["summary"] == "" {
				t.Errorf("%s: %q, want %s", r.Alert, r.Annotations["runbook_url"], want)
			}
		}
	}
	if n < 20 {
		t.Errorf("%d alerts", n)
	}
}
