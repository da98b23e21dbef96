package boards

import (
	"fmt"

	"github_workflow_exporter/tools/dashboards/grafana"
)

// hues are for names that nobody knows beforehand: steps, labels, runners, repositories. None, in any of its shades, looks
// like a conclusion that is good or bad; TestNamesLookLikeNoConclusion measures it.
func hues() []string {
	return []string{calm, "#5cc6f2", "#99a3b3", "#a46acf", "#a8946f"}
}

// byName colours series whose names are an open set. Grafana's own palettes hold greens and reds, and give an ordinary
// step the colour of a failure; a palette of one's own it does not have. So a name's length chooses the hue, which stays
// when other names come and go, and its place among the series the shade, so that two of one hue can be told apart.
func byName(p grafana.Panel) grafana.Panel {
	all := hues()
	p.FieldConfig.Defaults.Color = &grafana.Color{Mode: grafana.Shades, FixedColor: all[0]}
	for rest := 1; rest < len(all); rest++ {
		p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, grafana.Override{
			Matcher:    grafana.Matcher{ID: "byRegexp", Options: fmt.Sprintf("/^(.{%d})*.{%d}$/", len(all), rest)},
			Properties: []grafana.Property{property("color", grafana.Color{Mode: grafana.Shades, FixedColor: all[rest]})},
		})
	}
	return p
}
