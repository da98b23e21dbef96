package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

func TestRules(t *testing.T) {
	const text = `groups:
  - name: g
    interval: 1m
    rules:
      # after 5m
      - record: a:b:increase1h
        expr: increase(b[1h]) + sum_over_time(a:b:p90_4w[3d:5m] offset 1w) / 12
      - alert: A
        expr: a:b:increase1h > 7 * 24 * 60 * 60 or clamp(a, 60 * 60, 5 * 60)
        for: 30m
        annotations:
          description: 'in 5m {{ printf "rate(x[5m]) > 1 * 60" | query }}'
      - record: c
        expr: d[2h]
`
	const want = `groups:
  - name: g
    interval: 1000ms
    rules:
      # after 5m
      - record: a:b:increase1h
        expr: increase(b[60000ms]) + sum_over_time(a:b:p90_4w[4320000ms:5000ms] offset 10080000ms) / 12
      - alert: A
        expr: a:b:increase1h > 7 * 24 * 60 / 60 * 60 or clamp(a, 60 * 60 / 60, 5 * 60 / 60)
        for: 30000ms
        annotations:
          description: 'in 5m {{ printf "rate(x[5000ms]) > 1 * 60" | query }}'
      - record: c
        expr: d[120000ms]
`
	if got := rules(text, 60); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// The real files stay valid, and none of their times of a minute and more stays as it is.
func TestDeployedRules(t *testing.T) {
	paths, err := filepath.Glob("../../../deploy/prometheus/[ra]*.yml")
	if err != nil || len(paths) != 4 {
		t.Fatalf("%v: %v", paths, err)
	}
	dir := t.TempDir()
	if err := run(120, dir, paths); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(filepath.Join(dir, filepath.Base(path)))
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Groups []struct {
				Rules []struct {
					Expr string `yaml:"expr"`
				} `yaml:"rules"`
			} `yaml:"groups"`
		}
		if err := yaml.Unmarshal(b, &file); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, g := range file.Groups {
			for _, r := range g.Rules {
				if _, err := parser.NewParser(parser.Options{}).ParseExpr(r.Expr); err != nil {
					t.Errorf("%s: %v: %s", path, err, r.Expr)
				}
			}
		}
		for line := range strings.Lines(string(b)) {
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			for _, d := range duration.FindAllString(line, -1) {
				if !strings.HasSuffix(d, "ms") {
					t.Errorf("%s: %s stayed in %s", path, d, line)
				}
			}
		}
	}
}

func TestRunRefuses(t *testing.T) {
	for _, c := range []struct {
		by    int
		out   string
		paths []string
	}{{0, "x", []string{"y"}}, {1, "", []string{"y"}}, {1, "x", nil}, {1, t.TempDir(), []string{"absent.yml"}}} {
		if run(c.by, c.out, c.paths) == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}
