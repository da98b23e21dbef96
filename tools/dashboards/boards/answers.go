package boards

import (
	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/tools/dashboards/grafana"
	"github_workflow_exporter/tools/dashboards/query"
)

// Matchers over the reasons of failures: what the machines did, and all that is anybody's fault.
const (
	infrastructure = `reason=~"runner_lost|runner_shutdown|out_of_disk|not_started|setup"`
	failures       = `reason!~"cancelled|superseded"`
	superseded     = `reason="superseded"`
)

func answers(h query.Histograms) grafana.Dashboard {
	var l grafana.Layout
	jobs := []string{query.Repository, query.Workflow}
	with := func(more ...string) []string { return append(more, jobs...) }
	counted := func(id family.ID, by, window string, matchers ...string) string {
		return query.Increase(by, query.Data(id, with(matchers...)...), window)
	}
	hours := func(expr string) string { return expr + " / 3600" }

	l.Row("In the time shown")
	l.Place(4, 4, stat("Failed jobs", "Job executions that failed, without those that were cancelled or superseded.",
		"short", whole(instant(orNone(counted(family.JobFailures, "", query.All, failures)), "failed")), plain()))
	l.Place(4, 4, saying(stat("By the machines", empty("Part of the failed jobs that infrastructure is to blame for: runner lost, shut down, out of disk, not started, or broken in set-up.", "while no job has failed."),
		"percentunit", instant(query.Ratio(orNone(counted(family.JobFailures, "", query.All, infrastructure)), counted(family.JobFailures, "", query.All, failures)), "infrastructure"), above(good, 0.1, warn, 0.3, bad)), "no failures"))
	l.Place(4, 4, stat("Flakes", "Jobs that succeeded when they were run again after a failure.",
		"short", whole(instant(orNone(counted(family.JobFlakes, "", query.All)), "flakes")), above(good, 10, warn, 50, bad)))
	l.Place(4, 4, stat("Red branches", "Workflows that are red on a watched branch now.",
		"short", instant(orNone("count("+query.Data(family.BranchRedSince, jobs...)+")"), "red"), above(good, 1, warn, 5, bad)))
	l.Place(4, 4, stat("Wasted", "Time for which runners worked on what failed, and on running it again. What failed in a re-run is in both and counts twice.",
		"h", instant(hours("("+orNone(counted(family.JobFailedSeconds, "", query.All))+" + ("+orNone(counted(family.JobRerunSeconds, "", query.All))+"))"), "wasted"), plain()))
	l.Place(4, 4, stat("Cost", "List price of the billable time, as it was when it was counted. It is no invoice.",
		"currencyUSD", instant(orNone(counted(family.JobCost, "", query.All)), "cost"), plain()))

	l.Row("Why do jobs fail?")
	l.Place(12, 9, byReason(bars("Failures by reason", "Failed job executions per window, by the first reason that applies: your own rules, GitHub's annotations, what the job shows.",
		series(counted(family.JobFailures, "reason", query.Window)+" > 0", "{{reason}}"))))
	l.Place(12, 9, linked(saying(ranking("Workflows by failures", empty("Failed jobs in the time shown by workflow and reason, the ten with the most; cancelled ones are left out.", "where none failed."),
		"short", whole(instant("topk(10, "+counted(family.JobFailures, "repository, workflow, reason", query.All, failures)+" > 0)", "{{reason}} · {{workflow}} · {{repository}}")), above(warn, 5, worse, 20, bad)), "no job failed"), "", toGitHub(label("repository"))))
	l.Place(12, 9, fixed(bars("Machines and code", "Failed job executions per window: those for reasons of the infrastructure, and those in steps.",
		series(orNone(counted(family.JobFailures, "", query.Window, infrastructure)), "infrastructure"),
		series(orNone(counted(family.JobFailures, "", query.Window, `reason="step"`)), "step")), calm, [2]string{"infrastructure", bad}, [2]string{"step", calm}))
	l.Place(12, 9, saying(byReason(bars("Failed runs by reason", empty("Run attempts that failed per window, by the reason of their job that failed first.", "where none failed."),
		series(counted(family.RunFailures, "reason", query.Window)+" > 0", "{{reason}}"))), "no run failed"))

	l.Row("What is flaky?")
	l.Place(24, 9, flakyJobs(jobs))

	l.Row("Since when is it red?")
	l.Place(14, 9, redBranches(jobs))
	l.Place(10, 9, saying(quantiles(legendBelow(lines("Time to green", empty("How long branches that became green again had been red, within the time shown: half of them for less than p50.", "where none recovered."),
		"s", series(h.Quantile(0.5, "", query.Of(family.BranchRecovery, query.All, jobs...)), "p50"), series(h.Quantile(0.95, "", query.Of(family.BranchRecovery, query.All, jobs...)), "p95")))), "none recovered"))

	l.Row("Where does the time of a run go?")
	l.Place(12, 9, byPhase(stackedBars(lines("Critical path by phase", "Hours of the critical paths of the runs that finished in a window: jobs that ran, that waited to start, and gaps between jobs.",
		"h", series(hours(counted(family.RunCriticalPath, "phase", query.Window)), "{{phase}}")))))
	l.Place(12, 9, ranking("Critical path by job", "Hours on the critical path in the time shown, the ten jobs and phases with the most: what to make faster first.",
		"h", instant("topk(10, "+hours(counted(family.RunCriticalPath, "repository, workflow, job_name, phase", query.All))+")", "{{phase}} · {{job_name}} · {{workflow}} · {{repository}}"), plain()))

	l.Row("What was wasted, and what did it cost?")
	l.Place(12, 9, byWaste(stackedBars(lines("Wasted hours", "Hours of runners per window: on jobs that failed, on those superseded by a newer run, on running again, and on rounding up to whole minutes. What failed in a re-run is in two of them.",
		"h", series(hours(orNone(counted(family.JobFailedSeconds, "", query.Window, failures))), "failed"),
		series(hours(orNone(counted(family.JobFailedSeconds, "", query.Window, superseded))), "superseded"),
		series(hours(orNone(counted(family.JobRerunSeconds, "", query.Window))), "run again"),
		series(hours(orNone(rounding(h, query.Window, jobs))), "rounding")))))
	l.Place(12, 9, byName(stackedBars(lines("Cost by runner", "List price of the billable time per window, by the runner's name on the price list.",
		"currencyUSD", series(counted(family.JobCost, "sku", query.Window)+" > 0", "{{sku}}")))))
	l.Place(24, 9, costs(jobs))

	l.Row("What was the waiting for?")
	l.Place(12, 9, byHeld(stackedBars(lines("Waiting by cause", "Hours that jobs which ran had waited, per window: for a runner, for an approval, or for their concurrency group. What passed between two polls is not seen.",
		"h", series(held(hours(h.Seconds("held", query.Of(family.JobQueueDuration, query.Window, jobs...)))), "{{held}}")))))
	l.Place(12, 9, saying(byName(bars("Given up", empty("Jobs that were cancelled before a runner took them, per window, by what they asked for.", "where none was."),
		series(h.Count("label", query.Of(family.JobAbandonedDuration, query.Window, jobs...))+" > 0", "{{label}}"))), "none was given up"))

	return dashboard(answersUID, "GitHub Actions / Answers", "Why jobs fail, what is flaky, since when it is red, where the time goes, what is wasted.", &l,
		repositoryVariable(), workflowVariable(), windowVariable(), githubVariable())
}

// held gives a name to what waited for nothing but a runner.
func held(expr string) string { return `label_replace(` + expr + `, "held", "runner", "held", "")` }

// rounding is by how much billed time is longer than the time worked, of the runners that have a price.
func rounding(h query.Histograms, window string, jobs []string) string {
	const by = "repository, workflow, label"
	billed := query.Increase(by, query.Data(family.JobBillableSeconds, jobs...), window)
	return "sum(clamp_min(" + billed + " - " + h.Seconds(by, query.Of(family.JobDuration, window, jobs...)) + ", 0))"
}

func flakyJobs(jobs []string) grafana.Panel {
	const by = "repository, workflow, job_name"
	flakes := some(query.Increase(by, query.Data(family.JobFlakes, jobs...), query.All))
	failed := query.Increase(by, query.Data(family.JobFailures, append([]string{failures}, jobs...)...), query.All)
	return linked(saying(table("Flaky jobs", empty("The time shown: jobs that succeeded when they were run again after a failure, and which part of their failures went away so.", "where none did."),
		[][2]string{{"repository", "Repository"}, {"workflow", "Workflow"}, {"job_name", "Job"}}, "Flakes",
		cells{title: "Flakes", unit: "short", expr: flakes, colour: above(clear, 3, warn, 10, bad)},
		cells{title: "Failures", unit: "short", expr: "round(" + failed + ") and " + flakes},
		cells{title: "Rate", unit: "percentunit", expr: query.Ratio(query.Increase(by, query.Data(family.JobFlakes, jobs...), query.All), failed) + " and " + flakes, digits: 1},
		cells{title: "Re-run time", unit: "s", expr: query.Increase(by, query.Data(family.JobRerunSeconds, jobs...), query.All) + " and " + flakes},
	), "no job was flaky"), "Job", jobLinks()...)
}

func redBranches(jobs []string) grafana.Panel {
	const by = "repository, workflow, branch"
	red := query.By("min", by, query.Data(family.BranchRedSince, jobs...))
	return linked(saying(table("Red branches now", empty("Workflows whose newest judged run on a watched branch failed: for how long, and how many runs in a row.", "while all are green."),
		[][2]string{{"repository", "Repository"}, {"workflow", "Workflow"}, {"branch", "Branch"}}, "Red for",
		cells{title: "Red for", unit: "s", expr: "time() - " + red, colour: above(clear, 3600, warn, 86400, bad)},
		cells{title: "Failed runs", unit: "short", expr: query.By("sum", by, query.Data(family.BranchConsecutiveFailures, jobs...)) + " and " + red},
	), "all green"), "Repository", toGitHub(cell("Repository", false)))
}

func costs(jobs []string) grafana.Panel {
	const by = "repository, workflow, label, sku"
	cost := query.Increase(by, query.Data(family.JobCost, jobs...), query.All)
	return table("Cost by workflow", "The time shown: billable time and its list price, by what the jobs asked for. Standard runners on public repositories cost nothing and are not here.",
		[][2]string{{"repository", "Repository"}, {"workflow", "Workflow"}, {"label", "Label"}, {"sku", "Runner"}}, "Cost",
		cells{title: "Cost", unit: "currencyUSD", expr: cost, digits: 2},
		cells{title: "Billable", unit: "s", expr: query.Increase(by, query.Data(family.JobBillableSeconds, jobs...), query.All)},
	)
}

// byReason gives every reason of failures the same colour everywhere; those of one's own share one.
func byReason(p grafana.Panel) grafana.Panel {
	return fixed(p, "#a8946f", [][2]string{
		{"step", calm}, {"setup", "#f1de7f"}, {"timeout", "#cc31b0"}, {"step_timeout", pale}, {"runner_lost", bad}, {"runner_shutdown", worse}, {"out_of_disk", "#6a2f12"},
		{"not_started", "#3756d6"}, {"superseded", "#5a5b60"}, {"cancelled", "#fbb028"}, {"invalid_workflow", "#f2f2f2"}, {"unknown", dim},
	}...)
}

func byPhase(p grafana.Panel) grafana.Panel {
	return fixed(p, dim, [][2]string{{"run", calm}, {"queue", "#fbb028"}, {"gap", "#5a5b60"}}...)
}

func byWaste(p grafana.Panel) grafana.Panel {
	return fixed(p, dim, [][2]string{{"failed", bad}, {"superseded", "#5a5b60"}, {"run again", "#fbb028"}, {"rounding", pale}}...)
}

func byHeld(p grafana.Panel) grafana.Panel {
	return fixed(p, dim, [][2]string{{"runner", calm}, {"approval", "#fbb028"}, {"concurrency", "#5a5b60"}}...)
}
