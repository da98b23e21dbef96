package main

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github_workflow_exporter/tools/dashboards/boards"
	"github_workflow_exporter/tools/dashboards/grafana"
)

// panelNamed finds a panel of the overview or, where that has none of the name, of another dashboard.
func panelNamed(t *testing.T, title string) (grafana.Dashboard, *grafana.Panel) {
	t.Helper()
	for _, d := range boards.All(false) {
		for i := range d.Panels {
			if d.Panels[i].Title == title {
				return d, &d.Panels[i]
			}
		}
	}
	t.Fatalf("no panel %q", title)
	return grafana.Dashboard{}, nil
}

// TestLintLooks: each way in which a panel once said what was not so.
func TestLintLooks(t *testing.T) {
	legend := func(p *grafana.Panel) map[string]any { return p.Options["legend"].(map[string]any) }
	palette := &grafana.Color{Mode: "palette-classic"}
	for _, test := range []struct {
		name, panel string
		spoil       func(p *grafana.Panel)
		want        string
	}{
		{"a line across a gap", "Run duration, p50 and p95", func(p *grafana.Panel) { p.FieldConfig.Defaults.Custom["spanNulls"] = true }, "spanNulls must be false"},
		{"the last value of a gauge that ends", "Queued jobs by label", func(p *grafana.Panel) {
			p.Targets[0].Expr, _, _ = strings.Cut(p.Targets[0].Expr, " or ")
		}, "the legend's last value would be an old one"},
		{"the last value of a quantile", "Wait for a runner, p95, by label", func(p *grafana.Panel) { legend(p)["calcs"] = []string{"lastNotNull"} }, "the legend's last value"},
		{"the last value of a filtered count", "Left out", func(p *grafana.Panel) { legend(p)["calcs"] = []any{"last"} }, "the legend's last value"},
		{"a total beside another one", "Finished runs", func(p *grafana.Panel) { legend(p)["calcs"] = []string{"sum"} }, "contradicts the numbers"},
		{"sorted by what is not shown", "Run duration, p50 and p95", func(p *grafana.Panel) { legend(p)["sortBy"] = "Last *" }, "which it does not show"},
		{"two conclusions of one colour", "Finished runs", func(p *grafana.Panel) {
			o := p.FieldConfig.Overrides
			o[1].Properties = o[2].Properties
		}, "timed_out and failure have the same colour"},
		{"a conclusion painted by its order", "Finished runs", func(p *grafana.Panel) { p.FieldConfig.Defaults.Color = palette }, "in a good colour"},
		{"304 painted by its order", "Requests", func(p *grafana.Panel) { p.FieldConfig.Defaults.Color = palette }, "in a good colour"},
		{"a failed commit painted by its order", "Commits that failed", func(p *grafana.Panel) { p.FieldConfig.Defaults.Color = palette }, "in a good colour"},
		{"a cut table", "Repositories", func(p *grafana.Panel) { delete(p.Options, "enablePagination") }, "the last row is cut"},
		{"No data where all is well", "Failed polls", func(p *grafana.Panel) { p.FieldConfig.Defaults.NoValue = "No data" }, "must say what it means"},
		{"no word for no data", "Token expires in", func(p *grafana.Panel) { p.FieldConfig.Defaults.NoValue = "" }, "must say what it means"},
		{"two names cut to one", "Primary rate limit", func(p *grafana.Panel) {
			p.Targets[0].LegendFormat, p.Targets[1].LegendFormat = "{{credential}} {{resource}}: left", "{{credential}} {{resource}}: limit"
		}, "their names begin alike"},
		{"names that begin alike", "Series used of the limit", func(p *grafana.Panel) { p.Targets[0].Expr = "max by (family) (x)" }, "begin alike"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, p := panelNamed(t, test.panel)
			if err := grafana.Lint(d); err != nil {
				t.Fatal(err)
			}
			test.spoil(p)
			if err := grafana.Lint(d); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

// TestEmptyPanelsSaySo: a panel that may be empty although all is well says so in the place of data, too.
func TestEmptyPanelsSaySo(t *testing.T) {
	plain := map[string]bool{}
	for _, d := range boards.All(false) {
		for _, p := range d.Panels {
			if p.Type != "row" && !strings.Contains(p.Description, grafana.MayBeEmpty) {
				plain[p.FieldConfig.Defaults.NoValue] = true
			}
		}
	}
	if !plain["nothing in the time shown"] {
		t.Error("no panel has the usual words, so that this proves nothing")
	}
	for _, d := range boards.All(false) {
		for _, p := range d.Panels {
			mostly := strings.Contains(p.Description, "May be empty: the ") // only a part of it
			if p.Type != "row" && !mostly && strings.Contains(p.Description, grafana.MayBeEmpty) && p.FieldConfig.Defaults.NoValue == "nothing in the time shown" {
				t.Errorf("%s: %s: %q in the place of data", d.UID, p.Title, p.FieldConfig.Defaults.NoValue)
			}
		}
	}
}

// TestColoursAreToldApart measures the colours of conclusions, and of good and bad, as everybody sees them and as those do
// who do not see red, green or blue (Machado, Oliveira and Fernandes 2009, whole deficiency), as the distance in CIELAB.
// Below about 10 colours beside each other are hard to tell apart.
func TestColoursAreToldApart(t *testing.T) {
	const least = 18
	_, runs := panelNamed(t, "Finished runs")
	colours := map[string]string{"the ground": "#181b1f"}
	for _, o := range runs.FieldConfig.Overrides {
		colours[fmt.Sprint(o.Matcher.Options)] = o.Properties[0].Value.(grafana.Color).FixedColor
	}
	if len(colours) < 11 {
		t.Fatalf("%d colours", len(colours))
	}
	_, ratio := panelNamed(t, "Failure ratio over time")
	steps := ratio.FieldConfig.Defaults.Thresholds.Steps
	limits := map[string]string{"good": steps[0].Color, "warning": steps[1].Color, "bad": steps[2].Color}
	compare := func(colours map[string]string) {
		t.Helper()
		for a, one := range colours {
			for b, other := range colours {
				for eyes, m := range vision {
					if d := distance(seen(t, one, m), seen(t, other, m)); a < b && d < least {
						t.Errorf("%s (%s) and %s (%s) are %.1f apart with %s vision, want %d", a, one, b, other, d, eyes, least)
					}
				}
			}
		}
	}
	compare(colours)
	compare(limits)
	// The measure itself: Grafana's own green and red are one colour to many people.
	if d := distance(seen(t, "#73bf69", vision["deuteranopic"]), seen(t, "#f2495c", vision["deuteranopic"])); d > 10 {
		t.Errorf("Grafana's green and red are %.1f apart", d)
	}
}

var vision = map[string][3][3]float64{
	"usual":        {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"protanopic":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"deuteranopic": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"tritanopic":   {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
}

// seen is a colour as it looks with a vision, in CIELAB.
func seen(t *testing.T, hex string, vision [3][3]float64) [3]float64 {
	t.Helper()
	var r, g, b int
	if _, err := fmt.Sscanf(hex, "#%02x%02x%02x", &r, &g, &b); err != nil {
		t.Fatalf("colour %q: %v", hex, err)
	}
	linear := func(v int) float64 {
		c := float64(v) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	in := [3]float64{linear(r), linear(g), linear(b)}
	multiply := func(m [3][3]float64, v [3]float64) (out [3]float64) {
		for i := range m {
			for k := range v {
				out[i] += m[i][k] * v[k]
			}
			out[i] = min(1, max(0, out[i]))
		}
		return out
	}
	xyz := multiply([3][3]float64{{0.4124 / 0.95047, 0.3576 / 0.95047, 0.1805 / 0.95047}, {0.2126, 0.7152, 0.0722}, {0.0193 / 1.08883, 0.1192 / 1.08883, 0.9505 / 1.08883}}, multiply(vision, in))
	f := func(t float64) float64 {
		if t > 0.008856 {
			return math.Cbrt(t)
		}
		return 7.787*t + 16.0/116
	}
	x, y, z := f(xyz[0]), f(xyz[1]), f(xyz[2])
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func distance(a, b [3]float64) float64 {
	return math.Hypot(math.Hypot(a[0]-b[0], a[1]-b[1]), a[2]-b[2])
}
