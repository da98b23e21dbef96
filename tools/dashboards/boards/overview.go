package boards

import (
	"strings"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/tools/dashboards/grafana"
	"github_workflow_exporter/tools/dashboards/query"
)

// watched leaves out branches that may fail: the default branch and those of metrics.branches have their own name.
const watched = `branch!="other"`

// orNone is 0 while the exporter is there and tells of nothing, and no value while it is away: nothing queued and nothing
// known must not look the same.
func orNone(expr string) string {
	return "(" + expr + ") or 0 * sum(" + query.Own("repositories") + ")"
}

// sinceLast is the time since the last completion by labels.
func sinceLast(by string, matchers ...string) string {
	return "time() - " + query.By("max", by, query.Data(family.RunLastCompletion, matchers...))
}

// oldest is the age of the oldest job of a status by labels.
func oldest(by, status string, matchers ...string) string {
	matchers = append([]string{`status="` + status + `"`}, matchers...)
	return "time() - " + query.By("min", by, query.Data(family.OldestJob, matchers...))
}

// orZero is 0 for every label of runs-on whose jobs have succeeded: a label nobody waits for, or works for, has no series
// that says so, and a chart would go on with the last time somebody did.
func orZero(expr string, matchers ...string) string {
	known := append([]string{query.Success, `label!=""`}, matchers...)
	return expr + " or 0 * " + query.By("sum", "label", query.Data(family.JobConclusions, known...))
}

func jobsNow(by, status string, matchers ...string) string {
	is := "="
	if strings.Contains(status, "|") {
		is = "=~"
	}
	matchers = append([]string{"status" + is + `"` + status + `"`}, matchers...)
	return query.By("sum", by, query.Data(family.JobsNow, matchers...))
}

func overview(h query.Histograms) grafana.Dashboard {
	var l grafana.Layout
	repository := query.Repository
	toWorkflow := to(workflowUID, "Workflows of this repository", "repository", ofSeries("repository"))

	l.Row("Now")
	l.Place(4, 4, saying(stat("Runs that succeeded", "Successful runs of all that succeeded or failed in the time shown, every branch; cancelled and skipped ones are not judged.",
		"percentunit", instant(query.SuccessRatio("", family.RunConclusions, query.All, repository), "succeeded"), above(bad, 0.75, warn, 0.9, good)), "no run yet"))
	l.Place(4, 4, stat("Failed on watched branches", "Runs that failed in the time shown on the default branch and those of metrics.branches.",
		"short", instant(orNone("round("+query.Increase("", query.Data(family.RunConclusions, repository, watched, query.Failed), query.All)+")"), "failed"), above(good, 0.5, warn, 10, bad)))
	l.Place(4, 4, stat("Jobs running", "Jobs in progress now, as last polled (poll.live).",
		"short", series(orNone(jobsNow("", "in_progress", repository)), "running"), plain()))
	l.Place(4, 4, stat("Jobs queued", "Jobs waiting for a runner now, as last polled (poll.live).",
		"short", series(orNone(jobsNow("", "queued", repository)), "queued"), above(good, 20, warn, 100, bad)))
	l.Place(4, 4, stat("Oldest queued job", "How long the job has waited that waits longest; 0 when none does.",
		"s", series(orNone(oldest("", "queued", repository)), "oldest"), above(good, 600, warn, 3600, bad)))
	l.Place(4, 4, linked(stat("Data is at most this old", "Time since the last complete poll of the repository polled least recently. Idle repositories are polled up to every poll.max_interval.",
		"s", series("max(time() - "+query.Own("poll_last_success_timestamp_seconds", repository)+")", "age"), above(good, 1200, warn, 3600, bad)),
		"", to(exporterUID, "Exporter")))

	l.Row("Which repositories fail, and since when?")
	l.Place(24, 8, linked(history("Failure ratio over time", "Failed part of the judged runs on every branch, one row for a repository, one cell for a window: yellow from 10 % on, red from 25 % on, empty where nothing finished.",
		"percentunit", series(query.FailureRatio("repository", family.RunConclusions, query.Window, repository), "{{repository}}"), failureLimits()), "", toWorkflow))
	l.Place(24, 7, repositoriesTable(h))

	l.Row("Which workflows?")
	l.Place(12, 9, linked(saying(ranking("Workflows that fail most often", empty("Failed runs in the time shown, the ten workflows with the most.", "where none failed."),
		"short", whole(instant("topk(10, "+query.Increase("repository, workflow", query.Data(family.RunConclusions, repository, query.Failed), query.All)+" > 0)", "{{repository}} · {{workflow}}")), above(warn, 10, worse, 50, bad)), "no run failed"),
		"", to(workflowUID, "This workflow", "repository", ofSeries("repository"), "workflow", ofSeries("workflow"))))
	l.Place(12, 9, scheduledTable())
	l.Place(12, 9, byConclusion(bars("Finished runs", "Run attempts that finished, by conclusion, per window.",
		series(query.Increase("conclusion", query.Data(family.RunConclusions, repository), query.Window)+" > 0", "{{conclusion}}"))))
	l.Place(12, 9, slowerTable(h))

	return dashboard(overviewUID, "GitHub Actions / Overview", "The health of all repositories at a glance.", &l,
		repositoryVariable(), windowVariable(), compareVariable(), githubVariable())
}

// some rounds a number of events and leaves out none: a row of a table that says nothing happened is no row.
func some(expr string) string { return "round(" + expr + ") > 0" }

// whole rounds: increase() extends what it sees to the ends of its window and so yields fractions of events.
func whole(t grafana.Target) grafana.Target {
	t.Expr = "round(" + t.Expr + ")"
	return t
}

func repositoriesTable(h query.Histograms) grafana.Panel {
	runs := query.Data(family.RunConclusions, query.Repository)
	p := table("Repositories", "The time shown, by repository: runs, how many of the judged failed, durations, waits, and when the last run finished. Click on one for its workflows.",
		[][2]string{{"repository", "Repository"}}, "Failed",
		cells{title: "Runs", unit: "short", expr: some(query.Increase("repository", runs, query.All))},
		cells{title: "Failed", unit: "percentunit", expr: query.FailureRatio("repository", family.RunConclusions, query.All, query.Repository), colour: failureLimits(), digits: 1},
		cells{title: "Run p50", unit: "s", expr: h.Quantile(0.5, "repository", query.Of(family.RunDuration, query.All, query.Repository))},
		cells{title: "Run p95", unit: "s", expr: h.Quantile(0.95, "repository", query.Of(family.RunDuration, query.All, query.Repository))},
		cells{title: "Queue p95", unit: "s", expr: h.Quantile(0.95, "repository", query.Of(family.JobQueueDuration, query.All, query.Repository)), colour: above(clear, 300, warn, 1800, bad)},
		cells{title: "Last run ended before", unit: "s", expr: sinceLast("repository", query.Repository)},
	)
	return linked(p, "Repository",
		to(workflowUID, "Workflows of this repository", "repository", cell("Repository", true)),
		toGitHub(cell("Repository", false)))
}

func slowerTable(h query.Histograms) grafana.Panel {
	const by = "repository, workflow"
	d := query.Of(family.RunDuration, query.All, query.Repository, query.Success)
	p := table("What got slower than $compare ago?", empty("Mean duration of successful runs in the time shown and in the same span $compare earlier; runs that failed early would look quick. Sorted by what got slower most.", "the columns before and change, until there is data from $compare earlier."),
		[][2]string{{"repository", "Repository"}, {"workflow", "Workflow"}}, "Change",
		cells{title: "Runs", unit: "short", expr: some(h.Count(by, d))},
		cells{title: "Mean", unit: "s", expr: h.Mean(by, d)},
		cells{title: "Before", unit: "s", expr: h.Mean(by, d.Ago(compare))},
		cells{title: "Change", unit: "percentunit", expr: h.Mean(by, d) + " / (" + h.Mean(by, d.Ago(compare)) + ") - 1", colour: slowerLimits()},
	)
	return linked(p, "Workflow",
		to(jobUID, "Which jobs and steps?", "repository", cell("Repository", true), "workflow", cell("Workflow", true)))
}

func scheduledTable() grafana.Panel {
	scheduled := []string{query.Repository, `event="schedule"`}
	const by = "repository, workflow"
	// What never succeeded has no series that says so: it counts as having done so in 1970, which puts it first.
	succeeded := "time() - (" + query.By("max", by, query.Data(family.RunLastCompletion, append(scheduled, query.Done)...)) +
		" or 0 * " + query.By("max", by, query.Data(family.RunLastCompletion, scheduled...)) + ")"
	p := saying(table("Scheduled workflows", empty("Is the nightly still running, and succeeding? Time since a scheduled run last completed, and since one last succeeded; one that was skipped or neutral had nothing to do and succeeded.", "where no workflow runs on a schedule."),
		[][2]string{{"repository", "Repository"}, {"workflow", "Workflow"}}, "Succeeded before",
		cells{title: "Completed before", unit: "s", expr: sinceLast(by, scheduled...)},
		cells{title: "Succeeded before", unit: "s", expr: succeeded, colour: above(good, 93600, warn, 180000, bad), words: []grafana.Mapping{from(1e9, "never", bad)}},
	), "no scheduled run yet")
	return linked(p, "Workflow",
		to(workflowUID, "This workflow", "repository", cell("Repository", true), "workflow", cell("Workflow", true)))
}
