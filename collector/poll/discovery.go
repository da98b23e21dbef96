package poll

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/githubapi"
)

// discovery finds the repositories of the targets again and again. A target that cannot be read keeps what it had: an
// error never ends the watching of a repository.
type discovery struct {
	mu      sync.Mutex
	wake    chan struct{}
	sources map[string]*source // by target
	failing int                // targets that cannot be read and of which nothing is known
	done    bool               // every target was read, or failed, at least once
}

// source is what one target gave last.
type source struct {
	pages   []sourcePage
	size    pageSize
	read    bool   // without an error, at least once
	failing string // the reason logged
}

// absentFrom is in how many discoveries in a row a repository is missing before it has left: lists that shift while they
// are read hide an entry now and then.
const absentFrom = 2

type sourcePage struct {
	tag   githubapi.Tag
	next  string
	repos []githubapi.Repository
}

func (d *discovery) hurry() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.wake == nil {
		return
	}
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// discover keeps the set of watched repositories up to date until ctx ends.
func (p *Poller) discover(ctx context.Context) error {
	d := &p.discovery
	d.mu.Lock()
	d.wake, d.sources = make(chan struct{}, 1), map[string]*source{}
	d.mu.Unlock()
	retry := backoff{first: 5 * time.Second, most: p.DiscoveryInterval}
	generation, _ := p.Client.TokenAvailable()
	versionRejected := false
	for {
		wait := p.DiscoveryInterval
		if p.discoverOnce(ctx) {
			retry.reset()
		} else {
			wait = retry.next()
		}
		if p.Client.APIVersionRejected() && !versionRejected {
			versionRejected = true
			level.Warn(p.Logger).Log("msg", "the server does not know the API version and is asked without one; mend github.api_version")
		}
		// While waiting, look whether the token's file has a new one: then everything is worth a try at once.
		for end := p.Now().Add(wait); wait > 0; wait = end.Sub(p.Now()) {
			t := time.NewTimer(min(wait, 10*time.Second))
			select {
			case <-ctx.Done():
				t.Stop()
				return ctx.Err()
			case <-d.wake:
				t.Stop()
				end = p.Now()
			case <-t.C:
			}
			if g, err := p.Client.TokenAvailable(); err == nil && g != generation {
				generation, end = g, p.Now()
				p.queue.hurry()
			}
		}
	}
}

// discoverOnce reads every target and brings the watched set in line. It tells whether all could be read.
func (p *Poller) discoverOnce(ctx context.Context) bool {
	ok, failing := true, 0
	found := map[int64]sighting{}
	add := func(target string, list func() ([]githubapi.Repository, error)) {
		repos, err := list()
		if ctx.Err() != nil {
			return
		}
		p.logSource(target, err)
		if err != nil {
			ok = false
			if len(repos) == 0 {
				failing++
			}
		}
		for _, repo := range repos {
			if known, ok := found[repo.ID]; repo.ID != 0 && repo.FullName != "" && (!ok || known.old) {
				found[repo.ID] = sighting{repo, err != nil}
			}
		}
	}
	for _, owner := range p.Organizations {
		add("organization "+owner.Name, func() ([]githubapi.Repository, error) {
			return p.ownerRepositories(ctx, "organization "+owner.Name, owner, p.Client.OrganizationRepositories)
		})
	}
	for _, owner := range p.Users {
		add("user "+owner.Name, func() ([]githubapi.Repository, error) {
			return p.ownerRepositories(ctx, "user "+owner.Name, owner, p.Client.UserRepositories)
		})
	}
	for _, name := range p.Repositories {
		add(name, func() ([]githubapi.Repository, error) { return p.namedRepository(ctx, name) })
	}
	if ctx.Err() != nil {
		return false
	}
	d := &p.discovery
	d.mu.Lock()
	d.failing, d.done = failing, true
	d.mu.Unlock()
	p.align(found)
	if ok {
		p.retainFigures()
	}
	return ok
}

// sighting is a repository as a target gave it.
type sighting struct {
	repo githubapi.Repository
	old  bool // given before; the target cannot be read now
}

// retainFigures drops the figures of what is neither watched nor a target any more.
func (p *Poller) retainFigures() {
	kept := map[string]bool{}
	for _, r := range p.queue.all() {
		kept[r.repo().FullName] = true
	}
	for _, target := range p.Repositories {
		kept[target] = true
	}
	for _, owner := range slices.Concat(p.Organizations, p.Users) {
		kept[owner.Name] = true
	}
	p.Metrics.retain(kept)
}

// align begins to watch what is new, takes over new names and ends the watching of what has left the targets.
func (p *Poller) align(found map[int64]sighting) {
	for _, id := range slices.Sorted(maps.Keys(found)) {
		repo := found[id].repo
		if r, ok := p.queue.get(id); ok {
			r.absent = 0
			if found[id].old {
				continue // what its runs told since is newer
			}
			if old := r.repo(); old.FullName != repo.FullName {
				level.Info(p.Logger).Log("msg", "repository was renamed", "repository", old.FullName, "name", repo.FullName)
				p.Metrics.forget(old.FullName)
			}
			r.current.Store(&repo)
			continue
		}
		level.Debug(p.Logger).Log("msg", "watching repository", "repository", repo.FullName, "id", id)
		p.queue.add(newRepository(repo))
	}
	for _, r := range p.queue.all() {
		if _, ok := found[r.id]; ok {
			continue
		}
		if r.absent++; r.absent >= absentFrom {
			name := r.repo().FullName
			level.Info(p.Logger).Log("msg", "repository is no longer watched", "repository", name)
			p.queue.remove(r.id)
			p.Recorder.Forget(r.id, 0)
			p.Metrics.forget(name)
		}
	}
}

func (p *Poller) source(target string) *source {
	p.discovery.mu.Lock()
	defer p.discovery.mu.Unlock()
	s := p.discovery.sources[target]
	if s == nil {
		s = &source{}
		p.discovery.sources[target] = s
	}
	return s
}

// hasRead tells whether a target has been read without an error.
func (d *discovery) hasRead(target string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.sources[target]
	return s != nil && s.read
}

// logSource logs a target's failure once per reason, and its recovery.
func (p *Poller) logSource(target string, err error) {
	s := p.source(target)
	reason := ""
	if err == nil {
		p.discovery.mu.Lock()
		s.read = true
		p.discovery.mu.Unlock()
	} else {
		reason = reasonOf(err)
		p.Metrics.failed(strings.TrimPrefix(strings.TrimPrefix(target, "organization "), "user "), reason)
	}
	logger := level.Warn(p.Logger)
	if unsent(err) {
		logger = level.Debug(p.Logger)
	}
	switch {
	case reason == s.failing:
	case reason == "":
		level.Info(p.Logger).Log("msg", "target can be read again", "target", target)
	default:
		logger.Log("msg", "target cannot be read, going on with what is known of it", "target", target, "reason", reason, "err", err)
	}
	s.failing = reason
}

// namedRepository reads one repository; on an error it returns what was known of it, unless it is gone.
func (p *Poller) namedRepository(ctx context.Context, name string) ([]githubapi.Repository, error) {
	s := p.source(name)
	var tag githubapi.Tag
	var known []githubapi.Repository
	if len(s.pages) > 0 {
		tag, known = s.pages[0].tag, s.pages[0].repos
	}
	var repo githubapi.Repository
	err := p.ask(ctx, func() (err error) {
		repo, tag, err = p.Client.Repository(ctx, name, tag)
		return err
	})
	if errors.Is(err, githubapi.ErrNotModified) {
		return known, nil
	}
	if gone(err) || kindIs(err, githubapi.KindForbidden) {
		if found, ok := p.repositoryByItsRuns(ctx, name); ok {
			repo, tag, err = found, githubapi.Tag{}, nil
		}
	}
	if err != nil {
		return known, fmt.Errorf("reading repository %s: %w", name, err)
	}
	s.pages = []sourcePage{{tag: tag, repos: []githubapi.Repository{repo}}}
	return s.pages[0].repos, nil
}

// repositoryByItsRuns finds a repository whose own object cannot be read though its runs can, as behind a gateway that
// lets the paths of Actions through and little else: runs name their repository, and perhaps a list its default branch.
func (p *Poller) repositoryByItsRuns(ctx context.Context, name string) (githubapi.Repository, bool) {
	var runs githubapi.Page[githubapi.Run]
	err := p.ask(ctx, func() (err error) {
		runs, err = p.Client.Runs(ctx, name, githubapi.RunFilter{}, githubapi.PageRequest{PerPage: 1})
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
	owner := Owner{Name: strings.Split(name, "/")[0], Match: func(string) bool { return true }, Archived: true, Forks: true}
	for _, list := range []listRepositories{p.Client.OrganizationRepositories, p.Client.UserRepositories} {
		listed, err := p.ownerRepositories(ctx, "owner of "+name, owner, list)
		if i := slices.IndexFunc(listed, func(l githubapi.Repository) bool { return l.ID == repo.ID }); err == nil && i >= 0 {
			return listed[i], true
		}
	}
	if s := p.source(name); len(s.pages) > 0 && s.pages[0].repos[0].ID == repo.ID {
		return s.pages[0].repos[0], true // what was known before
	}
	return repo, true // without a default branch every branch is "other"
}

type listRepositories func(context.Context, string, githubapi.PageRequest) (githubapi.Page[githubapi.Repository], error)

// ownerRepositories reads an owner's list page by page, each conditionally: an unchanged list costs nothing.
func (p *Poller) ownerRepositories(ctx context.Context, target string, owner Owner, list listRepositories) ([]githubapi.Repository, error) {
	s := p.source(target)
	var pages []sourcePage
	request := githubapi.PageRequest{PerPage: s.size.now(p.Now())}
	for n := 0; ; n++ {
		if n < len(s.pages) {
			request.Tag = s.pages[n].tag
		}
		var page githubapi.Page[githubapi.Repository]
		restarted, err := shrinking(&request, func() error {
			return p.ask(ctx, func() (err error) {
				page, err = list(ctx, owner.Name, request)
				return err
			})
		})
		if restarted {
			s.size.learn(request.PerPage, p.Now())
			n, pages = 0, nil
		}
		switch {
		case errors.Is(err, githubapi.ErrNotModified):
			pages = append(pages, s.pages[n])
		case err != nil:
			return wanted(s.pages, owner), fmt.Errorf("listing its repositories: %w", err)
		default:
			pages = append(pages, sourcePage{tag: page.Tag, next: page.Next, repos: page.Items})
		}
		next := pages[n].next
		if next == "" {
			s.pages = pages
			return wanted(pages, owner), nil
		}
		request = githubapi.PageRequest{PerPage: request.PerPage, Next: next}
	}
}

// wanted picks the owner's repositories that are to be watched.
func wanted(pages []sourcePage, owner Owner) []githubapi.Repository {
	var repos []githubapi.Repository
	for _, page := range pages {
		for _, repo := range page.repos {
			if owner.Wants(repo) {
				repos = append(repos, repo)
			}
		}
	}
	return repos
}
