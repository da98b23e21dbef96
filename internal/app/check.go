package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github_workflow_exporter/collector/discover"
	"github_workflow_exporter/collector/watch"
	"github_workflow_exporter/githubapi"
	"github_workflow_exporter/internal/config"
)

// Check tries a configuration without counting anything: access, permissions, limits, repositories found. It reports on
// w, a line each, and returns an error if anything would keep the exporter from its work. It asks no more than the rate
// limit allows beside its reserve.
func Check(ctx context.Context, c *config.Config, w io.Writer, transport http.RoundTripper) error {
	client, err := newClient(c, transport, nil, time.Now, nil)
	if err != nil {
		return err
	}
	k := &checker{client: client, credential: credential(c), config: c, w: w}
	k.ok("configuration: valid")
	switch {
	case c.GitHub.App.On():
		k.app(ctx, client)
	case k.access(ctx):
		k.targets(ctx, watch.Targets{Repositories: c.Targets.Repositories, Organizations: owners(c.Targets.Organizations), Users: owners(c.Targets.Users)})
		for _, hook := range c.Hints.OrganizationHooks {
			k.organizationHook(ctx, client, hook)
		}
	}
	k.token()
	if k.problems > 0 {
		return fmt.Errorf("%d of the checks failed", k.problems)
	}
	return nil
}

type checker struct {
	client     *githubapi.Client
	credential string // what client asks with
	config     *config.Config
	w          io.Writer
	problems   int

	next           time.Time // of the next request
	stopped        string    // why nothing more is asked
	doubted        bool      // whether api_url is right was asked
	run            string    // the node id of some run that was seen
	tried, untried int       // repositories
}

func (k *checker) ok(format string, args ...any) { k.say("ok   ", format, args...) }

func (k *checker) problem(format string, args ...any) {
	k.problems++
	k.say("FAIL ", format, args...)
}

func (k *checker) note(format string, args ...any) { k.say("note ", format, args...) }

// say writes one line, bounded: names come from outside.
func (k *checker) say(word, format string, args ...any) {
	fmt.Fprintln(k.w, word, githubapi.Text(fmt.Sprintf(format, args...), mostError))
}

// access asks for what needs no permission: does the server answer, does it take the token, what are its limits. It is false
// if nothing more can be tried, and then that is said once.
func (k *checker) access(ctx context.Context) bool {
	limits, err := k.client.RateLimit(ctx)
	switch {
	case k.limited(err): // said at the end
	case errors.Is(err, githubapi.ErrNoRateLimit):
		k.ok("%s answers; rate limits are off, as is normal on GitHub Enterprise Server", k.config.GitHub.APIURL)
	case err != nil:
		if said := blocking(err); said != nil {
			k.problem("%v", said)
			return false
		}
		k.problem("%s: %v", k.config.GitHub.APIURL, err)
		k.mistaken(err)
	default:
		core := limits["core"]
		k.ok("%s answers as %s; %d of %d requests left until %s", k.config.GitHub.APIURL, k.credential,
			core.Remaining, core.Limit, core.Reset.UTC().Format(time.RFC3339))
	}
	if k.allowed(ctx) {
		if meta, err := k.client.Meta(ctx); err == nil && meta.InstalledVersion != "" {
			k.ok("GitHub Enterprise Server %s", meta.InstalledVersion)
		}
	}
	if skew, known := k.client.Skew(); known && skew.Abs() > 30*time.Second {
		k.note("the clocks are %s apart; times are read against GitHub's", skew.Round(time.Second))
	}
	return true
}

// targets tries what is cheap first: the lists, then what is named, then what was found.
func (k *checker) targets(ctx context.Context, t watch.Targets) {
	organizations := discover.ListOf(k.client, t.OfInstallation, k.client.OrganizationRepositories)
	users := discover.ListOf(k.client, t.OfInstallation, k.client.UserRepositories)
	var found []string
	for _, o := range t.Organizations {
		found = append(found, k.owner(ctx, "organization", o, organizations)...)
	}
	for _, o := range t.Users {
		found = append(found, k.owner(ctx, "user", o, users)...)
	}
	for _, name := range t.Repositories {
		k.count(k.named(ctx, name))
	}
	for _, name := range found {
		if !slices.ContainsFunc(t.Repositories, func(named string) bool { return strings.EqualFold(named, name) }) {
			k.count(k.runs(ctx, name))
		}
	}
	switch {
	case k.stopped != "" && k.tried == 0:
		k.problem("no repository tried: %s", k.stopped)
	case k.untried > 0:
		k.note("%d repositories not tried: %s", k.untried, k.stopped)
	}
	k.graphql(ctx)
}

func (k *checker) count(tried bool) {
	if tried {
		k.tried++
	} else {
		k.untried++
	}
}

// owner lists an owner's repositories and returns those to be watched.
func (k *checker) owner(ctx context.Context, kind string, o discover.Owner, list discover.ListRepositories) []string {
	found, wanted := 0, []string(nil)
	var sso githubapi.SSO
	request := githubapi.PageRequest{PerPage: 100}
	for {
		var page githubapi.Page[githubapi.Repository]
		var err error
		if k.allowed(ctx) {
			page, err = list(ctx, o.Name, request)
		}
		switch {
		case k.stopped != "" || k.limited(err):
			k.note("%s %s: not listed to its end, %d repositories so far", kind, o.Name, found)
			return wanted
		case err != nil:
			k.problem("%s %s: %v%s", kind, o.Name, err, k.ownerAdvice(ctx, kind, o.Name, err))
			k.mistaken(err)
			return nil
		}
		if sso.IsZero() {
			sso = page.SSO
		}
		for _, repo := range page.Items {
			found++
			if o.Wants(repo) {
				wanted = append(wanted, repo.FullName)
			}
		}
		if request.Next = page.Next; page.Next == "" {
			break
		}
	}
	if !sso.IsZero() { // what is left out is neither seen nor counted
		k.problem("%s %s: its list is partial, %d repositories are shown: %s", kind, o.Name, found, sso.Advice())
		return wanted
	}
	k.ok("%s %s: %d repositories, %d of them to be watched", kind, o.Name, found, len(wanted))
	k.ownerDoubts(ctx, kind, o.Name, found, len(wanted))
	return wanted
}

// named tries a repository of the configuration; false if a limit forbids.
func (k *checker) named(ctx context.Context, name string) (tried bool) {
	if !k.allowed(ctx) {
		return false
	}
	repo, _, err := k.client.Repository(ctx, name, githubapi.Tag{})
	switch {
	case k.limited(err):
		return false
	case err != nil:
		return k.knownByRuns(ctx, name, err)
	case !strings.EqualFold(repo.FullName, name):
		k.note("repository %s is called %s now", name, repo.FullName)
	}
	return k.runs(ctx, repo.FullName)
}

// knownByRuns tries a repository that cannot be read itself. Polling gets on with the runs alone, as behind a gateway that
// lets little else through.
func (k *checker) knownByRuns(ctx context.Context, name string, why error) (tried bool) {
	if !k.allowed(ctx) {
		return false
	}
	page, err := k.client.Runs(ctx, name, githubapi.RunFilter{}, githubapi.PageRequest{PerPage: 1})
	switch {
	case k.limited(err):
		return false
	case err != nil || len(page.Items) == 0:
		k.problem("repository %s: %v%s", name, why, k.repositoryAdvice(why))
		k.mistaken(why)
	default:
		k.note("repository %s cannot be read itself, it is known by its runs: %v", name, why)
		k.ok("repository %s: %d runs", name, page.TotalCount)
	}
	return true
}

// runs tries the one permission that counts, actions: read; false if a limit forbids.
func (k *checker) runs(ctx context.Context, name string) (tried bool) {
	if !k.allowed(ctx) {
		return false
	}
	page, err := k.client.Runs(ctx, name, githubapi.RunFilter{}, githubapi.PageRequest{PerPage: 1})
	switch {
	case k.limited(err):
		return false
	case err != nil:
		k.problem("repository %s: %v", name, err)
	default:
		k.ok("repository %s: %d runs", name, page.TotalCount)
		if len(page.Items) > 0 {
			k.run = page.Items[0].NodeID
		}
	}
	return true
}

func (k *checker) token() {
	if t, ok := k.client.TokenExpiration(); ok {
		k.note("the token expires on %s", t.UTC().Format(time.RFC3339))
	}
	if k.client.APIVersionRejected() {
		k.note("the server does not know API version %s; it is asked without one", k.config.GitHub.APIVersion)
	}
}
