package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/web"
)

const (
	// answersWithin is for how long HTTP answers may go on after the signal to stop.
	answersWithin = 5 * time.Second
	// stopWithin is the time from the signal to the end, whatever hangs: ten seconds, with some left for the exit itself.
	stopWithin = 9 * time.Second
)

// ServeOptions say how to serve; Load is called at the start and at every reload.
type ServeOptions struct {
	Load          func() (*config.Config, error)
	Web           *toolkit.FlagConfig
	TelemetryPath string
	Lifecycle     bool
	Logger        Logger
	// Listening, if not nil, is told the addresses once they are open, and whether they take http or https.
	Listening func(scheme string, addresses []string)

	transport  http.RoundTripper // nil: the network
	stopWithin time.Duration     // 0: stopWithin
}

// Serve runs the exporter until ctx is done or SIGTERM or SIGINT comes, then stops in order: no new scrapes, the poller
// with what it is committing, the ledger. SIGHUP reloads.
//
// What does not stop is not waited for: then Serve returns an error that names it, and leaves it running. That is as safe as a
// crash, after which everything committed is there and the rest is read again; the caller is to end the process.
func Serve(ctx context.Context, o ServeOptions) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	s := &serving{options: o, logger: o.Logger.Logger}
	s.doing("reading the configuration")
	ended := make(chan error, 1)
	go func() { ended <- s.serve(ctx, stop) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	within := cmp.Or(o.stopWithin, stopWithin)
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	select {
	case err := <-ended:
		return err
	case <-deadline.C:
		return fmt.Errorf("not stopped within %s, for %s takes too long: ended as it was; what was committed is kept, the rest is read again after the next start",
			within, s.stage.Load())
	}
}

func (s *serving) serve(ctx context.Context, stop func()) error {
	o := s.options
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)

	c, err := o.Load()
	if err != nil {
		return err
	}
	logger := s.logger
	level.Info(logger).Log("msg", "starting github_workflow_exporter", "version", version.Version, "revision", version.GetRevision(), "branch", version.Branch,
		"build_date", version.BuildDate, "build_user", version.BuildUser, "go", version.GoVersion, "platform", version.GoOS+"/"+version.GoArch)
	server, err := s.listen(c)
	if err != nil {
		return err
	}
	stopHooks, err := s.hooks(c)
	if err != nil {
		return errors.Join(err, endAnswers(ctx, server.Shutdown))
	}
	// Answering comes before loading, which may take a while: /-/ready tells of it.
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	s.doing("loading the ledger")
	e, err := Open(c, Options{Logger: logger, Transport: o.transport})
	if err != nil {
		return errors.Join(err, endAnswers(ctx, server.Shutdown), endAnswers(ctx, stopHooks), <-served)
	}
	s.doing("polling")
	s.ready(e)
	level.Info(logger).Log("msg", "ready", "api_url", c.GitHub.APIURL, "storage", c.Storage.Path, "addresses", fmt.Sprint(server.Addresses()))
	if o.Listening != nil {
		o.Listening(server.Scheme(), server.Addresses())
	}
	return s.run(ctx, stop, hup, e, func(ctx context.Context) error { return errors.Join(server.Shutdown(ctx), stopHooks(ctx)) }, served)
}

// serving is one Serve.
type serving struct {
	options ServeOptions
	logger  log.Logger
	stage   atomic.Value // string: what it is doing, as far as stopping may have to wait for it

	mu         sync.Mutex
	exporter   *Exporter // nil until the ledger is loaded
	metrics    http.Handler
	counted    http.Handler
	deliveries http.Handler
	reload     sync.Mutex // one at a time
}

func (s *serving) doing(stage string) { s.stage.Store(stage) }

// hooks receives deliveries at an address of its own, until the function it returns is called.
func (s *serving) hooks(c *config.Config) (stop func(context.Context) error, err error) {
	if !c.Webhook.On() || c.Webhook.ListenAddress == "" {
		return func(context.Context) error { return nil }, nil
	}
	listener, err := net.Listen("tcp", c.Webhook.ListenAddress)
	if err != nil {
		return nil, fmt.Errorf("listening on %s (webhook.listen_address): %w", c.Webhook.ListenAddress, err)
	}
	server := web.NewHTTPServer(web.Receive(c.Webhook.Path, s.loaded(s.deliver)), s.options.Logger.WithoutCaller)
	level.Info(s.logger).Log("msg", "receiving deliveries", "address", listener.Addr(), "path", c.Webhook.Path)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	return func(ctx context.Context) error {
		err := server.Shutdown(ctx)
		if err != nil {
			err = errors.Join(err, server.Close())
		}
		if failed := <-ended; !errors.Is(failed, http.ErrServerClosed) {
			err = errors.Join(err, fmt.Errorf("receiving deliveries: %w", failed))
		}
		return err
	}, nil
}

func (s *serving) listen(c *config.Config) (*web.Server, error) {
	o := s.options
	var webhook http.Handler
	if c.Webhook.On() && c.Webhook.ListenAddress == "" {
		webhook = s.loaded(s.deliver)
	}
	handler, err := web.Handler(web.Options{
		Webhook: webhook, WebhookPath: c.Webhook.Path,
		TelemetryPath: o.TelemetryPath, Version: version.Info(),
		Metrics: s.loaded(s.scrape), Ready: s.isReady, Reload: s.reloadAndSay, Lifecycle: o.Lifecycle,
		Recorded: s.loaded(s.recorded),
	})
	if err != nil {
		return nil, err
	}
	return web.Listen(o.Web, handler, o.Logger.WithoutCaller, o.Logger.Level)
}

func (s *serving) ready(e *Exporter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exporter, s.metrics, s.counted, s.deliveries = e, e.Handler(), e.Recorded(), e.Deliveries()
}

func (s *serving) isReady() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exporter == nil {
		return errors.New("the ledger is being loaded")
	}
	return s.exporter.Health()
}

// loaded answers by a handler that is there once the ledger is loaded.
func (s *serving) loaded(handler func() http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		h := handler()
		s.mu.Unlock()
		if h == nil {
			http.Error(w, "the ledger is being loaded", http.StatusServiceUnavailable)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func (s *serving) scrape() http.Handler   { return s.metrics }
func (s *serving) recorded() http.Handler { return s.counted }
func (s *serving) deliver() http.Handler  { return s.deliveries }

// reloadAndSay reloads and logs how that went. The error is for who asked by HTTP, and who may not see the log.
func (s *serving) reloadAndSay() error {
	err := s.reloadNow()
	if err != nil {
		level.Error(s.logger).Log("msg", "reloading failed, the old configuration goes on", "err", err)
		return err
	}
	level.Info(s.logger).Log("msg", "configuration reloaded")
	return nil
}

// reloadNow loads the configuration anew; on an error the old one goes on.
func (s *serving) reloadNow() error {
	s.reload.Lock()
	defer s.reload.Unlock()
	s.mu.Lock()
	e := s.exporter
	s.mu.Unlock()
	if e == nil {
		return errors.New("the ledger is being loaded")
	}
	c, err := s.options.Load()
	if err == nil {
		err = e.Reload(c)
	}
	if err != nil {
		e.reloads.failed()
		return err
	}
	e.reloads.succeeded(e.now())
	return nil
}

// run polls and serves until something ends, and stops the rest in order.
func (s *serving) run(ctx context.Context, stop func(), hup <-chan os.Signal, e *Exporter, shutdown func(context.Context) error, served <-chan error) error {
	polling, stopPolling := context.WithCancel(context.WithoutCancel(ctx))
	defer stopPolling()
	polled := make(chan error, 1)
	go func() { polled <- e.Run(polling) }()

	var failure error
	pollEnded := false
	for waiting := true; waiting; {
		select {
		case <-ctx.Done():
			level.Info(s.logger).Log("msg", "stopping")
			waiting = false
		case <-hup:
			go func() { _ = s.reloadAndSay() }() // it was said
		case failure = <-polled:
			waiting, pollEnded = false, true
		case failure = <-served:
			waiting = false
		}
	}
	stop() // a second signal ends the process at once
	stopPolling()
	s.doing("ending HTTP answers")
	unanswered := endAnswers(ctx, shutdown)
	if !pollEnded {
		s.doing("ending the poller with what it is reading or committing")
		failure = errors.Join(failure, <-polled)
	}
	s.doing("closing the ledger")
	failure = errors.Join(failure, unanswered, e.Close())
	if failure == nil {
		level.Info(s.logger).Log("msg", "stopped")
	}
	return failure
}

// endAnswers stops serving, within a time of its own also where ctx is done.
func endAnswers(ctx context.Context, shutdown func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answersWithin)
	defer cancel()
	return shutdown(ctx)
}
