// Package app is the running program: it wires the rooms together, starts and stops them in order, and reloads.
package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"

	"github_workflow_exporter/collector"
	"github_workflow_exporter/collector/hint"
	"github_workflow_exporter/collector/ledger"
	"github_workflow_exporter/collector/watch"
	"github_workflow_exporter/githubapi"
	"github_workflow_exporter/internal/config"
)

const (
	// unconfirmed is for how long what goes on now is shown without having been confirmed, or poll.max_interval if that is
	// longer, and some polls more.
	unconfirmed = config.Duration(10 * time.Minute)
	// expireEvery is how often series that were not added to for their TTL are looked for.
	expireEvery = 10 * time.Minute
	// revealEvery is how often, at most, series are shown whose initial zero is over: each time is a transaction.
	revealEvery = time.Second
	// lookEvery is how often the ledger's file is looked after, beside every commit.
	lookEvery = 10 * time.Second
	// revealAgain is when that is tried again after it failed.
	revealAgain = time.Minute
)

// Options are what an Exporter is given beside its configuration.
type Options struct {
	Logger    log.Logger
	Transport http.RoundTripper // nil: the network
	Now       func() time.Time  // nil: time.Now
}

// Exporter polls GitHub into a ledger and exposes it. Open it, run it, close it.
type Exporter struct {
	logger    log.Logger
	transport http.RoundTripper
	now       func() time.Time

	registry   *prometheus.Registry
	ledger     *ledger.Ledger
	live       *collector.Live
	branches   *collector.Branches
	recorder   *collector.Recorder
	exposition *collector.Exposition
	api        *apiMetrics
	polling    *watch.Metrics
	hints      *hint.Book // what was told outlasts a reload
	webhook    *webhook
	positions  *positions
	reloads    *reloadMetrics

	mu      sync.Mutex
	current *generation
	looked  string // what was said last of the ledger's file, "" while it is well; Run's own
	next    chan change
	ended   chan struct{} // closed when Run has come to its end
}

// change asks Run for a new generation.
type change struct {
	to   *generation
	done chan error
}

// Open opens the ledger and wires everything; nothing is asked of GitHub before Run.
func Open(c *config.Config, o Options) (*Exporter, error) {
	e := &Exporter{
		logger: o.Logger, transport: o.Transport, now: o.Now,
		registry: prometheus.NewRegistry(),
		next:     make(chan change),
		ended:    make(chan struct{}),
	}
	if e.now == nil {
		e.now = time.Now
	}
	e.live = collector.NewLive(e.now)
	l, err := ledger.Open(ledger.Options{
		Dir: c.Storage.Path, Host: c.GitHub.APIURL, Layouts: layouts(c), Disabled: c.Metrics.Disabled(),
		SeriesLimit: c.Metrics.SeriesLimit, Now: e.now,
	})
	if err != nil {
		return nil, fmt.Errorf("opening the ledger in %s (storage.path): %w", c.Storage.Path, err)
	}
	e.ledger = l
	if err := e.wire(c); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	e.warn(l.Warnings())
	for _, note := range l.Notes() {
		level.Info(e.logger).Log("msg", "ledger", "note", note)
	}
	e.reveal(context.Background(), e.running())
	return e, nil
}

func (e *Exporter) wire(c *config.Config) error {
	e.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		versioncollector.NewCollector(namespace))
	limit := func() int { return e.config().Metrics.SeriesLimit }
	e.branches = collector.NewBranches(e.ledger, e.now)
	present := collector.Present{e.live, e.branches}
	figures, err := collector.NewMetrics(e.registry, e.ledger, present, limit)
	if err != nil {
		return fmt.Errorf("registering the recorder's figures: %w", err)
	}
	if e.polling, err = watch.NewMetrics(e.registry); err != nil {
		return fmt.Errorf("registering the poller's figures: %w", err)
	}
	if e.api, err = newAPIMetrics(e.registry); err != nil {
		return fmt.Errorf("registering the API figures: %w", err)
	}
	if e.reloads, err = newReloadMetrics(e.registry); err != nil {
		return fmt.Errorf("registering the reload figures: %w", err)
	}
	var sources []hint.Source
	if c.Webhook.On() {
		sources = append(sources, hint.Webhook)
	}
	if c.GitHub.App.On() && c.Hints.Deliveries == config.Auto || len(c.Hints.OrganizationHooks) > 0 {
		sources = append(sources, hint.Deliveries)
	}
	if c.Hints.GraphQL == config.Auto {
		sources = append(sources, hint.GraphQL)
	}
	e.hints = hint.NewBook(sources...)
	e.positions = loadPositions(c.Storage.Path, e.logger)
	if err = newHintFigures(e.registry, e.hints); err != nil {
		return fmt.Errorf("registering the figures of hints: %w", err)
	}
	if e.webhook, err = newWebhook(e.registry, e.hinted, e.delivered, e.now); err != nil {
		return fmt.Errorf("registering the webhook's figures: %w", err)
	}
	e.recorder = collector.NewRecorder(e.ledger, nil, e.live, figures, e.now)
	g, err := e.generation(c)
	if err == nil {
		err = e.webhook.load(c.Webhook)
	}
	if err != nil {
		return err
	}
	e.exposition = collector.NewExposition(e.ledger, present, e.exposing(c))
	e.adopt(g)
	e.reloads.succeeded(e.now())
	return nil
}

func (e *Exporter) exposing(c *config.Config) collector.ExpositionOptions {
	return collector.ExpositionOptions{
		NativeHistograms: c.Metrics.NativeHistograms,
		Exemplars:        c.Metrics.Exemplars,
	}
}

// adopt makes a generation the current one.
func (e *Exporter) adopt(g *generation) {
	e.recorder.SetObserver(g.observer)
	poll := g.config.Poll
	e.live.Configure(g.config.Metrics.SeriesLimit, time.Duration(max(poll.MaxInterval, unconfirmed)+3*poll.Interval))
	e.branches.Configure(g.config.Metrics.SeriesLimit, time.Duration(g.config.Metrics.BranchTTL), g.config.Metrics.Disabled())
	e.exposition.Configure(e.exposing(g.config))
	e.api.use(g.credentials)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.current = g
}

// credential names what requests are sent with.
func credential(c *config.Config) string {
	if c.GitHub.App.On() {
		return "app"
	}
	if c.GitHub.TokenFile == "" && !c.GitHub.TokenFromEnv {
		return "anonymous"
	}
	return "token"
}

func (e *Exporter) config() *config.Config { return e.running().config }

// running is the current generation.
func (e *Exporter) running() *generation {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.current
}

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

// hinted takes in that a delivery tells of news.
func (e *Exporter) hinted(n hint.News) { e.running().group.Hint(hint.Webhook, n) }

// delivered takes in what a delivery tells of a job of a repository that is watched. Where workflows are left out a delivery of
// a job does not tell whether its is.
func (e *Exporter) delivered(d githubapi.Delivery) {
	g := e.running()
	if repo, watched := g.group.Repository(d.Repository.ID); watched && g.config.Poll.Live && g.config.Targets.Workflows.All() {
		e.recorder.Delivered(repo, d.Job)
	}
}

// Deliveries receives what the webhook delivers.
func (e *Exporter) Deliveries() http.Handler { return e.webhook.handler() }

// Health tells why nothing can be recorded, nil if it can.
func (e *Exporter) Health() error { return e.ledger.Health() }

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

// Reload takes over a new configuration, or says why not; then the old one goes on. The program must be running.
func (e *Exporter) Reload(c *config.Config) error {
	if key := config.NeedsRestart(e.config(), c); key != "" {
		return fmt.Errorf("%s has changed: restart needed; nothing of the new configuration is in force", key)
	}
	g, err := e.generation(c)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	select {
	case e.next <- change{g, done}:
		return <-done
	case <-e.ended:
		return errors.New("the program is stopping")
	}
}

// Close closes the ledger. Run must have ended.
func (e *Exporter) Close() error {
	if err := e.ledger.Close(); err != nil {
		return fmt.Errorf("closing the ledger: %w", err)
	}
	return nil
}
