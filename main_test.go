package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUsage(t *testing.T) {
	t.Setenv("GITHUB_TOKEN", "")
	t.Chdir(t.TempDir())
	for _, test := range []struct {
		arguments      string
		code           int
		stdout, stderr []string // "" for nothing at all
	}{
		{"--version", 0, []string{"github_workflow_exporter, version ", "go version:"}, []string{""}},
		{"check --version", 0, []string{"github_workflow_exporter, version "}, []string{""}},
		{"--help", 0, []string{
			"usage: github_workflow_exporter", "--config.file=FILE", "--github.repository=OWNER/NAME", "--storage.path=DIR",
			"--web.listen-address=:9887", "--web.config.file", `--web.telemetry-path="/metrics"`, "--[no-]web.enable-lifecycle",
			`--log.level="info"`, `--log.format="logfmt"`, "--[no-]version", "serve*", "demo", "check", "ledger check", "ledger backup",
		}, []string{""}},
		{"-h", 0, []string{"usage: "}, []string{""}},
		{"ledger backup --help", 0, []string{"usage: ", "<file>"}, []string{""}},
		{"--no-such-flag", 2, []string{""}, []string{`level=error`, `msg="wrong usage, see --help" err="unknown flag --no-such-flag"`}},
		{"--config.file", 2, []string{""}, []string{`err="--config.file needs a value: --config.file=FILE"`}},
		{"--config.file --log.level=debug", 2, []string{""}, []string{`err="--config.file needs a value: --config.file=FILE"`}},
		{"check --config.file=", 2, []string{""}, []string{`err="--config.file needs a value: --config.file=FILE"`}},
		{"--log.level", 2, []string{""}, []string{`err="--log.level needs a value: --log.level=info"`}},
		{"demo --demo.control-address", 2, []string{""}, []string{`err="--demo.control-address needs a value: --demo.control-address=HOST:PORT"`}},
		{"--web.config.file= check", 1, []string{""}, []string{"targets"}}, // its default
		{"--web.enable-lifecycle=true", 2, []string{""}, []string{`err="--web.enable-lifecycle takes no value: --web.enable-lifecycle switches it on, --no-web.enable-lifecycle off"`}},
		{"--config-file=config.yml", 2, []string{""}, []string{`err="unknown flag --config-file; did you mean --config.file?"`}},
		{"--storage=x", 2, []string{""}, []string{`err="unknown flag --storage; did you mean --storage.path?"`}},
		{"check config.yml", 2, []string{""}, []string{`err="unexpected argument config.yml; a configuration file is named by --config.file=config.yml"`}},
		{"--github.repository a/b c/d", 2, []string{""}, []string{`err="unexpected argument c/d; --github.repository is given once for each repository"`}},
		{"serv", 2, []string{""}, []string{`err="unexpected argument serv; did you mean serve?"`}},
		{"check serve", 2, []string{""}, []string{`err="unexpected argument serve; one command at a time"`}},
		{"ledger chek", 2, []string{""}, []string{`err="unexpected argument chek; did you mean check?"`}},
		{"ledger check data", 2, []string{""}, []string{`err="unexpected argument data; the ledger's directory is named by --storage.path=data"`}},
		{"ledger check", 1, []string{""}, []string{`err="which ledger? Name its directory with --storage.path=DIR, or the configuration with --config.file=FILE"`}},
		{"ledger check --storage.path=/dev/null", 1, []string{""}, []string{`err="storage.path is the ledger's directory, and /dev/null is a file; did you mean /dev?"`}},
		{"ledger backup copy.db", 1, []string{""}, []string{"--storage.path=DIR"}},
		{"--log.level=loud", 2, []string{""}, []string{`err="--log.level must be debug, info, warn or error, not \"loud\""`, "see --help"}},
		{"--log.format=xml", 2, []string{""}, []string{`err="--log.format must be logfmt or json, not \"xml\""`}},
		{"--log.format=json --nonsense", 2, []string{""}, []string{`"err":"unknown flag --nonsense","level":"error","msg":"wrong usage, see --help","ts":"20`}},
		{"polish", 2, []string{""}, []string{"polish", "see --help"}},
		{"serve surplus", 2, []string{""}, []string{"surplus", "see --help"}},
		{"ledger", 2, []string{""}, []string{`err="ledger needs one of its commands: ledger check or ledger backup FILE"`, "see --help"}},
		{"ledger backup", 2, []string{""}, []string{"file", "see --help"}},
		{"serve --demo.control-address=:1", 2, []string{""}, []string{"--demo.control-address"}},
		{"", 1, []string{""}, []string{"targets", "octo-org/octo-repo", "--github.repository"}},
		{"check", 1, []string{""}, []string{"targets", "--github.repository"}},
		{"--github.repository=octo-repo", 1, []string{""}, []string{"--github.repository", "owner/name", "octo-repo"}},
		{"--config.file=none.yml", 1, []string{""}, []string{"none.yml", "no such file"}},
		{"ledger check --storage.path=none", 1, []string{""}, []string{filepath.Join("none", "ledger.db"), "no such file"}},
	} {
		t.Run(test.arguments, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(strings.Fields(test.arguments), &stdout, &stderr); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			expect(t, "stdout", stdout.String(), test.stdout)
			expect(t, "stderr", stderr.String(), test.stderr)
			if lines := strings.Count(stderr.String(), "\n"); lines > 1 {
				t.Errorf("%d lines of errors, want one:\n%s", lines, &stderr)
			}
		})
	}
	if left, err := os.ReadDir("."); err != nil || len(left) != 0 {
		t.Errorf("files were left behind: %v, %v", left, err)
	}
}

func expect(t *testing.T, where, got string, texts []string) {
	t.Helper()
	for _, text := range texts {
		if text == "" && got != "" || !strings.Contains(got, text) {
			t.Errorf("%s lacks %q:\n%s", where, text, got)
		}
	}
}

// TestLastWord: a log that nobody takes does not keep the program from its end.
func TestLastWord(t *testing.T) {
	stuck := make(chan struct{})
	defer close(stuck)
	finally(func() { <-stuck })
}

// The token in the environment is a place of its own in errors, and not shown.
func TestTokenInTheEnvironment(t *testing.T) {
	const secret = "ghp_0123456789 abcdefghijklmnopqrstuvwxyz"
	t.Setenv("GITHUB_TOKEN", secret)
	var stdout, stderr bytes.Buffer
	if code := run([]string{"check", "--github.repository=octo-org/octo-repo"}, &stdout, &stderr); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	expect(t, "stderr", stderr.String(), []string{"environment variable GITHUB_TOKEN", "without spaces"})
	if strings.Contains(stderr.String(), "abcdef") {
		t.Errorf("the token is shown: %s", &stderr)
	}
}
