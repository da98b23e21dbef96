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

// unconfirmed is for how long what goes on now is shown without having been confirmed, or poll.max_interval if that is
// longer, and some polls more.
const unconfirmed = config.Duration(10 * time.Minute)

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
	e.hints = hint.NewBook()
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
	e.hints.Configure(tellings(g.config))
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
