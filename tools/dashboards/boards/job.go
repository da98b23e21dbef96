package boards

import (
	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/tools/dashboards/grafana"
	"github_workflow_exporter/tools/dashboards/query"
)

// compare is the dashboards' variable for how long ago is compared with.
const compare = "$compare"

func job(h query.Histograms) grafana.Dashboard {
	var l grafana.Layout
	chosen := []string{query.Repository, query.Workflow, query.JobName}
	jobs := query.Of(family.JobDuration, query.All, chosen...)

	l.Row("In the time shown")
	l.Place(4, 4, stat("Executions", "Executions of the chosen jobs that finished, those that never ran included.",
		"short", whole(instant(query.Increase("", query.Data(family.JobConclusions, chosen...), query.All), "executions")), plain()))
	l.Place(4, 4, saying(stat("Succeeded", "Successful part of the executions that succeeded or failed.",
		"percentunit", instant(query.SuccessRatio("", family.JobConclusions, query.All, chosen...), "succeeded"), above(bad, 0.75, warn, 0.9, good)), "no run yet"))
	l.Place(4, 4, stat("Duration, p50", "Half of the executions were quicker.", "s", instant(h.Quantile(0.5, "", jobs), "p50"), plain()))
	l.Place(4, 4, stat("Duration, p95", "One execution in twenty took longer.", "s", instant(h.Quantile(0.95, "", jobs), "p95"), plain()))
	l.Place(4, 4, saying(stat("Slower than before by", empty("Mean duration now against the same span $compare earlier; negative is quicker.", "until there is data from $compare earlier."),
		"percentunit", instant(h.Mean("", jobs)+" / ("+h.Mean("", jobs.Ago(compare))+") - 1", "change"), slowerLimits()), "no data from before"))
	l.Place(4, 4, stat("Machine time", "Time that runners spent on the chosen jobs.", "s", instant(h.Seconds("", jobs), "machine time"), plain()))

	l.Row("Where does the time go?")
	l.Place(16, 10, stackedBars(byName(lines("Steps of a mean execution", "Time spent in each step per execution of a chosen job, stacked: each bar is a window, its height what an execution takes on average without the pauses between its steps. Choose one job to see its anatomy.",
		"s", series(h.Seconds("step", query.Of(family.StepDuration, query.Window, chosen...))+" / on () group_left () ("+h.Count("", query.Of(family.JobDuration, query.Window, chosen...))+" > 0) > 0", "{{step}}")))))
	l.Place(8, 10, ranking("Share of the time by step", "Which part of all time spent in steps went into each, in the time shown.",
		"percentunit", instant("topk(10, "+h.Seconds("step", query.Of(family.StepDuration, query.All, chosen...))+" / on () group_left () ("+h.Seconds("", query.Of(family.StepDuration, query.All, chosen...))+" > 0))", "{{step}}"), plain()))
	l.Place(24, 10, stepsTable(h, chosen))

	l.Row("What got slower?")
	durations := query.Of(family.JobDuration, query.Window, chosen...)
	l.Place(12, 9, quantiles(legendBelow(lines("Job duration, p50 and p95", "Half of the executions of the chosen jobs took longer than p50, one in twenty longer than p95. Dots are single jobs: click one to open it on GitHub.",
		"s", series(h.Quantile(0.5, "", durations), "p50"), withExemplars(series(h.Quantile(0.95, "", durations), "p95"))))))
	l.Place(12, 9, twoWeeks(h, chosen))
	l.Place(24, 9, heatmap("Job durations", "How many executions took how long: each column is a window, each row a bucket. Dots are single jobs: click one to open it on GitHub.",
		h.Heatmap(query.Of(family.JobDuration, query.Window, chosen...)), h.Native))
	l.Place(24, 10, jobsTable(h, chosen))

	l.Row("What fails?")
	l.Place(12, 9, byConclusion(bars("Executions by conclusion", "Executions that finished, per window.",
		series(query.Increase("conclusion", query.Data(family.JobConclusions, chosen...), query.Window)+" > 0", "{{conclusion}}"))))
	l.Place(12, 9, saying(failedSteps(chosen), "no step failed"))

	return dashboard(jobUID, "GitHub Actions / Job and steps", "Where the time goes and what got slower, by job and step.", &l,
		repositoryVariable(), workflowVariable(), jobVariable(), windowVariable(), compareVariable(), githubVariable())
}

// failedSteps shows when which step failed. Rows need no colours to be told apart, so none has to look well.
func failedSteps(chosen []string) grafana.Panel {
	failed := query.Data(family.StepConclusions, append([]string{query.Failed}, chosen...)...)
	most := "topk(12, " + query.By("sum", "step", "increase("+failed+"[$__range] @ end())") + " > 0)"
	return history("Failed steps", empty("Failures per window of the twelve steps that failed most often in the time shown, one row for a step.", "where no step failed."),
		"short", series("round("+query.Increase("step", failed, query.Window)+") > 0 and on (step) "+most, "{{step}}"), above(warn, 3, worse, 10, bad))
}

// twoWeeks lays the time shown over the same time before.
func twoWeeks(h query.Histograms, chosen []string) grafana.Panel {
	durations := query.Of(family.JobDuration, query.Window, chosen...)
	p := fixed(legendBelow(lines("Now and $compare earlier", empty("Median duration of the chosen jobs now (solid) and the same span $compare earlier (dashed). Where the solid line lies above the dashed one, it got slower.",
		"the dashed line, until there is data from $compare earlier."), "s",
		series(h.Quantile(0.5, "", durations), "now"),
		series(h.Quantile(0.5, "", durations.Ago(compare)), "$compare earlier"))), dim)
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, colour("now", calm), grafana.Override{
		Matcher: grafana.Matcher{ID: "byFrameRefID", Options: "B"},
		Properties: []grafana.Property{
			property("color", grafana.Color{Mode: "fixed", FixedColor: "#fbb028"}),
			property("custom.lineStyle", map[string]any{"fill": "dash", "dash": []int{8, 8}}),
		},
	})
	return p
}

func jobsTable(h query.Histograms, chosen []string) grafana.Panel {
	const by = "repository, workflow, job_name"
	d := query.Of(family.JobDuration, query.All, chosen...)
	return linked(table("Jobs, now and $compare earlier", empty("Mean duration in the time shown and in the same span $compare earlier. Sorted by what got slower most.", "the columns before and change, until there is data from $compare earlier."),
		[][2]string{{"repository", "Repository"}, {"workflow", "Workflow"}, {"job_name", "Job"}}, "Change",
		cells{title: "Executions", unit: "short", expr: some(h.Count(by, d))},
		cells{title: "Mean", unit: "s", expr: h.Mean(by, d)},
		cells{title: "Before", unit: "s", expr: h.Mean(by, d.Ago(compare))},
		cells{title: "Change", unit: "percentunit", expr: h.Mean(by, d) + " / (" + h.Mean(by, d.Ago(compare)) + ") - 1", colour: slowerLimits()},
	), "Job", toGitHub(cell("Repository", false)))
}

func stepsTable(h query.Histograms, chosen []string) grafana.Panel {
	const by = "job_name, step"
	d := query.Of(family.StepDuration, query.All, chosen...)
	return table("Steps, now and $compare earlier", empty("Durations of steps in the time shown, and the mean $compare earlier. A step that grew from seconds to minutes stands out in the last column. p95 is as exact as the buckets: of steps that take no time it is just below the first.", "the columns before and change, until there is data from $compare earlier."),
		[][2]string{{"job_name", "Job"}, {"step", "Step"}}, "Time in all",
		cells{title: "Executions", unit: "short", expr: some(h.Count(by, d))},
		cells{title: "Time in all", unit: "s", expr: h.Seconds(by, d)},
		cells{title: "p95", unit: "s", expr: h.Quantile(0.95, by, d)},
		cells{title: "Mean", unit: "s", expr: h.Mean(by, d)},
		cells{title: "Before", unit: "s", expr: h.Mean(by, d.Ago(compare))},
		cells{title: "Change", unit: "percentunit", expr: h.Mean(by, d) + " / (" + h.Mean(by, d.Ago(compare)) + ") - 1", colour: slowerLimits()},
	)
}
