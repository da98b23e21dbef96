package docs

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/observe"
)

func TestREADMEMetrics(t *testing.T) {
	var rows [][]string
	for _, f := range family.All() {
		rows = append(rows, []string{code(f.Name), f.Kind.String(), code(f.Labels...), f.Help})
	}
	text := table([]string{"family", "type", "labels", "meaning"}, rows) + "\nDefault bucket bounds in seconds, by their key under `metrics.buckets`:\n\n"
	rows = nil
	for _, group := range family.BucketGroups() {
		var names, bounds []string
		for _, f := range family.All() {
			if f.BucketGroup == group {
				names = append(names, f.Name)
				bounds = nil
				for _, bound := range f.Buckets {
					bounds = append(bounds, strconv.FormatFloat(bound, 'g', -1, 64))
				}
			}
		}
		rows = append(rows, []string{code(group), code(names...), strings.Join(bounds, ", ")})
	}
	checkGenerated(t, "metrics", text+table([]string{"key", "family", "bounds"}, rows))
}

func TestREADMERunnerRules(t *testing.T) {
	checkNameRules(t, "runner rules", "runner", observe.BuiltinRunnerRules())
}

func TestREADMELabelRules(t *testing.T) {
	checkNameRules(t, "label rules", "label", observe.BuiltinLabelRules())
}

func checkNameRules(t *testing.T, section, what string, rules []observe.Rule) {
	var rows [][]string
	for _, rule := range rules {
		if got := fold(rules, rule.Example); got != rule.Folded {
			t.Errorf("%s: %s becomes %s, the rule says %s", rule.About, rule.Example, got, rule.Folded)
		}
		folded := "nothing"
		if rule.Folded != "" {
			folded = code(rule.Folded)
		}
		rows = append(rows, []string{rule.About, code(rule.Example), folded})
	}
	checkGenerated(t, section, table([]string{what, "a name such as", "becomes"}, rows))
}

// fold applies the first rule that matches.
func fold(rules []observe.Rule, name string) string {
	for _, rule := range rules {
		if folded, ok := rule.Apply(name); ok {
			return folded
		}
	}
	return name
}

// TestREADMEPrices holds the table of prices to the built-in list.
func TestREADMEPrices(t *testing.T) {
	var rows [][]string
	for _, p := range observe.PriceList() {
		free := ""
		if p.Standard {
			free = "yes"
		}
		rows = append(rows, []string{code(p.SKU), strconv.FormatFloat(p.PerMinute, 'f', 3, 64), code(p.Labels...), free})
	}
	checkGenerated(t, "prices", "GitHub's list as of "+observe.PriceListDate+", in US dollars a minute:\n\n"+
		table([]string{"sku", "a minute", "labels such as", "free on public repositories"}, rows))
}

// TestREADMEFailureReasons holds the table of reasons to the built-in ones.
func TestREADMEFailureReasons(t *testing.T) {
	var named []string
	for _, row := range tableUnder(t, "### Why it failed") {
		named = append(named, strings.Trim(row[0], "`"))
	}
	if want := observe.FailureReasons(); !slices.Equal(named, want) {
		t.Errorf("README.md explains %q, there are %q", named, want)
	}
}

var reasonConstant = regexp.MustCompile(`(?m)^\t[A-Za-z]+ += "([a-z_]+)"`)

// The reasons for which something is left out are those of package observe, of the poller and of the ledger.
func TestREADMEReasons(t *testing.T) {
	text := readFile(t, "collector/observe/observe.go") + readFile(t, "collector/poll/poll.go") + readFile(t, "collector/ledger/validate.go")
	var named []string
	for _, row := range tableUnder(t, "### What is left out") {
		reason := strings.Trim(row[0], "`")
		named = append(named, reason)
		if !strings.Contains(text, `= "`+reason+`"`) {
			t.Errorf("README.md explains the reason %s, which the code does not have", reason)
		}
	}
	for _, reason := range reasonConstant.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(named, reason[1]) {
			t.Errorf("README.md does not explain the reason %s", reason[1])
		}
	}
}
