package boards

import (
	"strings"

	"github_workflow_exporter/tools/dashboards/grafana"
)

func datasource() *grafana.Datasource {
	return &grafana.Datasource{Type: "prometheus", UID: grafana.DatasourceVariable}
}

func number(v float64) *float64 { return &v }

func digits(n int) *int { return &n }

// series is a query whose answer is drawn over time.
func series(expr, legend string) grafana.Target {
	return grafana.Target{
		Datasource: datasource(), Expr: expr, LegendFormat: legend, Format: "time_series", Range: true, EditorMode: "code",
	}
}

// withExemplars marks on the chart single jobs that can be opened on GitHub.
func withExemplars(t grafana.Target) grafana.Target {
	t.Exemplar = true
	return t
}

// instant is a query for one value per label set at the end of the time range.
func instant(expr, legend string) grafana.Target {
	t := series(expr, legend)
	t.Range, t.Instant = false, true
	return t
}

// nothing stands in a panel without data, where no data is no answer in itself.
const nothing = "nothing in the time shown"

// saying puts words in the place of data that is absent although all is well.
func saying(p grafana.Panel, words string) grafana.Panel {
	p.FieldConfig.Defaults.NoValue = words
	return p
}

func panel(kind, title, description, unit string, targets []grafana.Target) grafana.Panel {
	for i := range targets {
		targets[i].RefID = string(rune('A' + i))
	}
	return grafana.Panel{
		Type: kind, Title: title, Description: description, Datasource: datasource(), Targets: targets,
		FieldConfig: &grafana.FieldConfig{
			Defaults:  grafana.Defaults{Unit: unit, NoValue: nothing, Mappings: []grafana.Mapping{}},
			Overrides: []grafana.Override{},
		},
	}
}

// stat shows one number, with its course behind it where the query is over time.
func stat(title, description, unit string, t grafana.Target, thresholds *grafana.Thresholds) grafana.Panel {
	p := panel("stat", title, description, unit, []grafana.Target{t})
	graph := "none"
	if t.Range {
		graph = "area"
	}
	p.Options = map[string]any{
		"colorMode": "value", "graphMode": graph, "justifyMode": "auto", "orientation": "auto", "textMode": "auto",
		"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
	}
	p.FieldConfig.Defaults.Color = &grafana.Color{Mode: "thresholds"}
	p.FieldConfig.Defaults.Thresholds = thresholds
	return p
}

// lines is a chart of lines over time. A line ends where its value does, and the legend shows no last value: of a series
// that has ended it would be one of long ago, beside tables and numbers that are of now.
func lines(title, description, unit string, targets ...grafana.Target) grafana.Panel {
	p := panel("timeseries", title, description, unit, targets)
	p.Options = map[string]any{
		"legend":  map[string]any{"displayMode": "table", "placement": "right", "calcs": []string{"max"}, "showLegend": true, "sortBy": "Max", "sortDesc": true},
		"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
	}
	d := &p.FieldConfig.Defaults
	d.Color = &grafana.Color{Mode: "fixed", FixedColor: calm} // byName for more than one
	d.Min = number(0)
	d.Custom = map[string]any{
		"drawStyle": "line", "lineWidth": 2, "fillOpacity": 0,
		// Where nothing finished in a window there is no value: a line over it would make one up. A value between two
		// gaps is a point.
		"spanNulls": false, "showPoints": "auto", "pointSize": 4,
		"thresholdsStyle":   map[string]any{"mode": "off"},
		"stacking":          map[string]any{"mode": "none", "group": "A"},
		"axisSoftMin":       0,
		"scaleDistribution": map[string]any{"type": "linear"},
	}
	return p
}

// bars stacks counts per window, each bar a window of its own. The legend has no total: Grafana asks from a whole window
// before the time shown, so that it would be another number than the one above the chart.
func bars(title, description string, targets ...grafana.Target) grafana.Panel {
	p := lines(title, description, "short", targets...)
	// Bars of overlapping windows would count an event several times.
	p = stackedBars(p)
	p.FieldConfig.Defaults.Decimals = digits(0)
	return p
}

// stackedBars shows values per window on top of each other, each bar a window of its own.
func stackedBars(p grafana.Panel) grafana.Panel {
	p.Interval = "$window"
	c := p.FieldConfig.Defaults.Custom
	c["drawStyle"], c["fillOpacity"], c["lineWidth"], c["barAlignment"] = "bars", 80, 0, -1
	c["stacking"] = map[string]any{"mode": "normal", "group": "A"}
	return p
}

// areas stacks lines.
func areas(p grafana.Panel) grafana.Panel {
	c := p.FieldConfig.Defaults.Custom
	c["fillOpacity"], c["lineWidth"] = 60, 1
	c["stacking"] = map[string]any{"mode": "normal", "group": "A"}
	return p
}

// counts stacks a gauge of whole things.
func counts(p grafana.Panel) grafana.Panel {
	c := areas(p).FieldConfig.Defaults.Custom
	c["drawStyle"], c["lineWidth"], c["fillOpacity"] = "bars", 0, 80
	p.FieldConfig.Defaults.Decimals = digits(0)
	return steady(p)
}

// steady adds the last value to the legend of a chart whose series do not end while the exporter is there.
func steady(p grafana.Panel) grafana.Panel {
	legend := p.Options["legend"].(map[string]any)
	legend["calcs"], legend["sortBy"] = []string{"lastNotNull", "max"}, "Last *"
	return p
}

// meanOf shows the mean in the legend of a chart of an estimate, whose single values say little.
func meanOf(p grafana.Panel) grafana.Panel {
	legend := p.Options["legend"].(map[string]any)
	legend["calcs"], legend["sortBy"] = []string{"mean"}, "Mean"
	return p
}

// limits draws thresholds into a chart of lines.
func limits(p grafana.Panel, t *grafana.Thresholds) grafana.Panel {
	p.FieldConfig.Defaults.Thresholds = t
	p.FieldConfig.Defaults.Custom["thresholdsStyle"] = map[string]any{"mode": "dashed"}
	return p
}

// legendBelow moves the legend of a narrow chart.
func legendBelow(p grafana.Panel) grafana.Panel {
	p.Options["legend"] = map[string]any{"displayMode": "list", "placement": "bottom", "calcs": []string{}, "showLegend": true}
	return p
}

// heatmap shows how durations are spread over time.
func heatmap(title, description, expr string, native bool) grafana.Panel {
	t := withExemplars(series(expr, "{{le}}"))
	t.Format = "heatmap"
	p := panel("heatmap", title, description, "short", []grafana.Target{t})
	p.Interval = "$window"
	p.MaxDataPoints = 120
	p.FieldConfig.Defaults.Custom = map[string]any{"scaleDistribution": map[string]any{"type": "linear"}}
	layout := "auto"
	if native {
		layout = "unknown"
	}
	p.Options = map[string]any{
		"calculate": false,
		"color": map[string]any{
			"mode": "scheme", "scheme": "Oranges", "scale": "exponential", "exponent": 0.5, "steps": 64, "reverse": false, "fill": "dark-orange",
		},
		"cellGap": 1, "showValue": "never",
		"yAxis":        map[string]any{"unit": "s", "axisPlacement": "left", "decimals": 0, "reverse": false},
		"cellValues":   map[string]any{"unit": "short", "decimals": 0},
		"rowsFrame":    map[string]any{"layout": layout},
		"filterValues": map[string]any{"le": 1e-9},
		"legend":       map[string]any{"show": true},
		"tooltip":      map[string]any{"mode": "single", "yHistogram": true, "showColorScale": true},
		"exemplars":    map[string]any{"color": "rgba(87,148,242,0.9)"},
	}
	return p
}

// ranking shows the highest values as horizontal bars, one per label set.
func ranking(title, description, unit string, t grafana.Target, thresholds *grafana.Thresholds) grafana.Panel {
	p := panel("bargauge", title, description, unit, []grafana.Target{t})
	p.Options = map[string]any{
		"displayMode": "basic", "orientation": "horizontal", "showUnfilled": true, "valueMode": "color", "namePlacement": "top", "sizing": "auto", "minVizHeight": 14, "minVizWidth": 8,
		"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
	}
	p.FieldConfig.Defaults.Color = &grafana.Color{Mode: "thresholds"}
	p.FieldConfig.Defaults.Thresholds = thresholds
	p.FieldConfig.Defaults.Min = number(0)
	return p
}

// history shows a row of coloured cells for each series, with the value in a cell where it has room.
func history(title, description, unit string, t grafana.Target, thresholds *grafana.Thresholds) grafana.Panel {
	p := panel("status-history", title, description, unit, []grafana.Target{t})
	p.Interval = "$window"
	p.MaxDataPoints = 60
	p.Options = map[string]any{
		"showValue": "auto", "rowHeight": 0.85, "colWidth": 0.9,
		"legend":  map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": false},
		"tooltip": map[string]any{"mode": "single", "sort": "none"},
	}
	p.FieldConfig.Defaults.Color = &grafana.Color{Mode: "thresholds"}
	p.FieldConfig.Defaults.Thresholds = thresholds
	p.FieldConfig.Defaults.Custom = map[string]any{"fillOpacity": 80, "lineWidth": 0}
	return p
}

// override changes how the field of a name is shown.
func override(name string, properties ...grafana.Property) grafana.Override {
	return grafana.Override{Matcher: grafana.Matcher{ID: "byName", Options: name}, Properties: properties}
}

func property(id string, value any) grafana.Property { return grafana.Property{ID: id, Value: value} }

// linked puts links on the cells of a column, or on the series of a chart if column is "".
func linked(p grafana.Panel, column string, links ...grafana.Link) grafana.Panel {
	if column == "" {
		p.FieldConfig.Defaults.Links = append(p.FieldConfig.Defaults.Links, links...)
		return p
	}
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, override(column, property("links", links)))
	return p
}

// words shows words in place of values.
func words(p grafana.Panel, of map[string][2]string) grafana.Panel {
	options := map[string]any{}
	for value, w := range of {
		options[value] = map[string]any{"text": w[0], "color": w[1]}
	}
	p.FieldConfig.Defaults.Mappings = append(p.FieldConfig.Defaults.Mappings, grafana.Mapping{Type: "value", Options: options})
	return p
}

// from shows a word in place of values from one on. Without an end Grafana takes the range for one that ends at 0.
func from(value float64, word, colour string) grafana.Mapping {
	return grafana.Mapping{Type: "range", Options: map[string]any{
		"from": value, "to": 1e12, "result": map[string]any{"text": word, "color": colour, "index": 0},
	}}
}

// logarithmic lets seconds and hours share a chart.
func logarithmic(p grafana.Panel) grafana.Panel {
	c := p.FieldConfig.Defaults.Custom
	c["scaleDistribution"] = map[string]any{"type": "log", "log": 10}
	delete(c, "axisSoftMin")
	p.FieldConfig.Defaults.Min = nil
	return p
}

// empty says when a panel shows nothing although all is well.
func empty(description, when string) string {
	return strings.TrimSpace(description + " " + grafana.MayBeEmpty + " " + when)
}
