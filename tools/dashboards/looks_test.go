package main

import (
	"fmt"
	"math"
	"regexp"
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
		{"a step painted like a failure", "Steps of a mean execution", func(p *grafana.Panel) { p.FieldConfig.Defaults.Color = palette }, "kept for good and bad"},
		{"a label painted by its value", "Queued jobs by label", func(p *grafana.Panel) {
			p.FieldConfig.Defaults.Color = &grafana.Color{Mode: "continuous-RdYlGr"}
		}, "kept for good and bad"},
		{"all runners of one colour", "Jobs at a time by runner", func(p *grafana.Panel) {
			p.FieldConfig.Defaults.Color = &grafana.Color{Mode: "fixed", FixedColor: "#5794f2"}
		}, "names that are an open set"},
		{"a conclusion in a shade by its order", "Finished runs", func(p *grafana.Panel) {
			p.FieldConfig.Defaults.Color = &grafana.Color{Mode: grafana.Shades, FixedColor: "#5794f2"}
		}, "in a good colour"},
		{"the last value of an estimate", "Jobs at a time by runner", func(p *grafana.Panel) { legend(p)["calcs"] = []string{"mean", "lastNotNull"} }, "contradicts the numbers of now"},
		{"the highest value of an estimate", "Jobs at a time by runner", func(p *grafana.Panel) { legend(p)["calcs"] = []any{"max"} }, "the legend shows the mean or nothing"},
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

// TestNamesLookLikeNoConclusion: in none of the colours that a step, a label or a runner can get does it look like what
// went well or badly. Those that are neither (skipped, neutral, other) may be near.
func TestNamesLookLikeNoConclusion(t *testing.T) {
	const least, apart = 18, 25
	_, runs := panelNamed(t, "Finished runs")
	_, ratio := panelNamed(t, "Failure ratio over time")
	kept := map[string]string{"the ground": "#181b1f"}
	for _, o := range runs.FieldConfig.Overrides {
		switch name := fmt.Sprint(o.Matcher.Options); name {
		case "skipped", "neutral", "other":
		default:
			kept[name] = o.Properties[0].Value.(grafana.Color).FixedColor
		}
	}
	for _, step := range ratio.FieldConfig.Defaults.Thresholds.Steps {
		kept["the limit "+step.Color] = step.Color
	}
	_, steps := panelNamed(t, "Steps of a mean execution")
	hues := []string{steps.FieldConfig.Defaults.Color.FixedColor}
	for _, o := range steps.FieldConfig.Overrides {
		hues = append(hues, o.Properties[0].Value.(grafana.Color).FixedColor)
	}
	if len(hues) < 5 || len(kept) < 8 {
		t.Fatalf("%d hues, %d colours kept", len(hues), len(kept))
	}
	usual := vision["usual"]
	for i, hue := range hues {
		for _, shade := range shades(t, hue) {
			for name, colour := range kept {
				if d := distance(seen(t, shade, usual), seen(t, colour, usual)); d < least {
					t.Errorf("%s, a shade of %s, and %s (%s) are %.1f apart, want %d", shade, hue, name, colour, d, least)
				}
			}
		}
		for _, other := range hues[:i] {
			if d := distance(seen(t, hue, usual), seen(t, other, usual)); d < apart {
				t.Errorf("%s and %s are %.1f apart, want %d", hue, other, d, apart)
			}
		}
	}
}

// TestEveryNameHasAHue: the overrides divide names among themselves and the default, and a name keeps its hue.
func TestEveryNameHasAHue(t *testing.T) {
	_, p := panelNamed(t, "Steps of a mean execution")
	used := map[int]int{}
	for _, name := range []string{"", "a", "Set up job", "Run actions/checkout@v5", "Build", "Start services", "Complete job", "Prüfen", "ubuntu-latest", "build-07"} {
		hits := 0
		for i, o := range p.FieldConfig.Overrides {
			if regexp.MustCompile(strings.Trim(o.Matcher.Options.(string), "/")).MatchString(name) {
				hits++
				used[i]++
			}
		}
		if rest := len([]rune(name)) % 5; (rest == 0) != (hits == 0) || hits > 1 {
			t.Errorf("%q of length %d is matched by %d overrides", name, len(name), hits)
		}
	}
	if len(used) != 4 {
		t.Errorf("overrides used: %v, want all four", used)
	}
}

// shades are the colours of Grafana's mode shades: the colour itself, then by turns brighter ones a little further on the
// wheel and darker ones a little further back.
func shades(t *testing.T, base string) []string {
	t.Helper()
	hue, saturation, light := hsl(t, base)
	out := []string{base}
	for i := 1.0; i < 6; i++ {
		part := i / 6
		r, g, b := rgb(hue+10*part, saturation, light)
		more := math.Round(255 * 0.35 * part)
		dr, dg, db := rgb(hue-10*part, saturation, max(0, light-0.35*part))
		out = append(out, hex(min(255, r+more), min(255, g+more), min(255, b+more)), hex(dr, dg, db))
	}
	return out
}

func hex(r, g, b float64) string { return fmt.Sprintf("#%02x%02x%02x", int(r), int(g), int(b)) }

// hsl is a colour's hue in degrees, its saturation and its lightness.
func hsl(t *testing.T, colour string) (hue, saturation, light float64) {
	t.Helper()
	var ri, gi, bi int
	if _, err := fmt.Sscanf(colour, "#%02x%02x%02x", &ri, &gi, &bi); err != nil {
		t.Fatalf("colour %q: %v", colour, err)
	}
	r, g, b := float64(ri)/255, float64(gi)/255, float64(bi)/255
	high, low := max(r, g, b), min(r, g, b)
	light = (high + low) / 2
	if high == low {
		return 0, 0, light
	}
	saturation = (high - low) / (1 - math.Abs(2*light-1))
	switch high {
	case r:
		hue = math.Mod((g-b)/(high-low)+6, 6)
	case g:
		hue = (b-r)/(high-low) + 2
	default:
		hue = (r-g)/(high-low) + 4
	}
	return 60 * hue, saturation, light
}

// rgb is hsl's inverse, in whole parts of 255.
func rgb(hue, saturation, light float64) (r, g, b float64) {
	part := func(n float64) float64 {
		k := math.Mod(n+hue/30+12, 12)
		return math.Round(255 * (light - saturation*min(light, 1-light)*max(-1, min(k-3, 9-k, 1))))
	}
	return part(0), part(8), part(4)
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
