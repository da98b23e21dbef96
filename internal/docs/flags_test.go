package docs

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// build builds the program, as other tests do: with other flags all that it imports would be compiled once more. The sources
// that define flags are read, so that a cached result of the test is not taken for one of the present.
func build(t *testing.T) string {
	t.Helper()
	readFile(t, "main.go")
	readFile(t, "go.mod")
	binary := filepath.Join(t.TempDir(), "github_workflow_exporter")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", binary, ".")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	return binary
}

// help returns what --help says, wide enough that nothing is broken into lines.
func help(t *testing.T, binary string, command ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, append(command, "--help")...)
	cmd.Env = []string{"COLUMNS=1000"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}

var (
	flagLine    = regexp.MustCompile(`(?m)^  (?:-h, |    )--(\[no-\])?([a-z][a-z.-]*)(?:=(\S+))?( \.\.\.)?\s+(\S.*)$`)
	commandLine = regexp.MustCompile(`(?m)^([a-z]+(?: [a-z]+)?)\*?((?: <[^>]+>)*)(?: \[[^\n]*)?\n    (\S.*)$`)
)

// flags reads the flags of a help text as rows of the table.
func flags(text string) [][]string {
	var rows [][]string
	for _, m := range flagLine.FindAllStringSubmatch(text, -1) {
		negatable, name, value, repeatable, about := m[1] != "", m[2], m[3], m[4] != "", m[5]
		if name == "help" {
			continue
		}
		usage, preset := "--"+name, ""
		switch {
		case negatable:
			preset = "off"
		case value == strings.ToUpper(value) && strings.ContainsAny(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
			usage += "=" + value
		default:
			preset = "`" + strings.Trim(value, `"`) + "`"
		}
		if preset == "``" || preset == "" {
			preset = "–"
		}
		if repeatable && !strings.Contains(strings.ToLower(about), "repeatable") {
			about += " Repeatable."
		}
		rows = append(rows, []string{"`" + usage + "`", preset, about})
	}
	return rows
}

func TestREADMEFlags(t *testing.T) {
	binary := build(t)
	rows := flags(help(t, binary))
	if len(rows) < 8 {
		t.Fatalf("only %d flags were found in:\n%s", len(rows), help(t, binary))
	}
	for _, command := range []string{"demo", "explain"} {
		for _, row := range flags(help(t, binary, command)) {
			if !slices.ContainsFunc(rows, func(have []string) bool { return have[0] == row[0] }) {
				row[2] += " Of `" + command + "` only."
				rows = append(rows, row)
			}
		}
	}
	checkGenerated(t, "flags", table([]string{"flag", "default", "meaning"}, rows))

	_, commands, found := strings.Cut(help(t, binary), "\nCommands:\n")
	if !found {
		t.Fatal("the help names no commands")
	}
	rows = nil
	for _, m := range commandLine.FindAllStringSubmatch(commands, -1) {
		if m[1] != "help" {
			rows = append(rows, []string{"`" + m[1] + m[2] + "`", m[3]})
		}
	}
	checkGenerated(t, "commands", table([]string{"command", "what it does"}, rows))
}

var flagInText = regexp.MustCompile("[` \n]--([a-z]+\\.[a-z.-]*[a-z])")

// TestDocsFlagsInText checks that flags named anywhere stand in README's table; those of Prometheus have no dot.
func TestDocsFlagsInText(t *testing.T) {
	_, rest, _ := strings.Cut(readFile(t, "README.md"), "<!-- begin flags -->")
	known, _, _ := strings.Cut(rest, "<!-- end flags -->")
	for _, name := range []string{"README.md", "CHANGELOG.md", "config.example.yml"} {
		for _, match := range flagInText.FindAllStringSubmatch(readFile(t, name), -1) {
			if !regexp.MustCompile("`--" + regexp.QuoteMeta(match[1]) + "[=`]").MatchString(known) {
				t.Errorf("%s names the flag --%s, which does not exist", name, match[1])
			}
		}
	}
}
