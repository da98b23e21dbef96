package watch

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"golang.org/x/sync/errgroup"
)

// take starts, holds and ends members as a whole list says.
func (g *Group) take(ctx context.Context, runs *errgroup.Group, credentials []Credential) {
	there := map[string]bool{}
	for _, c := range credentials {
		there[c.Name] = true
		g.takeOne(ctx, runs, c)
	}
	g.mu.Lock()
	var gone []string
	for name := range g.members {
		if !there[name] {
			gone = append(gone, name)
		}
	}
	g.mu.Unlock()
	for _, name := range gone {
		g.end(name)
	}
	g.mu.Lock()
	first := !g.listed
	g.listed = true
	g.mu.Unlock()
	if first {
		g.options.Metrics.only(there)
	}
}

func (g *Group) takeOne(ctx context.Context, runs *errgroup.Group, c Credential) {
	g.mu.Lock()
	m := g.members[c.Name]
	g.mu.Unlock()
	logger := g.options.Logger
	switch {
	case m == nil:
		m = &member{credential: c}
		if c.Held != NotHeld {
			level.Warn(logger).Log("msg", "installation cannot be asked", "credential", c.Name, "reason", c.Held, "advice", c.Held.Advice())
		} else if strings.HasPrefix(c.Name, installationIs) {
			level.Info(logger).Log("msg", "watching with an installation", "credential", c.Name)
		}
	case m.credential.Held == NotHeld && c.Held != NotHeld:
		level.Warn(logger).Log("msg", "installation cannot be asked any more; what it watched waits", "credential", c.Name, "reason", c.Held, "advice", c.Held.Advice())
		m.halt()
	case m.credential.Held != NotHeld && c.Held == NotHeld:
		level.Info(logger).Log("msg", "installation can be asked again", "credential", c.Name)
	}
	if m.watcher != nil && m.credential.Client != c.Client && c.Client != nil { // it permits more now, or less
		m.halt()
		g.replace(m, c)
	}
	g.mu.Lock()
	m.credential = c
	g.members[c.Name] = m
	g.mu.Unlock()
	if c.Held != NotHeld || m.stop != nil {
		return
	}
	if m.watcher == nil {
		g.replace(m, c)
	}
	running, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	m.stop = func() {
		cancel()
		<-ended
	}
	runs.Go(func() error {
		defer close(ended)
		defer cancel()
		return m.watcher.run(running)
	})
}

// replace makes a member's watcher, which takes over what is known: from the one it had, or from before a reload.
func (g *Group) replace(m *member, c Credential) {
	o := g.options
	o.Client = c.Client
	o.Discover.Repositories, o.Discover.Organizations, o.Discover.Users = c.Targets.Repositories, c.Targets.Organizations, c.Targets.Users
	o.Discover.OfInstallation = c.Targets.OfInstallation
	if strings.HasPrefix(c.Name, installationIs) {
		o.Logger = log.With(o.Logger, "credential", c.Name)
	}
	w := newWatcher(o, g, c.Name)
	g.mu.Lock()
	previous := g.previous
	g.mu.Unlock()
	switch before := previous.member(c.Name); {
	case m.watcher != nil:
		w.previous = m.watcher
		g.release(m.watcher)
	case before != nil && before.watcher != nil:
		w.previous = before.watcher
	}
	g.mu.Lock()
	m.watcher = w
	g.mu.Unlock()
}

func (g *Group) member(name string) *member {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.members[name]
}

// halt ends a member's run, if it runs.
func (m *member) halt() {
	if m.stop != nil {
		m.stop()
		m.stop = nil
	}
}

// end lets go of a credential that is there no longer, and of what was watched with it.
func (g *Group) end(name string) {
	m := g.member(name)
	level.Warn(g.options.Logger).Log("msg", "installation is gone; what it watched is no longer watched", "credential", name)
	m.halt()
	if m.watcher != nil {
		for _, r := range m.watcher.fleet.all() {
			watched{m.watcher}.Remove(r.ID())
		}
		g.release(m.watcher)
	}
	g.options.Metrics.retain(name, nil)
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.members, name)
}

func (g *Group) stopAll() {
	g.mu.Lock()
	all := slices.Collect(maps.Values(g.members))
	g.mu.Unlock()
	for _, m := range all {
		m.halt()
	}
}
