package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github_workflow_exporter/collector/poll"
	"github_workflow_exporter/githubapi"
	"github_workflow_exporter/internal/config"
)

// Check tries a configuration without counting anything: access, permissions, limits, repositories found. It reports on
// w, a line each, and returns an error if anything would keep the exporter from its work.
func Check(ctx context.Context, c *config.Config, w io.Writer, transport http.RoundTripper) error {
	client, err := newClient(c, transport, nil, time.Now)
	if err != nil {
		return err
	}
	k := &checker{client: client, config: c, w: w}
	k.ok("configuration: valid")
	k.access(ctx)
	k.repositories(ctx)
	k.token()
	if k.problems > 0 {
		return fmt.Errorf("%d of the checks failed", k.problems)
	}
	return nil
}

type checker struct {
	client   *githubapi.Client
	config   *config.Config
	w        io.Writer
	problems int
}

func (k *checker) ok(format string, args ...any) { fmt.Fprintf(k.w, "ok    "+format+"\n", args...) }

func (k *checker) problem(format string, args ...any) {
	k.problems++
	fmt.Fprintf(k.w, "FAIL  "+format+"\n", args...)
}

func (k *checker) note(format string, args ...any) { fmt.Fprintf(k.w, "note  "+format+"\n", args...) }

// access asks for what needs no permission: does the server answer, does it take the token, what are its limits.
func (k *checker) access(ctx context.Context) {
	limits, err := k.client.RateLimit(ctx)
	switch {
	case errors.Is(err, githubapi.ErrNoRateLimit):
		k.ok("%s answers; rate limits are off, as is normal on GitHub Enterprise Server", k.config.GitHub.APIURL)
	case err != nil:
		k.problem("%s: %v", k.config.GitHub.APIURL, err)
	default:
		core := limits["core"]
		k.ok("%s answers as %s; %d of %d requests left until %s", k.config.GitHub.APIURL, credential(k.config),
			core.Remaining, core.Limit, core.Reset.UTC().Format(time.RFC3339))
	}
	if meta, err := k.client.Meta(ctx); err == nil && meta.InstalledVersion != "" {
		k.ok("GitHub Enterprise Server %s", meta.InstalledVersion)
	}
	if skew, known := k.client.Skew(); known && skew.Abs() > 30*time.Second {
		k.note("the clocks are %s apart; times are read against GitHub's", skew.Round(time.Second))
	}
}

func (k *checker) repositories(ctx context.Context) {
	t := k.config.Targets
	for _, o := range owners(t.Organizations) {
		k.owner(ctx, "organization", o, k.client.OrganizationRepositories)
	}
	for _, o := range owners(t.Users) {
		k.owner(ctx, "user", o, k.client.UserRepositories)
	}
	for _, name := range t.Repositories {
		repo, _, err := k.client.Repository(ctx, name, githubapi.Tag{})
		if err != nil {
			// Polling gets on with the runs alone, as behind a gateway that lets little else through.
			page, runsErr := k.client.Runs(ctx, name, githubapi.RunFilter{}, githubapi.PageRequest{PerPage: 1})
			if runsErr != nil || len(page.Items) == 0 {
				k.problem("repository %s: %v", name, err)
				continue
			}
			k.note("repository %s cannot be read itself, it is known by its runs: %v", name, err)
			k.ok("repository %s: %d runs", name, page.TotalCount)
			continue
		}
		if !strings.EqualFold(repo.FullName, name) {
			k.note("repository %s is called %s now", name, repo.FullName)
		}
		k.runs(ctx, repo.FullName)
	}
}

func (k *checker) owner(ctx context.Context, kind string, o poll.Owner, list func(context.Context, string, githubapi.PageRequest) (githubapi.Page[githubapi.Repository], error)) {
	found, wanted := 0, []string(nil)
	request := githubapi.PageRequest{PerPage: 100}
	for {
		page, err := list(ctx, o.Name, request)
		if err != nil {
			k.problem("%s %s: %v", kind, o.Name, err)
			return
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
	k.ok("%s %s: %d repositories, %d of them to be watched", kind, o.Name, found, len(wanted))
	for _, name := range wanted {
		k.runs(ctx, name)
	}
}

// runs tries the one permission that counts, actions: read.
func (k *checker) runs(ctx context.Context, name string) {
	page, err := k.client.Runs(ctx, name, githubapi.RunFilter{}, githubapi.PageRequest{PerPage: 1})
	if err != nil {
		k.problem("repository %s: %v", name, err)
		return
	}
	k.ok("repository %s: %d runs", name, page.TotalCount)
}

func (k *checker) token() {
	if t, ok := k.client.TokenExpiration(); ok {
		k.note("the token expires on %s", t.UTC().Format(time.RFC3339))
	}
	if k.client.APIVersionRejected() {
		k.note("the server does not know API version %s; it is asked without one", k.config.GitHub.APIVersion)
	}
}
