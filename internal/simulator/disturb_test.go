package simulator

import (
	"strings"
	"testing"
	"time"
)

func TestHoldNewLetsTheWorldComeToRestAndGoOn(t *testing.T) {
	g, c := newWorld(t, Options{Seed: 5, Repositories: Repositories(2, 400)})
	c.add(5 * time.Hour)
	g.HoldNew(true)
	began := g.now()
	c.add(26 * time.Hour) // a job may queue for a day
	held := g.Truth(TruthQuery{})
	if held.OpenAttempts != 0 {
		t.Errorf("%d attempts are open 26 hours after the last was started", held.OpenAttempts)
	}
	for _, r := range g.repos {
		for _, id := range g.Runs(r.name()) {
			run, _ := g.Run(r.name(), id)
			for _, a := range run.Attempts {
				if a.StartedAt.After(began.Add(time.Second)) {
					t.Errorf("run %d: an attempt started at %s, held since %s", id, a.StartedAt, began)
				}
			}
		}
	}
	g.HoldNew(false)
	c.add(3 * time.Hour)
	if again := g.Truth(TruthQuery{}); again.Attempts < held.Attempts+20 {
		t.Errorf("%d attempts closed, three hours after the hold's end %d", held.Attempts, again.Attempts)
	}
}

func TestTheDemoHasBadTimesOfItsOwn(t *testing.T) {
	c := &clock{t: worldStart}
	g, err := New(DemoProfile(c.now))
	if err != nil {
		t.Fatal(err)
	}
	queued := func() (n float64) {
		for labels, v := range g.Truth(TruthQuery{}).Gauges[jobsNow] {
			if strings.Contains(labels, `status="queued"`) && strings.Contains(labels, "self-hosted") {
				n += v
			}
		}
		return n
	}
	c.add(49 * time.Minute)
	before := queued()
	c.add(6 * time.Minute)
	stopped := queued()
	c.add(20 * time.Minute)
	if after := queued(); stopped < before+5 || after > before+5 {
		t.Errorf("%v jobs waited for self-hosted runners, %v when these had stopped for a while, %v when they went on", before, stopped, after)
	}
	for name, on := range g.Switches() {
		if on {
			t.Errorf("%s shows as switched on", name)
		}
	}
}
