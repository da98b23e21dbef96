// Package poll decides which repository to ask next and what to ask, within the API budget, and hands what it reads to
// a Recorder. Reading may repeat: the recorder counts once.
//
// A visit of a repository goes through the same stages each time: the front of the unfiltered runs list (list.go), the
// open runs that list does not show, by id (follow.go), the jobs of what finished (close.go) or still runs (live.go),
// and, from spare budget, a deeper page of the list in search of re-runs of old runs (sweep.go).
package poll

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"golang.org/x/sync/errgroup"

	"github_workflow_exporter/githubapi"
)

// Recorder commits what was read. Every method is safe for concurrent use and idempotent.
type Recorder interface {
	// Record commits, in one transaction, the jobs of the attempt that are final and not yet recorded. With closing set
	// the attempt is closed in the same transaction: its run sample counts and what is not final is discarded. The run
	// stays open while closing is false or attempt.Latest is a later attempt.
	Record(ctx context.Context, repo githubapi.Repository, attempt githubapi.Attempt, closing bool) error
	// Discard closes one attempt of a run without counting it; reason "" when it is not even a discard (older than since).
	Discard(ctx context.Context, repo githubapi.Repository, run githubapi.Run, attempt, latest int, reason string) error
	// Unexplained lists the jobs of an attempt, by id, that Record would count as failed and has not yet.
	Unexplained(repo githubapi.Repository, attempt githubapi.Attempt) ([]int64, error)
	// Live replaces what is known of the unfinished jobs of an open attempt.
	Live(repo githubapi.Repository, attempt githubapi.Attempt)
	// StillLive says that the unfinished jobs of a run are as they were: without that they are not shown for long.
	StillLive(repo, run int64)
	// Forget drops the live jobs of a run, or of all runs of the repository where run is 0.
	Forget(repo, run int64)
}

// Progress is the durable memory of how far reading has come.
type Progress interface {
	// Watch opens the account of a repository, born with since, or renames it, and returns what is remembered.
	Watch(ctx context.Context, repo githubapi.Repository, since time.Time) (Account, error)
	// MoveSince moves a since that lies ahead of the clocks back, and with it how far the list has been seen.
	MoveSince(ctx context.Context, repo int64, since time.Time) (Account, error)
	// Open remembers runs to be followed until they close, and that the list has been seen down to through (zero: leave).
	Open(ctx context.Context, repo int64, runs []githubapi.Run, through time.Time) error
	// Attempts returns the closed attempts of a run, ascending.
	Attempts(repo, run int64) ([]int, error)
	// Known returns id and name of the repositories with an account in which something has happened since.
	Known(since time.Time) []githubapi.Repository
	// OpenRuns returns the ids of the runs to be followed.
	OpenRuns(repo int64) ([]int64, error)
	// WorkflowName is what a workflow of the repository was called last, "" where nothing has told.
	WorkflowName(repo, workflow int64) string
	// Watching tells how many repositories are watched.
	Watching(repositories int)
	// Swept ends the first sweep: series born from now on are not baseline.
	Swept(ctx context.Context, repo int64) error
	// Prune forgets the runs whose newest attempt started before the given time.
	Prune(ctx context.Context, repo int64, before time.Time) error
}

// Account is what is remembered of a repository.
type Account struct {
	Since   time.Time // attempts started before it do not count
	Through time.Time // runs created before it have been seen in the list
	Pruned  time.Time // runs whose newest attempt started before it have been forgotten
	Swept   bool      // the first sweep is over
}

// Reasons for which an attempt is discarded as a whole.
const (
	reasonTooOld       = "too_old"
	reasonRunDeleted   = "run_deleted"
	reasonRunAbandoned = "run_abandoned"
	reasonUndecodable  = "undecodable"
	reasonUndated      = "missing_time"
)

// Owner selects repositories of an organization or user.
type Owner struct {
	Name     string
	Match    func(repository string) bool // by the name without owner
	Archived bool
	Forks    bool
}

// Wants tells whether a repository of the owner is to be watched.
func (o Owner) Wants(repo githubapi.Repository) bool { return o.leftOut(repo) == "" }

// Options configure a Poller. All durations are positive.
type Options struct {
	Client   *githubapi.Client
	Recorder Recorder
	Progress Progress

	Repositories  []string // owner/name
	Organizations []Owner
	Users         []Owner
	Workflow      func(path string) bool // nil: all; an excluded run costs no jobs page

	Interval          time.Duration
	MaxInterval       time.Duration
	Lookback          time.Duration
	MaxRunAge         time.Duration
	RerunWindow       time.Duration
	DiscoveryInterval time.Duration
	Live              bool
	Reserve           float64 // share of the primary limit left to others
	Workers           int
	Annotations       Annotations

	Logger  log.Logger
	Metrics *Metrics
	Now     func() time.Time // local clock; nil: time.Now

	// Previous is the poller that this one takes over from, nil for none. It must have ended when Run is called.
	Previous *Poller
}

// Poller polls the repositories of its targets until its context ends.
type Poller struct {
	Options
	budget *budget
	queue  *queue
	rest   *backoff // after a recording that failed: no reading that could not be recorded

	refusal   refusal
	outage    outage
	waits     waits
	shrinks   shrinks
	sso       restrictions
	discovery discovery
	graphql   graphql

	pause     atomic.Pointer[pause]         // the last, nil if there was none
	finishing map[int64]map[int64]finishing // what the previous poller waited for, by repository and run
}

// New makes a poller; nothing is asked before Run.
func New(o Options) *Poller {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Workflow == nil {
		o.Workflow = func(string) bool { return true }
	}
	p := &Poller{
		Options: o,
		budget:  newBudget(o.Reserve, o.Now),
		queue:   newQueue(o.Now),
		rest:    &backoff{first: 5 * time.Second, most: time.Minute},
		outage:  newOutage(),
	}
	p.budget.waits = p.waiting
	p.budget.charged = o.Client.Anonymous()
	return p
}

// Run polls until ctx is done, and returns nil then. What is being committed at that moment is committed.
func (p *Poller) Run(ctx context.Context) error {
	p.Metrics.attach(p)
	defer p.Metrics.attach(nil)
	defer p.forgetAll()
	if p.Previous != nil {
		p.takeOver(p.Previous)
		p.Previous = nil
	}
	p.learnLimits(ctx)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.discover(ctx) })
	g.Go(func() error { return p.reportFirstSweep(ctx) })
	due := make(chan *repository)
	g.Go(func() error { return p.queue.dispatch(ctx, due) })
	for range max(p.Workers, 1) {
		g.Go(func() error {
			for r := range due {
				if !p.queue.put(r, p.visit(ctx, r)) {
					p.Recorder.Forget(r.id, 0) // it has left meanwhile
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

// learnLimits asks once for the limits, which is free, so that the first sweep is paced from its first request. Not to
// know them (404 on servers without limits) is a normal state.
func (p *Poller) learnLimits(ctx context.Context) {
	if paused, _ := p.budget.pauses(); !p.Now().Before(paused) {
		p.lookAtLimits(ctx)
	}
}

// ask sends one request when the budget allows it, unless its token is refused or the server serves nobody.
func (p *Poller) ask(ctx context.Context, send func() error) error {
	if err := p.outage.holds(p.Now()); err != nil {
		return err
	}
	try, err := p.refusal.admit(p.Now(), p.Client.TokenAvailable)
	if err != nil {
		return err
	}
	unsent := func(err error) error {
		if try {
			p.refusal.withdraw()
		}
		return err
	}
	if err := p.budget.acquire(ctx); err != nil {
		return unsent(err)
	}
	again, err := p.outage.admit(p.Now()) // what began while it waited
	if err != nil {
		p.budget.release()
		return unsent(err)
	}
	p.goesOn()
	err = send()
	p.settle(err)
	p.served(ctx, err, again)
	return p.judged(ctx, err, try)
}

// settle accounts for a request that was let go: its cost, the pause it asks for, and what it told.
func (p *Poller) settle(err error) {
	p.answered(err)
	if until := p.budget.settle(err); !until.IsZero() {
		p.paused()
		level.Warn(p.Logger).Log("msg", "GitHub asks to wait", "reason", reasonOf(err), "until", until.UTC().Format(time.RFC3339), "err", err)
	}
}

// answered takes in what an answer told: the limits, and whether GitHub is there for us.
func (p *Poller) answered(err error) {
	for _, l := range p.Client.Limits() {
		if l.Resource == "core" || l.Resource == "" {
			p.budget.limits(l.Limit, l.Remaining, l.Reset)
		}
	}
	p.Metrics.answered(err)
}

// forgetAll drops the live jobs: they are no longer refreshed. If the poller runs again they are read anew.
func (p *Poller) forgetAll() {
	for _, r := range p.queue.all() {
		p.Recorder.Forget(r.id, 0)
		for _, open := range r.runs {
			open.pages = nil
		}
	}
}
