// Package watch keeps asking: it is the joint of the rooms that read. Discovery tells which repositories there are, the
// schedule which of them is due, workers visit them, and every request goes through the gate.
package watch

import (
	"context"
	"errors"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"golang.org/x/sync/errgroup"

	"github_workflow_exporter/collector/discover"
	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/collector/hint"
	"github_workflow_exporter/collector/poll"
	"github_workflow_exporter/githubapi"
)

// Ledger is what is asked of the durable memory beside what a visit asks.
type Ledger interface {
	// Watching tells how many repositories are watched, before the first of them counts.
	Watching(repositories int)
	// Known returns id and name of the repositories with an account in which something has happened since.
	Known(since time.Time) []githubapi.Repository
}

// Options configure the watchers of a Group. All durations are positive.
type Options struct {
	Client  *githubapi.Client // of one credential: a Group fills it in, as it does Discover's targets
	Ledger  Ledger
	Reserve float64 // share of the primary limit left to others
	Workers int     // visits at a time
	// PerSecond bounds all requests, those that are free included; 0: 10.
	PerSecond float64

	// Visit and Discover are what the two rooms need beside what they are handed by this one: all but their Figures, Logger,
	// Now and what they call.
	Visit    poll.Options
	Discover discover.Options

	Logger  log.Logger
	Metrics *Metrics
	Hints   *hint.Book
	GraphQL bool             // ask it where runs have ended; needs Hints
	Now     func() time.Time // local clock; nil: time.Now
}

// Watcher watches the repositories of one credential's targets.
type Watcher struct {
	Options
	group     *Group
	figures   figures
	previous  *Watcher // that it takes over from, and that has ended; nil: none
	gate      *gate.Gate
	fleet     *fleet
	visitor   *poll.Visitor
	discovery *discover.Discovery
	heads     *hint.Heads // nil: GraphQL is not asked
}

// newWatcher makes a watcher; nothing is asked before it runs.
func newWatcher(o Options, g *Group, credential string) *Watcher {
	w := &Watcher{Options: o, group: g, figures: figures{o.Metrics, credential}, fleet: newFleet(o.Now)}
	w.gate = gate.New(gate.Options{
		Client: o.Client, Reserve: o.Reserve, PerSecond: o.PerSecond, Interval: o.Visit.Interval, MaxInterval: o.Visit.MaxInterval,
		Answered: o.Metrics.Answered, Again: w.again, Logger: o.Logger, Now: o.Now,
	})
	visit := o.Visit
	visit.Figures, visit.Logger, visit.Now = w.figures, o.Logger, o.Now
	if o.Hints != nil {
		visit.Hints = o.Hints
	}
	if w.heads = w.newHeads(); w.heads != nil {
		visit.Listed = w.heads.Listed
	}
	visit.Moved = func() { w.discovery.Hurry() }
	w.visitor = poll.NewVisitor(visit)
	found := o.Discover
	found.Watch, found.Figures, found.Logger, found.Now = watched{w}, w.figures, o.Logger, o.Now
	found.Known = func() []githubapi.Repository { return o.Ledger.Known(w.visitor.Horizon(o.Client.ServerTime())) }
	w.discovery = discover.New(w.gate, found)
	return w
}

// again makes everything due that failed for want of an answer or a token.
func (w *Watcher) again() {
	w.fleet.hurry()
	w.discovery.Hurry()
}

// run watches until ctx is done, and returns nil then; it may run again. What is being committed at that moment is committed.
func (w *Watcher) run(ctx context.Context) error {
	defer w.pause()
	if w.previous != nil {
		w.takeOver(w.previous)
		w.previous = nil
	}
	w.gate.LearnLimits(ctx)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return w.discovery.Run(ctx) })
	g.Go(func() error { return w.reportFirstSweep(ctx) })
	if w.heads != nil {
		g.Go(func() error { return w.heads.Run(ctx) })
	}
	due := make(chan called)
	g.Go(func() error { return w.fleet.dispatch(ctx, due) })
	for range max(w.Workers, 1) {
		g.Go(func() error {
			for c := range due {
				r := c.repository
				w.Metrics.visited(c.turn.Reason)
				level.Debug(w.Logger).Log("msg", "visiting repository", "repository", r.Repo().FullName, "reason", c.turn.Reason, "due", c.turn.At.UTC().Format(time.RFC3339))
				if !w.fleet.put(r, r.Visit(ctx, c.turn.Reason)) {
					r.Pause() // it has left meanwhile
				}
			}
			return nil
		})
	}
	err := g.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// takeOver takes over what a watcher before this one knew, is not remembered durably and yet outlasts a reload.
func (w *Watcher) takeOver(before *Watcher) {
	w.gate.TakeOver(before.gate)
	visited := before.fleet.all()
	known := map[int64]bool{}
	for _, r := range visited {
		known[r.ID()] = true
	}
	for _, id := range before.discovery.Absent() {
		known[id] = true
	}
	w.discovery.Before = known
	w.visitor.TakeOver(before.visitor, visited)
}

// pause ends all visits for now.
func (w *Watcher) pause() {
	for _, r := range w.fleet.all() {
		r.Pause()
	}
}

// repository is a watched repository as it is called now.
func (w *Watcher) repository(id int64) (githubapi.Repository, bool) {
	r, ok := w.fleet.get(id)
	if !ok {
		return githubapi.Repository{}, false
	}
	return r.Repo(), true
}

// hintDelay is how long after a hint the list is read: what comes with it comes together, and GitHub's lists lag behind.
const hintDelay = 2 * time.Second

// hint takes in what a source says of a repository.
func (w *Watcher) hint(source hint.Source, news hint.News) {
	if news.Path != "" && w.Visit.Workflow != nil && !w.Visit.Workflow(news.Path) {
		return // it is left out
	}
	now := w.Now()
	r, watched := w.fleet.get(news.Repository)
	var read time.Time
	if watched {
		read = r.Read()
	}
	if w.Hints.Tell(source, news.Repository, watched, news.AsOf, read, now) {
		if news.Over && news.Path != "" { // else it is not known whether it is left out
			r.Want(news.Run, news.Attempt)
		}
		w.fleet.call(news.Repository, now.Add(hintDelay))
	}
}

// watched shows the fleet to discovery.
type watched struct{ *Watcher }

func (w watched) Watched() []githubapi.Repository {
	all := w.fleet.all()
	repos := make([]githubapi.Repository, len(all))
	for i, r := range all {
		repos[i] = r.Repo()
	}
	return repos
}

func (w watched) Lookup(id int64) (repo githubapi.Repository, failing, ok bool) {
	r, ok := w.fleet.get(id)
	if !ok {
		return githubapi.Repository{}, false, false
	}
	return r.Repo(), r.State() == poll.Failing, true
}

func (w watched) Expect(repositories int) {
	w.Ledger.Watching(w.group.expects(w.Watcher, repositories))
}

// Add leaves a repository to the watcher that has it already, as of one that was moved to another account: that one finds out.
func (w watched) Add(repo githubapi.Repository) {
	if w.group.claim(repo.ID, w.Watcher) {
		w.fleet.add(w.visitor.NewRepository(w.gate, repo))
	}
}

func (w watched) Update(repo githubapi.Repository) {
	if r, ok := w.fleet.get(repo.ID); ok {
		r.Update(repo)
	}
}

func (w watched) Remove(id int64) {
	if _, ok := w.fleet.get(id); !ok {
		return
	}
	w.fleet.remove(id)
	w.group.unclaim(id, w.Watcher)
	w.Visit.Recorder.Forget(id, 0)
	if w.Hints != nil {
		w.Hints.Forget(id)
	}
	if w.heads != nil {
		w.heads.Forget(id)
	}
}

func (w watched) Hasten(id int64) { w.fleet.hasten(id) }
func (w watched) Hurry()          { w.fleet.hurry() }
