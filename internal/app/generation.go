package app

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/common/version"

	"github_workflow_exporter/collector"
	"github_workflow_exporter/collector/discover"
	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/hint"
	"github_workflow_exporter/collector/ledger"
	"github_workflow_exporter/collector/observe"
	"github_workflow_exporter/collector/poll"
	"github_workflow_exporter/collector/watch"
	"github_workflow_exporter/githubapi"
	"github_workflow_exporter/internal/config"
)

// generation is what one configuration makes: a reload replaces it as a whole.
type generation struct {
	config        *config.Config
	client        *githubapi.Client // of the token, or what the App's are made from
	observer      *observe.Observer
	installations *installations // nil: a token asks
	group         *watch.Group
	logs          []*hint.Log
}

func (e *Exporter) generation(c *config.Config) (*generation, error) {
	client, err := newClient(c, e.transport, e.api.observe, e.now, e.logger)
	if err != nil {
		return nil, err
	}
	g := &generation{config: c, client: client, observer: newObserver(c)}
	p := c.Poll
	options := watch.Options{
		Ledger: progress{e.recorder, e.ledger}, Reserve: c.GitHub.RateLimitReserve, PerSecond: c.GitHub.RequestsPerSecond, Workers: c.GitHub.MaxConcurrentRequests,
		Visit: poll.Options{
			Recorder: e.recorder, Progress: progress{e.recorder, e.ledger}, Workflow: c.Targets.Workflows.Match,
			Interval: time.Duration(p.Interval), MaxInterval: time.Duration(p.MaxInterval),
			HintedInterval: time.Duration(p.HintedInterval), Lookback: time.Duration(p.Lookback),
			MaxRunAge: time.Duration(p.MaxRunAge), RerunWindow: time.Duration(p.RerunWindow),
			Live: p.Live, Annotations: annotations(c.Failures),
		},
		Discover: discover.Options{
			Interval: time.Duration(p.DiscoveryInterval),
		},
		Logger: e.logger, Metrics: e.polling, Hints: e.hints, GraphQL: c.Hints.GraphQL == config.Auto, Now: e.now,
	}
	var previous *watch.Group
	before := e.running()
	if before != nil {
		previous = before.group
	}
	if !c.GitHub.App.On() {
		g.group = watch.NewGroup(options, watch.OneCredential{Name: credential(c), Client: client, Targets: watch.Targets{
			Repositories: c.Targets.Repositories, Organizations: owners(c.Targets.Organizations), Users: owners(c.Targets.Users),
		}}, previous)
		g.logs = e.hintLogs(g)
		return g, nil
	}
	g.installations = newInstallations(client, c, e.polling.Answered, e.logger, e.now)
	if before != nil && before.installations != nil {
		g.installations.gate.TakeOver(before.installations.gate)
	}
	g.group = watch.NewGroup(options, g.installations, previous)
	g.logs = e.hintLogs(g)
	return g, nil
}

// credentials are those that ask now, the App itself among them.
func (g *generation) credentials() []watch.Credential {
	if g.installations == nil {
		return []watch.Credential{{Name: credential(g.config), Client: g.client}}
	}
	return append([]watch.Credential{{Name: "app", Client: g.installations.app.Client()}}, g.group.Credentials()...)
}

// newClient makes the client of a configuration. The logger, which may be nil, is told of a token file that cannot be read.
func newClient(c *config.Config, transport http.RoundTripper, observe func(githubapi.Observation), now func() time.Time, logger log.Logger) (*githubapi.Client, error) {
	var token githubapi.TokenSource
	switch {
	case c.GitHub.TokenFile != "":
		token = newTokenFile(c.GitHub.TokenFile, logger)
	case c.GitHub.TokenFromEnv:
		value, err := c.GitHub.ReadToken()
		if err != nil {
			return nil, err
		}
		token = environmentToken{githubapi.StaticToken(value)}
	}
	client, err := githubapi.New(githubapi.Options{
		BaseURL: c.GitHub.APIURL, APIVersion: c.GitHub.APIVersion, Token: token,
		UserAgent: "github_workflow_exporter/" + orUnknown(version.Version),
		Timeout:   time.Duration(c.GitHub.Timeout), MaxConcurrent: c.GitHub.MaxConcurrentRequests,
		RootCAs: c.GitHub.TLSConfig.RootCAs, Transport: transport, Observe: observe, Explain: explainNetwork(c), Now: now,
	})
	if err != nil {
		return nil, fmt.Errorf("making the GitHub client: %w", err)
	}
	return client, nil
}

func orUnknown(v string) string {
	if v == "" {
		return "unknown"
	}
	return v
}

func newObserver(c *config.Config) *observe.Observer {
	branches := c.Metrics.Branches
	return observe.New(observe.Options{
		RunnerRules: nameRules(c.Metrics.RunnerRules),
		LabelRules:  nameRules(c.Metrics.LabelRules),
		Branches: func(branch string) bool {
			for _, glob := range branches {
				if glob.Match(branch) {
					return true
				}
			}
			return false
		},
		FailureRules: failureRules(c.Metrics.FailureRules),
		Prices:       prices(c.Metrics.Prices),
		Enterprise:   c.GitHub.Enterprise(),
		Relabel:      c.Metrics.RelabelConfigs,
		Disabled:     c.Metrics.Disabled(),
	})
}

func annotations(f config.Failures) poll.Annotations {
	switch f.Annotations {
	case config.AnnotationsAuto:
		return poll.AnnotationsGraphQL
	case config.AnnotationsREST:
		return poll.AnnotationsREST
	}
	return poll.AnnotationsOff
}

func failureRules(in []config.FailureRule) []observe.FailureRule {
	out := make([]observe.FailureRule, len(in))
	for i, r := range in {
		out[i] = observe.FailureRule{Regex: r.Regex.Regexp, Reason: r.Reason}
	}
	return out
}

func prices(in []config.Price) []observe.Price {
	out := make([]observe.Price, len(in))
	for i, p := range in {
		out[i] = observe.Price{Label: p.Label, SKU: p.SKU, PerMinute: p.USDPerMinute}
	}
	return out
}

func nameRules(in []config.NameRule) []observe.Rule {
	out := make([]observe.Rule, len(in))
	for i, r := range in {
		out[i] = observe.Rule{Regex: r.Regex, Replacement: r.Replacement}
	}
	return out
}

func owners(in []config.Owner) []discover.Owner {
	out := make([]discover.Owner, len(in))
	for i, o := range in {
		out[i] = discover.Owner{Name: o.Name, Match: o.Match, Archived: o.Archived, Forks: o.Forks}
	}
	return out
}

// layouts are the bucket bounds of the histogram families.
func layouts(c *config.Config) map[family.ID][]float64 {
	bounds := map[family.ID][]float64{}
	for _, f := range family.All() {
		if f.Kind == family.Histogram {
			bounds[f.ID] = c.Metrics.BucketsOf(f)
		}
	}
	return bounds
}

// progress shows the recorder to those who read.
type progress struct {
	*collector.Recorder
	ledger *ledger.Ledger
}

// Known tells by what was last seen of a repository's list.
func (p progress) Known(since time.Time) []githubapi.Repository {
	var known []githubapi.Repository
	for _, a := range p.ledger.Accounts() {
		if a.Through.After(since) || a.Since.After(since) {
			known = append(known, githubapi.Repository{ID: a.ID, FullName: a.Name})
		}
	}
	return known
}

func (p progress) Watch(ctx context.Context, repo githubapi.Repository, since time.Time) (poll.Account, error) {
	a, err := p.Recorder.Watch(ctx, repo, since)
	return pollAccount(a), err
}

func (p progress) MoveSince(ctx context.Context, repo int64, since time.Time) (poll.Account, error) {
	a, err := p.Recorder.MoveSince(ctx, repo, since)
	return pollAccount(a), err
}

func pollAccount(a ledger.Account) poll.Account {
	return poll.Account{Since: a.Since, Through: a.Through, Pruned: a.Pruned, Swept: a.Swept}
}
