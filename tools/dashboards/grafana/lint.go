package grafana

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// MayBeEmpty begins the sentence of a description that says when a panel shows nothing although all is well. Checks that
// ask for data in every panel look for it.
const MayBeEmpty = "May be empty:"

// DatasourceVariable is the reference every query has, so that one choice on top switches the whole dashboard.
const DatasourceVariable = "${datasource}"

var (
	panelTypes   = []string{"row", "stat", "timeseries", "heatmap", "table", "bargauge", "status-history"}
	variableName = regexp.MustCompile(`\$\{?([a-zA-Z_][a-zA-Z0-9_]*)`)
	// Grafana's own variables that may stand in an expression or a link.
	builtin = []string{"__range", "__rate_interval", "__interval", "__data", "__field", "__value", "__url_time_range"}
)

// Lint returns everything about a dashboard that would show badly or not at all, joined; nil if there is nothing.
func Lint(d Dashboard) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(d.UID+": "+format, args...)) }
	switch {
	case d.UID == "" || len(d.UID) > 40:
		bad("the uid must have 1 to 40 characters")
	case d.Title == "" || d.Description == "":
		bad("title and description must not be empty")
	case d.SchemaVersion != SchemaVersion:
		bad("schemaVersion must be %d", SchemaVersion)
	}
	declared := slices.Clone(builtin)
	for _, v := range d.Templating.List {
		if slices.Contains(declared, v.Name) {
			bad("variable %s: declared twice", v.Name)
		}
		if v.Label == "" || v.Description == "" {
			bad("variable %s: label and description must not be empty", v.Name)
		}
		declared = append(declared, v.Name)
	}
	if !slices.Contains(declared, "datasource") {
		bad("a variable datasource is missing")
	}
	used := map[string]bool{"datasource": true}
	use := func(where, text string) {
		for _, m := range variableName.FindAllStringSubmatch(text, -1) {
			used[m[1]] = true
			if !slices.Contains(declared, m[1]) {
				bad("%s: variable %q is not declared", where, m[1])
			}
		}
	}
	for _, v := range d.Templating.List {
		use("variable "+v.Name, string(v.Query))
	}
	ids := map[int]bool{}
	for i, p := range d.Panels {
		where := fmt.Sprintf("panel %d %q", p.ID, p.Title)
		if p.ID <= 0 || ids[p.ID] {
			bad("%s: ids must be positive and unique", where)
		}
		ids[p.ID] = true
		for _, o := range d.Panels[:i] {
			if overlap(p.GridPos, o.GridPos) {
				bad("%s: overlaps panel %d", where, o.ID)
			}
		}
		if err := lintPanel(p); err != nil {
			bad("%s: %w", where, err)
		}
		use(where, p.Interval)
		use(where, p.Title+" "+p.Description)
		for _, t := range p.Targets {
			use(where, t.Expr+" "+t.LegendFormat)
		}
		for _, l := range panelLinks(p) {
			use(where, l.URL)
		}
	}
	for _, v := range d.Templating.List {
		if !used[v.Name] {
			bad("variable %s is not used", v.Name)
		}
	}
	return errors.Join(errs...)
}

func lintPanel(p Panel) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	g := p.GridPos
	if g.X < 0 || g.Y < 0 || g.W < 1 || g.H < 1 || g.X+g.W > gridWidth {
		bad("its place %+v is outside the grid", g)
	}
	if !slices.Contains(panelTypes, p.Type) {
		bad("type %q: must be one of %s", p.Type, strings.Join(panelTypes, ", "))
	}
	if p.Title == "" {
		bad("the title is empty")
	}
	if p.Type == "row" {
		if len(p.Targets) > 0 || p.Collapsed == nil || p.Panels == nil {
			bad("a row has collapsed and panels and no targets")
		}
		return errors.Join(errs...)
	}
	if p.Description == "" {
		bad("the description is empty")
	}
	if p.Datasource == nil || p.Datasource.UID != DatasourceVariable {
		bad("its data source must be %s", DatasourceVariable)
	}
	if p.FieldConfig == nil || p.FieldConfig.Defaults.Unit == "" {
		bad("the unit is not set")
	} else if t := p.FieldConfig.Defaults.Thresholds; t != nil {
		errs = append(errs, lintThresholds(*t))
	}
	if len(p.Targets) == 0 {
		bad("it has no query")
	}
	errs = append(errs, lintLooks(p))
	refs := map[string]bool{}
	for _, t := range p.Targets {
		if t.RefID == "" || refs[t.RefID] {
			bad("refId %q: must be set and unique", t.RefID)
		}
		refs[t.RefID] = true
		if t.Expr == "" || t.LegendFormat == "" {
			bad("query %s: expr and legendFormat must be set", t.RefID)
		}
		if t.Datasource == nil || t.Datasource.UID != DatasourceVariable {
			bad("query %s: its data source must be %s", t.RefID, DatasourceVariable)
		}
		if t.Instant == t.Range {
			bad("query %s: must be either instant or range", t.RefID)
		}
		if !slices.Contains([]string{"time_series", "table", "heatmap"}, t.Format) {
			bad("query %s: unknown format %q", t.RefID, t.Format)
		}
	}
	return errors.Join(errs...)
}

func lintThresholds(t Thresholds) error {
	for i, s := range t.Steps {
		switch {
		case i == 0 && s.Value != nil:
			return errors.New("the first threshold is the base and has no value")
		case i > 0 && s.Value == nil:
			return fmt.Errorf("threshold %d has no value", i)
		case i > 1 && *s.Value <= *t.Steps[i-1].Value:
			return fmt.Errorf("threshold %d does not ascend", i)
		}
	}
	return nil
}

func panelLinks(p Panel) []Link {
	if p.FieldConfig == nil {
		return nil
	}
	links := slices.Clone(p.FieldConfig.Defaults.Links)
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			switch value := property.Value.(type) {
			case []Link:
				links = append(links, value...)
			case []any: // as decoded from JSON
				for _, l := range value {
					if m, ok := l.(map[string]any); ok {
						url, _ := m["url"].(string)
						links = append(links, Link{URL: url})
					}
				}
			}
		}
	}
	return links
}

func overlap(a, b GridPos) bool {
	return a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H
}
