package deploy

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"
)

// root is the project's directory, seen from this module.
const root = "../.."

func in(elements ...string) string {
	return filepath.Join(append([]string{root, "deploy"}, elements...)...)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// strict decodes YAML into a type, refusing fields that it does not have and keys that stand twice.
func strict(t *testing.T, where string, data []byte, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict(data, into); err != nil {
		t.Fatalf("%s: %v\n%s", where, err, data)
	}
}

// output runs a command and returns what it writes to its standard output.
func output(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	out, errs, err := execute(t, name, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, out, errs)
	}
	return out
}

func execute(t *testing.T, name string, args ...string) (stdout, stderr []byte, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	c := exec.CommandContext(t.Context(), name, args...)
	c.Stdout, c.Stderr = &out, &errs
	err = c.Run()
	return out.Bytes(), errs.Bytes(), err
}

// exporter builds the program, so that flags and configurations are held to the program itself.
func exporter(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "github_workflow_exporter")
	output(t, "go", "build", "-C", root, "-o", binary, ".")
	return binary
}
