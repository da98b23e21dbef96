package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github_workflow_exporter/collector/relabel"
)

const examplePath = "../../config.example.yml"

// The example says what the defaults are, in all but the one target it needs.
func TestExampleHasDefaults(t *testing.T) {
	t.Setenv(TokenVariable, "")
	want := Default()
	want.Targets.Repositories = []string{"octo-org/octo-repo"}
	want.Storage.Path = "../../data"
	got := load(t, examplePath)
	// Its empty lists are not nil.
	if diff := cmp.Diff(want.String(), got.String()); diff != "" {
		t.Errorf("the example differs from the defaults (-want +got):\n%s", diff)
	}
}

func TestExampleNamesEveryKey(t *testing.T) {
	data, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := yaml.Unmarshal(data, &document); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths(reflect.ValueOf(Config{}), "") {
		if !has(document, path) {
			t.Errorf("the example does not set %s", path)
		}
	}
	examples := uncommented(string(data))
	for _, element := range []any{Owner{}, NameRule{}, relabel.Rule{}} {
		for _, field := range fieldsOf(reflect.ValueOf(element)) {
			if !regexp.MustCompile(`(?m)^ +(- )?` + field.key + `: .`).MatchString(examples) {
				t.Errorf("the example does not show %s of %T", field.key, element)
			}
		}
	}
}

// What can be uncommented is valid too.
func TestExampleUncommented(t *testing.T) {
	t.Setenv(TokenVariable, "")
	data, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	c := load(t, write(t, filepath.Join(t.TempDir(), "config.yml"), uncommented(string(data))))
	m := c.Metrics
	if len(c.Targets.Organizations) != 1 || len(c.Targets.Users) != 1 || len(m.DisabledFamilies) != 1 || len(m.Branches) != 2 ||
		len(m.RunnerRules) != 1 || len(m.LabelRules) != 1 || len(m.RelabelConfigs) != 3 {
		t.Errorf("examples are missing from:\n%s", c)
	}
}

func has(document map[string]any, path string) bool {
	key, rest, deeper := strings.Cut(path, ".")
	value, ok := document[key]
	if !ok || !deeper {
		return ok
	}
	section, ok := value.(map[string]any)
	return ok && has(section, rest)
}

var sample = regexp.MustCompile(`^( +)#(  .*)$`)

// uncommented turns the examples into lists, which replace the empty ones they follow.
func uncommented(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if match := sample.FindStringSubmatch(line); match != nil {
			lines[i] = match[1] + match[2]
			lines[i-1] = strings.TrimSuffix(lines[i-1], " []")
		}
	}
	return strings.Join(lines, "\n")
}
