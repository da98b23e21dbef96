package app

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github_workflow_exporter/githubapi"
)

// blocking is the trouble beneath an error that every other request would run into too, in words of its own; nil if it is no
// such error.
func blocking(err error) error {
	var token *tokenError
	var network *networkError
	switch {
	case errors.As(err, &token):
		return token
	case errors.As(err, &network):
		return network
	}
	return nil
}

// ownerAdvice says, of an organization or a user that is not found, what it may be instead.
func (k *checker) ownerAdvice(ctx context.Context, kind, name string, err error) string {
	if !isKind(err, githubapi.KindNotFound) {
		return ""
	}
	other, key, list := "a user", "targets.users", k.client.UserRepositories
	if kind == "user" {
		other, key, list = "an organization", "targets.organizations", k.client.OrganizationRepositories
	}
	if k.answers(ctx, name, list) {
		return "; GitHub knows " + name + " as " + other + ": move it to " + key
	}
	return "; there is neither an organization nor a user of that name that " + k.asker() + " can see: check the spelling" + k.privacy("a private one shows only to a token with access to it")
}

// ownerDoubts looks at lists that are read and yet may not be what was meant: of an organization named as a user only the
// public repositories are listed, and a list without anything to watch is seldom wanted.
func (k *checker) ownerDoubts(ctx context.Context, kind, name string, found, wanted int) {
	switch {
	case kind == "user" && !k.config.GitHub.App.On() && k.answers(ctx, name, k.client.OrganizationRepositories):
		k.note("user %s: GitHub knows %s as an organization; as a user only its public repositories are listed: move it to targets.organizations", name, name)
	case found == 0:
		k.note("%s %s: %s can see none of its repositories%s", kind, name, k.asker(), k.privacy("private ones need a token with access to them"))
	case wanted == 0:
		k.note("%s %s: include, exclude, archived and forks leave out all of them", kind, name)
	}
}

// repositoryAdvice says what may be behind a repository that is not found.
func (k *checker) repositoryAdvice(err error) string {
	if !isKind(err, githubapi.KindNotFound) {
		return ""
	}
	return "; there is none of that name that " + k.asker() + " can see: check the spelling" + k.privacy("a private repository shows only to a token with access to it")
}

// answers tells whether an owner is known to a list.
func (k *checker) answers(ctx context.Context, name string, list func(context.Context, string, githubapi.PageRequest) (githubapi.Page[githubapi.Repository], error)) bool {
	if !k.allowed(ctx) {
		return false
	}
	_, err := list(ctx, name, githubapi.PageRequest{PerPage: 1})
	k.limited(err)
	return err == nil
}

func (k *checker) asker() string {
	switch {
	case k.credential == "anonymous":
		return "who asks without a token"
	case k.config.GitHub.App.On():
		return k.credential
	}
	return "this token"
}

func (k *checker) privacy(rule string) string {
	if k.credential == "anonymous" {
		return "; " + rule + ", and none is set (github.token_file or GITHUB_TOKEN)"
	}
	return "; " + rule
}

// mistaken says once what api_url should be where the answers look as if it was a server's web pages.
func (k *checker) mistaken(err error) {
	u, parsed := url.Parse(k.config.GitHub.APIURL)
	if k.doubted || parsed != nil || strings.Trim(u.Path, "/") != "" || strings.HasPrefix(strings.ToLower(u.Hostname()), "api.") {
		return
	}
	if isKind(err, githubapi.KindNotFound) || isKind(err, githubapi.KindBody) || isKind(err, githubapi.KindRedirect) {
		k.doubted = true
		k.note("is %s a GitHub Enterprise Server? Its API is at %s/api/v3 (github.api_url)", k.config.GitHub.APIURL, k.config.GitHub.APIURL)
	}
}

func isKind(err error, kind githubapi.Kind) bool {
	var e *githubapi.Error
	return errors.As(err, &e) && e.Kind == kind
}
