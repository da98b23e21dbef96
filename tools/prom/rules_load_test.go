package prom

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const (
	deployDir = "../../deploy"
	rulesDir  = deployDir + "/prometheus"
)

// The rule files, and those of them that one server loads together.
var (
	ruleFiles    = []string{"recording.yml", "recording.classic.yml", "recording.native.yml", "alerts.yml"}
	classicFiles = []string{"recording.yml", "recording.classic.yml", "alerts.yml"}
	nativeFiles  = []string{"recording.yml", "recording.native.yml", "alerts.yml"}
)

type serverRule struct {
	Record      string            `yaml:"record"`
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func (r serverRule) name() string { return r.Record + r.Alert }

// rulesIn reads one rule file.
func rulesIn(t *testing.T, file string) []serverRule {
	t.Helper()
	var content struct {
		Groups []struct {
			Name     string       `yaml:"name"`
			Interval string       `yaml:"interval"`
			Rules    []serverRule `yaml:"rules"`
		} `yaml:"groups"`
	}
	decode(t, filepath.Join(rulesDir, file), &content)
	var rules []serverRule
	for _, g := range content.Groups {
		rules = append(rules, g.Rules...)
	}
	if len(rules) == 0 {
		t.Fatalf("%s holds no rules", file)
	}
	return rules
}

// testFile is a file of cases for promtool.
type testFile struct {
	name string

	RuleFiles          []string `yaml:"rule_files"`
	EvaluationInterval string   `yaml:"evaluation_interval"`
	GroupEvalOrder     []string `yaml:"group_eval_order"`
	Tests              []struct {
		Name     string `yaml:"name"`
		Interval string `yaml:"interval"`
		Input    []struct {
			Series string `yaml:"series"`
			Values string `yaml:"values"`
		} `yaml:"input_series"`
		Alerts []struct {
			Alert string `yaml:"alertname"`
			Time  string `yaml:"eval_time"`
			Want  []struct {
				Labels      map[string]string `yaml:"exp_labels"`
				Annotations map[string]string `yaml:"exp_annotations"`
			} `yaml:"exp_alerts"`
		} `yaml:"alert_rule_test"`
		Expressions []struct {
			Expr string `yaml:"expr"`
			Time string `yaml:"eval_time"`
			Want []struct {
				Labels string  `yaml:"labels"`
				Value  float64 `yaml:"value"`
			} `yaml:"exp_samples"`
		} `yaml:"promql_expr_test"`
	} `yaml:"tests"`
}

// loads tells whether the cases run with a rule file.
func (f testFile) loads(file string) bool {
	for _, r := range f.RuleFiles {
		if filepath.Base(r) == file {
			return true
		}
	}
	return false
}

func (f testFile) native() bool { return f.loads("recording.native.yml") }

func testFiles(t *testing.T) []testFile {
	t.Helper()
	paths, err := filepath.Glob(rulesDir + "/tests/*_test.yml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no test cases found: %v", err)
	}
	var files []testFile
	for _, p := range paths {
		f := testFile{name: filepath.Base(p)}
		decode(t, p, &f)
		files = append(files, f)
	}
	return files
}

// decode reads a YAML file; a key that the type does not know is an error, so that nothing is overlooked.
func decode(t *testing.T, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(strings.NewReader(string(b)))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
