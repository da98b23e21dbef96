package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/collector/ledger"
	"github_workflow_exporter/internal/config"
)

const (
	// expireEvery is how often series that were not added to for their TTL are looked for.
	expireEvery = 10 * time.Minute
	// revealEvery is how often, at most, series are shown whose initial zero is over: each time is a transaction.
	revealEvery = time.Second
	// lookEvery is how often the ledger's file is looked after, beside every commit.
	lookEvery = 10 * time.Second
	// revealAgain is when showing them is tried again after it failed.
	revealAgain = time.Minute
)

// Run polls until ctx is done. A reload ends the poller of the old configuration, with what it is committing committed,
// before the new one begins.
func (e *Exporter) Run(ctx context.Context) error {
	defer close(e.ended)
	receiving, stopReceiving := context.WithCancel(ctx)
	received := make(chan struct{})
	go func() {
		defer close(received)
		_ = e.webhook.receiver.Run(receiving) // it ends with its context, for no other reason
	}()
	defer func() {
		stopReceiving()
		<-received
	}()
	expire := time.NewTicker(expireEvery)
	defer expire.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		g := e.running()
		reveal := time.NewTimer(e.reveal(ctx, g)) // before the first birth: it also says what applies to births
		polling, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- g.run(polling) }()
		again, err := e.wait(ctx, g, expire.C, look.C, reveal, ended, func() {
			stop()
			if err := <-ended; err != nil {
				level.Error(e.logger).Log("msg", "stopping the poller", "err", err)
			}
			g.client.CloseIdleConnections()
		})
		stop()
		reveal.Stop()
		if !again {
			return err
		}
	}
}

// wait serves one poller's time until it is to end; again tells whether another is to follow.
func (e *Exporter) wait(ctx context.Context, g *generation, expire, look <-chan time.Time, reveal *time.Timer, ended chan error, stop func()) (again bool, err error) {
	for {
		select {
		case err := <-ended:
			if ctx.Err() == nil && err == nil {
				err = errors.New("the poller ended by itself")
			}
			return false, err
		case <-ctx.Done():
			stop()
			return false, nil
		case c := <-e.next:
			stop()
			c.done <- e.apply(c.to)
			return true, nil
		case <-expire:
			if ctx.Err() == nil {
				e.expire(ctx, g)
			}
		case <-look:
			e.look(ctx)
		case <-e.ledger.Failed():
			stop()
			return false, fmt.Errorf("the ledger: %w", e.ledger.Health())
		case <-reveal.C:
			reveal.Reset(e.reveal(ctx, g))
		}
	}
}

// apply takes over a new generation while no poller runs; on an error the old one stays.
func (e *Exporter) apply(g *generation) error {
	c := g.config
	warnings, err := e.ledger.Configure(layouts(c), c.Metrics.Disabled(), c.Metrics.SeriesLimit)
	if err != nil {
		return fmt.Errorf("configuring the ledger: %w", err)
	}
	if err := e.webhook.load(c.Webhook); err != nil {
		return err
	}
	e.adopt(g)
	e.warn(warnings)
	return nil
}

func (e *Exporter) warn(warnings []string) {
	for _, w := range warnings {
		level.Warn(e.logger).Log("msg", "ledger", "warning", w)
	}
}

// look looks after the ledger's file, and says what is new of it.
func (e *Exporter) look(ctx context.Context) {
	err := e.ledger.Look(ctx)
	said := ""
	switch {
	case ctx.Err() != nil, errors.As(err, new(*ledger.CorruptError)): // that ends the program
		return
	case err != nil:
		said = err.Error()
	}
	if said == e.looked {
		return
	}
	e.looked = said
	if err != nil {
		level.Error(e.logger).Log("msg", "the ledger cannot be used, nothing is recorded", "err", err)
		return
	}
	level.Info(e.logger).Log("msg", "the ledger can be used again")
}

func (e *Exporter) expire(ctx context.Context, g *generation) {
	watched := func(id int64) bool {
		account, known := e.ledger.Account(id)
		return known && g.group.Watched(id, account.Name)
	}
	removed, err := e.ledger.Expire(ctx, e.now(), time.Duration(g.config.Metrics.SeriesTTL), watched)
	if err != nil {
		if e.Health() == nil { // else it is said already
			level.Error(e.logger).Log("msg", "expiring series failed, trying again later", "err", err)
		}
		return
	}
	if len(removed) > 0 {
		level.Info(e.logger).Log("msg", "series expired", "series", len(removed))
	}
	e.forgetBranches(ctx, g.config.Metrics)
}

// forgetBranches lets go of branches that are not shown any more. They are kept for as long as series are, for a monthly
// workflow to go on with its streak.
func (e *Exporter) forgetBranches(ctx context.Context, m config.Metrics) {
	if m.BranchTTL == 0 || m.SeriesTTL == 0 {
		return
	}
	n, err := e.ledger.ForgetBranches(ctx, e.now().Add(-time.Duration(max(m.BranchTTL, m.SeriesTTL))))
	switch {
	case err != nil && e.Health() == nil:
		level.Error(e.logger).Log("msg", "forgetting branches failed, trying again later", "err", err)
	case n > 0:
		level.Info(e.logger).Log("msg", "branches without runs forgotten", "branches", n)
	}
}

// reveal shows the series whose initial zero is over and returns when to look again.
func (e *Exporter) reveal(ctx context.Context, g *generation) time.Duration {
	zero := time.Duration(g.config.Metrics.InitialZero)
	next, err := e.ledger.Reveal(ctx, zero)
	switch {
	case err != nil && e.Health() != nil: // said already
		return revealAgain
	case err != nil && ctx.Err() == nil:
		level.Error(e.logger).Log("msg", "showing series after their initial zero failed, trying again later", "err", err)
		return revealAgain
	case zero == 0: // they are shown at birth
		return expireEvery
	}
	return max(next, revealEvery)
}
