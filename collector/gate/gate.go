// Package gate lets the requests of one credential go: one after the other, within what its limits allow and the reserve
// leaves, not while GitHub asks to wait or serves nobody, and hardly any with a token that is refused. Everybody who asks
// GitHub for something asks through it.
package gate

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github_workflow_exporter/githubapi"
)

// Options configure a Gate. All durations are positive.
type Options struct {
	Client  *githubapi.Client
	Reserve float64 // share of the primary limit left to others
	// PerSecond bounds all requests, those that are free included; 0: 10.
	PerSecond float64

	// Interval and MaxInterval are between two tries with a token that is refused.
	Interval, MaxInterval time.Duration

	Answered func(err error) // told of every answer and failure; nil: nobody
	Again    func()          // called when what failed is worth another try; nil: nobody
	Logger   log.Logger
	Now      func() time.Time // local clock
}

// Gate lets requests go. It is safe for concurrent use.
type Gate struct {
	Options
	budget  *budget
	refusal refusal
	outage  outage
	waits   waits
	// SSO is what is held back from the token for want of single sign-on.
	SSO Restrictions

	// Annotations is the door to the annotations of failed jobs, Heads that to what GraphQL tells of runs.
	Annotations, Heads Door

	fruitless atomic.Int32          // how often in a row, over all lists, no size of a page was answered
	pause     atomic.Pointer[pause] // the last, nil if there was none
}

// New makes a gate; nothing is asked.
func New(o Options) *Gate {
	if o.Answered == nil {
		o.Answered = func(error) {}
	}
	if o.PerSecond == 0 {
		o.PerSecond = defaultRate
	}
	if o.Again == nil {
		o.Again = func() {}
	}
	g := &Gate{Options: o, budget: newBudget(o.Reserve, o.PerSecond, o.Now), outage: newOutage(), SSO: Restrictions{logger: o.Logger}}
	g.Annotations.gate, g.Heads.gate = g, g
	g.budget.waits = g.waiting
	g.budget.charged = o.Client.Anonymous()
	return g
}

// LearnLimits asks once for the limits, which is free, so that the first sweep is paced from its first request. Not to
// know them (404 on servers without limits) is a normal state.
func (g *Gate) LearnLimits(ctx context.Context) {
	if paused, _ := g.budget.pauses(); !g.Now().Before(paused) {
		g.lookAtLimits(ctx)
	}
}

// Ask sends one request when the budget allows it, unless its token is refused or the server serves nobody. Of those that
// wait for the budget the better class goes first.
func (g *Gate) Ask(ctx context.Context, class Class, send func() error) error {
	if err := g.outage.holds(g.Now()); err != nil {
		return err
	}
	try, err := g.refusal.admit(g.Now(), g.Client.TokenAvailable)
	if err != nil {
		return err
	}
	unsent := func(err error) error {
		if try {
			g.refusal.withdraw()
		}
		return err
	}
	if err := g.budget.acquire(ctx, class); err != nil {
		return unsent(err)
	}
	again, err := g.outage.admit(g.Now()) // what began while it waited
	if err != nil {
		g.budget.release()
		return unsent(err)
	}
	g.goesOn()
	err = send()
	g.settle(err)
	g.served(ctx, err, again)
	return g.judged(ctx, err, try)
}

// AskExtra sends a request that the primary limit does not count, if it need not wait: the secondary limits are for all
// together. It tells whether the request was sent. What goes wrong with it, but for those limits, is nothing to the others.
func (g *Gate) AskExtra(send func() error) (sent bool, err error) {
	if !g.budget.admitExtra() {
		return false, nil
	}
	if err = send(); githubapi.IsKind(err, githubapi.KindSecondaryLimit) {
		g.settle(err)
	} else {
		g.budget.settle(nil)
	}
	return true, err
}

// Spare tells whether there is budget for what can wait.
func (g *Gate) Spare() bool { return g.budget.spare() }

// Left is what may still be spent of the primary limit before its reset; false where there is none.
func (g *Gate) Left() (requests int, limited bool) { return g.budget.left() }

// PausedUntil is when requests may go out again after a limit was hit; zero or past when they may now.
func (g *Gate) PausedUntil() time.Time { return g.budget.pausedUntil() }

// OutageEnds is when a server that serves nobody is tried again; the zero time while it serves.
func (g *Gate) OutageEnds() time.Time { return g.outage.ends() }

// settle accounts for a request that was let go: its cost, the pause it asks for, and what it told.
func (g *Gate) settle(err error) {
	g.answered(err)
	if until := g.budget.settle(err); !until.IsZero() {
		g.paused()
		level.Warn(g.Logger).Log("msg", "GitHub asks to wait", "reason", githubapi.Reason(err), "until", until.UTC().Format(time.RFC3339), "err", err)
	}
}

// answered takes in what an answer told: the limits, and whether GitHub is there for us.
func (g *Gate) answered(err error) {
	for _, l := range g.Client.Limits() {
		if l.Resource == "core" || l.Resource == "" {
			g.budget.limits(l.Limit, l.Remaining, l.Reset)
		}
	}
	g.Answered(err)
}
