package boards

import (
	"strings"

	"github_workflow_exporter/tools/dashboards/grafana"
)

// Demo returns dashboards as they suit a world that began a moment ago and moves every few seconds: with the last half
// hour shown, minutes as windows and as what is compared with. Their queries are the same.
func Demo(all []grafana.Dashboard) []grafana.Dashboard {
	out := make([]grafana.Dashboard, 0, len(all))
	for _, d := range all {
		d.Time.From, d.Refresh = "now-30m", "10s"
		d.Templating.List = append([]grafana.Variable(nil), d.Templating.List...)
		for i := range d.Templating.List {
			switch v := &d.Templating.List[i]; v.Name {
			case "window":
				v.Query, v.AutoMin = raw("1m,2m,5m,15m,1h"), "1m"
				v.Description = strings.Replace(v.Description, "a fiftieth", "a thirtieth", 1)
				v.AutoCount = 30
			case "compare":
				choices(v, "5m", "5m", "10m", "1h", "1d")
			}
		}
		out = append(out, d)
	}
	return out
}
