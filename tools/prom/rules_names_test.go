package prom

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"github_workflow_exporter/collector/family"
)

// targetLabels are put on by the server, and those that alerts carry. The Prometheus operator adds more to a target; its endpoint
// displaces the exporter's own to exported_endpoint.
var targetLabels = []string{"__name__", "job", "instance", "pod", "namespace", "container", "service", "endpoint", "exported_endpoint"}

// alertLabels are those of ALERTS, the alerts that the server keeps as series.
var alertLabels = []string{"alertname", "alertstate", "severity"}

// foreign are metrics of others that may be asked for.
var foreign = regexp.MustCompile(`^(up|ALERTS|scrape_\w+|go_\w+|process_\w+|promhttp_\w+)$`)

// ownFigures reads from the source what figures of its own the exporter registers, and with which labels: not all of them are
// on /metrics from the beginning. It knows the three ways in which they are made:
//
//	prometheus.CounterOpts{Namespace: namespace, Name: "…"}, []string{labels…}
//	prometheus.NewDesc(namespace+"_…", help, []string{labels…}, nil)
//	desc("…", help, labels…)
func ownFigures(t *testing.T) map[string][]string {
	t.Helper()
	figures := map[string][]string{"github_workflow_exporter_build_info": {"branch", "goarch", "goos", "goversion", "revision", "tags", "version"}}
	add := func(name string, labels []string, histogram bool) {
		name = "github_workflow_exporter_" + strings.TrimPrefix(name, "_")
		figures[name] = labels
		if histogram {
			figures[name+"_bucket"] = append([]string{"le"}, labels...)
			figures[name+"_sum"], figures[name+"_count"] = labels, labels
		}
	}
	for _, dir := range []string{"collector", "collector/watch", "internal/app", "internal/web"} {
		paths, err := filepath.Glob("../../" + dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := goparser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || len(call.Args) == 0 {
					return true
				}
				labels := literals(call.Args[1:]...)
				switch arg := call.Args[0].(type) {
				case *ast.CompositeLit:
					for _, e := range arg.Elts {
						if kv, ok := e.(*ast.KeyValueExpr); ok && ident(kv.Key) == "Name" {
							if s := literals(kv.Value); len(s) == 1 && strings.HasSuffix(ident(arg.Type), "Opts") {
								add(s[0], labels, strings.HasPrefix(ident(arg.Type), "Histogram"))
							}
						}
					}
				case *ast.BinaryExpr:
					if s := literals(arg.Y); ident(call.Fun) == "NewDesc" && ident(arg.X) == "namespace" && len(s) == 1 {
						add(s[0], labels[1:], false) // the first is the help
					}
				case *ast.BasicLit:
					if ident(call.Fun) == "desc" && len(labels) > 0 {
						add(literals(arg)[0], labels[1:], false)
					}
				}
				return true
			})
		}
	}
	if len(figures) < 25 {
		t.Fatalf("only %d figures were found in the source: has the way changed in which they are made?", len(figures))
	}
	return figures
}

func ident(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// literals returns the string literals in expressions, in order.
func literals(es ...ast.Expr) []string {
	var out []string
	for _, e := range es {
		ast.Inspect(e, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if s, err := strconv.Unquote(l.Value); err == nil {
					out = append(out, s)
				}
			}
			return true
		})
	}
	return out
}

// vocabulary is every metric that may be named in deploy/, with its labels; nil stands for any label.
func vocabulary(t *testing.T) map[string][]string {
	t.Helper()
	v := ownFigures(t)
	for _, f := range family.All() {
		v[f.Name] = f.Labels
		if f.Kind == family.Histogram {
			v[f.Name+"_bucket"] = append([]string{"le"}, f.Labels...)
			v[f.Name+"_sum"], v[f.Name+"_count"] = f.Labels, f.Labels
		}
	}
	for _, file := range ruleFiles {
		for _, r := range rulesIn(t, file) {
			if r.Record != "" {
				v[r.Record] = level(r.Record)
			}
		}
	}
	return v
}

// level returns the labels in the first part of a recorded name.
func level(record string) []string {
	rest, _, _ := strings.Cut(record, ":")
	var labels []string
	for rest != "" {
		i := slices.IndexFunc(everyLabel(), func(l string) bool { return strings.HasPrefix(rest, l) })
		if i < 0 {
			return []string{"?" + rest}
		}
		labels = append(labels, everyLabel()[i])
		rest = strings.TrimPrefix(strings.TrimPrefix(rest, everyLabel()[i]), "_")
	}
	return labels
}

// everyLabel lists the labels of all families, the longer first.
func everyLabel() []string {
	var all []string
	for _, f := range family.All() {
		all = append(all, f.Labels...)
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(all)
}

// TestRuleNames holds every metric and label in the rules, their annotations and their cases to the tables.
func TestRuleNames(t *testing.T) {
	known := vocabulary(t)
	for _, file := range ruleFiles {
		for _, r := range rulesIn(t, file) {
			checkNames(t, known, r.name(), r.Expr)
			for key, text := range r.Annotations {
				for _, query := range templateQueries(t, text) {
					checkNames(t, known, r.name()+" "+key, query)
				}
			}
		}
	}
	for _, f := range testFiles(t) {
		for _, test := range f.Tests {
			for _, s := range test.Input {
				checkNames(t, known, f.name, s.Series)
			}
			for _, e := range test.Expressions {
				checkNames(t, known, f.name, e.Expr)
			}
		}
	}
}

// checkNames checks the metrics and labels of one expression.
func checkNames(t *testing.T, known map[string][]string, where, query string) {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		t.Errorf("%s: %v: %s", where, err, query)
		return
	}
	// An aggregation may drop or ignore labels that only one side has, so those need be known only at all.
	any := append(slices.Concat(targetLabels, alertLabels), "le", "cause")
	for _, labels := range known {
		any = append(any, labels...)
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			labels, ok := known[n.Name]
			switch {
			case n.Name == "" || foreign.MatchString(n.Name):
				labels = any
			case !ok:
				t.Errorf("%s: there is no metric %s", where, n.Name)
				return nil
			}
			for _, m := range n.LabelMatchers {
				if !slices.Contains(labels, m.Name) && !slices.Contains(targetLabels, m.Name) {
					t.Errorf("%s: %s has no label %s, only %v", where, n.Name, m.Name, labels)
				}
			}
		case *parser.AggregateExpr:
			checkAny(t, where, any, n.Grouping)
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				checkAny(t, where, any, n.VectorMatching.MatchingLabels)
				checkAny(t, where, any, n.VectorMatching.Include)
			}
		}
		return nil
	})
}

func checkAny(t *testing.T, where string, known, labels []string) {
	t.Helper()
	for _, l := range labels {
		if !slices.Contains(known, l) {
			t.Errorf("%s: nothing has a label %s", where, l)
		}
	}
}

// templateQueries returns the queries in an annotation, with something in the place of the values printed into them.
func templateQueries(t *testing.T, text string) []string {
	t.Helper()
	var out []string
	for _, m := range regexp.MustCompile(`printf ("(?:[^"\\]|\\.)*")[^|}]*\| query`).FindAllStringSubmatch(text, -1) {
		format, err := strconv.Unquote(m[1])
		if err != nil {
			t.Errorf("%s: %v", m[1], err)
			continue
		}
		out = append(out, strings.ReplaceAll(format, "%q", `"x"`))
	}
	if n := strings.Count(text, "| query"); n != len(out) {
		t.Errorf("%d queries in %q, %d of them understood", n, text, len(out))
	}
	return out
}

// TestTemplateLabels: a label in a text that its alert does not carry is shown as nothing.
func TestTemplateLabels(t *testing.T) {
	var known []string
	for _, labels := range vocabulary(t) {
		known = append(known, labels...)
	}
	known = append(known, targetLabels...)
	carried := map[string][]string{}
	for _, f := range testFiles(t) {
		for _, test := range f.Tests {
			for _, c := range test.Alerts {
				for _, w := range c.Want {
					for l := range w.Labels {
						carried[c.Alert] = append(carried[c.Alert], l)
					}
				}
			}
		}
	}
	for _, r := range rulesIn(t, "alerts.yml") {
		for key, text := range r.Annotations {
			for _, m := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(text, -1) {
				if !slices.Contains(known, m[1]) || !slices.Contains(carried[r.Alert], m[1]) {
					t.Errorf("%s: %s uses $labels.%s; in its cases it carries %v", r.Alert, key, m[1], carried[r.Alert])
				}
			}
		}
	}
}

// TestEveryNameInDeploy reads everything in deploy/, also what is no rule: whatever begins like one of our metrics is one, and
// every family is asked for at least once by a rule or a dashboard.
func TestEveryNameInDeploy(t *testing.T) {
	known := vocabulary(t)
	recorded := regexp.MustCompile(`[a-z_]+:github_workflow_[a-z0-9_]+:[a-z0-9_]+`)
	ours := regexp.MustCompile(`\bgithub_workflow_[a-zA-Z0-9_]+`)
	used := map[string]bool{}
	files := 0
	err := filepath.WalkDir(deployDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || slices.Contains([]string{".png", ".tgz"}, filepath.Ext(path)) {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		asks := strings.HasSuffix(path, ".json") || filepath.Dir(path) == filepath.Clean(rulesDir)
		text := recorded.ReplaceAllStringFunc(string(b), func(name string) string {
			if _, ok := known[name]; !ok {
				t.Errorf("%s: there is no recorded %s", path, name)
			}
			return ""
		})
		for _, name := range ours.FindAllString(text, -1) {
			_, ok := known[name]
			switch {
			// The program and its job name; the beginning of many names.
			case name == "github_workflow_exporter", strings.HasSuffix(name, "_"):
			case !ok:
				t.Errorf("%s: there is no metric %s", path, name)
			case asks:
				used[name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range family.All() {
		if !used[f.Name] && !used[f.Name+"_bucket"] && !used[f.Name+"_sum"] && !used[f.Name+"_count"] {
			t.Errorf("neither a rule nor a dashboard uses %s", f.Name)
		}
	}
	t.Logf("%d files, %d metrics used", files, len(used))
}
