package discover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/githubapi"
)

// source is what one target gave last.
type source struct {
	pages   []sourcePage
	size    gate.PageSize
	read    bool           // to its end and with nothing held back, at least once
	failing string         // the reason logged
	held    gate.HeldError // for how long an answer asked not to ask for it
}

// listing is what a target gave: as answered now, and what it gave before where it, or a part of it, cannot be read now.
type listing struct {
	fresh, old []githubapi.Repository
	sso        githubapi.SSO // of any page
}

type sourcePage struct {
	tag   githubapi.Tag
	next  string
	repos []githubapi.Repository
}

func (d *Discovery) source(target string) *source {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.sources[target]
	if s == nil {
		s = &source{}
		d.sources[target] = s
	}
	return s
}

// askFrom sends a request for a target, unless an answer to an earlier one asked to wait.
func (d *Discovery) askFrom(ctx context.Context, s *source, send func() error) error {
	if d.Now().Before(s.held.Until) {
		return s.held
	}
	err := d.gate.Ask(ctx, gate.History, send)
	if wait := gate.Asked(err); wait > 0 && !gate.Limited(err) && !gate.ForHost(err) {
		s.held = gate.HeldError{Err: err, Until: d.Now().Add(wait)}
	}
	return err
}

// namedRepository reads one repository; on an error it gives what was known of it.
func (d *Discovery) namedRepository(ctx context.Context, name string) (listing, error) {
	s := d.source(name)
	var tag githubapi.Tag
	var known []githubapi.Repository
	if len(s.pages) > 0 {
		tag, known = s.pages[0].tag, s.pages[0].repos
	}
	var repo githubapi.Repository
	err := d.askFrom(ctx, s, func() (err error) {
		repo, tag, err = d.gate.Client.Repository(ctx, name, tag)
		return err
	})
	if errors.Is(err, githubapi.ErrNotModified) {
		return listing{fresh: known}, nil
	}
	if githubapi.Gone(err) || githubapi.IsKind(err, githubapi.KindForbidden) {
		if found, ok := d.repositoryByItsRuns(ctx, name); ok {
			repo, tag, err = found, githubapi.Tag{}, nil
		}
	}
	if err != nil {
		return listing{old: known}, fmt.Errorf("reading repository %s: %w", name, err)
	}
	s.pages = []sourcePage{{tag: tag, repos: []githubapi.Repository{repo}}}
	return listing{fresh: s.pages[0].repos}, nil
}

// repositoryByItsRuns finds a repository whose own object cannot be read though its runs can, as behind a gateway that
// lets the paths of Actions through and little else: runs name their repository, and perhaps a list its default branch.
func (d *Discovery) repositoryByItsRuns(ctx context.Context, name string) (githubapi.Repository, bool) {
	var runs githubapi.Page[githubapi.Run]
	err := d.askFrom(ctx, d.source(name), func() (err error) {
		runs, err = d.gate.Client.Runs(ctx, name, githubapi.RunFilter{}, githubapi.PageRequest{PerPage: 1})
		return err
	})
	if err != nil || len(runs.Items) == 0 || runs.Items[0].Repository.ID == 0 {
		return githubapi.Repository{}, false
	}
	repo := runs.Items[0].Repository
	if repo.FullName == "" {
		repo.FullName = name
	}
	if repo.DefaultBranch != "" {
		return repo, true
	}
	owner, _, _ := strings.Cut(name, "/")
	for _, list := range []ListRepositories{d.gate.Client.OrganizationRepositories, d.gate.Client.UserRepositories} {
		listed, err := d.ownerRepositories(ctx, "owner of "+name, owner, list)
		if i := slices.IndexFunc(listed.fresh, func(l githubapi.Repository) bool { return l.ID == repo.ID }); err == nil && i >= 0 {
			return listed.fresh[i], true
		}
	}
	if s := d.source(name); len(s.pages) > 0 && s.pages[0].repos[0].ID == repo.ID {
		return s.pages[0].repos[0], true // what was known before
	}
	return repo, true // without a default branch every branch is "other"
}

// ListRepositories reads a page of an owner's repositories.
type ListRepositories func(ctx context.Context, owner string, p githubapi.PageRequest) (githubapi.Page[githubapi.Repository], error)

// ListOf is an owner's list, or the installation's own: that one shows what the account lets it see, private repositories of
// users among them.
func ListOf(client *githubapi.Client, ofInstallation bool, owners ListRepositories) ListRepositories {
	if !ofInstallation {
		return owners
	}
	return func(ctx context.Context, _ string, p githubapi.PageRequest) (githubapi.Page[githubapi.Repository], error) {
		return client.InstallationRepositories(ctx, p)
	}
}

// ownerRepositories reads an owner's list page by page, each conditionally: an unchanged list costs nothing. Where it cannot be
// read to its end, what was read is given and what it gave before.
func (d *Discovery) ownerRepositories(ctx context.Context, target, owner string, list ListRepositories) (listing, error) {
	s := d.source(target)
	var pages []sourcePage
	var got listing
	request := githubapi.PageRequest{PerPage: s.size.Size(d.Now())}
	for n := 0; ; n++ {
		if n < len(s.pages) {
			request.Tag = s.pages[n].tag
		}
		var page githubapi.Page[githubapi.Repository]
		restarted, err := s.size.Ask(d.gate, &request, func() error {
			return d.askFrom(ctx, s, func() (err error) {
				page, err = list(ctx, owner, request)
				return err
			})
		})
		if restarted {
			n, pages, got = 0, nil, listing{}
		}
		switch {
		case errors.Is(err, githubapi.ErrNotModified):
			pages = append(pages, s.pages[n])
		case err != nil:
			got.old = repositoriesOf(s.pages)
			if len(pages) > 0 {
				s.pages = slices.Concat(pages, s.pages[min(len(pages), len(s.pages)):])
			}
			return got, fmt.Errorf("listing its repositories: %w", err)
		default:
			pages = append(pages, sourcePage{tag: page.Tag, next: page.Next, repos: page.Items})
		}
		got.fresh = append(got.fresh, pages[n].repos...)
		if got.sso.IsZero() {
			got.sso = page.SSO
		}
		next := pages[n].next
		if next == "" {
			s.pages = pages
			return got, nil
		}
		request = githubapi.PageRequest{PerPage: request.PerPage, Next: next}
	}
}

func repositoriesOf(pages []sourcePage) (repos []githubapi.Repository) {
	for _, page := range pages {
		repos = append(repos, page.repos...)
	}
	return repos
}
