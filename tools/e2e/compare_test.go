package e2e

import "testing"

// TestLabels checks the two ways to the same form: from the truth and from Prometheus.
func TestLabels(t *testing.T) {
	for _, c := range []struct {
		labels map[string]string
		truth  string
	}{
		{nil, ``},
		{map[string]string{"b": "2", "a": "1"}, `a="1",b="2"`},
		{map[string]string{"runner": "", "label": "bar,foo"}, `label="bar,foo",runner=""`},
		{map[string]string{"step": `say "x=", \ and ""`, "z": "1"}, `step="say \"x=\", \\ and \"\"",z="1"`},
		{map[string]string{"step": `a="`}, `empty="",step="a=\""`},
		{map[string]string{"step": "two\nlines", "__name__": "m", "job": "j", "instance": "i"}, `step="two\nlines"`},
	} {
		fromPrometheus, fromTruth := canonical(c.labels), withoutEmpty(c.truth)
		if fromPrometheus != fromTruth {
			t.Errorf("from Prometheus %s, from the truth %s", fromPrometheus, fromTruth)
		}
	}
}

// TestDifferences checks that the comparison sees what it must.
func TestDifferences(t *testing.T) {
	want := values{"m": {`a="1"`: 100, `a="2"`: 0}}
	for _, c := range []struct {
		name  string
		got   values
		lines int
	}{
		{"equal", values{"m": {`a="1"`: 100}}, 0},
		{"within", values{"m": {`a="1"`: 101.9}}, 0},
		{"beyond", values{"m": {`a="1"`: 102.1}}, 1},
		{"below", values{"m": {`a="1"`: 97.9}}, 1},
		{"absent", values{}, 1},
		{"grown from nothing", values{"m": {`a="1"`: 100, `a="2"`: 1}}, 1},
		{"unknown series", values{"m": {`a="1"`: 100, `a="3"`: 1}}, 1},
		{"unknown series at 0", values{"m": {`a="1"`: 100, `a="3"`: 0}}, 0},
		{"unknown metric", values{"m": {`a="1"`: 100}, "n": {"": 1}}, 1},
	} {
		if lines := differences(c.got, want, 0.02); len(lines) != c.lines {
			t.Errorf("%s: got %d differences %v, want %d", c.name, len(lines), lines, c.lines)
		}
	}
}
