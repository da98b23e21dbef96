package app

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/observe"
	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

var (
	truthSeeds = flag.Int("truth.seeds", 2, "how many worlds the truth test lives through")
	truthHours = flag.Int("truth.hours", 0, "how many simulated hours it does so; 0: 16, under the race detector 8")
)

// hours of a world; the whole two days are there with -truth.hours=48.
func truthTime() time.Duration {
	hours := *truthHours
	switch {
	case hours > 0:
	case raceDetector:
		hours = 8
	default:
		hours = 16
	}
	return time.Duration(hours) * time.Hour
}

// TestTruth lets the whole program live through days of a simulated GitHub with re-runs, faults and restarts, and
// compares every total with what happened.
func TestTruth(t *testing.T) {
	for seed := range *truthSeeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { days(t, int64(seed)) })
		})
	}
}

func days(t *testing.T, seed int64) {
	const repositories = 4
	w := newWorld(t, simulator.Options{
		Seed: seed, Repositories: simulator.Repositories(repositories, 70), PrimaryLimit: 15000,
	}, func(c *config.Config) {
		c.Poll.Lookback = config.Duration(3 * time.Hour)
		c.Poll.Live = seed%2 == 0
	})
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	time.Sleep(6 * time.Hour) // a history before the first sweep
	w.start()
	for end := time.Now().Add(truthTime()); time.Now().Before(end); {
		time.Sleep(time.Duration(random.IntN(90)+10) * time.Minute)
		disturb(w, random)
		// What is begun at this moment, as when a fault is gone, is over before the program may be stopped: of a page that is
		// answered at the very moment of the stop nobody can say whether it was read.
		time.Sleep(1037 * time.Millisecond)
		if random.IntN(4) == 0 {
			w.restart()
		}
		if random.IntN(8) == 0 { // down for a while
			w.stop()
			time.Sleep(time.Duration(random.IntN(180)) * time.Minute)
			w.start()
		}
	}
	w.settle()
	defer w.stop()
	truth := w.github.Truth(simulator.TruthQuery{Since: w.since})
	counted := w.counted()
	withoutRecoveries(truth, counted)
	w.compare(truth, counted)
	if least := repositories * int(truthTime().Hours()); truth.Attempts < least || truth.Executions < 3*least {
		t.Errorf("only %d attempts and %d executions happened: nothing was tested", truth.Attempts, truth.Executions)
	}
	for _, reason := range []string{"carried_over", "check_run", "step_unfinished", "steps_missing"} {
		if truth.Discards[reason] == 0 && truthTime() >= 48*time.Hour {
			t.Errorf("nothing was to be discarded for %s: that was not tested", reason)
		}
	}
	t.Logf("%d attempts, %d executions, discards %v", truth.Attempts, truth.Executions, truth.Discards)
}

// withoutRecoveries leaves out how long branches took to become green: what is late when a success closes does not count for
// it, and faults and restarts make it late.
func withoutRecoveries(truths ...simulator.Truth) {
	for _, t := range truths {
		delete(t.Histograms, family.Get(family.BranchRecovery).Name)
		delete(t.Discards, observe.NegativeDuration) // some are of recoveries
	}
}

// settle ends the making of new runs, mends all faults and waits until everything that could be read was.
func (w *world) settle() {
	w.Helper()
	w.github.Faults().ClearAll()
	for _, name := range w.repositories() {
		if err := w.github.ChangeRepository(name, func(p *simulator.RepositoryPlan) { p.RunsPerDay = 0 }); err != nil {
			w.Fatal(err)
		}
	}
	// Re-runs of old runs come hours later, and the deep sweep finds them within six: wait for a rest longer than that.
	const rest = 8
	before := w.github.Truth(simulator.TruthQuery{Since: w.since}).Attempts
	for hours, quiet := 0, 0; hours < 3*24; hours++ {
		time.Sleep(time.Hour)
		quiet++
		now := w.github.Truth(simulator.TruthQuery{Since: w.since})
		if now.OpenAttempts > 0 || now.Attempts != before {
			quiet = 0
		}
		before = now.Attempts
		if hours%24 == 0 {
			w.Logf("%d hours after the last new run %d attempts are open", hours, now.OpenAttempts)
		}
		if quiet == rest {
			return
		}
	}
	w.Fatal("the simulated world does not come to rest")
}

func (w *world) repositories() []string {
	var names []string
	for _, a := range w.exporter.ledger.Accounts() {
		names = append(names, a.Name)
	}
	return names
}

// disturb switches some faults on and others off.
func disturb(w *world, random *rand.Rand) {
	w.github.Faults().ClearAll()
	faults := []simulator.Fault{
		{Kind: simulator.ServerError, Probability: 0.1},
		{Kind: simulator.ServerError, Status: 503, Probability: 0.5},
		{Kind: simulator.Reset, Probability: 0.1},
		{Kind: simulator.CutBody, Probability: 0.1},
		{Kind: simulator.HTML, Probability: 0.1},
		{Kind: simulator.Slow, Probability: 0.2, Delay: 40 * time.Second}, // longer than the timeout
		{Kind: simulator.BigPages, PerPage: 20},
		{Kind: simulator.ShiftedPages},
		{Kind: simulator.ShiftedPages, Shift: 1},
		{Kind: simulator.ForeignAttempt},
		{Kind: simulator.LaggingFilter, Delay: 2 * time.Hour},
		{Kind: simulator.EmptyFilter},
		{Kind: simulator.PartialFilter},
		{Kind: simulator.Unauthorized, Times: 30},
		{Kind: simulator.Forbidden, Repository: "octo-org/service-1"},
		{Kind: simulator.NotFound, Repository: "octo-org/service-2"},
		{Kind: simulator.ClockSkew, Delay: 4 * time.Minute},
		{Kind: simulator.ClockSkew, Delay: -4 * time.Minute},
		{Kind: simulator.PrimaryLimit, Times: 3},
		{Kind: simulator.SecondarySeconds, Probability: 0.05, Delay: time.Minute},
		{Kind: simulator.SecondaryDate, Times: 2, Delay: time.Minute},
		{Kind: simulator.SecondaryMessage, Times: 2},
		{Kind: simulator.SecondaryDocs, Times: 2},
		{Kind: simulator.SecondaryBare, Times: 2, Delay: 90 * time.Second},
	}
	for i := range random.IntN(4) {
		fault := faults[random.IntN(len(faults))]
		w.github.Faults().Set(fmt.Sprint(i), fault)
	}
}
