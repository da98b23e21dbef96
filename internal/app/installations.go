package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github_workflow_exporter/collector/discover"
	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/collector/watch"
	"github_workflow_exporter/githubapi"
	"github_workflow_exporter/internal/config"
)

// permissions are those that an installation's tokens are narrowed to, where it has accepted them.
var permissions = []string{"actions", "checks", "metadata", "organization_hooks"}

// installations are the credentials of a GitHub App.
type installations struct {
	app    *githubapi.App
	gate   *gate.Gate
	config *config.Config
	logger log.Logger

	known map[string]installation // by login; the group's own, which lists one at a time
	told  string                  // what is missing, as it was logged
}

// installation is one of them with its client, which lasts as long as what it may do.
type installation struct {
	id     int64
	may    string
	client *githubapi.Client
}

// newInstallations makes them; base is a client of the API, whose credential is not used.
func newInstallations(base *githubapi.Client, c *config.Config, answered func(error), logger log.Logger, now func() time.Time) *installations {
	a := githubapi.NewApp(base, c.GitHub.App.ClientID, c.GitHub.App.PrivateKeyFile)
	return &installations{
		app: a, config: c, logger: logger, known: map[string]installation{},
		gate: gate.New(gate.Options{
			Client: a.Client(), Reserve: c.GitHub.RateLimitReserve, PerSecond: c.GitHub.RequestsPerSecond,
			Interval: time.Duration(c.Poll.Interval), MaxInterval: time.Duration(c.Poll.MaxInterval),
			Answered: answered, Logger: logger, Now: now,
		}),
	}
}

// Lasting is false: installations come and go.
func (*installations) Lasting() bool { return false }

// List gives those that are to be used.
func (s *installations) List(ctx context.Context) ([]watch.Credential, error) {
	all, err := discover.Installations(ctx, s.app, s.gate)
	if err != nil {
		return nil, err
	}
	var list []watch.Credential
	there := map[string]bool{}
	for _, i := range all {
		login := strings.ToLower(i.Login)
		targets := targetsOf(s.config.Targets, i)
		if there[login] || !s.config.GitHub.App.Uses(i.Login) || targets.none() {
			continue
		}
		there[login] = true
		list = append(list, s.credential(login, i, targets.Targets))
	}
	maps.DeleteFunc(s.known, func(login string, _ installation) bool { return !there[login] })
	s.tell(there)
	return list, nil
}

func (s *installations) credential(login string, i githubapi.Installation, targets watch.Targets) watch.Credential {
	c := watch.Credential{Name: watch.InstallationName(githubapi.Text(i.Login, githubapi.MostText)), Targets: targets}
	wanted, may := map[string]string{}, ""
	for _, p := range permissions {
		if i.May(p) {
			wanted[p] = "read"
			may += p + " "
		}
	}
	known := s.known[login]
	if known.client == nil || known.id != i.ID || known.may != may {
		known = installation{i.ID, may, s.app.Installation(i, githubapi.InstallationOptions{
			Permissions: wanted,
			Through:     func(ctx context.Context, send func() error) error { return s.gate.Ask(ctx, gate.Known, send) },
		})}
		s.known[login] = known
	}
	c.Client = known.client
	switch {
	case i.Suspended:
		c.Held = watch.Suspended
	case !i.May("actions"):
		c.Held = watch.NotPermitted
	}
	return c
}

// tell says once what is configured and cannot be watched, for the App is not installed there.
func (s *installations) tell(there map[string]bool) {
	var missing []string
	for _, owner := range wantedOwners(s.config) {
		if !there[strings.ToLower(owner)] {
			missing = append(missing, owner)
		}
	}
	text := strings.Join(missing, ", ")
	if text != "" && text != s.told {
		level.Warn(s.logger).Log("msg", "the GitHub App is not installed where it is to watch; install it there, or mend targets and github.app.installations", "accounts", githubapi.Text(text, mostError))
	}
	s.told = text
}

// wantedOwners are the accounts that the configuration names.
func wantedOwners(c *config.Config) []string {
	owners := slices.Clone(c.GitHub.App.Installations)
	for _, name := range c.Targets.Repositories {
		owner, _, _ := strings.Cut(name, "/")
		if c.GitHub.App.Uses(owner) {
			owners = append(owners, owner)
		}
	}
	for _, o := range slices.Concat(c.Targets.Organizations, c.Targets.Users) {
		owners = append(owners, o.Name)
	}
	slices.SortFunc(owners, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return slices.CompactFunc(owners, strings.EqualFold)
}

// share is what one installation is to watch.
type share struct{ watch.Targets }

func (s share) none() bool {
	return len(s.Repositories)+len(s.Organizations)+len(s.Users) == 0
}

// targetsOf are those of an account. Where the configuration names nothing to watch, that is all that its installation sees.
func targetsOf(t config.Targets, i githubapi.Installation) share {
	s := share{watch.Targets{OfInstallation: true}}
	if t.None() {
		o := discover.Owner{Name: i.Login, Match: func(string) bool { return true }}
		if i.User {
			s.Users = []discover.Owner{o}
		} else {
			s.Organizations = []discover.Owner{o}
		}
		return s
	}
	for _, name := range t.Repositories {
		if owner, _, _ := strings.Cut(name, "/"); strings.EqualFold(owner, i.Login) {
			s.Repositories = append(s.Repositories, name)
		}
	}
	own := func(all []discover.Owner) []discover.Owner {
		return slices.DeleteFunc(all, func(o discover.Owner) bool { return !strings.EqualFold(o.Name, i.Login) })
	}
	s.Organizations, s.Users = own(owners(t.Organizations)), own(owners(t.Users))
	return s
}

// clientOf is the client to ask for what an account owns: the token's, or that of the account's installation.
func clientOf(ctx context.Context, base *githubapi.Client, c *config.Config, account string) (*githubapi.Client, error) {
	if !c.GitHub.App.On() {
		return base, nil
	}
	s := newInstallations(base, c, nil, log.NewNopLogger(), time.Now)
	all, err := discover.Installations(ctx, s.app, s.gate)
	if err != nil {
		return nil, err
	}
	for _, i := range all {
		if strings.EqualFold(i.Login, account) {
			return s.credential(strings.ToLower(account), i, watch.Targets{}).Client, nil
		}
	}
	return nil, fmt.Errorf("the GitHub App is not installed at %s", account)
}
