package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/collector/hint"
	"github_workflow_exporter/githubapi"
	"github_workflow_exporter/internal/config"
)

// tellings are the sources of hints of a configuration.
func tellings(c *config.Config) map[hint.Source]hint.Telling {
	sources := map[hint.Source]hint.Telling{}
	if c.Webhook.On() {
		sources[hint.Webhook] = hint.Telling{}
	}
	ofApp := c.GitHub.App.On() && c.Hints.Deliveries == config.Auto
	if ofApp || len(c.Hints.OrganizationHooks) > 0 {
		sources[hint.Deliveries] = hint.Telling{All: ofApp && len(c.Hints.OrganizationHooks) == 0} // else it may be some of them that tell
	}
	if c.Hints.GraphQL == config.Auto {
		sources[hint.GraphQL] = hint.Telling{Late: 2 * time.Duration(c.Poll.Interval)} // it is asked in rounds
	}
	return sources
}

// hintLogs are the logs of deliveries that a configuration has read.
func (e *Exporter) hintLogs(g *generation) []*hint.Log {
	var logs []*hint.Log
	add := func(name string, read func(context.Context, githubapi.PageRequest) (githubapi.Page[githubapi.LoggedDelivery], error)) {
		logs = append(logs, hint.NewLog(hint.LogOptions{
			Name: name, Read: read, Logger: e.logger, Now: e.now,
			Hint: func(n hint.News) { g.group.Hint(hint.Deliveries, n) },
			Gap:  func() { e.hints.Gap(hint.Deliveries) },
			From: e.positions.of(name), Save: func(p hint.Position) { e.positions.save(name, p) },
		}))
	}
	if i := g.installations; i != nil && g.config.Hints.Deliveries == config.Auto {
		add("GitHub App "+g.config.GitHub.App.ClientID, func(ctx context.Context, p githubapi.PageRequest) (page githubapi.Page[githubapi.LoggedDelivery], err error) {
			err = i.gate.Ask(ctx, gate.Looking, func() (err error) {
				page, err = i.app.Deliveries(ctx, p)
				return err
			})
			return page, err
		})
	}
	for _, hook := range g.config.Hints.OrganizationHooks {
		add(fmt.Sprintf("webhook %d of %s", hook.ID, hook.Organization), func(ctx context.Context, p githubapi.PageRequest) (page githubapi.Page[githubapi.LoggedDelivery], err error) {
			err = g.group.Ask(ctx, hook.Organization, func(c *githubapi.Client) (err error) {
				page, err = c.OrganizationDeliveries(ctx, hook.Organization, int64(hook.ID), p)
				return err
			})
			return page, err
		})
	}
	return logs
}

// run watches, and reads the logs of deliveries beside it, until ctx is done.
func (g *generation) run(ctx context.Context) error {
	logs, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, l := range g.logs {
		running.Go(func() { _ = l.Run(logs) }) // it ends with its context, for no other reason
	}
	err := g.group.Run(ctx)
	stop()
	running.Wait()
	return err
}

// positions are how far logs of deliveries have been read, in a file beside the ledger. To lose it costs trust until the logs
// have proved themselves again, nothing else: so it is not synced, and not in the ledger, which is.
type positions struct {
	path   string
	logger log.Logger

	mu     sync.Mutex
	read   map[string]hint.Position
	failed bool
}

// positionsFile is its name in storage.path.
const positionsFile = "deliveries.json"

func loadPositions(dir string, logger log.Logger) *positions {
	p := &positions{path: filepath.Join(dir, positionsFile), logger: logger, read: map[string]hint.Position{}}
	raw, err := os.ReadFile(p.path)
	if err == nil {
		err = json.Unmarshal(raw, &p.read)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		level.Warn(logger).Log("msg", "how far logs of deliveries were read is not known, they begin anew", "err", err)
	}
	if p.read == nil {
		p.read = map[string]hint.Position{}
	}
	return p
}

func (p *positions) of(name string) hint.Position {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.read[name]
}

func (p *positions) save(name string, to hint.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read[name] = to
	if err := p.write(); err != nil {
		if !p.failed {
			level.Warn(p.logger).Log("msg", "how far logs of deliveries were read cannot be kept", "err", err)
		}
		p.failed = true
		return
	}
	p.failed = false
}

func (p *positions) write() error {
	raw, err := json.Marshal(p.read)
	if err != nil {
		return err
	}
	if err := os.WriteFile(p.path+".new", raw, 0o600); err != nil {
		return err
	}
	return os.Rename(p.path+".new", p.path)
}
