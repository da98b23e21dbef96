package boards

import "github_workflow_exporter/tools/dashboards/grafana"

// above makes thresholds of a base colour and pairs of value and colour.
func above(base string, steps ...any) *grafana.Thresholds {
	t := &grafana.Thresholds{Mode: "absolute", Steps: []grafana.Step{{Color: base}}}
	for i := 0; i+1 < len(steps); i += 2 {
		var v float64
		switch n := steps[i].(type) {
		case int:
			v = float64(n)
		case float64:
			v = n
		}
		t.Steps = append(t.Steps, grafana.Step{Color: steps[i+1].(string), Value: &v})
	}
	return t
}

// plain is one colour for every value.
func plain() *grafana.Thresholds { return above(calm) }

// failureLimits are the thresholds of failure ratios.
func failureLimits() *grafana.Thresholds { return above(good, 0.1, warn, 0.25, bad) }

// slowerLimits are the thresholds of relative changes of a duration.
func slowerLimits() *grafana.Thresholds { return above(good, 0.1, warn, 0.25, bad) }
