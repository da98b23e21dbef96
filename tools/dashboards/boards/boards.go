// Package boards holds the six dashboards.
package boards

import (
	"encoding/json"
	"strings"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/tools/dashboards/grafana"
	"github_workflow_exporter/tools/dashboards/query"
)

// The uids, by which dashboards link to each other.
const (
	overviewUID = "gwe-overview"
	workflowUID = "gwe-workflow"
	jobUID      = "gwe-job"
	answersUID  = "gwe-answers"
	runnersUID  = "gwe-runners"
	exporterUID = "gwe-exporter"
)

const tag = "github-workflow-exporter"

// All returns the dashboards, the overview first. With native, their histogram queries are for native histograms.
func All(native bool) []grafana.Dashboard {
	h := query.Histograms{Native: native}
	return []grafana.Dashboard{overview(h), workflow(h), job(h), answers(h), runners(h), exporter(h)}
}

// FileName is where a dashboard is kept below deploy/grafana/dashboards.
func FileName(d grafana.Dashboard) string { return d.UID[len("gwe-"):] + ".json" }

func dashboard(uid, title, description string, layout *grafana.Layout, variables ...grafana.Variable) grafana.Dashboard {
	return grafana.Dashboard{
		UID: uid, Title: title, Description: description, Tags: []string{tag}, Timezone: "browser", Editable: true, GraphTooltip: 1,
		Time: grafana.TimeRange{From: "now-24h", To: "now"}, Refresh: "1m", SchemaVersion: grafana.SchemaVersion, Version: 1,
		Links: []grafana.DashboardLink{{
			Title: "GitHub Actions", Type: "dashboards", Icon: "external link", Tooltip: "The dashboards of the exporter, for the same time and choices", Tags: []string{tag}, IncludeVars: true, KeepTime: true,
		}},
		Templating:  grafana.Templating{List: append([]grafana.Variable{datasourceVariable()}, variables...)},
		Annotations: grafana.List[any]{List: []any{}},
		Panels:      layout.Panels(),
	}
}

func raw(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return nil // strings and maps of strings always marshal
	}
	return b
}

func option(text, value any) grafana.Option {
	return grafana.Option{Text: raw(text), Value: raw(value)}
}

func datasourceVariable() grafana.Variable {
	return grafana.Variable{
		Name: "datasource", Label: "Data source", Description: "The Prometheus that scrapes the exporter.",
		Type: "datasource", Query: raw("prometheus"), Refresh: 1,
	}
}

// choice is a variable whose values are those of a label; all of them at first.
func choice(name, label, description, of string) grafana.Variable {
	definition := "label_values(" + of + ", " + name + ")"
	return grafana.Variable{
		Name: name, Label: label, Description: description, Type: "query", Definition: definition,
		Query:      raw(map[string]string{"query": definition, "refId": "variable-" + name}),
		Datasource: datasource(), Refresh: 2, Sort: 5, Multi: true, IncludeAll: true,
		// Everything includes the empty value, which jobs without a runner have.
		AllValue: ".*", Current: option([]string{"All"}, []string{"$__all"}),
	}
}

func repositoryVariable() grafana.Variable {
	return choice("repository", "Repository", "Repositories, all or some.", query.Data(family.RunConclusions))
}

func workflowVariable() grafana.Variable {
	return choice("workflow", "Workflow", "Workflows of the chosen repositories.", query.Data(family.RunConclusions, query.Repository))
}

func branchVariable() grafana.Variable {
	return choice("branch", "Branch", `The default branch and those of metrics.branches have their own name, everything else is "other".`,
		query.Data(family.RunConclusions, query.Repository))
}

func jobVariable() grafana.Variable {
	return choice("job_name", "Job", "Jobs of the chosen workflows.", query.Data(family.JobConclusions, query.Repository, query.Workflow))
}

func labelVariable() grafana.Variable {
	return choice("label", "Label", "The labels of runs-on, sorted and joined by a comma.", query.Data(family.JobConclusions, query.Repository))
}

func runnerVariable() grafana.Variable {
	return choice("runner", "Runner", "Runners; those made for one job are folded into one name.",
		query.Data(family.JobConclusions, query.Repository, query.Label))
}

// windowVariable is how far back every point of a chart looks. Workflows are rare events: with the scrape interval's few
// minutes most points would be empty.
func windowVariable() grafana.Variable {
	return grafana.Variable{
		Name: "window", Label: "Window", Description: "How far back each point of a chart looks; auto is a fiftieth of the time shown.",
		Type: "interval", Query: raw("5m,15m,1h,6h,1d,7d"), Refresh: 2, Auto: true, AutoCount: 50, AutoMin: "5m",
		Current: option("auto", "$__auto_interval_window"),
	}
}

func compareVariable() grafana.Variable {
	v := grafana.Variable{
		Name: "compare", Label: "Compare with", Description: "How long before: the time shown is compared with that time.", Type: "custom",
	}
	choices(&v, "1w", "1h", "1d", "1w", "4w")
	return v
}

// choices sets what a variable may be, and what it is at first.
func choices(v *grafana.Variable, first string, all ...string) {
	v.Query, v.Current, v.Options = raw(strings.Join(all, ",")), option(first, first), nil
	for _, o := range all {
		of := option(o, o)
		of.Selected = o == first
		v.Options = append(v.Options, of)
	}
}

// githubVariable is the base of links. It is not used in queries.
func githubVariable() grafana.Variable {
	return grafana.Variable{
		Name: "github", Label: "GitHub", Description: "Base address of links; on GitHub Enterprise Server https://HOSTNAME.",
		Type: "textbox", Query: raw("https://github.com"), Current: option("https://github.com", "https://github.com"),
		Options: []grafana.Option{{Selected: true, Text: raw("https://github.com"), Value: raw("https://github.com")}},
	}
}

// toGitHub opens the Actions page of a repository on GitHub.
func toGitHub(repository string) grafana.Link {
	return grafana.Link{Title: "Open on GitHub", URL: "${github}/" + repository + "/actions", TargetBlank: true}
}

// cell is the value of a table's column in the row of the link, encoded as a variable's value in an address if asked.
func cell(column string, encoded bool) string {
	if encoded {
		return "${__data.fields." + column + ":percentencode}"
	}
	return "${__data.fields." + column + "}"
}

// ofSeries is the value of a label of the series of the link, encoded for an address.
func ofSeries(name string) string { return "${__field.labels." + name + ":percentencode}" }

// to opens another dashboard on the same time. pairs are variables and their values.
func to(uid, title string, pairs ...string) grafana.Link {
	var address strings.Builder
	address.WriteString("/d/" + uid + "?${__url_time_range}&var-datasource=${datasource}")
	for i := 0; i+1 < len(pairs); i += 2 {
		address.WriteString("&var-" + pairs[i] + "=" + pairs[i+1])
	}
	return grafana.Link{Title: title, URL: address.String()}
}
