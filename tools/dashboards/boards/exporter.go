package boards

import (
	"github_workflow_exporter/tools/dashboards/grafana"
	"github_workflow_exporter/tools/dashboards/query"
)

func exporter(h query.Histograms) grafana.Dashboard {
	var l grafana.Layout
	repository := query.Repository
	own := func(name string, matchers ...string) string { return query.Own(name, matchers...) }
	increase := func(by, name string) string {
		return query.Increase(by, own(name), query.Window)
	}
	stale := above(good, 1200, warn, 3600, bad)
	yesNo := func(yes, no string) map[string][2]string {
		return map[string][2]string{"0": {no, bad}, "1": {yes, good}}
	}
	budget := "min(" + own("api_rate_limit_remaining") + " / (" + own("api_rate_limit") + " > 0))"

	l.Row("Does it tell the truth?")
	l.Place(4, 4, saying(words(stat("GitHub", "Whether GitHub answered last time and accepted the token.", "short", instant("min("+own("up")+")", "GitHub"), above(bad, 1, good)), yesNo("answers", "does not answer")), "not scraped"))
	l.Place(4, 4, stat("Data is at most this old", "Time since the last complete poll of the repository polled least recently. Idle repositories are polled up to every poll.max_interval.",
		"s", series("max(time() - "+own("poll_last_success_timestamp_seconds", repository)+")", "age"), stale))
	l.Place(4, 4, stat("Repositories failing", "Repositories, and organizations or users, that cannot be read: access was taken away, or the name is wrong.",
		"short", series("sum("+own("repositories", `state="failing"`)+")", "failing"), above(good, 1, bad)))
	l.Place(4, 4, saying(stat("Budget left", "Requests left of the primary rate limit until its reset, the least of all credentials. Servers without limits show nothing.",
		"percentunit", series(budget, "left"), above(bad, 0.1, warn, 0.25, good)), "no limit"))
	l.Place(4, 4, saying(words(stat("Configuration", "Whether the file in force is the one on disk, by the last reload.", "short", instant("min("+own("config_last_reload_successful")+")", "reload"), above(bad, 1, good)), yesNo("loaded", "refused")), "not scraped"))
	l.Place(4, 4, saying(stat("Token expires in", empty("Time left until the token expires.", "where GitHub names no expiry, as for tokens without one and in the demo."),
		"s", series("min("+own("token_expiration_timestamp_seconds")+") - time()", "left"), above(bad, 604800, warn, 2592000, good)), "no end known"))

	l.Row("Is it fresh?")
	l.Place(12, 9, limits(steady(byName(lines("Time since the last complete poll", "By repository. A line that climbs without end belongs to a repository that cannot be read.",
		"s", series("time() - max by (repository) ("+own("poll_last_success_timestamp_seconds", repository)+")", "{{repository}}")))), stale))
	l.Place(12, 9, quantiles(logarithmic(lines("From a job's end to its record", "How long jobs had ended when they were recorded. After a start the jobs of the time before it show as late. A job whose conclusion or steps GitHub shows late, or never, waits for them: until its run has ended and some minutes more.",
		"s", series(h.Quantile(0.5, "", query.OfOwn("ingest_lag_seconds", query.Window)), "p50"),
		series(h.Quantile(0.95, "", query.OfOwn("ingest_lag_seconds", query.Window)), "p95")))))
	states := legendBelow(areas(lines("Repositories by state", "watched: read back completely; first_sweep: not yet; failing: cannot be read.",
		"short", series("sum by (state) ("+own("repositories")+")", "{{state}}"))))
	l.Place(12, 9, fixed(states, dim, [][2]string{{"watched", good}, {"first_sweep", calm}, {"failing", bad}}...))
	l.Place(12, 9, saying(byFault(bars("Failed polls", empty("Failed polls per window, by reason.", "while no poll fails."),
		series(increase("reason", "poll_failures_total")+" > 0", "{{reason}}")), "server", "unauthorized", "forbidden", "not_found", "primary_limit", "secondary_limit", "body", "recording"), "no poll failed"))

	l.Row("Is it within its API budget?")
	l.Place(12, 9, rateLimit(own))
	l.Place(12, 9, byCode(bars("Requests", "Requests per window by status. 304 costs nothing of the limit; 0 is no answer.",
		series(increase("code", "api_requests_total")+" > 0", "{{code}}"))))
	l.Place(12, 9, ranking("Requests by endpoint", "What the requests of the time shown were for, 304 left out: these cost budget.",
		"short", whole(instant("sort_desc("+query.Increase("endpoint", own("api_requests_total", `code!="304"`), query.All)+" > 0)", "{{endpoint}}")), plain()))
	l.Place(12, 9, byName(lines("Request duration, p95", "Time until the answer was read, by endpoint.",
		"s", series(h.Quantile(0.95, "endpoint", query.OfOwn("api_request_duration_seconds", query.Window)), "{{endpoint}}"))))
	l.Place(12, 6, saying(steady(byName(lines("Time to the reset", "Time until the primary rate limit is full again. Servers without limits show nothing.",
		"s", series("min by (credential, resource) ("+own("api_rate_limit_reset_timestamp_seconds")+") - time()", "{{resource}}, {{credential}}")))), "no limit"))
	l.Place(12, 6, signed(steady(byName(lines("Clock skew", "GitHub's clock less the exporter's. Queue times of live jobs and freshness are off by as much.",
		"s", series("max by (instance) ("+own("clock_skew_seconds")+")", "{{instance}}"))))))

	l.Row("Is it told where there is news?")
	l.Place(8, 8, byFault(legendBelow(bars("Visits by reason", "Visits of repositories per window by why they were due: look and over read the list of runs, live the jobs of open runs, called comes of hints.",
		series(increase("reason", "visits_total")+" > 0", "{{reason}}"))), "retry", "waited", "closing", "continued", "over", "look", "live", "called"))
	l.Place(8, 8, saying(byOutcome(legendBelow(bars("Hints", empty("What came of hints, per window; missed: news of which a source had told nothing.", "where no source tells."),
		series(increase("outcome", "hints_total")+" > 0", "{{outcome}}"), series(increase("", "hint_missed_total")+" > 0", "missed"))), "useful", "missed"), "no hints"))
	l.Place(8, 8, saying(byOutcome(legendBelow(bars("Deliveries", empty("Deliveries of the webhook by result, per window.", "without a webhook."),
		series(increase("result", "webhook_deliveries_total")+" > 0", "{{result}}"))), "accepted", "unsigned"), "no deliveries"))

	l.Row("Does it count everything?")
	l.Place(8, 8, fixed(legendBelow(bars("Recorded executions", "Job executions recorded, per window.", series(increase("", "executions_recorded_total"), "recorded"))), calm))
	l.Place(8, 8, saying(byDiscard(legendBelow(bars("Left out", empty("Jobs, steps, attempts and single values that were not counted or not timed, per window, by reason. carried_over and check_run are ordinary.", "while nothing is left out."), series(increase("reason", "discarded_total")+" > 0", "{{reason}}")))), "nothing left out"))
	l.Place(8, 8, fixed(legendBelow(lines("Open runs", "Runs with an attempt that is still to be closed.", "short", series("sum("+own("open_runs")+")", "open"))), calm))
	l.Place(12, 10, ranking("Series used of the limit", "Label sets of each family as part of metrics.series_limit. Beyond it samples go to the family's overflow series.",
		"percentunit", instant("sort_desc("+shortFamily("max by (family) ("+own("series")+" / ("+own("series_limit")+" > 0))")+")", "{{family}}"), above(good, 0.8, warn, 1, bad)))
	l.Place(12, 10, saying(history("Samples to overflow series", empty("Samples that found no series of their own, per window, one row for a family. If there are any: make labels fewer or raise metrics.series_limit.", "while every sample finds its series."),
		"short", series("round("+shortFamily(increase("family", "series_overflowed_total"))+") > 0", "{{family}}"), above(warn, 100, worse, 1000, bad)), "no family has overflowed"))

	l.Row("Is the ledger well?")
	l.Place(8, 8, quantiles(legendBelow(lines("Commit duration", "Time until what was counted is durable on disk.",
		"s", series(h.Quantile(0.5, "", query.OfOwn("ledger_commit_duration_seconds", query.Window)), "p50"),
		series(h.Quantile(0.95, "", query.OfOwn("ledger_commit_duration_seconds", query.Window)), "p95")))))
	l.Place(8, 8, saying(fixed(legendBelow(bars("Commits that failed", empty("Commits that failed, per window. Nothing of them is counted; they are tried again. If there are any: look at disk space and the log.", "while every commit succeeds."),
		series(increase("", "ledger_commit_failures_total")+" > 0", "failed"))), bad), "no commit failed"))
	l.Place(8, 8, fixed(legendBelow(lines("Size", "Size of the ledger's file. It does not shrink; what was deleted is used again.", "bytes", series("sum("+own("ledger_size_bytes")+")", "size"))), calm))
	l.Place(24, 5, instances())

	return dashboard(exporterUID, "GitHub Actions / Exporter", "Freshness, API budget, lag, series and ledger of the exporter itself.", &l,
		repositoryVariable(), windowVariable())
}

// rateLimit shows what is left beside what there is. What tells the two apart stands first: names are cut at their end.
func rateLimit(own func(string, ...string) string) grafana.Panel {
	p := saying(steady(byName(lines("Primary rate limit", "Requests left until the reset, and the limit (dashed), by resource and credential. The exporter spreads what is left over the time to the reset.",
		"short", series("min by (credential, resource) ("+own("api_rate_limit_remaining")+")", "left: {{resource}}, {{credential}}"),
		series("max by (credential, resource) ("+own("api_rate_limit")+")", "limit: {{resource}}, {{credential}}")))), "no limit")
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, grafana.Override{
		Matcher: grafana.Matcher{ID: "byFrameRefID", Options: "B"},
		Properties: []grafana.Property{
			property("color", grafana.Color{Mode: "fixed", FixedColor: dim}),
			property("custom.lineStyle", map[string]any{"fill": "dash", "dash": []int{8, 8}}),
		},
	})
	return p
}

// byDiscard colours reasons: two are ordinary, the others are data that is missing somewhere.
func byDiscard(p grafana.Panel) grafana.Panel {
	p = byFault(p, "step_unfinished", "never_finished", "too_old", "undecodable", "run_deleted")
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, colour("carried_over", dim), colour("check_run", pale))
	return p
}

// shortFamily takes from the names of families what they all begin with: cut at their end, they would look the same.
func shortFamily(expr string) string {
	return `label_replace(` + expr + `, "family", "$1", "family", "github_workflow_(.*)")`
}

// signed lets a chart go below 0.
func signed(p grafana.Panel) grafana.Panel {
	p.FieldConfig.Defaults.Min = nil
	return p
}

func instances() grafana.Panel {
	p := table("Instances", "The exporters that are scraped, their versions, and when each last loaded its configuration.",
		[][2]string{{"instance", "Instance"}, {"version", "Version"}, {"revision", "Revision"}, {"goversion", "Go"}}, "Configuration loaded before",
		cells{title: "Configuration loaded before", unit: "s", expr: "time() - " + query.Own("config_last_reload_success_timestamp_seconds") +
			" + on (instance) group_right () 0 * " + query.By("max", "instance, version, revision, goversion", query.Own("build_info"))},
	)
	return p
}
