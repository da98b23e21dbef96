package boards

import (
	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/tools/dashboards/grafana"
	"github_workflow_exporter/tools/dashboards/query"
)

func workflow(h query.Histograms) grafana.Dashboard {
	var l grafana.Layout
	runs := []string{query.Repository, query.Workflow, query.Branch}
	jobs := []string{query.Repository, query.Workflow}
	const by = "repository, workflow"
	const legend = "{{repository}} · {{workflow}}"
	toJob := to(jobUID, "Job and steps", "repository", ofSeries("repository"), "workflow", ofSeries("workflow"), "job_name", ofSeries("job_name"))

	l.Row("In the time shown")
	l.Place(4, 4, stat("Finished runs", "Run attempts that finished, whatever their conclusion.",
		"short", whole(instant(query.Increase("", query.Data(family.RunConclusions, runs...), query.All), "runs")), plain()))
	l.Place(4, 4, saying(stat("Succeeded", "Successful part of the runs that succeeded or failed.",
		"percentunit", instant(query.SuccessRatio("", family.RunConclusions, query.All, runs...), "succeeded"), above(bad, 0.75, warn, 0.9, good)), "no run yet"))
	l.Place(4, 4, stat("Duration, p50", "Half of the runs were quicker.",
		"s", instant(h.Quantile(0.5, "", query.Of(family.RunDuration, query.All, runs...)), "p50"), plain()))
	l.Place(4, 4, stat("Duration, p95", "One run in twenty took longer.",
		"s", instant(h.Quantile(0.95, "", query.Of(family.RunDuration, query.All, runs...)), "p95"), plain()))
	l.Place(4, 4, saying(stat("Last success", "Time since a run last succeeded.",
		"s", instant(sinceLast("", append([]string{query.Success}, runs...)...), "success"), above(good, 86400, warn, 604800, bad)), "none yet"))
	l.Place(4, 4, saying(stat("Last failure", empty("Time since a run last failed.", "where none has failed yet."),
		"s", instant(sinceLast("", append([]string{query.Failed}, runs...)...), "failure"), plain()), "none"))

	l.Row("Does it work?")
	l.Place(12, 9, byConclusion(bars("Runs", "Run attempts that finished, by conclusion, per window.",
		series(query.Increase("conclusion", query.Data(family.RunConclusions, runs...), query.Window)+" > 0", "{{conclusion}}"))))
	l.Place(12, 9, byConclusion(bars("Jobs", "Job executions that finished, by conclusion, per window; those that never ran are here too.",
		series(query.Increase("conclusion", query.Data(family.JobConclusions, jobs...), query.Window)+" > 0", "{{conclusion}}"))))
	l.Place(12, 9, linked(history("Failure ratio over time", "Failed part of the judged runs, one row for a workflow, one cell for a window: yellow from 10 % on, red from 25 % on, empty where nothing finished.",
		"percentunit", series(query.FailureRatio(by, family.RunConclusions, query.Window, runs...), legend), failureLimits()), "", toGitHub(label("repository"))))
	l.Place(12, 9, linked(saying(ranking("Steps that fail", empty("Failed steps in the time shown, the ten with the most. A step that fails in several jobs is an outage, in one job a bug.", "where none failed."),
		"short", whole(instant("topk(10, "+query.Increase("repository, workflow, job_name, step", query.Data(family.StepConclusions, append([]string{query.Failed}, jobs...)...), query.All)+" > 0)",
			"{{step}} · {{job_name}} · {{repository}}")), above(warn, 5, worse, 20, bad)), "no step failed"), "", toJob))
	l.Place(12, 9, failingJobs())
	l.Place(12, 9, branches(runs))

	l.Row("How long does it take?")
	l.Place(12, 9, heatmap("Run durations", "How many runs took how long: each column is a window, each row a bucket. Dots are single runs: click one to open it on GitHub.",
		h.Heatmap(query.Of(family.RunDuration, query.Window, runs...)), h.Native))
	durations := query.Of(family.RunDuration, query.Window, runs...)
	l.Place(12, 9, quantiles(legendBelow(lines("Run duration, p50 and p95", "Half of the chosen runs took longer than p50, one in twenty longer than p95. Dots are single runs: click one to open it on GitHub.",
		"s", series(h.Quantile(0.5, "", durations), "p50"), withExemplars(series(h.Quantile(0.95, "", durations), "p95"))))))
	l.Place(24, 10, slowestJobs(h))

	return dashboard(workflowUID, "GitHub Actions / Workflow", "Runs, jobs, success, durations, slowest jobs and failing steps of workflows.", &l,
		repositoryVariable(), workflowVariable(), branchVariable(), windowVariable(), githubVariable())
}

// label is the value of a label of the series of the link, as it is.
func label(name string) string { return "${__field.labels." + name + "}" }

func failingJobs() grafana.Panel {
	const by = "repository, workflow, job_name"
	jobs := []string{query.Repository, query.Workflow}
	executions := func(which string) string {
		return some(query.Increase(by, query.Data(family.JobConclusions, append([]string{which}, jobs...)...), query.All))
	}
	return linked(saying(table("Jobs that fail", empty("The time shown: jobs with at least one failure, and which part of their judged executions failed.", "where none failed."),
		[][2]string{{"repository", "Repository"}, {"workflow", "Workflow"}, {"job_name", "Job"}}, "Failed",
		cells{title: "Executions", unit: "short", expr: executions(query.Judged) + " and " + executions(query.Failed)},
		cells{title: "Failed", unit: "percentunit", expr: query.FailureRatio(by, family.JobConclusions, query.All, jobs...) + " and " + executions(query.Failed), colour: failureLimits(), digits: 1},
	), "no job failed"), "Job", jobLinks()...)
}

func branches(runs []string) grafana.Panel {
	return table("Branches and events", "The time shown: where the runs came from and which part of the judged ones failed.",
		[][2]string{{"branch", "Branch"}, {"event", "Event"}}, "Runs",
		cells{title: "Runs", unit: "short", expr: some(query.Increase("branch, event", query.Data(family.RunConclusions, runs...), query.All))},
		cells{title: "Failed", unit: "percentunit", expr: query.FailureRatio("branch, event", family.RunConclusions, query.All, runs...), colour: failureLimits(), digits: 1},
	)
}

func slowestJobs(h query.Histograms) grafana.Panel {
	const by = "repository, workflow, job_name"
	matchers := []string{query.Repository, query.Workflow}
	duration := query.Of(family.JobDuration, query.All, matchers...)
	return linked(table("Slowest jobs", "The time shown, by job: how often it ran, how long it took, and the machine time it used in all. Click on a job for its steps.",
		[][2]string{{"repository", "Repository"}, {"workflow", "Workflow"}, {"job_name", "Job"}}, "p95",
		cells{title: "Executions", unit: "short", expr: some(h.Count(by, duration))},
		cells{title: "p50", unit: "s", expr: h.Quantile(0.5, by, duration)},
		cells{title: "p95", unit: "s", expr: h.Quantile(0.95, by, duration)},
		cells{title: "Machine time", unit: "s", expr: h.Seconds(by, duration)},
	), "Job", jobLinks()...)
}

func jobLinks() []grafana.Link {
	return []grafana.Link{
		to(jobUID, "Job and steps", "repository", cell("Repository", true), "workflow", cell("Workflow", true), "job_name", cell("Job", true)),
		toGitHub(cell("Repository", false)),
	}
}
