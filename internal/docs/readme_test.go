package docs

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the tables in README.md that are made from the code")

const root = "../.."

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// checkGenerated compares what stands between README's markers of that name with what should, or rewrites it.
func checkGenerated(t *testing.T, name, want string) {
	t.Helper()
	readme := readFile(t, "README.md")
	begin, end := fmt.Sprintf("<!-- begin %s -->\n", name), fmt.Sprintf("<!-- end %s -->", name)
	before, rest, found := strings.Cut(readme, begin)
	got, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("README.md must have the lines %q and %q, in this order", strings.TrimSpace(begin), end)
	}
	want = "\n" + strings.TrimSpace(want) + "\n\n"
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("README.md is out of date between %q and %q (-README +code); rewrite it with go test ./internal/docs -update\n%s",
			strings.TrimSpace(begin), end, cmp.Diff(got, want))
	}
	if err := os.WriteFile(filepath.Join(root, "README.md"), []byte(before+begin+want+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// table writes a Markdown table.
func table(header []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) {
		b.WriteString("|")
		for _, cell := range cells {
			b.WriteString(" " + strings.ReplaceAll(cell, "|", `\|`) + " |")
		}
		b.WriteString("\n")
	}
	line(header)
	b.WriteString("|" + strings.Repeat("---|", len(header)) + "\n")
	for _, row := range rows {
		line(row)
	}
	return b.String()
}

// code marks words as code, separated by commas; nothing at all is a dash.
func code(words ...string) string {
	if len(words) == 0 {
		return "–"
	}
	return "`" + strings.Join(words, "`, `") + "`"
}

var tableRow = regexp.MustCompile(`(?m)^\| *(.*?) *\|$`)

// tableUnder returns the cells of the first table under a heading of README.md, without its header.
func tableUnder(t *testing.T, heading string) [][]string {
	t.Helper()
	_, section, found := strings.Cut(readFile(t, "README.md"), "\n"+heading+"\n")
	if !found {
		t.Fatalf("README.md must have the heading %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n#")
	at := strings.Index(section, "\n|")
	if at < 0 {
		t.Fatalf("README.md must have a table under %q", heading)
	}
	text, _, _ := strings.Cut(section[at+1:], "\n\n")
	var rows [][]string
	for _, match := range tableRow.FindAllStringSubmatch(text, -1) {
		rows = append(rows, regexp.MustCompile(` *(?:^|[^\\])\| *`).Split(match[1], -1))
	}
	if len(rows) < 3 {
		t.Fatalf("the table under %q has no rows", heading)
	}
	return rows[2:]
}

var fence = regexp.MustCompile("(?ms)^( *)```([a-z]*)\n(.*?)^ *```$")

// blocks returns the code blocks of a language, those in lists without their indentation.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	var found []string
	for _, match := range fence.FindAllStringSubmatch(readFile(t, "README.md"), -1) {
		if indent := match[1]; match[2] == language {
			found = append(found, strings.ReplaceAll("\n"+match[3], "\n"+indent, "\n")[1:])
		}
	}
	if len(found) == 0 {
		t.Fatalf("README.md has no block of %s", language)
	}
	return found
}
