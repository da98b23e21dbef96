package e2e

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github_workflow_exporter/collector/family"
)

const (
	// activeIntervals is how many scrapes the window sees GitHub busy for at least. increase() extends what it sees to
	// the ends of the window by at most an interval on either side: with a hundred of them that is within tolerance.
	activeIntervals = 120
	// bornIntervals is how many scrapes the window lasts after the last change. A series born with that change is
	// shown at 0 for some forty scrapes before it, and increase() extends by an interval what it sees of it: a part in
	// forty would be more than is tolerated.
	bornIntervals = 40
	tolerance     = 0.02
	// settleTime is enough for open attempts of the demo to end, to be read, and for series born last to be shown.
	settleTime = 10 * time.Minute
	// stillTime is longer than the demo takes to notice the end of an attempt and to show a series born with it.
	stillTime = 45 * time.Second
)

// TestDemo runs the demo under a real Prometheus and asks it the questions people ask. The window over which the growth
// is compared begins and ends while GitHub is quiet and everything is shown, so that the truth of the window is exact.
func TestDemo(t *testing.T) {
	t.Parallel() // beside TestDeploy: both mostly wait
	prometheus := findPrometheus(t)
	binary := buildExporter(t)
	exporter, controls := freeAddress(t), control(freeAddress(t))
	began := time.Now()
	demo := start(t, binary, "demo", "--web.listen-address="+exporter, "--demo.control-address="+string(controls), "--storage.path="+t.TempDir())
	eventually(t, "the exporter is ready", time.Minute, 200*time.Millisecond, func() string {
		demo.running(t)
		if _, err := get(t.Context(), "http://"+exporter+"/-/ready"); err != nil {
			return err.Error()
		}
		return ""
	})
	server := startPrometheus(t, prometheus, exporter)

	t.Run("every family arrives", func(t *testing.T) { everyFamily(t, server) })
	if t.Failed() {
		return
	}

	before, shown := settle(t, controls, server, began)
	from := time.Now()
	wait(t, 3*scrapeInterval) // the first sample of the window is still the settled one
	if err := controls.quiet(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	wait(t, activeIntervals*scrapeInterval)
	// Long enough to prove something: what happens by chance may take a while.
	eventually(t, "every family grew and series were born inside the window", 5*time.Minute, 2*scrapeInterval, func() string {
		now, err := controls.truth(t.Context(), time.Time{})
		if err != nil {
			return err.Error()
		}
		grown := now.accumulating().since(before)
		if still := idle(grown); len(still) > 0 {
			return "did not grow: " + strings.Join(still, ", ")
		}
		if grown.born(shown) == 0 {
			return "none yet was born"
		}
		return ""
	})
	after := catchUp(t, controls, server, before, shown)
	wait(t, bornIntervals*scrapeInterval)
	until := time.Now()

	t.Run("growth equals the truth", func(t *testing.T) {
		want := after.since(before)
		window := fmt.Sprintf("%ds", int(math.Ceil(until.Sub(from).Seconds())))
		got, err := server.read(t.Context(), func(metric string) string { return "increase(" + metric + "[" + window + "])" }, until)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range family.All() {
			if name := accumulatingName(f); name != "" {
				t.Logf("%-50s +%g, series born inside the window: %d", name, want.total(name), values{name: want[name]}.born(shown))
			}
		}
		if lines := differences(got, want, tolerance); len(lines) > 0 {
			t.Errorf("increase over %s differs by more than %g %% in %d series:\n\t%s", window, tolerance*100, len(lines), summary(lines))
		}
	})

	t.Run("sums that a user can check", func(t *testing.T) { sums(t, server, until) })

	t.Run("gauges", func(t *testing.T) { gauges(t, controls, server, until, after.since(before)) })

	t.Run("the scrapes of the window succeeded", func(t *testing.T) {
		window := fmt.Sprintf("[%ds]", int(until.Sub(from).Seconds()))
		for expression, least := range map[string]float64{
			// A busy machine may be late now and then; nine in ten must come in time.
			"avg_over_time(up{job=\"github_workflow_exporter\"}" + window + ")":                       0.9,
			"min_over_time(github_workflow_exporter_up" + window + ")":                                1,
			"-quantile_over_time(0.5, scrape_duration_seconds{job=~\"github_.*\"}" + window + ")":     -scrapeInterval.Seconds() / 2,
			"-sum(increase(github_workflow_exporter_ledger_commit_failures_total" + window + "))":     0,
			"-sum(increase(promhttp_metric_handler_errors_total{cause=\"gathering\"}" + window + "))": 0,
		} {
			samples, err := server.query(t.Context(), expression, time.Now())
			if err != nil {
				t.Error(err)
				continue
			}
			if len(samples) == 0 {
				t.Errorf("%s: nothing", expression)
			}
			for _, one := range samples {
				if one.value < least {
					t.Errorf("%s = %g, want at least %g", expression, one.value, least)
				}
			}
		}
	})

	if err := demo.stop(10 * time.Second); err != nil {
		t.Errorf("the demo did not stop in order: %v", err)
	}
}

// idle lists the metrics that have not grown, but for those that need not within minutes of the demo.
func idle(grown values) []string {
	var still []string
	for _, f := range family.All() {
		name := accumulatingName(f)
		rare := f.ID == family.JobFlakes || f.ID == family.JobRerunSeconds || f.ID == family.JobAbandonedDuration || f.ID == family.BranchRecovery
		if name != "" && !rare && grown.total(name) == 0 {
			still = append(still, name)
		}
	}
	return still
}

// sums holds families to each other, in PromQL, as somebody would who doubts them.
func sums(t *testing.T, server *server, at time.Time) {
	const failed = `conclusion!~"success|skipped|neutral|action_required"`
	for name, expression := range map[string]string{
		"critical paths come to the runs' durations": `abs(sum by (repository, workflow) (github_workflow_run_critical_path_seconds_total)
			- sum by (repository, workflow) (github_workflow_run_duration_seconds_sum)) > 1e-6`,
		"failures by reason come to the failed conclusions of jobs": `abs(sum by (repository, workflow, job_name, label) (github_workflow_job_failures_total)
			- sum by (repository, workflow, job_name, label) (github_workflow_job_conclusions_total{` + failed + `})) > 0`,
		"no failed conclusion of a job is without a reason": `sum by (repository, workflow, job_name, label) (github_workflow_job_conclusions_total{` + failed + `})
			unless sum by (repository, workflow, job_name, label) (github_workflow_job_failures_total)`,
		"failures by reason come to the failed conclusions of runs": `abs(sum by (repository, workflow, event, branch) (github_workflow_run_failures_total)
			- sum by (repository, workflow, event, branch) (github_workflow_run_conclusions_total{` + failed + `})) > 0`,
		"billed time is no shorter than the time worked": `sum by (repository, workflow, label) (github_workflow_job_billable_seconds_total)
			< sum by (repository, workflow, label) (github_workflow_job_duration_seconds_sum)`,
		"failed time is within the time worked": `sum by (repository, workflow, job_name, label) (github_workflow_job_failed_seconds_total)
			> sum by (repository, workflow, job_name, label) (github_workflow_job_duration_seconds_sum)`,
	} {
		samples, err := server.query(t.Context(), expression, at)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, one := range samples {
			t.Errorf("%s, but not for %v: %g", name, one.labels, one.value)
		}
	}
	samples, err := server.query(t.Context(), "count(github_workflow_job_billable_seconds_total) + count(github_workflow_run_critical_path_seconds_total) + count(github_workflow_job_failures_total)", at)
	if err != nil || len(samples) != 1 || samples[0].value < 30 {
		t.Errorf("there is hardly anything to be held to each other: %v, %v", samples, err)
	}
}

// everyFamily waits until Prometheus holds every family of the table, with the type, help and labels it says.
func everyFamily(t *testing.T, server *server) {
	for _, f := range family.All() {
		name := f.Name
		if f.Kind == family.Histogram {
			name += "_bucket"
		}
		var samples []sample
		eventually(t, name+" arrived", 5*time.Minute, scrapeInterval, func() string {
			var err error
			if samples, err = server.query(t.Context(), name, time.Now()); err != nil {
				return err.Error()
			}
			if len(samples) == 0 {
				return "no series"
			}
			return ""
		})
		want := slices.Sorted(slices.Values(f.Labels))
		if f.Kind == family.Histogram {
			want = slices.Sorted(slices.Values(append(want, "le")))
		}
		for _, one := range samples {
			// Prometheus has no empty labels: a label that is absent is one that is empty.
			for label := range one.labels {
				if !slices.Contains(want, label) && !slices.Contains(added, label) {
					t.Errorf("%s has the label %s, want only %v", f.Name, label, want)
				}
			}
		}
	}
	known, err := server.metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range family.All() {
		// OpenMetrics names a counter's family without _total; which of the two it is depends on the server.
		entries := known[f.Name]
		if len(entries) == 0 {
			entries = known[strings.TrimSuffix(f.Name, "_total")]
		}
		if len(entries) != 1 || entries[0].Type != f.Kind.String() || entries[0].Help != f.Help {
			t.Errorf("%s: Prometheus was told %+v, want type %s and help %q", f.Name, entries, f.Kind, f.Help)
		}
	}
}

// settle holds back new attempts and waits until nothing moves any more: no attempt is open and no series has changed for
// a while. The truth of that moment and what Prometheus has are returned. How far back the exporter began to count is its
// own affair, so the two are not equal; but what Prometheus has must lie between what happened since the start and all.
func settle(t *testing.T, controls control, server *server, began time.Time) (before, shown values) {
	t.Helper()
	if err := controls.quiet(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	unchanged := time.Now()
	eventually(t, "settled before the window", settleTime, 2*scrapeInterval, func() string {
		server.process.running(t)
		now, got, why := closed(t, controls, server)
		if why == "" && len(differences(got, shown, 0)) > 0 {
			why = "series are changing"
		}
		if why != "" {
			shown, unchanged = got, time.Now()
			return why
		}
		before = now
		if time.Since(unchanged) < stillTime {
			return fmt.Sprintf("nothing has changed for %s", time.Since(unchanged).Round(time.Second))
		}
		return ""
	})
	least, err := controls.truth(t.Context(), began)
	if err != nil {
		t.Fatal(err)
	}
	for metric, series := range least.accumulating() {
		for labels, value := range series {
			if got := shown[metric][labels]; got < value-1e-6 {
				t.Errorf("%s{%s}: got %g, but %g happened since the start", metric, labels, got, value)
			}
		}
	}
	for metric, series := range shown {
		for labels, got := range series {
			if value := before[metric][labels]; got > value+1e-6 {
				t.Errorf("%s{%s}: got %g, but no more than %g ever happened", metric, labels, got, value)
			}
		}
	}
	return before, shown
}

// catchUp holds back new attempts again and waits until Prometheus has seen all that has happened since settle: every
// series has grown by exactly what is true. The truth of that moment is returned.
func catchUp(t *testing.T, controls control, server *server, before, shown values) (after values) {
	t.Helper()
	if err := controls.quiet(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	eventually(t, "settled after the window", settleTime, 2*scrapeInterval, func() string {
		server.process.running(t)
		now, got, why := closed(t, controls, server)
		if why != "" {
			return why
		}
		after = now
		if lines := differences(got.since(shown), now.since(before), 0); len(lines) > 0 {
			return fmt.Sprintf("%d series have not grown by what is true:\n\t%s", len(lines), summary(lines))
		}
		return ""
	})
	return after
}

// closed reads the truth and what Prometheus has; why tells that some attempt is still open.
func closed(t *testing.T, controls control, server *server) (now, got values, why string) {
	t.Helper()
	tr, err := controls.truth(t.Context(), time.Time{})
	if err != nil {
		return nil, nil, err.Error()
	}
	got, err = server.read(t.Context(), func(metric string) string { return metric }, time.Now())
	if err != nil {
		return nil, nil, err.Error()
	}
	if tr.OpenAttempts > 0 {
		return tr.accumulating(), got, fmt.Sprintf("%d attempts are open", tr.OpenAttempts)
	}
	return tr.accumulating(), got, ""
}

// gauges checks what is not accumulated: the last completions of what grew inside the window, and that nothing is left
// open while GitHub is quiet.
func gauges(t *testing.T, controls control, server *server, at time.Time, growth values) {
	now, err := controls.truth(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	completion, runs := family.Get(family.RunLastCompletion).Name, family.Get(family.RunConclusions).Name
	for _, name := range []string{completion, family.Get(family.JobsNow).Name, family.Get(family.OldestJob).Name} {
		samples, err := server.query(t.Context(), name, at)
		if err != nil {
			t.Fatal(err)
		}
		got, want := values{name: {}}, now.present(name)
		for _, one := range samples {
			got.set(name, canonical(one.labels), one.value)
		}
		if name == completion {
			// The others may be from before the exporter began to count.
			still := func(labels string, _ float64) bool { return growth[runs][labels] == 0 }
			maps.DeleteFunc(got[name], still)
			maps.DeleteFunc(want[name], still)
			if len(want[name]) == 0 {
				t.Errorf("no %s", name)
			}
		}
		if lines := differences(got, want, 0); len(lines) > 0 {
			t.Errorf("%d gauges differ from the truth:\n\t%s", len(lines), summary(lines))
		}
	}
}

// accumulatingName is the metric that counts a family's events, "" for gauges.
func accumulatingName(f family.Family) string {
	switch f.Kind {
	case family.Counter:
		return f.Name
	case family.Histogram:
		return f.Name + "_count"
	default:
		return ""
	}
}

func wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
}
