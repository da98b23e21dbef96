// Package grafana is the part of Grafana's dashboard JSON (schema version 41, Grafana 12) that the dashboards use. The
// structs are strict in both directions: what they cannot say is not in a dashboard, and a file with a field they do not
// know is refused by Decode.
package grafana

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// SchemaVersion is the version of the dashboard JSON; newer Grafana migrates it when loading.
const SchemaVersion = 41

// Dashboard is one dashboard.
type Dashboard struct {
	UID           string          `json:"uid"`
	Title         string          `json:"title"`
	Description   string          `json:"description"`
	Tags          []string        `json:"tags"`
	Timezone      string          `json:"timezone"`
	Editable      bool            `json:"editable"`
	GraphTooltip  int             `json:"graphTooltip"` // 1: the crosshair is shared by all panels
	Time          TimeRange       `json:"time"`
	Refresh       string          `json:"refresh"`
	SchemaVersion int             `json:"schemaVersion"`
	Version       int             `json:"version"`
	Links         []DashboardLink `json:"links"`
	Templating    Templating      `json:"templating"`
	Annotations   List[any]       `json:"annotations"`
	Panels        []Panel         `json:"panels"`
}

// TimeRange is the range shown when a dashboard is opened.
type TimeRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// DashboardLink is a link in the head of a dashboard, or, of the type dashboards, a list of those with the tags.
type DashboardLink struct {
	Title       string   `json:"title"`
	Type        string   `json:"type"`
	Icon        string   `json:"icon"`
	Tooltip     string   `json:"tooltip"`
	URL         string   `json:"url"`
	Tags        []string `json:"tags"`
	AsDropdown  bool     `json:"asDropdown"`
	IncludeVars bool     `json:"includeVars"`
	KeepTime    bool     `json:"keepTime"`
	TargetBlank bool     `json:"targetBlank"`
}

// Link is a link on a value.
type Link struct {
	Title       string `json:"title"`
	URL         string `json:"url"`
	TargetBlank bool   `json:"targetBlank,omitempty"`
}

// List is how Grafana wraps annotations and variables.
type List[T any] struct {
	List []T `json:"list"`
}

// Templating holds the variables.
type Templating = List[Variable]

// Variable is a dashboard variable of any type; which fields matter depends on it.
type Variable struct {
	Name        string          `json:"name"`
	Label       string          `json:"label"`
	Description string          `json:"description"`
	Type        string          `json:"type"` // datasource, query, interval, custom, textbox
	Query       json.RawMessage `json:"query"`
	Definition  string          `json:"definition,omitempty"`
	Datasource  *Datasource     `json:"datasource,omitempty"`
	Current     Option          `json:"current"`
	Options     []Option        `json:"options,omitempty"`
	Refresh     int             `json:"refresh,omitempty"` // 2: whenever the time range changes
	Sort        int             `json:"sort,omitempty"`    // 5: alphabetical, case ignored
	Regex       string          `json:"regex,omitempty"`
	Multi       bool            `json:"multi,omitempty"`
	IncludeAll  bool            `json:"includeAll,omitempty"`
	AllValue    string          `json:"allValue,omitempty"`
	Auto        bool            `json:"auto,omitempty"`
	AutoCount   int             `json:"auto_count,omitempty"`
	AutoMin     string          `json:"auto_min,omitempty"`
}

// Option is a value of a variable.
type Option struct {
	Selected bool            `json:"selected,omitempty"`
	Text     json.RawMessage `json:"text,omitempty"`
	Value    json.RawMessage `json:"value,omitempty"`
}

// Datasource refers to a data source by type and uid.
type Datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// GridPos is a place on the grid, which is 24 wide.
type GridPos struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

// Panel is one panel; a row is a panel of type row.
type Panel struct {
	ID              int              `json:"id"`
	Type            string           `json:"type"`
	Title           string           `json:"title"`
	Description     string           `json:"description,omitempty"`
	GridPos         GridPos          `json:"gridPos"`
	Collapsed       *bool            `json:"collapsed,omitempty"` // rows only
	Panels          *[]Panel         `json:"panels,omitempty"`    // rows only
	Datasource      *Datasource      `json:"datasource,omitempty"`
	Interval        string           `json:"interval,omitempty"`
	MaxDataPoints   int              `json:"maxDataPoints,omitempty"`
	Targets         []Target         `json:"targets,omitempty"`
	Transformations []Transformation `json:"transformations,omitempty"`
	FieldConfig     *FieldConfig     `json:"fieldConfig,omitempty"`
	Options         map[string]any   `json:"options,omitempty"`
}

// Target is one query of a panel.
type Target struct {
	RefID        string      `json:"refId"`
	Datasource   *Datasource `json:"datasource"`
	Expr         string      `json:"expr"`
	LegendFormat string      `json:"legendFormat"`
	Format       string      `json:"format"` // time_series, table or heatmap
	Instant      bool        `json:"instant"`
	Range        bool        `json:"range"`
	Exemplar     bool        `json:"exemplar"`
	Interval     string      `json:"interval,omitempty"`
	EditorMode   string      `json:"editorMode"`
}

// Transformation reshapes what the queries returned.
type Transformation struct {
	ID      string         `json:"id"`
	Options map[string]any `json:"options"`
}

// FieldConfig is how values are shown.
type FieldConfig struct {
	Defaults  Defaults   `json:"defaults"`
	Overrides []Override `json:"overrides"`
}

// Defaults holds for every field of a panel.
type Defaults struct {
	Unit       string         `json:"unit"`
	Decimals   *int           `json:"decimals,omitempty"`
	Min        *float64       `json:"min,omitempty"`
	Max        *float64       `json:"max,omitempty"`
	NoValue    string         `json:"noValue,omitempty"`
	Color      *Color         `json:"color,omitempty"`
	Thresholds *Thresholds    `json:"thresholds,omitempty"`
	Mappings   []Mapping      `json:"mappings"`
	Links      []Link         `json:"links,omitempty"`
	Custom     map[string]any `json:"custom,omitempty"`
}

// Shades is the colour mode that gives every series of a panel, by its order, another shade of one colour.
const Shades = "shades"

// Color is a colour mode and, for the modes fixed and shades, the colour.
type Color struct {
	Mode       string `json:"mode"`
	FixedColor string `json:"fixedColor,omitempty"`
}

// Thresholds colour values; the first step has no value and is the base.
type Thresholds struct {
	Mode  string `json:"mode"`
	Steps []Step `json:"steps"`
}

// Step is a threshold: the colour from a value on.
type Step struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
}

// Mapping shows words instead of values.
type Mapping struct {
	Type    string         `json:"type"`
	Options map[string]any `json:"options"`
}

// Override changes the defaults for some fields.
type Override struct {
	Matcher    Matcher    `json:"matcher"`
	Properties []Property `json:"properties"`
}

// Matcher selects fields, for example byName.
type Matcher struct {
	ID      string `json:"id"`
	Options any    `json:"options"`
}

// Property is a changed default.
type Property struct {
	ID    string `json:"id"`
	Value any    `json:"value"`
}

// Encode returns the file of a dashboard, the same bytes for the same dashboard.
func Encode(d Dashboard) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // expressions hold < and >, and people review them
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		return nil, fmt.Errorf("encoding dashboard %s: %w", d.UID, err)
	}
	return b.Bytes(), nil
}

// Decode reads a dashboard strictly: a field that the structs do not have is an error.
func Decode(b []byte) (Dashboard, error) {
	var d Dashboard
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return d, fmt.Errorf("decoding a dashboard: %w", err)
	}
	return d, nil
}
