package app

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/internal/simulator"
)

var (
	crashKills = flag.Int("crash.kills", 3, "how often the crash test kills the program")
	crashSeed  = flag.Int64("crash.seed", 0, "seed of the crash test's world and moments; 0: by the clock")
)

// TestCrash kills the program again and again while it records, by SIGKILL at random moments, and starts it on the same
// ledger. Nothing that /metrics ever showed may be lower or missing afterwards, and in the end every total has to equal
// what happened.
func TestCrash(t *testing.T) {
	t.Parallel()
	crash(t, *crashKills, false)
}

// TestCrashWithHints does so with all that tells where there is news: a GitHub App whose tokens last for seconds, the log of its
// deliveries, GraphQL and a webhook of which some deliveries are lost, late, repeated or forged.
func TestCrashWithHints(t *testing.T) {
	t.Parallel()
	crash(t, (*crashKills+1)/2, true)
}

// crash does what TestCrash says; told: by all that tells where there is news.
func crash(t *testing.T, kills int, told bool) {
	seed := *crashSeed
	if seed == 0 {
		seed = time.Now().UnixNano()
	}
	t.Logf("-crash.seed=%d", seed)
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	past := pastWorld(seed, kills)
	yaml := watching("URL")
	if told {
		past.App = simulator.AppPlan{TokenLife: 7 * time.Second, DeliveryLag: time.Second, DeliveriesLost: .1, Installed: []simulator.InstallationPlan{{Login: "octo-org"}}}
		yaml = appYAML(t, &past.App)
	}
	github, api := loopback(t, past)
	if at, _ := github.NextQuiet(time.Now()); at.After(time.Now().Add(time.Second)) {
		t.Fatalf("the world's history goes on until %s", at)
	}
	p := newPlace(t, strings.Replace(yaml, "URL", api, 1)+"metrics: {initial_zero: 1s}\n")

	shown := map[string]float64{}
	midway := 0                 // kills before everything was recorded
	answers := map[string]int{} // to deliveries
	for kill := range kills {
		run := p.serve()
		from := time.Now()
		if told {
			run.hooked(github, random, from.Add(-10*time.Second), answers) // what happened while it was down, some of it twice
		}
		check(t, kill, run.scrape(), shown)
		for range 2 {
			add(t, github, random)
		}
		// Only what was really shown counts, so that it is scraped up to the last moment.
		end := time.NewTimer(time.Duration(5+random.IntN(395)) * time.Millisecond)
		for alive := true; alive; {
			s := run.scrape()
			check(t, kill, s, shown)
			select {
			case <-end.C:
				alive = false
			default:
			}
			if now := time.Now(); told {
				run.hooked(github, random, from, answers)
				from = now
			}
		}
		recorded := run.scrape().value(namespace + "_executions_recorded_total")
		run.kill()
		if int(recorded) < github.Truth(simulator.TruthQuery{}).Executions {
			midway++
		}
	}
	if midway < kills/2 {
		t.Errorf("only %d of %d kills came while there was something to record", midway, kills)
	}

	left := github.Truth(simulator.TruthQuery{}).Executions - int(shown[namespace+"_executions_recorded_total{}"])
	last := p.serve()
	check(t, kills, last.scrape(), shown)
	settled := last.until("everything to be recorded", func(s scrape) bool {
		truth := github.Truth(simulator.TruthQuery{})
		return truth.OpenAttempts == 0 && equal(truth, s.truth())
	})
	check(t, kills, settled, shown)
	if code := last.stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0", code)
	}
	truth, counted := github.Truth(simulator.TruthQuery{}), settled.truth()
	withoutRecoveries(truth, counted)
	(&world{T: t}).compare(truth, counted) // shows what differs
	if told && (answers["202"] == 0 || answers["401"] == 0) {
		t.Errorf("deliveries were answered %v", answers)
	}
	if n := total(truth.Counters[family.Get(family.JobFailures).Name]); n < min(10, float64(2*kills)) {
		t.Errorf("only %v jobs failed: that was not tested", n)
	}
	t.Logf("%d kills, %d of them before all was recorded, %d executions left after the last; %d attempts, %d executions, discards %v",
		kills, midway, left, truth.Attempts, truth.Executions, truth.Discards)
}

// hooked delivers what has happened since, as a webhook that is not to be relied on: some of it not, some twice, some with a
// signature that is wrong. What was answered is counted.
func (p *process) hooked(github *simulator.GitHub, random *rand.Rand, since time.Time, answers map[string]int) {
	p.Helper()
	for _, d := range github.Deliveries(since, time.Now()) {
		for random.IntN(3) > 0 {
			secret := hookSecret
			if random.IntN(5) == 0 {
				secret = "a guess"
			}
			answers[fmt.Sprint(p.deliver(d.Event, d.Body, secret))]++
		}
	}
}

// pastWorld is a world with a history that is over, re-runs and odd jobs included. Every kill needs some of it, as some
// twenty requests are answered before it.
func pastWorld(seed int64, kills int) simulator.Options {
	rates := simulator.DefaultRates()
	rates.RerunDelay = time.Hour
	rates.NeverFinished = 0 // an attempt with such a job is asked for an hour
	rates.PathNames = 0     // the name depends on what was read before
	start := time.Now().Add(-6 * 24 * time.Hour)
	o := simulator.Options{Seed: seed, Start: start, End: start.Add(24 * time.Hour), MaxQueue: time.Hour}
	for _, name := range []string{"octo-org/a", "octo-org/b", "octo-org/c"} {
		o.Repositories = append(o.Repositories, simulator.RepositoryPlan{Name: name, RunsPerDay: float64(10 + 3*kills), Rates: &rates})
	}
	return o
}

// add adds a run that lasts for some lives of the program. Its jobs end one after the other, so that some are recorded
// while others run, and are met again at the next start.
func add(t *testing.T, github *simulator.GitHub, random *rand.Rand) {
	t.Helper()
	plan := simulator.SimpleRun("Long", time.Now(), time.Second, "success")
	jobs := &plan.Attempts[0].Jobs
	template := (*jobs)[0]
	*jobs = nil
	for i := range 4 {
		job := template
		job.Name = fmt.Sprint("stage ", i)
		job.StartedAt = job.CreatedAt
		job.CompletedAt = job.StartedAt.Add(time.Duration(i+random.IntN(2)) * time.Second)
		job.Steps = []simulator.StepPlan{{Name: "Run make", StartedAt: job.StartedAt, CompletedAt: job.CompletedAt}}
		if i == 2 && random.IntN(3) == 0 { // why it failed only its annotation tells
			job.Conclusion, job.Steps[0].Conclusion, job.Cause = "failure", "failure", simulator.ByFullDisk
		}
		*jobs = append(*jobs, job)
	}
	if _, err := github.AddRun("octo-org/a", plan); err != nil {
		t.Fatal(err)
	}
}

// check compares a scrape with all that earlier ones showed, and adds it to them.
func check(t *testing.T, kill int, s scrape, shown map[string]float64) {
	t.Helper()
	wrong := s.setBack(shown)
	for i, w := range wrong {
		if i == 10 {
			t.Errorf("and %d more", len(wrong)-i)
			break
		}
		t.Errorf("after %d kills: %s", kill, w)
	}
	if len(wrong) > 0 {
		t.FailNow()
	}
	maps.Copy(shown, s.durable())
}

// equal tells whether what was counted is what happened.
func equal(truth, counted simulator.Truth) bool {
	withoutRecoveries(truth, counted)
	same := func(a, b map[string]float64) bool {
		return maps.EqualFunc(a, b, func(a, b float64) bool { return math.Abs(a-b) < 1e-6 })
	}
	return truth.Executions == counted.Executions && maps.Equal(truth.Discards, counted.Discards) &&
		maps.EqualFunc(truth.Counters, counted.Counters, same) && maps.EqualFunc(truth.Gauges, counted.Gauges, same) &&
		maps.EqualFunc(truth.Histograms, counted.Histograms, func(a, b map[string]simulator.Distribution) bool {
			return maps.EqualFunc(a, b, func(a, b simulator.Distribution) bool {
				return a.Count == b.Count && math.Abs(a.Sum-b.Sum) < 1e-6
			})
		})
}
