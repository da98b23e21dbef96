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

	absent map[int64]*absence // what the targets' lists do not show, though it was watched or is known from the ledger
	told   map[string]int     // of how many absent repositories of a target was said; discovery's own

	remembered map[string]bool // targets of which the ledger was asked what was watched before
	before     map[int64]bool  // what the previous poller watched
}

// source is what one target gave last.
type source struct {
	pages   []sourcePage
	size    pageSize
	read    bool      // to its end and with nothing held back, at least once
	failing string    // the reason logged
	held    heldError // for how long an answer asked not to ask for it
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
	d.absent, d.remembered = map[int64]*absence{}, map[string]bool{}
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
	s := survey{found: map[int64]sighting{}, refused: map[int64]refused{}, whole: map[string]bool{}, unserved: map[string]bool{}}
	add := func(target string, leftOut func(githubapi.Repository) string, list func() (listing, error)) {
		got, err := list()
		if ctx.Err() != nil {
			return
		}
		p.logSource(ctx, target, got, err)
		if err != nil {
			ok = false
			if len(got.fresh)+len(got.old) == 0 {
				failing++
			}
		}
		s.whole[target] = err == nil && got.sso.IsZero()
		s.unserved[target] = unserved(err) || limited(err) || errors.As(err, &heldError{}) || errors.As(err, &refusedError{})
		s.add(target, got.fresh, leftOut, false)
		s.add(target, got.old, leftOut, true)
	}
	for _, owner := range p.Organizations {
		add("organization "+owner.Name, owner.leftOut, func() (listing, error) {
			return p.ownerRepositories(ctx, "organization "+owner.Name, owner.Name, p.Client.OrganizationRepositories)
		})
	}
	for _, owner := range p.Users {
		add("user "+owner.Name, owner.leftOut, func() (listing, error) {
			return p.ownerRepositories(ctx, "user "+owner.Name, owner.Name, p.Client.UserRepositories)
		})
	}
	for _, name := range p.Repositories {
		add(name, func(githubapi.Repository) string { return "" }, func() (listing, error) { return p.namedRepository(ctx, name) })
	}
	if ctx.Err() != nil {
		return false
	}
	for id := range s.found { // by another target
		delete(s.refused, id)
	}
	p.watchFound(s.found)
	d := &p.discovery
	d.mu.Lock()
	d.failing, d.done = failing, true
	d.mu.Unlock()
	p.missing(s)
	p.confirm(ctx, s)
	if ok {
		p.retainFigures()
	}
	return ok
}

// sighting is a repository as a target gave it.
type sighting struct {
	repo   githubapi.Repository
	target string
	old    bool // given before; the target cannot be read now
}

// add takes in what a target gave.
func (s survey) add(target string, repos []githubapi.Repository, leftOut func(githubapi.Repository) string, old bool) {
	for _, repo := range repos {
		known, ok := s.found[repo.ID]
		switch why := leftOut(repo); {
		case repo.ID == 0 || repo.FullName == "" || ok && (old || !known.old):
		case why == "":
			s.found[repo.ID] = sighting{repo, target, old}
		case !old:
			s.refused[repo.ID] = refused{target, why}
		}
	}
}

// retainFigures drops the figures of what is neither watched nor a target any more.
func (p *Poller) retainFigures() {
	kept := map[string]bool{}
	for _, r := range p.queue.all() {
		kept[r.repo().FullName] = true
	}
	p.discovery.mu.Lock()
	for _, a := range p.discovery.absent {
		kept[a.repo.FullName] = true
	}
	p.discovery.mu.Unlock()
	for _, target := range p.Repositories {
		kept[target] = true
	}
	for _, owner := range slices.Concat(p.Organizations, p.Users) {
		kept[owner.Name] = true
	}
	p.Metrics.retain(kept)
}

// watchFound begins to watch what is new and takes over new names.
func (p *Poller) watchFound(found map[int64]sighting) {
	watched := len(p.queue.all())
	for id := range found {
		if _, known := p.queue.get(id); !known {
			watched++
		}
	}
	p.Progress.Watching(watched) // before the first of them counts
	for _, id := range slices.Sorted(maps.Keys(found)) {
		repo := found[id].repo
		if r, ok := p.queue.get(id); ok {
			r.target, r.owner = found[id].target, ownerOf(repo.FullName)
			if found[id].old {
				continue // what its runs told since is newer
			}
			p.renamed(r, repo.FullName)
			r.current.Store(&repo)
			continue
		}
		level.Debug(p.Logger).Log("msg", "watching repository", "repository", repo.FullName, "id", id)
		r := newRepository(repo)
		r.target, r.owner = found[id].target, ownerOf(repo.FullName)
		p.queue.add(r)
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

// hasRead tells whether a target has been read to its end, with nothing held back.
func (d *discovery) hasRead(target string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.sources[target]
	return s != nil && s.read
}

// logSource logs a target's failure once per reason, and its recovery, and what it told of single sign-on.
func (p *Poller) logSource(ctx context.Context, target string, got listing, err error) {
	s := p.source(target)
	name := strings.TrimPrefix(strings.TrimPrefix(target, "organization "), "user ")
	reason := ""
	if err == nil {
		p.discovery.mu.Lock()
		s.read = s.read || got.sso.IsZero()
		p.discovery.mu.Unlock()
	} else {
		reason = reasonOf(err)
		p.Metrics.failed(name, reason)
		p.struck(ctx, target, err)
	}
	if err == nil && !got.sso.IsZero() {
		p.sso.held(name, got.sso, p.Logger)
	} else {
		p.noteSSO(name, err)
	}
	logger := level.Warn(p.Logger)
	if said(err) {
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

// askFrom sends a request for a target, unless an answer to an earlier one asked to wait.
func (p *Poller) askFrom(ctx context.Context, s *source, send func() error) error {
	if p.Now().Before(s.held.until) {
		return s.held
	}
	err := p.ask(ctx, send)
	if wait := asked(err); wait > 0 && !limited(err) && !forHost(err) {
		s.held = heldError{err: err, until: p.Now().Add(wait)}
	}
	return err
}

// namedRepository reads one repository; on an error it gives what was known of it.
func (p *Poller) namedRepository(ctx context.Context, name string) (listing, error) {
	s := p.source(name)
	var tag githubapi.Tag
	var known []githubapi.Repository
	if len(s.pages) > 0 {
		tag, known = s.pages[0].tag, s.pages[0].repos
	}
	var repo githubapi.Repository
	err := p.askFrom(ctx, s, func() (err error) {
		repo, tag, err = p.Client.Repository(ctx, name, tag)
		return err
	})
	if errors.Is(err, githubapi.ErrNotModified) {
		return listing{fresh: known}, nil
	}
	if gone(err) || kindIs(err, githubapi.KindForbidden) {
		if found, ok := p.repositoryByItsRuns(ctx, name); ok {
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
func (p *Poller) repositoryByItsRuns(ctx context.Context, name string) (githubapi.Repository, bool) {
	var runs githubapi.Page[githubapi.Run]
	err := p.askFrom(ctx, p.source(name), func() (err error) {
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
	owner, _, _ := strings.Cut(name, "/")
	for _, list := range []listRepositories{p.Client.OrganizationRepositories, p.Client.UserRepositories} {
		listed, err := p.ownerRepositories(ctx, "owner of "+name, owner, list)
		if i := slices.IndexFunc(listed.fresh, func(l githubapi.Repository) bool { return l.ID == repo.ID }); err == nil && i >= 0 {
			return listed.fresh[i], true
		}
	}
	if s := p.source(name); len(s.pages) > 0 && s.pages[0].repos[0].ID == repo.ID {
		return s.pages[0].repos[0], true // what was known before
	}
	return repo, true // without a default branch every branch is "other"
}

type listRepositories func(context.Context, string, githubapi.PageRequest) (githubapi.Page[githubapi.Repository], error)

// ownerRepositories reads an owner's list page by page, each conditionally: an unchanged list costs nothing. Where it cannot be
// read to its end, what was read is given and what it gave before.
func (p *Poller) ownerRepositories(ctx context.Context, target, owner string, list listRepositories) (listing, error) {
	s := p.source(target)
	var pages []sourcePage
	var got listing
	request := githubapi.PageRequest{PerPage: s.size.now(p.Now())}
	for n := 0; ; n++ {
		if n < len(s.pages) {
			request.Tag = s.pages[n].tag
		}
		var page githubapi.Page[githubapi.Repository]
		restarted, err := s.size.ask(&p.shrinks, &request, p.Now(), func() error {
			return p.askFrom(ctx, s, func() (err error) {
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
