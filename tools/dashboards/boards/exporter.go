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
	stale := above("green", 1200, "yellow", 3600, "red")
	yesNo := func(yes, no string) map[string][2]string {
		return map[string][2]string{"0": {no, "red"}, "1": {yes, "green"}}
	}
	budget := "min(" + own("api_rate_limit_remaining") + " / (" + own("api_rate_limit") + " > 0))"

	l.Row("Does it tell the truth?")
	l.Place(4, 4, words(stat("GitHub", "Whether GitHub answered last time and accepted the token.", "short", instant("min("+own("up")+")", "GitHub"), above("red", 1, "green")), yesNo("answers", "does not answer")))
	l.Place(4, 4, stat("Data is at most this old", "Time since the last complete poll of the repository polled least recently. Idle repositories are polled up to every poll.max_interval.",
		"s", series("max(time() - "+own("poll_last_success_timestamp_seconds", repository)+")", "age"), stale))
	l.Place(4, 4, stat("Repositories failing", "Repositories, and organizations or users, that cannot be read: access was taken away, or the name is wrong.",
		"short", series("sum("+own("repositories", `state="failing"`)+")", "failing"), above("green", 1, "red")))
	l.Place(4, 4, stat("Budget left", "Requests left of the primary rate limit until its reset, the least of all credentials. Servers without limits show nothing.",
		"percentunit", series(budget, "left"), above("red", 0.1, "yellow", 0.25, "green")))
	l.Place(4, 4, words(stat("Configuration", "Whether the file in force is the one on disk, by the last reload.", "short", instant("min("+own("config_last_reload_successful")+")", "reload"), above("red", 1, "green")), yesNo("loaded", "refused")))
	l.Place(4, 4, stat("Token expires in", empty("Time left until the token expires.", "where GitHub names no expiry, as for tokens without one and in the demo."),
		"s", series("min("+own("token_expiration_timestamp_seconds")+") - time()", "left"), above("red", 604800, "yellow", 2592000, "green")))

	l.Row("Is it fresh?")
	l.Place(12, 9, limits(lines("Time since the last complete poll", "By repository. A line that climbs without end belongs to a repository that cannot be read.",
		"s", series("time() - max by (repository) ("+own("poll_last_success_timestamp_seconds", repository)+")", "{{repository}}")), stale))
	l.Place(12, 9, logarithmic(lines("From a job's end to its record", "How long jobs had ended when they were recorded. After a start the jobs of the time before it show as late.",
		"s", series(h.Quantile(0.5, "", query.OfOwn("ingest_lag_seconds", query.Window)), "p50"),
		series(h.Quantile(0.95, "", query.OfOwn("ingest_lag_seconds", query.Window)), "p95"))))
	states := legendBelow(areas(lines("Repositories by state", "watched: read back completely; first_sweep: not yet; failing: cannot be read.",
		"short", series("sum by (state) ("+own("repositories")+")", "{{state}}"))))
	states.FieldConfig.Overrides = append(states.FieldConfig.Overrides, colour("watched", "green"), colour("first_sweep", "blue"), colour("failing", "red"))
	l.Place(12, 9, states)
	l.Place(12, 9, bars("Failed polls", empty("Failed polls per window, by reason.", "while no poll fails."),
		series(increase("reason", "poll_failures_total")+" > 0", "{{reason}}")))

	l.Row("Is it within its API budget?")
	l.Place(12, 9, lines("Primary rate limit", "Requests left until the reset, and the limit, by credential and resource. The exporter spreads what is left over the time to the reset.",
		"short", series("min by (credential, resource) ("+own("api_rate_limit_remaining")+")", "{{credential}} {{resource}}: left"),
		series("max by (credential, resource) ("+own("api_rate_limit")+")", "{{credential}} {{resource}}: limit")))
	l.Place(12, 9, bars("Requests", "Requests per window by status. 304 costs nothing of the limit; 0 is no answer.",
		series(increase("code", "api_requests_total")+" > 0", "{{code}}")))
	l.Place(12, 9, ranking("Requests by endpoint", "What the requests of the time shown were for, 304 left out: these cost budget.",
		"short", whole(instant("sort_desc("+query.Increase("endpoint", own("api_requests_total", `code!="304"`), query.All)+" > 0)", "{{endpoint}}")), plain()))
	l.Place(12, 9, lines("Request duration, p95", "Time until the answer was read, by endpoint.",
		"s", series(h.Quantile(0.95, "endpoint", query.OfOwn("api_request_duration_seconds", query.Window)), "{{endpoint}}")))
	l.Place(12, 6, lines("Time to the reset", "Time until the primary rate limit is full again. Servers without limits show nothing.",
		"s", series("min by (credential, resource) ("+own("api_rate_limit_reset_timestamp_seconds")+") - time()", "{{credential}} {{resource}}")))
	l.Place(12, 6, signed(lines("Clock skew", "GitHub's clock less the exporter's. Queue times of live jobs and freshness are off by as much.",
		"s", series("max by (instance) ("+own("clock_skew_seconds")+")", "{{instance}}"))))

	l.Row("Does it count everything?")
	l.Place(8, 8, legendBelow(bars("Recorded executions", "Job executions recorded, per window.", series(increase("", "executions_recorded_total"), "recorded"))))
	l.Place(8, 8, legendBelow(bars("Left out", empty("Jobs, steps, attempts and single values that were not counted or not timed, per window, by reason. carried_over and check_run are ordinary.", "while nothing is left out."), series(increase("reason", "discarded_total")+" > 0", "{{reason}}"))))
	l.Place(8, 8, legendBelow(lines("Open runs", "Runs with an attempt that is still to be closed.", "short", series("sum("+own("open_runs")+")", "open"))))
	l.Place(12, 10, ranking("Series used of the limit", "Label sets of each family as part of metrics.series_limit. Beyond it samples go to the family's overflow series.",
		"percentunit", instant("sort_desc(max by (family) ("+own("series")+" / ("+own("series_limit")+" > 0)))", "{{family}}"), above("green", 0.8, "yellow", 1, "red")))
	l.Place(12, 10, lines("Samples to overflow series", "Samples that found no series of their own, per window, by family. Anything but 0: make labels fewer or raise metrics.series_limit.",
		"short", series(increase("family", "series_overflowed_total"), "{{family}}")))

	l.Row("Is the ledger well?")
	l.Place(8, 8, legendBelow(lines("Commit duration", "Time until what was counted is durable on disk.",
		"s", series(h.Quantile(0.5, "", query.OfOwn("ledger_commit_duration_seconds", query.Window)), "p50"),
		series(h.Quantile(0.95, "", query.OfOwn("ledger_commit_duration_seconds", query.Window)), "p95"))))
	l.Place(8, 8, legendBelow(lines("Commits that failed", "Commits that failed, per window. Nothing of them is counted; they are tried again. Anything but 0: look at disk space and the log.",
		"short", series(increase("", "ledger_commit_failures_total"), "failed"))))
	l.Place(8, 8, legendBelow(lines("Size", "Size of the ledger's file. It does not shrink; what was deleted is used again.", "bytes", series("sum("+own("ledger_size_bytes")+")", "size"))))
	l.Place(24, 5, instances())

	return dashboard(exporterUID, "GitHub Actions / Exporter", "Freshness, API budget, lag, series and ledger of the exporter itself.", &l,
		repositoryVariable(), windowVariable())
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
