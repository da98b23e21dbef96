package boards

import (
	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/tools/dashboards/grafana"
	"github_workflow_exporter/tools/dashboards/query"
)

func runners(h query.Histograms) grafana.Dashboard {
	var l grafana.Layout
	live := []string{query.Repository, query.Label}
	done := []string{query.Repository, query.Label, query.Runner}
	waits := above("green", 600, "yellow", 3600, "red")

	l.Row("Now")
	l.Place(5, 4, stat("Queued", "Jobs that wait for a runner, as last polled (poll.live).", "short", series(orNone(jobsNow("", "queued", live...)), "queued"), above("green", 20, "yellow", 100, "red")))
	l.Place(5, 4, stat("Running", "Jobs in progress, as last polled.", "short", series(orNone(jobsNow("", "in_progress", live...)), "running"), plain()))
	l.Place(4, 4, stat("Held back", "Jobs with the status waiting: held back by an approval or a concurrency group, not by a lack of runners.", "short", series(orNone(jobsNow("", "waiting", live...)), "waiting"), plain()))
	l.Place(5, 4, stat("Oldest queued", "How long the job has waited that waits longest; 0 when none does.", "s", series(orNone(oldest("", "queued", live...)), "oldest"), waits))
	l.Place(5, 4, stat("Longest running", "How long the job has run that runs longest; 0 when none does. GitHub ends jobs on its own runners after 6 hours.", "s", series(orNone(oldest("", "in_progress", live...)), "longest"), above("green", 7200, "yellow", 21600, "red")))

	l.Row("Who waits for runners, on which label, how long?")
	l.Place(12, 10, labelsTable(h, live))
	l.Place(12, 10, limits(lines("Wait for a runner, p95, by label", "One job in twenty waited longer between its creation and its start. Approvals and concurrency groups count too.",
		"s", withExemplars(series(h.Quantile(0.95, "label", query.Of(family.JobQueueDuration, query.Window, done...)), "{{label}}"))), waits))
	l.Place(12, 9, counts(lines("Queued jobs by label", empty("Jobs that wait for a runner, stacked.", "while nothing is queued."),
		"short", series(jobsNow("label", "queued", live...), "{{label}}"))))
	l.Place(12, 9, limits(gaps(lines("Oldest queued job by label", empty("How long the oldest queued job has waited. A line that climbs without end: no runner takes these jobs.", "while nothing is queued."),
		"s", series(oldest("label", "queued", live...), "{{label}}"))), waits))
	l.Place(12, 9, heatmap("Waits", "How many jobs waited how long: each column is a window, each row a bucket.",
		h.Heatmap(query.Of(family.JobQueueDuration, query.Window, done...)), h.Native))
	l.Place(12, 9, ranking("Workflows that wait", "Mean wait of their jobs in the time shown, the ten workflows with the longest.",
		"s", instant("topk(10, "+h.Mean("repository, workflow", query.Of(family.JobQueueDuration, query.All, done...))+")", "{{repository}} · {{workflow}}"), above("green", 60, "yellow", 600, "red")))

	l.Row("Who is busy?")
	l.Place(12, 9, counts(lines("Jobs in progress by label", empty("Jobs that run now, stacked.", "while nothing runs."),
		"short", series(jobsNow("label", "in_progress", live...), "{{label}}"))))
	l.Place(12, 9, areas(lines("Jobs at a time by runner", "How many jobs ran at a time on average: the time spent in jobs that finished, per second. A job shows when it is finished, so long jobs appear late. One-job runners are folded into one name.",
		"short", series(h.PerSecond("runner", query.Of(family.JobDuration, query.Window, append(done, `runner!=""`)...)), "{{runner}}"))))
	l.Place(12, 9, ranking("Longest running jobs now", empty("How long the oldest job in progress has run, the ten workflows with the longest.", "while nothing runs."),
		"s", instant("topk(10, "+oldest("repository, workflow", "in_progress", live...)+")", "{{repository}} · {{workflow}}"), above("green", 7200, "yellow", 21600, "red")))
	l.Place(12, 9, runnersTable(h, done))

	return dashboard(runnersUID, "GitHub Actions / Runners and queue", "What waits, what runs, on which labels and runners.", &l,
		repositoryVariable(), labelVariable(), runnerVariable(), windowVariable())
}

func labelsTable(h query.Histograms, live []string) grafana.Panel {
	waits := query.Of(family.JobQueueDuration, query.All, query.Repository, query.Label, query.Runner)
	return table("Labels", empty("By the labels of runs-on: what is queued and running now, and how long jobs waited in the time shown.", "the columns of what is queued or running, while nothing is."),
		[][2]string{{"label", "Label"}}, "Wait p95",
		cells{title: "Queued", unit: "short", expr: jobsNow("label", "queued", live...), colour: above("transparent", 10, "yellow", 50, "red")},
		cells{title: "Oldest", unit: "s", expr: oldest("label", "queued", live...), colour: above("transparent", 600, "yellow", 3600, "red")},
		cells{title: "Running", unit: "short", expr: jobsNow("label", "in_progress", live...)},
		cells{title: "Wait p50", unit: "s", expr: h.Quantile(0.5, "label", waits)},
		cells{title: "Wait p95", unit: "s", expr: h.Quantile(0.95, "label", waits), colour: above("transparent", 300, "yellow", 1800, "red")},
		cells{title: "Jobs", unit: "short", expr: "round(" + h.Count("label", waits) + ")"},
	)
}

func runnersTable(h query.Histograms, done []string) grafana.Panel {
	ran := append([]string{`runner!=""`}, done...)
	return table("Runners", "The time shown: what each runner did. One that fails far more often than the others is broken.",
		[][2]string{{"runner", "Runner"}}, "Failed",
		cells{title: "Jobs", unit: "short", expr: "round(" + query.Increase("runner", query.Data(family.JobConclusions, ran...), query.All) + ")"},
		cells{title: "Failed", unit: "percentunit", expr: query.FailureRatio("runner", family.JobConclusions, query.All, ran...), colour: failureLimits(), digits: 1},
		cells{title: "Busy", unit: "s", expr: h.Seconds("runner", query.Of(family.JobDuration, query.All, ran...))},
		cells{title: "Mean", unit: "s", expr: h.Mean("runner", query.Of(family.JobDuration, query.All, ran...))},
	)
}
