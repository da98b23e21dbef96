package discover

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/collector/schedule"
	"github_workflow_exporter/githubapi"
)

// Watch is the set of repositories that are watched. Its methods are safe for concurrent use.
type Watch interface {
	// Watched lists them as they are called now.
	Watched() []githubapi.Repository
	// Lookup gives one of them, and whether it cannot be read.
	Lookup(id int64) (repo githubapi.Repository, failing, ok bool)
	// Expect tells how many there will be, before the first of them counts.
	Expect(repositories int)
	// Add begins to watch a repository, Update takes in what is new of one, Remove ends it.
	Add(repo githubapi.Repository)
	Update(repo githubapi.Repository)
	Remove(id int64)
	// Hasten makes one due now, Hurry all of them.
	Hasten(id int64)
	Hurry()
}

// Figures are told how it goes.
type Figures interface {
	// Failed counts a failure of a repository or a target.
	Failed(name, reason string)
	// Forget drops the figures of a repository that is no longer watched under that name.
	Forget(name string)
	// Retain drops the figures of all others.
	Retain(names map[string]bool)
}

// Options configure a Discovery.
type Options struct {
	Repositories  []string // owner/name
	Organizations []Owner
	Users         []Owner
	// OfInstallation: who asks is an installation of an App, which has a list of its own of what it sees.
	OfInstallation bool
	Interval       time.Duration // between two discoveries, positive

	Watch Watch
	// Known returns id and name of the repositories that were watched of late, before the start too.
	Known  func() []githubapi.Repository
	Before map[int64]bool // what was watched until now, by a discovery that this one follows

	Figures Figures
	Logger  log.Logger
	Now     func() time.Time // local clock
}

// Discovery finds the repositories of the targets again and again. A target that cannot be read keeps what it had: an
// error never ends the watching of a repository.
type Discovery struct {
	Options
	gate *gate.Gate
	wake chan struct{}

	places map[int64]place // where those that are watched were found last

	mu      sync.Mutex
	sources map[string]*source // by target
	failing int                // targets that cannot be read and of which nothing is known
	done    bool               // every target was read, or failed, at least once

	absent map[int64]*absence // what the targets' lists do not show, though it was watched or is known from the ledger
	told   map[string]int     // of how many absent repositories of a target was said

	remembered map[string]bool // targets of which it was asked what was watched before
}

// place is by which target a repository was found last, and whose it was then, in lower case.
type place struct{ target, owner string }

// New makes a discovery; nothing is asked before Run.
func New(g *gate.Gate, o Options) *Discovery {
	return &Discovery{
		Options: o, gate: g, wake: make(chan struct{}, 1), places: map[int64]place{},
		sources: map[string]*source{}, absent: map[int64]*absence{}, remembered: map[string]bool{},
	}
}

// Hurry makes the next discovery due now.
func (d *Discovery) Hurry() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run keeps the set of watched repositories in line with the targets until ctx ends.
func (d *Discovery) Run(ctx context.Context) error {
	retry := schedule.Backoff{First: 5 * time.Second, Most: d.Interval}
	generation, _ := d.gate.Client.TokenAvailable()
	versionRejected := false
	for {
		wait := d.Interval
		if d.discoverOnce(ctx) {
			retry.Reset()
		} else {
			wait = retry.Next()
		}
		if d.gate.Client.APIVersionRejected() && !versionRejected {
			versionRejected = true
			level.Warn(d.Logger).Log("msg", "the server does not know the API version and is asked without one; mend github.api_version")
		}
		// While waiting, look whether the token's file has a new one: then everything is worth a try at once.
		for end := d.Now().Add(wait); wait > 0; wait = end.Sub(d.Now()) {
			t := time.NewTimer(min(wait, 10*time.Second))
			select {
			case <-ctx.Done():
				t.Stop()
				return ctx.Err()
			case <-d.wake:
				t.Stop()
				end = d.Now()
			case <-t.C:
			}
			if g, err := d.gate.Client.TokenAvailable(); err == nil && g != generation && !d.gate.Client.Renews() {
				generation, end = g, d.Now()
				d.Watch.Hurry()
			}
		}
	}
}

// discoverOnce reads every target and brings the watched set in line. It tells whether all could be read.
func (d *Discovery) discoverOnce(ctx context.Context) bool {
	ok, failing := true, 0
	s := survey{found: map[int64]sighting{}, refused: map[int64]refused{}, whole: map[string]bool{}, unserved: map[string]bool{}}
	add := func(target string, leftOut func(githubapi.Repository) string, list func() (listing, error)) {
		got, err := list()
		if ctx.Err() != nil {
			return
		}
		d.logSource(ctx, target, got, err)
		if err != nil {
			ok = false
			if len(got.fresh)+len(got.old) == 0 {
				failing++
			}
		}
		s.whole[target] = err == nil && got.sso.IsZero()
		s.unserved[target] = gate.Unserved(err) || gate.Limited(err) || errors.As(err, &gate.HeldError{}) || errors.As(err, &gate.RefusedError{})
		s.add(target, got.fresh, leftOut, false)
		s.add(target, got.old, leftOut, true)
	}
	for _, owner := range d.Organizations {
		add("organization "+owner.Name, owner.leftOut, func() (listing, error) {
			return d.ownerRepositories(ctx, "organization "+owner.Name, owner.Name, ListOf(d.gate.Client, d.OfInstallation, d.gate.Client.OrganizationRepositories))
		})
	}
	for _, owner := range d.Users {
		add("user "+owner.Name, owner.leftOut, func() (listing, error) {
			return d.ownerRepositories(ctx, "user "+owner.Name, owner.Name, ListOf(d.gate.Client, d.OfInstallation, d.gate.Client.UserRepositories))
		})
	}
	for _, name := range d.Repositories {
		add(name, func(githubapi.Repository) string { return "" }, func() (listing, error) { return d.namedRepository(ctx, name) })
	}
	if ctx.Err() != nil {
		return false
	}
	for id := range s.found { // by another target
		delete(s.refused, id)
	}
	d.watchFound(s.found)
	d.mu.Lock()
	d.failing, d.done = failing, true
	d.mu.Unlock()
	d.missing(s)
	d.confirm(ctx, s)
	if ok {
		d.retainFigures()
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
func (d *Discovery) retainFigures() {
	kept := map[string]bool{}
	for _, repo := range d.Watch.Watched() {
		kept[repo.FullName] = true
	}
	d.mu.Lock()
	for _, a := range d.absent {
		kept[a.repo.FullName] = true
	}
	d.mu.Unlock()
	for _, target := range d.Repositories {
		kept[target] = true
	}
	for _, owner := range slices.Concat(d.Organizations, d.Users) {
		kept[owner.Name] = true
	}
	d.Figures.Retain(kept)
}

// watchFound begins to watch what is new and takes over new names.
func (d *Discovery) watchFound(found map[int64]sighting) {
	watched := len(d.Watch.Watched())
	for id := range found {
		if _, _, known := d.Watch.Lookup(id); !known {
			watched++
		}
	}
	d.Watch.Expect(watched)
	// What was pushed to last comes first: there most has happened that somebody waits for.
	order := slices.SortedFunc(maps.Keys(found), func(a, b int64) int {
		return cmp.Or(found[b].repo.PushedAt.Compare(found[a].repo.PushedAt), cmp.Compare(a, b))
	})
	for _, id := range order {
		repo := found[id].repo
		d.places[id] = place{found[id].target, gate.OwnerOf(repo.FullName)}
		switch _, _, known := d.Watch.Lookup(id); {
		case !known:
			level.Debug(d.Logger).Log("msg", "watching repository", "repository", repo.FullName, "id", id)
			d.Watch.Add(repo)
		case !found[id].old: // otherwise what its runs told since is newer
			d.Watch.Update(repo)
		}
	}
}

// logSource logs a target's failure once per reason, and its recovery, and what it told of single sign-on.
func (d *Discovery) logSource(ctx context.Context, target string, got listing, err error) {
	s := d.source(target)
	name := strings.TrimPrefix(strings.TrimPrefix(target, "organization "), "user ")
	reason := ""
	if err == nil {
		d.mu.Lock()
		s.read = s.read || got.sso.IsZero()
		d.mu.Unlock()
	} else {
		reason = githubapi.Reason(err)
		d.Figures.Failed(name, reason)
		d.gate.Struck(ctx, target, err)
	}
	if err == nil && !got.sso.IsZero() {
		d.gate.SSO.Held(name, got.sso)
	} else {
		d.gate.SSO.Note(name, err)
	}
	logger := level.Warn(d.Logger)
	if gate.Said(err) {
		logger = level.Debug(d.Logger)
	}
	switch {
	case reason == s.failing:
	case reason == "":
		level.Info(d.Logger).Log("msg", "target can be read again", "target", target)
	default:
		logger.Log("msg", "target cannot be read, going on with what is known of it", "target", target, "reason", reason, "err", err)
	}
	s.failing = reason
}
