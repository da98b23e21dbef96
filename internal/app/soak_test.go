package app

import (
	"flag"
	"fmt"
	"math"
	"testing"
	"time"

	"github_workflow_exporter/internal/simulator"
)

var soak = flag.Duration("soak", 12*time.Second, "how long the soak test loads the program, in real time")

const (
	// soakedRuns are those of a day at 50 times what an organization of 1,000 repositories usually has.
	soakedRuns         = 50 * 5_000
	soakedRepositories = 10
)

// TestSoak has the program by itself watch a GitHub that is busy and troubled. What it holds must not grow with what passes
// through it, and in the end every total has to equal what happened.
func TestSoak(t *testing.T) {
	t.Parallel()
	rates := completeRates()
	rates.RerunDelay, rates.PathNames = 2*time.Second, 0
	workflow := simulator.WorkflowPlan{Name: "CI", Path: ".github/workflows/ci.yml", Jobs: []simulator.JobTemplate{
		{Name: "build", Variants: []string{"a", "b", "c"}, Labels: []string{"ubuntu-latest"}, Seconds: [2]int{1, 3}, Queue: [2]int{0, 1}, FailRate: .1},
		{Name: "test", Needs: []string{"build"}, Labels: []string{"self-hosted"}, Runner: simulator.SelfHosted, Seconds: [2]int{1, 2}, Queue: [2]int{0, 1}, FailRate: .1},
	}}
	begin := time.Now()
	o := simulator.Options{Seed: 5, Start: begin, End: begin.Add(*soak), MaxQueue: time.Minute}
	for i := range soakedRepositories {
		o.Repositories = append(o.Repositories, simulator.RepositoryPlan{
			Name: fmt.Sprintf("octo-org/busy-%d", i), RunsPerDay: soakedRuns / soakedRepositories, Even: true, Rates: rates, Workflows: []simulator.WorkflowPlan{workflow},
		})
	}
	github, api := loopback(t, o)
	for name, fault := range map[string]simulator.Fault{
		"errors": {Kind: simulator.ServerError, Probability: .02}, "cut": {Kind: simulator.CutBody, Probability: .02},
		"html": {Kind: simulator.HTML, Probability: .02}, "reset": {Kind: simulator.Reset, Probability: .02},
		"slow": {Kind: simulator.Slow, Probability: .05, Delay: 300 * time.Millisecond}, "shifted": {Kind: simulator.ShiftedPages, Probability: .2},
	} {
		github.Faults().Set(name, fault)
	}
	p := newPlace(t, "github: {api_url: "+api+", requests_per_second: 100}\ntargets: {organizations: [{name: octo-org}]}\n"+
		"poll: {interval: 1s, max_interval: 3s, lookback: 240h, discovery_interval: 10s}\nmetrics: {initial_zero: 0s}\n")
	run := p.serve()

	held := map[string][2]float64{} // the least in the middle third and in the last: what is there when nothing is under way
	for passed := time.Duration(0); passed < *soak; passed = time.Since(begin) {
		run.wait(250 * time.Millisecond)
		third := int(3 * passed / *soak)
		if third == 0 {
			continue
		}
		s := run.scrape()
		for _, name := range []string{"go_goroutines", "process_open_fds", "go_memstats_heap_inuse_bytes"} {
			v := held[name]
			if now := s.value(name); v[third-1] == 0 || now < v[third-1] {
				v[third-1] = now
			}
			held[name] = v
		}
	}
	github.Faults().ClearAll()
	// What GitHub says of an attempt that is over is taken to be able to change for three minutes.
	settled := run.untilWithin(5*time.Minute, "everything to be recorded", func(s scrape) bool {
		truth := github.Truth(simulator.TruthQuery{})
		return truth.OpenAttempts == 0 && equal(truth, s.truth())
	})
	truth, counted := github.Truth(simulator.TruthQuery{}), settled.truth()
	withoutRecoveries(truth, counted)
	(&world{T: t}).compare(truth, counted)
	for name, v := range held {
		// Labels of new runners, marks of what was counted and the series of re-runs are few beside what is there from the beginning.
		if most := 1.5*v[0] + 8; v[1] > most && (name != "go_memstats_heap_inuse_bytes" || v[1]-v[0] > 8<<20) {
			t.Errorf("%s grew from %v to %v", name, v[0], v[1])
		}
	}
	if least := int(soakedRuns * soak.Hours() / 24 / 2); truth.Attempts < least {
		t.Errorf("only %d attempts, want %d: that was no load", truth.Attempts, least)
	}
	if code := run.stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0", code)
	}
	mib := func(v float64) float64 { return math.Round(v / (1 << 20)) }
	t.Logf("%s: %d attempts, %d executions; goroutines %v, open files %v, heap %v to %v MiB", *soak, truth.Attempts, truth.Executions,
		held["go_goroutines"], held["process_open_fds"], mib(held["go_memstats_heap_inuse_bytes"][0]), mib(held["go_memstats_heap_inuse_bytes"][1]))
}
