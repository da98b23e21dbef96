package boards

import "github_workflow_exporter/tools/dashboards/grafana"

// column is a query that fills a column of a table.
func column(expr, legend string) grafana.Target {
	t := instant(expr, legend)
	t.Format = "table"
	return t
}

// cells is one column of a table.
type cells struct {
	title  string
	unit   string
	expr   string
	colour *grafana.Thresholds // nil: not coloured
	words  []grafana.Mapping
	width  int // 0: as Grafana likes
	digits int
}

// table joins instant queries over the labels they share, one row for each label set. keys are the labels, in order, with
// what they are called; other labels must not be in the queries' results. Sorted descending by the column sortBy.
func table(title, description string, keys [][2]string, sortBy string, columns ...cells) grafana.Panel {
	targets := make([]grafana.Target, len(columns))
	hide, rename, order := map[string]any{"Time": true}, map[string]any{}, map[string]any{}
	p := panel("table", title, description, "short", nil)
	for i, k := range keys {
		rename[k[0]], order[k[0]] = k[1], i
	}
	for i, c := range columns {
		targets[i] = column(c.expr, c.title)
		field := "Value #" + string(rune('A'+i))
		if len(columns) == 1 {
			field = "Value"
		}
		rename[field], order[field] = c.title, len(keys)+i
		properties := []grafana.Property{property("unit", c.unit), property("decimals", c.digits), property("noValue", "–")}
		if c.colour != nil {
			properties = append(properties, property("thresholds", c.colour),
				property("custom.cellOptions", map[string]any{"type": "color-background", "mode": "basic"}))
		}
		if len(c.words) > 0 {
			properties = append(properties, property("mappings", c.words))
		}
		if c.width > 0 {
			properties = append(properties, property("custom.width", c.width))
		}
		p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, override(c.title, properties...))
	}
	for i := range targets {
		targets[i].RefID = string(rune('A' + i))
	}
	p.Targets = targets
	p.Transformations = []grafana.Transformation{
		{ID: "merge", Options: map[string]any{}},
		{ID: "organize", Options: map[string]any{"excludeByName": hide, "renameByName": rename, "indexByName": order}},
	}
	p.Options = map[string]any{
		"showHeader": true, "cellHeight": "sm",
		// Whole rows, and how many there are: a table that is cut looks as if it were all. The second is for Grafana
		// before 12.2.
		"enablePagination": true,
		"footer":           map[string]any{"show": false, "reducer": []string{}, "countRows": false, "enablePagination": true},
		"sortBy":           []any{map[string]any{"displayName": sortBy, "desc": true}},
	}
	p.FieldConfig.Defaults.Color = &grafana.Color{Mode: "thresholds"}
	p.FieldConfig.Defaults.Thresholds = above("text")
	p.FieldConfig.Defaults.Custom = map[string]any{"align": "auto", "filterable": true, "inspect": false, "cellOptions": map[string]any{"type": "auto"}}
	return p
}
