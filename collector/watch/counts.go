package watch

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Credentials are those there are now.
func (g *Group) Credentials() []Credential {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]Credential, 0, len(g.members))
	for _, m := range g.members {
		all = append(all, m.credential)
	}
	slices.SortFunc(all, func(a, b Credential) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Count is how many repositories are in which state.
func (g *Group) Count() Count {
	c, _ := g.count()
	return c
}

// count adds up what the watchers have. Of a credential that is held nothing can be watched.
func (g *Group) count() (all Count, states map[string]int) {
	g.mu.Lock()
	members := slices.Collect(maps.Values(g.members))
	g.mu.Unlock()
	states = map[string]int{}
	for _, m := range members {
		g.mu.Lock()
		w, held, name := m.watcher, m.credential.Held, m.credential.Name
		g.mu.Unlock()
		if strings.HasPrefix(name, installationIs) {
			if held == NotHeld {
				states[stateActive]++
			} else {
				states[string(held)]++
			}
		}
		if w == nil {
			continue
		}
		c := w.Count()
		if held != NotHeld {
			c = Count{Failing: c.FirstSweep + c.Watched + c.Failing, OpenRuns: c.OpenRuns, Unswept: c.Unswept + c.FirstSweep}
		}
		all = all.plus(c)
	}
	return all, states
}

// waitsUntil is until when nothing is asked, by reason: that is until the first may.
func (g *Group) waitsUntil() map[string]time.Time {
	var all map[string]time.Time
	for _, w := range g.watchers() {
		waits := w.gate.WaitsUntil()
		if all == nil {
			all = waits
			continue
		}
		for reason, until := range waits {
			if until.Before(all[reason]) {
				all[reason] = until
			}
		}
	}
	return all
}
