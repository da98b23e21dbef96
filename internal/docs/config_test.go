package docs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github_workflow_exporter/internal/config"
)

// TestREADMEConfig holds the table of keys to config.example.yml, which config's tests hold to the code.
func TestREADMEConfig(t *testing.T) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(readFile(t, "config.example.yml")), &document); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	leaves(document.Content[0], "", want)
	var named []string
	for _, row := range tableUnder(t, "## Configuration") {
		key, preset := strings.Trim(row[0], "`"), strings.Trim(row[1], "`")
		named = append(named, key)
		example, ok := want[key]
		if !ok {
			t.Errorf("README.md explains the key %s, which config.example.yml does not have", key)
		} else if preset != example && key != "targets.repositories" { // the one without which there is nothing to do
			t.Errorf("README.md gives %s the default %s, config.example.yml has %s", key, preset, example)
		}
	}
	for key := range want {
		if !slices.Contains(named, key) {
			t.Errorf("README.md does not explain the key %s", key)
		}
	}
}

// leaves collects what is no mapping by its dotted path, as it is written.
func leaves(n *yaml.Node, path string, into map[string]string) {
	if n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			leaves(n.Content[i+1], strings.TrimPrefix(path+"."+n.Content[i].Value, "."), into)
		}
		return
	}
	if n.Kind == yaml.ScalarNode {
		into[path] = n.Value
		if n.Value == "" {
			into[path] = `""`
		}
		return
	}
	var values []string
	for _, item := range n.Content {
		values = append(values, `"`+item.Value+`"`)
	}
	into[path] = "[" + strings.Join(values, ", ") + "]"
}

// TestREADMEConfigExamples loads every example of the configuration; a piece without targets gets one.
func TestREADMEConfigExamples(t *testing.T) {
	t.Setenv(config.TokenVariable, "")
	loaded := 0
	for _, block := range blocks(t, "yaml") {
		var sections map[string]any
		if err := yaml.Unmarshal([]byte(block), &sections); err != nil {
			t.Errorf("this is no YAML: %v\n%s", err, block)
			continue
		}
		if _, other := sections["scrape_configs"]; other {
			continue
		}
		if _, ok := sections["targets"]; !ok {
			block += "\ntargets: {repositories: [octo-org/octo-repo]}\n"
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "config.yml")
		for name, content := range map[string]string{path: block, filepath.Join(dir, "app.pem"): "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"} {
			if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := config.Load(path); err != nil {
			t.Errorf("%v\n%s", err, block)
		}
		loaded++
	}
	if loaded < 3 {
		t.Errorf("only %d examples were found", loaded)
	}
}
