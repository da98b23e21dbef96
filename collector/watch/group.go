package watch

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

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
		options: o, credentials: c, previous: previous,
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

// hurry makes everything due that waits.
func (g *Group) hurry() {
	for _, w := range g.watchers() {
		w.fleet.hurry()
		if w.heads != nil {
			w.heads.Hurry()
		}
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
