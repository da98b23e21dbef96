package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github_workflow_exporter/collector/family"
)

// labelsByMetric lists every metric name that can stand in a query, with its labels: those of the family table, and those
// of README's table of the exporter's own figures, which another test holds to the program.
func labelsByMetric(t *testing.T) map[string][]string {
	t.Helper()
	known := map[string][]string{}
	add := func(name, kind string, labels []string) {
		known[name] = labels
		if kind == "histogram" {
			known[name+"_count"], known[name+"_sum"] = labels, labels
			known[name+"_bucket"] = append([]string{"le"}, labels...)
		}
	}
	for _, f := range family.All() {
		add(f.Name, f.Kind.String(), f.Labels)
	}
	for _, row := range tableUnder(t, "### The exporter's own metrics") {
		var labels []string
		for _, label := range strings.Split(row[2], ",") {
			labels = append(labels, strings.Trim(label, "` "))
		}
		add(strings.Trim(row[0], "`"), row[1], labels)
	}
	return known
}

var (
	metricName = regexp.MustCompile(`github_workflow_[a-z_]*[a-z]`)
	selector   = regexp.MustCompile(`(github_workflow_[a-z_]+)\{([^}]*)\}`)
	matcher    = regexp.MustCompile(`([a-zA-Z_]+)\s*(?:=~|!~|!=|=)\s*"`)
	grouping   = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
)

// TestREADMEQueries checks the names and labels in queries; tools/prom parses them with Prometheus' own parser.
func TestREADMEQueries(t *testing.T) {
	known := labelsByMetric(t)
	for _, block := range blocks(t, "promql") {
		query := regexp.MustCompile(`(?m)#.*$`).ReplaceAllString(block, "")
		allowed := []string{"job", "instance"}
		names := metricName.FindAllString(query, -1)
		if len(names) == 0 {
			t.Errorf("no metric in\n%s", query)
		}
		for _, name := range names {
			allowed = append(allowed, known[name]...)
		}
		for _, m := range selector.FindAllStringSubmatch(query, -1) {
			for _, label := range matcher.FindAllStringSubmatch(m[2], -1) {
				if !slices.Contains(known[m[1]], label[1]) {
					t.Errorf("%s has no label %s, in\n%s", m[1], label[1], query)
				}
			}
		}
		for _, m := range grouping.FindAllStringSubmatch(query, -1) {
			for _, label := range strings.Split(m[1], ",") {
				if label = strings.TrimSpace(label); label != "" && !slices.Contains(allowed, label) {
					t.Errorf("no metric has the label %s, in\n%s", label, query)
				}
			}
		}
	}
}

// TestDocsMetricNames checks that every metric named anywhere exists.
func TestDocsMetricNames(t *testing.T) {
	known := labelsByMetric(t)
	for _, name := range []string{"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "config.example.yml"} {
		text := readFile(t, name)
		for _, at := range metricName.FindAllStringIndex(text, -1) {
			metric, next := text[at[0]:at[1]], text[at[1]:min(at[1]+2, len(text))]
			// A prefix such as github_workflow_step_ names several; the program's own name is none.
			if _, ok := known[metric]; !ok && !strings.HasPrefix(next, "_") && metric != "github_workflow_exporter" {
				t.Errorf("%s names %s, which does not exist", name, metric)
			}
		}
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+?) *$`)
)

// TestDocsLinks checks that links within the repository lead somewhere.
func TestDocsLinks(t *testing.T) {
	for _, name := range []string{"README.md", "CHANGELOG.md", "CONTRIBUTING.md"} {
		text := readFile(t, name)
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target := match[1]
			if strings.Contains(target, "://") {
				continue
			}
			file, anchor, _ := strings.Cut(target, "#")
			in := text
			if file != "" {
				if _, err := os.Stat(filepath.Join(root, file)); err != nil {
					t.Errorf("%s links to %s, which is not there", name, file)
					continue
				}
				if anchor == "" {
					continue
				}
				in = readFile(t, file)
			}
			if !slices.Contains(anchors(in), anchor) {
				t.Errorf("%s links to %s, but there is no such heading", name, target)
			}
		}
	}
}

// anchors are the names GitHub gives to headings.
func anchors(text string) []string {
	var names []string
	for _, match := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N}_ -]`).ReplaceAllString(strings.ToLower(match[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}
