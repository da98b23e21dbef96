package watch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"golang.org/x/sync/errgroup"

	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/collector/hint"
	"github_workflow_exporter/collector/schedule"
	"github_workflow_exporter/githubapi"
)

// Group is the watchers of all credentials, each with a budget and repositories of its own. Installations of an App come and
// go: what happens to one is nothing to the others.
type Group struct {
	options     Options
	credentials Credentials
	previous    *Group // that this one takes over from; nil: none

	mu      sync.Mutex
	members map[string]*member // by the credential's name
	watched map[int64]*Watcher // whose a repository is: never two ask for one
	listed  bool               // at least once
	trouble string             // why the list cannot be read, as it was logged
	expect  map[*Watcher]int   // how many repositories each watches
	wake    chan struct{}      // looks at the credentials now
}

// member is one credential of the group.
type member struct {
	credential Credential
	watcher    *Watcher // nil: it was held from the first
	stop       func()   // ends its run and waits for that; nil: it does not run
}

// NewGroup makes a group; nothing is asked before Run.
func NewGroup(o Options, c Credentials, previous *Group) *Group {
	if o.Now == nil {
		o.Now = time.Now
	}
	if previous != nil { // what came before that one is known through it, or not needed any more
		previous.mu.Lock()
		previous.previous = nil
		previous.mu.Unlock()
	}
	return &Group{
		options: o, credentials: c, previous: previous, wake: make(chan struct{}, 1),
		members: map[string]*member{}, watched: map[int64]*Watcher{}, expect: map[*Watcher]int{},
	}
}

// Run watches with all credentials until ctx is done, and returns nil then.
func (g *Group) Run(ctx context.Context) error {
	g.options.Metrics.attach(g)
	defer g.options.Metrics.attach(nil)
	if g.options.Hints != nil {
		g.options.Hints.OnLoss(g.hurry)
	}
	runs, ctx := errgroup.WithContext(ctx)
	runs.Go(func() error {
		defer g.stopAll()
		g.follow(ctx, runs)
		return nil
	})
	return runs.Wait()
}

// follow keeps the members in line with the list of credentials until ctx is done.
func (g *Group) follow(ctx context.Context, runs *errgroup.Group) {
	retry := schedule.Backoff{First: 5 * time.Second, Most: g.options.Discover.Interval}
	for ctx.Err() == nil {
		wait := g.options.Discover.Interval
		credentials, err := g.credentials.List(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			wait = retry.Next()
			g.cannotList(err)
		default:
			retry.Reset()
			g.canList()
			g.take(ctx, runs, credentials)
		}
		if err == nil && g.credentials.Lasting() {
			<-ctx.Done()
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-g.wake:
		}
		timer.Stop()
	}
}

// listFailures is the name under which failures to list the installations are counted.
const listFailures = "installations"

func (g *Group) cannotList(err error) {
	reason := githubapi.Reason(err)
	g.options.Metrics.failed(listFailures, listFailures, reason)
	logger := level.Error(g.options.Logger)
	if gate.Said(err) {
		logger = level.Debug(g.options.Logger)
	}
	if g.trouble != reason {
		logger.Log("msg", "the installations of the GitHub App cannot be listed; those known go on", "reason", reason, "err", err)
	}
	g.trouble = reason
}

func (g *Group) canList() {
	if g.trouble != "" {
		level.Info(g.options.Logger).Log("msg", "the installations of the GitHub App can be listed again")
	}
	g.trouble = ""
}

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

// hurry makes everything due that waits.
func (g *Group) hurry() {
	for _, w := range g.watchers() {
		w.fleet.hurry()
	}
}

// watchers are those there are, whether they run or not.
func (g *Group) watchers() []*Watcher {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]*Watcher, 0, len(g.members))
	for _, m := range g.members {
		if m.watcher != nil {
			all = append(all, m.watcher)
		}
	}
	return all
}

// claim makes a repository a watcher's own; false: it is another's.
func (g *Group) claim(id int64, w *Watcher) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if owner := g.watched[id]; owner != nil && owner != w {
		return false
	}
	g.watched[id] = w
	return true
}

// unclaim gives a repository up.
func (g *Group) unclaim(id int64, w *Watcher) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.watched[id] == w {
		delete(g.watched, id)
	}
}

// release gives up all of a watcher's.
func (g *Group) release(w *Watcher) {
	g.mu.Lock()
	defer g.mu.Unlock()
	maps.DeleteFunc(g.watched, func(_ int64, owner *Watcher) bool { return owner == w })
	delete(g.expect, w)
}

// expects takes in how many repositories a watcher will have, and gives the sum of all.
func (g *Group) expects(w *Watcher, repositories int) (all int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expect[w] = repositories
	for _, n := range g.expect {
		all += n
	}
	return all
}

func (g *Group) of(repo int64) *Watcher {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.watched[repo]
}

// Repository is a watched repository as it is called now.
func (g *Group) Repository(id int64) (githubapi.Repository, bool) {
	if w := g.of(id); w != nil {
		return w.repository(id)
	}
	return githubapi.Repository{}, false
}

// Watched tells whether a repository is watched now, or may be: before the credentials are known, any may.
func (g *Group) Watched(repo int64, name string) bool {
	g.mu.Lock()
	known := g.listed
	g.mu.Unlock()
	if !known || g.of(repo) != nil {
		return true
	}
	return slices.ContainsFunc(g.watchers(), func(w *Watcher) bool { return w.discovery.MayKeep(repo, name) })
}

// Hint takes in what a source says of a repository.
func (g *Group) Hint(source hint.Source, news hint.News) {
	w := g.of(news.Repository)
	if w == nil {
		g.options.Hints.Tell(source, news.Repository, false, news.AsOf, time.Time{}, g.options.Now())
		return
	}
	w.hint(source, news)
}

// Ask sends a request that an account's credential is for, within its budget.
func (g *Group) Ask(ctx context.Context, account string, send func(*githubapi.Client) error) error {
	g.mu.Lock()
	var w *Watcher
	for name, m := range g.members {
		if login, of := strings.CutPrefix(name, installationIs); m.watcher != nil && m.credential.Held == NotHeld && (!of || strings.EqualFold(login, account)) {
			w = m.watcher
		}
	}
	g.mu.Unlock()
	if w == nil {
		return fmt.Errorf("asking for %s: there is no credential for it", githubapi.Text(account, githubapi.MostText))
	}
	return w.gate.Ask(ctx, gate.Looking, func() error { return send(w.Client) })
}

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
