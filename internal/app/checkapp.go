package app

import (
	"context"
	"strings"
	"time"

	"github.com/go-kit/log"

	"github_workflow_exporter/collector/discover"
	"github_workflow_exporter/collector/watch"
	"github_workflow_exporter/githubapi"
)

// app tries a GitHub App: itself, then each of its installations that is to be used, with what that one is to watch.
func (k *checker) app(ctx context.Context, base *githubapi.Client) {
	s := newInstallations(base, k.config, nil, log.NewNopLogger(), time.Now)
	k.client, k.credential = s.app.Client(), "app"
	all, err := discover.Installations(ctx, s.app, s.gate)
	if err != nil {
		if said := blocking(err); said != nil {
			err = said
		}
		k.problem("GitHub App %s: %v%s", k.config.GitHub.App.ClientID, err, appAdvice(err))
		k.mistaken(err)
		return
	}
	k.ok("%s knows GitHub App %s; it is installed at %d accounts", k.config.GitHub.APIURL, k.config.GitHub.App.ClientID, len(all))
	k.appHook(ctx, s.app)
	there := map[string]bool{}
	used := 0
	for _, i := range all {
		there[strings.ToLower(i.Login)] = true
		targets := targetsOf(k.config.Targets, i)
		if !k.config.GitHub.App.Uses(i.Login) || targets.none() {
			continue
		}
		used++
		k.installation(ctx, s.credential(strings.ToLower(i.Login), i, targets.Targets), i)
	}
	for _, owner := range wantedOwners(k.config) {
		if !there[strings.ToLower(owner)] {
			k.problem("%s: the GitHub App is not installed there; install it, or mend targets and github.app.installations", owner)
			used++
		}
	}
	if used == 0 {
		k.problem("nothing to watch: no account has installed the GitHub App; install it where the repositories are")
	}
}

func (k *checker) installation(ctx context.Context, c watch.Credential, i githubapi.Installation) {
	if c.Held != watch.NotHeld {
		k.problem("%s: %s: %s", c.Name, c.Held, c.Held.Advice())
		return
	}
	k.client, k.credential, k.stopped, k.run = c.Client, c.Name, "", ""
	if !k.access(ctx) {
		return
	}
	if !i.May("checks") {
		k.note("%s: it has not accepted Checks: read, so the reasons of failures come from the jobs alone, without GitHub's annotations", c.Name)
	}
	k.targets(ctx, c.Targets)
	for _, hook := range k.config.Hints.OrganizationHooks {
		if strings.EqualFold(hook.Organization, i.Login) {
			k.organizationHook(ctx, c.Client, hook)
		}
	}
}

// appAdvice says what may be behind a refusal of the App itself.
func appAdvice(err error) string {
	switch {
	case isKind(err, githubapi.KindUnauthorized):
		return "; the private key must be one of this App's, and github.app.client_id its client id (its App id on GitHub Enterprise Server before 3.14)"
	case isKind(err, githubapi.KindNotFound):
		return "; no App has this id there: check github.app.client_id and github.api_url"
	}
	return ""
}
