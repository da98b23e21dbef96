package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.yaml.in/yaml/v3"

	"github_workflow_exporter/collector/relabel"
	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

// reload takes over a changed copy of the configuration.
func (w *world) reload(change func(*config.Config)) error {
	w.Helper()
	c := *w.config
	change(&c)
	if err := c.Validate(); err != nil {
		w.Fatal(err)
	}
	err := w.exporter.Reload(&c)
	if err == nil {
		w.config = &c
	}
	return err
}

func (w *world) mustReload(change func(*config.Config)) {
	w.Helper()
	if err := w.reload(change); err != nil {
		w.Fatal(err)
	}
}

func rules(t *testing.T, text string) []relabel.Rule {
	t.Helper()
	var r []relabel.Rule
	if err := yaml.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestReloadLosesNothing reloads again and again while runs come in; what is counted with default labels equals what
// happened as if nothing had been reloaded.
func TestReloadLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Seed: 7, Repositories: simulator.Repositories(2, 40)})
		time.Sleep(3 * time.Hour)
		w.start()
		defer func() { w.stop() }()
		shown := map[string]float64{}
		for i := range 14 {
			time.Sleep(time.Duration(i%7) * 90 * time.Second) // also in the midst of the first sweep
			s := w.scrape()
			if wrong := s.setBack(shown); wrong != nil {
				t.Fatalf("after %d reloads: %q", i, wrong)
			}
			shown = s.durable()
			w.mustReload(func(c *config.Config) {
				c.Poll.Live = i%2 == 0
				c.Poll.Interval = config.Duration(time.Duration(20+i) * time.Second)
				c.Metrics.SeriesLimit = 5000 + i
				c.GitHub.MaxConcurrentRequests = 1 + i%8
				// Now all by name, now the organization's: the same repositories.
				c.Targets.Repositories, c.Targets.Organizations = nil, w.config.Targets.Organizations
				if i%3 == 0 {
					c.Targets.Repositories = []string{"octo-org/service-1", "octo-org/service-2"}
				}
			})
			w.shows(float64(5000+i), namespace+"_series_limit", "family", jobConclusions)
			if i > 0 {
				w.shows(1, up)
			}
		}
		w.settle()
		w.matchesTruth()
	})
}

// Targets that leave stand still, and catch up when they return.
func TestReloadOfTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Seed: 8, Repositories: simulator.Repositories(2, 48)})
		organizations := w.config.Targets.Organizations
		w.start()
		defer func() { w.stop() }()
		time.Sleep(2 * time.Hour)
		before := w.scrape()
		w.mustReload(func(c *config.Config) {
			c.Targets.Organizations, c.Targets.Repositories = nil, []string{"octo-org/service-2"}
		})
		time.Sleep(5 * time.Hour)
		after := w.scrape()
		if wrong := after.setBack(before.durable()); wrong != nil {
			t.Errorf("after targets left: %q", wrong)
		}
		of := func(s scrape, repository string) (n float64) {
			for labels, v := range s.truth().Counters[jobConclusions] {
				if strings.Contains(labels, `repository="`+repository+`"`) {
					n += v
				}
			}
			return n
		}
		if of(after, service) != of(before, service) || of(after, "octo-org/service-2") <= of(before, "octo-org/service-2") {
			t.Error("want the one that left to stand still, and the other to go on")
		}
		w.shows(-1, namespace+"_poll_last_success_timestamp_seconds", "repository", service)
		w.shows(1, namespace+"_repositories", "state", "watched")
		w.mustReload(func(c *config.Config) { c.Targets.Organizations, c.Targets.Repositories = organizations, nil })
		w.mended(eventually)
	})
}

// Relabelling works on what is counted from now on; totals are the same whatever the labels.
func TestReloadOfRelabelling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Seed: 9, Repositories: simulator.Repositories(2, 48)})
		w.start()
		defer func() { w.stop() }()
		time.Sleep(4 * time.Hour)
		before := w.scrape()
		w.mustReload(func(c *config.Config) {
			c.Metrics.RelabelConfigs = rules(t, "[{source_labels: [job_name], regex: '.+', target_label: job_name, replacement: all}, {regex: runner, action: labeldrop}]")
		})
		if wrong := w.scrape().setBack(before.durable()); wrong != nil {
			t.Errorf("by the reload alone: %q", wrong)
		}
		time.Sleep(4 * time.Hour)
		w.settle()
		truth, counted := w.github.Truth(simulator.TruthQuery{Since: w.since}), w.counted()
		for _, name := range slices.Sorted(maps.Keys(truth.Counters)) {
			if want, got := total(truth.Counters[name]), total(counted.Counters[name]); got != want {
				t.Errorf("%s: %v in all, truth %v", name, got, want)
			}
		}
		all := 0.0
		for labels, n := range counted.Counters[jobConclusions] {
			if strings.Contains(labels, `job_name="all"`) {
				all += n
				if !strings.Contains(labels, `runner=""`) {
					t.Errorf("a dropped label: %s", labels)
				}
			}
		}
		if old := total(before.truth().Counters[jobConclusions]); all == 0 || all+old < total(truth.Counters[jobConclusions]) {
			t.Errorf("%v jobs counted under the new labels, %v under the old, %v in all", all, old, total(truth.Counters[jobConclusions]))
		}
		if wrong := w.scrape().setBack(before.durable()); wrong != nil {
			t.Errorf("after hours: %q", wrong)
		}
	})
}

// Fewer buckets fold without loss; others restart their family, and say so.
func TestReloadOfBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const jobDuration, runDuration = "github_workflow_job_duration_seconds", "github_workflow_run_duration_seconds"
		w := newWorld(t, simulator.Options{Seed: 10, Repositories: simulator.Repositories(1, 96)},
			func(c *config.Config) { c.Metrics.Buckets.Job = []float64{10, 60, 300, 1200} })
		said := w.listen()
		w.start()
		defer func() { w.stop() }()
		time.Sleep(4 * time.Hour)
		before := w.scrape()
		if err := w.reload(func(c *config.Config) {
			c.Metrics.Buckets.Job = []float64{60, 1200}
			c.Metrics.Buckets.Run = []float64{77, 777}
		}); err != nil {
			t.Fatal(err)
		}
		after := w.scrape()
		folded := before.durable()
		maps.DeleteFunc(folded, func(series string, _ float64) bool {
			return strings.HasSuffix(series, " le 10") || strings.HasSuffix(series, " le 300") || strings.HasPrefix(series, runDuration)
		})
		if wrong := after.setBack(folded); wrong != nil {
			t.Errorf("by folding buckets: %q", wrong)
		}
		layout := func(name string) string {
			var bounds []string
			for _, m := range after[name].GetMetric() {
				bounds = nil
				for _, b := range m.GetHistogram().GetBucket() {
					bounds = append(bounds, fmt.Sprint(b.GetUpperBound()))
				}
			}
			return strings.Join(bounds, " ")
		}
		if got := layout(jobDuration); got != "60 1200 +Inf" {
			t.Errorf("buckets %s after a reload, want 60, 1200", got)
		}
		if !said.has("level=warn", runDuration, "restart at 0") || !said.has("level=warn", jobDuration, "folded") || strings.Count(said.text(), "restart at 0") != 1 {
			t.Errorf("want a warning for each change, with what it does:\n%s", said.text())
		}
		for labels, d := range after.truth().Histograms[runDuration] {
			if d.Count != 0 {
				t.Errorf("%s still holds %d of another layout", labels, d.Count)
			}
		}
		// The other families go on as if nothing had happened.
		w.settle()
		truth, counted := w.github.Truth(simulator.TruthQuery{Since: w.since}), w.counted()
		delete(truth.Histograms, runDuration)
		delete(counted.Histograms, runDuration)
		w.compare(truth, counted)
	})
}

// What cannot be changed while the program runs is refused whole, the rest of the file too.
func TestReloadThatNeedsARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t)
		w.add(success(time.Now()))
		w.start()
		defer func() { w.stop() }()
		time.Sleep(time.Minute)
		for key, change := range map[string]func(*config.Config){
			"github.api_url": func(c *config.Config) { c.GitHub.APIURL = "http://other.test/api/v3" },
			"storage.path":   func(c *config.Config) { c.Storage.Path = t.TempDir() },
		} {
			err := w.reload(func(c *config.Config) { change(c); c.Metrics.SeriesLimit = 3 })
			if err == nil || !holds(err.Error(), []string{key, "restart needed"}) {
				t.Errorf("changing %s: %v", key, err)
			}
			w.shows(10000, namespace+"_series_limit", "family", jobConclusions)
		}
		time.Sleep(10 * time.Minute)
		w.matchesTruth()
	})
}

// GitHub asks to wait for half an hour: that is said once, and a reload does not make the program ask before that. With
// another token it may.
func TestReloadKeepsThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, file := secured(t)
		writeToken(t, file, secret)
		said := w.listen()
		w.start()
		defer func() { w.stop() }()
		time.Sleep(2 * time.Hour)
		w.github.Faults().Set("limit", simulator.Fault{Kind: simulator.SecondarySeconds, Delay: 30 * time.Minute})
		time.Sleep(20 * time.Minute)
		w.github.ResetRequests()
		for range 5 {
			w.mustReload(func(c *config.Config) { c.Metrics.SeriesLimit++ })
			time.Sleep(30 * time.Second)
		}
		if n := w.github.Requests(); n.Total > 0 {
			t.Errorf("%d requests, answered %v, while GitHub asks to wait", n.Total, n.ByStatus)
		}
		if n := strings.Count(said.text(), `msg="GitHub asks to wait" reason=secondary_limit until=`); n != 1 {
			t.Errorf("said %d times:\n%s", n, said.text())
		}
		w.github.SetTokens(secret, "ghp_the_next")
		writeToken(t, file, "ghp_the_next")
		w.mustReload(func(c *config.Config) { c.Metrics.SeriesLimit++ })
		time.Sleep(30 * time.Second)
		if w.github.Requests().Total == 0 {
			t.Error("nothing is asked with another token")
		}
		w.github.Faults().ClearAll()
		w.mended(40 * time.Minute)
	})
}
