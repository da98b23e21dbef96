package app

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

// TestAnswersTruth lets the whole program live through days on github.com, with annotations, private repositories and
// restarts, and compares every answer with what happened, recoveries of branches included.
func TestAnswersTruth(t *testing.T) {
	for seed := range *truthSeeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { answerDays(t, int64(seed)) })
		})
	}
}

func answerDays(t *testing.T, seed int64) {
	repositories := simulator.Repositories(4, 70)
	repositories[1].Private, repositories[3].Private = true, true
	w := newWorld(t, simulator.Options{Seed: 50 + seed, Repositories: repositories, BasePath: githubDotCom}, func(c *config.Config) {
		c.Poll.Lookback = config.Duration(3 * time.Hour)
		c.Failures.Annotations = config.AnnotationsAuto
		if seed%3 == 2 {
			c.Failures.Annotations = config.AnnotationsREST
		}
	})
	random := rand.New(rand.NewPCG(uint64(seed), 1))
	time.Sleep(6 * time.Hour)
	w.start()
	for end := time.Now().Add(truthTime()); time.Now().Before(end); {
		time.Sleep(time.Duration(random.IntN(180)+30) * time.Minute)
		w.restart()
	}
	w.settle()
	defer w.stop()
	truth, counted := w.github.Truth(simulator.TruthQuery{Since: w.since}), w.counted()
	w.compare(truth, counted)
	for _, f := range family.All() {
		name := f.Name
		if f.Durable && len(truth.Counters[name])+len(truth.Gauges[name])+len(truth.Histograms[name]) == 0 {
			t.Errorf("%s: nothing happened, nothing was tested", name)
		}
	}
	r := w.github.Requests()
	t.Logf("%d attempts, %d executions, %d requests, %d points of GraphQL", truth.Attempts, truth.Executions, r.Counted, r.Points)
}

// TestAnswersCostNoRequest: the same half day is read with the same requests of REST, whether the answers are counted and
// annotations read or not.
func TestAnswersCostNoRequest(t *testing.T) {
	day := func(answers bool) (r simulator.Requests) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, simulator.Options{Seed: 9, Repositories: simulator.Repositories(3, 60), BasePath: githubDotCom}, func(c *config.Config) {
				c.Poll.MaxInterval, c.Poll.Live = c.Poll.Interval, false // as little left to chance as can be
				c.Failures.Annotations = config.AnnotationsAuto
				if !answers {
					c.Failures.Annotations = config.AnnotationsOff
					for id := family.JobFailures; id <= family.BranchConsecutiveFailures; id++ {
						c.Metrics.DisabledFamilies = append(c.Metrics.DisabledFamilies, family.Get(id).Name)
					}
					c.Metrics.DisabledFamilies = append(c.Metrics.DisabledFamilies, family.Get(family.JobAbandonedDuration).Name)
				}
			})
			time.Sleep(6 * time.Hour)
			w.start()
			defer w.stop()
			time.Sleep(12 * time.Hour)
			r = w.github.Requests()
			if shown := len(w.counted().Counters[family.Get(family.JobFailures).Name]); (shown > 0) != answers {
				t.Errorf("%d series of failures with answers %v", shown, answers)
			}
		})
		return r
	}
	without, with := day(false), day(true)
	if asked := with.ByEndpoint["graphql"]; asked == 0 || with.Points == 0 || without.ByEndpoint["graphql"] != 0 {
		t.Errorf("GraphQL was asked %d times with answers, %d without", asked, without.ByEndpoint["graphql"])
	}
	t.Logf("%d requests counted without and %d with answers, %d points of GraphQL", without.Counted, with.Counted, with.Points)
	delete(with.ByEndpoint, "graphql")
	// Which of two visits sees a list that changes between them is a matter of milliseconds.
	if apart := math.Abs(float64(without.Counted - with.Counted)); apart > 0.03*float64(without.Counted) {
		t.Errorf("%d requests counted without and %d with answers", without.Counted, with.Counted)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(without.ByEndpoint)), slices.Sorted(maps.Keys(with.ByEndpoint))); diff != "" {
		t.Errorf("other endpoints are asked (-without +with):\n%s", diff)
	}
	for _, endpoint := range []string{"attempt", "attempt_jobs"} {
		if n, m := float64(without.ByEndpoint[endpoint]), float64(with.ByEndpoint[endpoint]); math.Abs(n-m) > 0.01*n {
			t.Errorf("%s is asked %v times without and %v times with answers", endpoint, n, m)
		}
	}
}

// TestAnnotationsFail: GraphQL that is forbidden, missing, limited or broken in the midst of everything costs reasons, and
// nothing else: what was told counts as it was told, the rest by the jobs' own facts.
func TestAnnotationsFail(t *testing.T) {
	for name, o := range map[string]simulator.Options{
		"forbidden": {GraphQL: simulator.GraphQLForbidden}, "missing": {GraphQL: simulator.GraphQLMissing}, "limited": {GraphQLPoints: 5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o.Seed, o.Repositories, o.BasePath = 11, simulator.Repositories(2, 100), githubDotCom
				w := newWorld(t, o, func(c *config.Config) { c.Failures.Annotations = config.AnnotationsAuto })
				said := w.listen()
				w.start()
				defer func() { w.stop() }()
				time.Sleep(6 * time.Hour)
				w.settle()
				w.matchesTruth()
				r := w.github.Requests()
				if asked := r.ByEndpoint["graphql"]; asked < 1 || asked > 6*24 {
					t.Errorf("asked %d times", asked)
				}
				lines := strings.Count(said.text(), "annotations of failed jobs cannot be read")
				if want := map[string]int{"forbidden": 1, "missing": 1, "limited": 0}[name]; lines != want {
					t.Errorf("said %d times, want %d", lines, want)
				}
			})
		})
	}
	t.Run("broken for some hours", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, simulator.Options{Seed: 12, Repositories: simulator.Repositories(2, 100), BasePath: githubDotCom}, func(c *config.Config) {
				c.Failures.Annotations = config.AnnotationsAuto
			})
			w.start()
			defer func() { w.stop() }()
			time.Sleep(4 * time.Hour)
			w.github.Faults().Set("graphql", simulator.Fault{Kind: simulator.ServerError, Endpoint: "graphql"})
			time.Sleep(4 * time.Hour)
			w.restart()
			w.github.Faults().ClearAll()
			time.Sleep(4 * time.Hour)
			w.settle()
			w.matchesTruth()
		})
	})
}
