package boards

import (
	"github_workflow_exporter/tools/dashboards/grafana"
)

// Colours with a meaning. They are told apart, on a dark ground, by people who see all colours and by those who do not
// see red, green or blue well; TestColoursAreToldApart measures it. Grafana's own green and red are one to many people.
const (
	good  = "#1ba587"
	warn  = "#f2cc0c"
	worse = "#f08c1a"
	bad   = "#da4147"
	calm  = "#5794f2" // what is neither good nor bad
	pale  = "#91c2f8" // the lesser of two that belong together
	dim   = "#7c7d84" // what costs or says nothing
	clear = "transparent"
)

// conclusions are the colours of conclusions, the same in every panel.
func conclusions() [][2]string {
	return [][2]string{
		{"success", good},
		{"failure", bad},
		{"timed_out", "#cc31b0"},
		{"startup_failure", "#6a2f12"},
		{"cancelled", "#fbb028"},
		{"skipped", "#5a5b60"},
		{"neutral", pale},
		{"stale", "#f1de7f"},
		{"action_required", "#3756d6"},
		{"other", "#f2f2f2"},
	}
}

// byConclusion gives every conclusion the same colour everywhere; one that nobody has heard of is grey, never green.
func byConclusion(p grafana.Panel) grafana.Panel { return fixed(p, dim, conclusions()...) }

// byCode colours HTTP status codes: answers are neutral, unchanged ones free, refusals a warning, faults bad.
func byCode(p grafana.Panel) grafana.Panel {
	p = fixed(p, "#cc31b0") // 0: no answer
	for _, class := range [][2]string{{"/^2../", calm}, {"/^3../", pale}, {"/^4../", warn}, {"/^5../", bad}} {
		p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, grafana.Override{
			Matcher:    grafana.Matcher{ID: "byRegexp", Options: class[0]},
			Properties: []grafana.Property{property("color", grafana.Color{Mode: "fixed", FixedColor: class[1]})},
		})
	}
	// Those that mean different things to the exporter.
	return fixed(p, "#cc31b0", [][2]string{{"304", dim}, {"403", worse}, {"404", "#f1de7f"}, {"429", "#6a2f12"}}...)
}

// byFault colours the reasons of what went wrong; none looks well. Reasons not named here share the colour of what is bad.
func byFault(p grafana.Panel, reasons ...string) grafana.Panel {
	colours := []string{"#fbb028", "#cc31b0", "#f1de7f", "#6a2f12", "#3756d6", pale, "#f2f2f2", dim}
	pairs := make([][2]string, 0, len(reasons))
	for i, reason := range reasons[:min(len(reasons), len(colours))] {
		pairs = append(pairs, [2]string{reason, colours[i]})
	}
	return fixed(p, bad, pairs...)
}

// byOutcome colours what is as it should be, what is not, and what lies between.
func byOutcome(p grafana.Panel, fine, wrong string) grafana.Panel {
	return fixed(p, dim, [2]string{fine, good}, [2]string{wrong, bad})
}

// quantiles colours p50 and p95, which belong together.
func quantiles(p grafana.Panel) grafana.Panel {
	return fixed(p, calm, [][2]string{{"p50", "#f2f2f2"}, {"p95", calm}}...)
}

// fixed gives all series of a panel one colour, and some their own.
func fixed(p grafana.Panel, rest string, own ...[2]string) grafana.Panel {
	p.FieldConfig.Defaults.Color = &grafana.Color{Mode: "fixed", FixedColor: rest}
	for _, pair := range own {
		p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, colour(pair[0], pair[1]))
	}
	return p
}

// colour gives a series a colour with a meaning.
func colour(name, colour string) grafana.Override {
	return override(name, property("color", grafana.Color{Mode: "fixed", FixedColor: colour}))
}
