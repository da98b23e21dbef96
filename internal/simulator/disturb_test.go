package simulator

import (
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
