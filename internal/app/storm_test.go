package app

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github_workflow_exporter/internal/simulator"
)

// TestDeliveryStorm: ten thousand deliveries at once, forged, oversized, replayed and odd ones, cost neither memory nor a count,
// and metrics answer meanwhile.
func TestDeliveryStorm(t *testing.T) {
	t.Parallel()
	const senders = 64
	storm := 10_000
	if raceDetector {
		storm = 2_000
	}
	app := simulator.AppPlan{Installed: []simulator.InstallationPlan{{Login: "octo-org"}}}
	yaml := appYAML(t, &app)
	github, api := loopback(t, simulator.Options{Seed: 3, App: app, Repositories: simulator.Repositories(1, 0)})
	p := newPlace(t, strings.Replace(yaml, "URL", api, 1))
	run := p.serve()
	began := time.Now()
	plan := simulator.SimpleRun("CI", time.Now(), time.Second, "success")
	if _, err := github.AddRun("octo-org/service-1", plan); err != nil {
		t.Fatal(err)
	}
	counted := func(s scrape) float64 { return s.value(namespace + "_executions_recorded_total") }
	settled := func(s scrape) bool { return counted(s) > 0 && s.value(namespace+"_open_runs") == 0 }
	first := counted(run.until("the run to be counted", settled))
	real := github.Deliveries(began.Add(-time.Minute), time.Now())
	if len(real) == 0 {
		t.Fatal("nothing was delivered")
	}
	before := run.scrape().value("process_resident_memory_bytes")

	large := []byte(`{"x":"` + strings.Repeat("x", 1<<20) + `"}`)
	var all sync.WaitGroup
	answers := make([]map[int]int, senders)
	for i := range senders {
		answers[i] = map[int]int{}
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for range storm / senders {
				one, secret := real[random.IntN(len(real))], hookSecret
				event, body := one.Event, one.Body
				switch random.IntN(6) {
				case 0, 1:
					secret = "a guess"
				case 2:
					body = []byte(`{"action":"completed","workflow_run":{"id":-1},"repository":{"id":1e300}`) // cut off
				case 3:
					event = strings.Repeat("x", 1000)
				case 4:
					if random.IntN(10) == 0 {
						body, secret = large, "a guess"
					}
				}
				answers[i][run.deliver(event, body, secret)]++
			}
		})
	}
	calm := make(chan struct{})
	go func() { all.Wait(); close(calm) }()
	scrapes := 0
	for raging := true; raging; scrapes++ {
		if n := counted(run.scrape()); n != first {
			t.Errorf("%v executions counted after %v, by a replayed delivery", n, first)
		}
		select {
		case <-calm:
			raging = false
		default:
		}
	}
	sum := map[int]int{}
	for _, of := range answers {
		for code, n := range of {
			sum[code] += n
		}
	}
	after := run.scrape()
	grown := after.value("process_resident_memory_bytes") - before
	t.Logf("answers %v, %d scrapes meanwhile, %.0f MiB more memory", sum, scrapes, grown/(1<<20))
	if sum[202] == 0 || sum[401] == 0 || sum[400] == 0 || sum[202]+sum[400]+sum[401]+sum[503] != storm-storm%senders {
		t.Errorf("answers %v", sum)
	}
	if grown > 64<<20 {
		t.Errorf("%.0f MiB more memory", grown/(1<<20))
	}
	// What is real is still told.
	plan = simulator.SimpleRun("CI", time.Now(), time.Second, "success")
	if _, err := github.AddRun("octo-org/service-1", plan); err != nil {
		t.Fatal(err)
	}
	run.until("the next run to be counted", func(s scrape) bool { return counted(s) == 2*first })
	if code := run.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
