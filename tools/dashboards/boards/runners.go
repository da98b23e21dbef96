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
	waits := above(good, 600, warn, 3600, bad)

	l.Row("Now")
	l.Place(5, 4, stat("Queued", "Jobs that wait for a runner, as last polled (poll.live).", "short", series(orNone(jobsNow("", "queued", live...)), "queued"), above(good, 20, warn, 100, bad)))
	l.Place(5, 4, stat("Running", "Jobs in progress, as last polled.", "short", series(orNone(jobsNow("", "in_progress", live...)), "running"), plain()))
	l.Place(4, 4, stat("Held back", "Jobs with the status waiting or pending: held back by an approval or by their concurrency group, not by a lack of runners.", "short", series(orNone(jobsNow("", "waiting|pending", live...)), "waiting"), plain()))
	l.Place(5, 4, stat("Oldest queued", "How long the job has waited that waits longest; 0 when none does.", "s", series(orNone(oldest("", "queued", live...)), "oldest"), waits))
	l.Place(5, 4, stat("Longest running", "How long the job has run that runs longest; 0 when none does. GitHub ends jobs on its own runners after 6 hours.", "s", series(orNone(oldest("", "in_progress", live...)), "longest"), above(good, 7200, warn, 21600, bad)))

	l.Row("Who waits for runners, on which label, how long?")
	l.Place(12, 10, labelsTable(h, live))
	l.Place(12, 10, limits(byName(lines("Wait for a runner, p95, by label", "One job in twenty waited longer between its creation and its start. Approvals and concurrency groups count too.",
		"s", withExemplars(series(h.Quantile(0.95, "label", query.Of(family.JobQueueDuration, query.Window, done...)), "{{label}}")))), waits))
	l.Place(12, 9, counts(byName(lines("Queued jobs by label", "Jobs that wait for a runner, stacked; 0 where none does.",
		"short", series(orZero(jobsNow("label", "queued", live...), live...), "{{label}}")))))
	l.Place(12, 9, limits(steady(byName(lines("Oldest queued job by label", "How long the oldest queued job has waited; 0 where none does. A line that climbs without end: no runner takes these jobs.",
		"s", series(orZero(oldest("label", "queued", live...), live...), "{{label}}")))), waits))
	l.Place(12, 9, heatmap("Waits", "How many jobs waited how long: each column is a window, each row a bucket.",
		h.Heatmap(query.Of(family.JobQueueDuration, query.Window, done...)), h.Native))
	l.Place(12, 9, ranking("Workflows that wait", "Mean wait of their jobs in the time shown, the ten workflows with the longest.",
		"s", instant("topk(10, "+h.Mean("repository, workflow", query.Of(family.JobQueueDuration, query.All, done...))+")", "{{repository}} · {{workflow}}"), above(good, 60, warn, 600, bad)))

	l.Row("Who is busy?")
	l.Place(12, 9, counts(byName(lines("Jobs in progress by label", "Jobs that run now, stacked; 0 where none does.",
		"short", series(orZero(jobsNow("label", "in_progress", live...), live...), "{{label}}")))))
	l.Place(12, 9, meanOf(areas(byName(lines("Jobs at a time by runner", "How many jobs ran at a time on average: the time spent in jobs that finished, per second. A job shows when it is finished, all its time at once, so long jobs appear late and as peaks: this is no count of what runs now. One-job runners are folded into one name.",
		"short", series(h.PerSecond("runner", query.Of(family.JobDuration, query.Window, append(done, `runner!=""`)...)), "{{runner}}"))))))
	l.Place(12, 9, saying(ranking("Longest running jobs now", empty("How long the oldest job in progress has run, the ten workflows with the longest.", "while nothing runs."),
		"s", instant("topk(10, "+oldest("repository, workflow", "in_progress", live...)+")", "{{repository}} · {{workflow}}"), above(good, 7200, warn, 21600, bad)), "nothing runs"))
	l.Place(12, 9, runnersTable(h, done))

	return dashboard(runnersUID, "GitHub Actions / Runners and queue", "What waits, what runs, on which labels and runners.", &l,
		repositoryVariable(), labelVariable(), runnerVariable(), windowVariable())
}

func labelsTable(h query.Histograms, live []string) grafana.Panel {
	waits := query.Of(family.JobQueueDuration, query.All, query.Repository, query.Label, query.Runner)
	return table("Labels", "By the labels of runs-on: what is queued and running now, and how long jobs waited in the time shown.",
		[][2]string{{"label", "Label"}}, "Wait p95",
		cells{title: "Queued", unit: "short", expr: orZero(jobsNow("label", "queued", live...), live...), colour: above(clear, 10, warn, 50, bad)},
		cells{title: "Oldest", unit: "s", expr: orZero(oldest("label", "queued", live...), live...), colour: above(clear, 600, warn, 3600, bad)},
		cells{title: "Running", unit: "short", expr: orZero(jobsNow("label", "in_progress", live...), live...)},
		cells{title: "Wait p50", unit: "s", expr: h.Quantile(0.5, "label", waits)},
		cells{title: "Wait p95", unit: "s", expr: h.Quantile(0.95, "label", waits), colour: above(clear, 300, warn, 1800, bad)},
		cells{title: "Jobs", unit: "short", expr: "round(" + h.Count("label", waits) + ")"},
	)
}

func runnersTable(h query.Histograms, done []string) grafana.Panel {
	ran := append([]string{`runner!=""`}, done...)
	return table("Runners", "The time shown: what each runner did. One that fails far more often than the others is broken.",
		[][2]string{{"runner", "Runner"}}, "Failed",
		cells{title: "Jobs", unit: "short", expr: some(query.Increase("runner", query.Data(family.JobConclusions, ran...), query.All))},
		cells{title: "Failed", unit: "percentunit", expr: query.FailureRatio("runner", family.JobConclusions, query.All, ran...), colour: failureLimits(), digits: 1},
		cells{title: "Busy", unit: "s", expr: h.Seconds("runner", query.Of(family.JobDuration, query.All, ran...))},
		cells{title: "Mean", unit: "s", expr: h.Mean("runner", query.Of(family.JobDuration, query.All, ran...))},
	)
}
