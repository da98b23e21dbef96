package poll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/githubapi"
)

// A repository that its target's list does not show any more has not left by that: a token that loses an organization's
// single sign-on, or an installation that is suspended, sees a shorter list, and lists shift while they are read. So it is
// asked for itself, and only what says so ends its watching: that it is not there, while the list is whole; that it belongs
// to somebody else now; that the target's rules leave it out.

const (
	// confirmations is how many absent repositories are asked for in one discovery, in turn.
	confirmations = 20
	// denialsNeeded is how many answers in a row, in discoveries of their own, it takes that a repository is not there.
	denialsNeeded = 2
	// Where more repositories of a target are absent than present, and at least so many, a lost permission is likelier than
	// that all were deleted: then the denials must last for massAbsence.
	massAbsent  = 3
	massAbsence = 24 * time.Hour
	// doubtMost is how long a repository is left alone at most of which nothing can be learnt.
	doubtMost = 6 * time.Hour

	reasonAbsent = "absent"
	whyDenied    = "GitHub does not know it any more"
)

// absence is what is known of a repository that its target's list does not show.
type absence struct {
	repo   githubapi.Repository // as last known; of one that is known from the ledger only id and name
	target string
	owner  string        // whose it was when the target showed it, in lower case
	tag    githubapi.Tag // of its own object
	there  bool          // it was read itself, last time
	reason string        // why it cannot be decided, "" as long as nothing is wrong

	denials int // answers in a row that it is not there
	denied  time.Time
	doubts  int // other answers in a row that decide nothing
	asked   time.Time
	retry   time.Time
}

// survey is what one discovery saw of the targets.
type survey struct {
	found    map[int64]sighting
	refused  map[int64]refused
	whole    map[string]bool // targets that were read to their end, nothing held back
	unserved map[string]bool // targets of which there was no answer
}

// refused is a repository that is there and is not to be watched.
type refused struct{ target, why string }

// leftOut tells by which of an owner's rules a repository is not to be watched; "" if it is.
func (o Owner) leftOut(repo githubapi.Repository) string {
	_, name, _ := strings.Cut(repo.FullName, "/")
	switch {
	case repo.Disabled:
		return "it is disabled"
	case repo.Archived && !o.Archived:
		return "it is archived"
	case repo.Fork && !o.Forks:
		return "it is a fork"
	case !o.Match(name):
		return "its name is excluded"
	}
	return ""
}

// missing takes up what the survey does not show, and drops what it shows again.
func (p *Poller) missing(s survey) {
	d := &p.discovery
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := range d.absent {
		_, isFound := s.found[id]
		if _, isRefused := s.refused[id]; isFound || isRefused {
			delete(d.absent, id)
		}
	}
	for _, r := range p.queue.all() {
		_, isFound := s.found[r.id]
		if _, known := d.absent[r.id]; !known && !isFound {
			d.absent[r.id] = &absence{repo: r.repo(), target: r.target, owner: r.owner}
		}
	}
	p.remember(s)
}

// remember takes up what was watched before the start, which the ledger knows, once for each target.
func (p *Poller) remember(s survey) {
	d := &p.discovery
	fresh := map[string]bool{}
	for target := range s.whole {
		if !d.remembered[target] && !s.unserved[target] {
			fresh[target], d.remembered[target] = true, true
		}
	}
	if len(fresh) == 0 {
		return
	}
	for _, repo := range p.Progress.Known(p.horizon()) {
		_, isFound := s.found[repo.ID]
		_, isRefused := s.refused[repo.ID]
		_, known := d.absent[repo.ID]
		target := p.targetOf(repo)
		if isFound || isRefused || known || !fresh[target] {
			continue
		}
		a := &absence{repo: repo, target: target, owner: ownerOf(repo.FullName)}
		if !s.whole[target] {
			a.reason = reasonAbsent
		}
		d.absent[repo.ID] = a
	}
}

// targetOf names the owner's target that a repository would be found by; "" if none.
func (p *Poller) targetOf(repo githubapi.Repository) string {
	owner, name, _ := strings.Cut(repo.FullName, "/")
	if slices.ContainsFunc(p.Repositories, func(n string) bool { return strings.EqualFold(n, repo.FullName) }) {
		return "" // it is asked for by its name
	}
	for kind, owners := range map[string][]Owner{"organization ": p.Organizations, "user ": p.Users} {
		for _, o := range owners {
			if strings.EqualFold(o.Name, owner) && o.Match(name) {
				return kind + o.Name
			}
		}
	}
	return ""
}

// confirm asks absent repositories whether they are gone, and ends the watching of those that are.
func (p *Poller) confirm(ctx context.Context, s survey) {
	for id, why := range s.refused {
		if r, ok := p.queue.get(id); ok {
			p.leave(id, r.repo().FullName, why.target, why.why)
		}
	}
	d := &p.discovery
	d.mu.Lock()
	absent := slices.SortedFunc(maps.Values(d.absent), func(a, b *absence) int {
		return cmp.Or(a.asked.Compare(b.asked), cmp.Compare(a.repo.ID, b.repo.ID))
	})
	d.mu.Unlock()
	p.tellAbsent(absent, s)
	left := confirmations
	for _, a := range absent {
		now := p.Now()
		switch {
		case p.stillAbsent(a) && !s.unserved[a.target] && left > 0 && !now.Before(a.retry):
			left--
			if !p.confirmOne(ctx, s, a) {
				return // of the others nothing can be learnt now either
			}
		case a.reason != "" && !p.watches(a):
			p.Metrics.failed(a.repo.FullName, a.reason)
		}
	}
}

func (p *Poller) stillAbsent(a *absence) bool {
	p.discovery.mu.Lock()
	defer p.discovery.mu.Unlock()
	return p.discovery.absent[a.repo.ID] == a
}

func (p *Poller) watches(a *absence) bool {
	_, ok := p.queue.get(a.repo.ID)
	return ok
}

// confirmOne asks for one absent repository. It returns false if nobody can be asked now.
func (p *Poller) confirmOne(ctx context.Context, s survey, a *absence) (goOn bool) {
	repo, tag, err := p.itself(ctx, a)
	now := p.Now()
	a.asked = now
	_, notSent := held(err)
	switch {
	case ctx.Err() != nil, notSent, limited(err), errors.As(err, &refusedError{}):
		return false
	case err == nil:
		p.noteSSO(a.repo.FullName, nil)
		a.there, a.tag, a.denials, a.doubts = true, tag, 0, 0
		a.retry = now.Add(p.DiscoveryInterval)
		p.isThere(a, repo)
		return true
	}
	a.there, a.tag = false, githubapi.Tag{}
	p.noteSSO(a.repo.FullName, err)
	if gone(err) && s.whole[a.target] {
		if p.denied(a, s, now) {
			p.leave(a.repo.ID, a.repo.FullName, a.target, whyDenied)
			return true
		}
		a.doubts = 0
	} else {
		a.denials = 0
		a.doubts++
		a.retry = latest(now.Add(failureInterval(p.DiscoveryInterval, doubtMost, a.doubts)), now.Add(asked(err)))
	}
	p.discovery.mu.Lock()
	a.reason = reasonOf(err)
	p.discovery.mu.Unlock()
	if !p.watches(a) { // otherwise its visits fail, and say so
		p.Metrics.failed(a.repo.FullName, a.reason)
		level.Debug(p.Logger).Log("msg", "an absent repository cannot be read itself", "repository", a.repo.FullName, "err", err)
	}
	return true
}

// itself asks for an absent repository: by its name, and by its number where the name belongs to another one.
func (p *Poller) itself(ctx context.Context, a *absence) (repo githubapi.Repository, tag githubapi.Tag, err error) {
	err = p.ask(ctx, func() (err error) {
		repo, tag, err = p.Client.Repository(ctx, a.repo.FullName, a.tag)
		return err
	})
	if errors.Is(err, githubapi.ErrNotModified) {
		return a.repo, a.tag, nil
	}
	if err == nil && repo.ID != a.repo.ID {
		tag = githubapi.Tag{}
		err = p.ask(ctx, func() (err error) {
			repo, _, err = p.Client.RepositoryByID(ctx, a.repo.ID, githubapi.Tag{})
			return err
		})
	}
	return repo, tag, err
}

// isThere takes in that an absent repository was read itself: it is watched on, or from now on, unless a rule says otherwise.
func (p *Poller) isThere(a *absence, repo githubapi.Repository) {
	if why := p.leftOut(a, repo); why != "" {
		p.leave(repo.ID, a.repo.FullName, a.target, why)
		return
	}
	p.discovery.mu.Lock()
	a.repo, a.reason = repo, ""
	p.discovery.mu.Unlock()
	p.watchFound(map[int64]sighting{repo.ID: {repo: repo, target: a.target}})
}

// leftOut tells why a repository that is there does not belong to the targets; "" if it does.
func (p *Poller) leftOut(a *absence, repo githubapi.Repository) string {
	owner := ownerOf(repo.FullName)
	if slices.ContainsFunc(p.Repositories, func(n string) bool { return strings.EqualFold(n, repo.FullName) }) {
		return ""
	}
	why := fmt.Sprintf("it is %s now, which no target names", Text(repo.FullName, MostText))
	for kind, owners := range map[string][]Owner{"organization ": p.Organizations, "user ": p.Users} {
		for _, o := range owners {
			if !strings.EqualFold(o.Name, owner) && (kind+o.Name != a.target || owner != a.owner) {
				continue
			}
			if why = o.leftOut(repo); why == "" {
				return ""
			}
		}
	}
	return why
}

// denied notes an answer that a repository is not there, while its target's list is whole, and tells whether that is enough
// to believe it.
func (p *Poller) denied(a *absence, s survey, now time.Time) bool {
	r, isWatched := p.queue.get(a.repo.ID)
	if a.denials == 0 {
		a.denied = now
	}
	a.denials++
	a.retry = now.Add(min(p.DiscoveryInterval, time.Minute))
	switch {
	case isWatched && r.state.Load() != stateFailing:
		p.queue.hasten(a.repo.ID) // what hides the repository may let its runs through
		return false
	case !isWatched && !p.discovery.before[a.repo.ID] && !p.manyAbsent(a.target, s):
		return true // it was not watched since the start: nothing ends
	case a.denials < denialsNeeded:
		return false
	case p.manyAbsent(a.target, s) && now.Sub(a.denied) < massAbsence:
		a.retry = now.Add(failureInterval(p.DiscoveryInterval, doubtMost, a.denials-denialsNeeded+1))
		return false
	}
	return true
}

// manyAbsent tells whether so many of a target's repositories are absent that it looks like a lost permission.
func (p *Poller) manyAbsent(target string, s survey) bool {
	p.discovery.mu.Lock()
	defer p.discovery.mu.Unlock()
	absent, present := 0, 0
	for _, a := range p.discovery.absent {
		if a.target == target && !a.there {
			absent++
		}
	}
	for _, f := range s.found {
		if f.target == target {
			present++
		}
	}
	return absent >= massAbsent && absent > present
}

// leave ends the watching of a repository.
func (p *Poller) leave(id int64, name, target, why string) {
	logger := level.Info(p.Logger)
	if _, watched := p.queue.get(id); watched && why == whyDenied { // or the token may not see it
		logger = level.Warn(p.Logger)
	}
	logger.Log("msg", "repository is no longer watched", "repository", name, "target", target, "why", why)
	p.queue.remove(id)
	p.Recorder.Forget(id, 0)
	p.Metrics.forget(name)
	p.sso.lift(name, p.Logger)
	p.discovery.mu.Lock()
	defer p.discovery.mu.Unlock()
	delete(p.discovery.absent, id)
}

// tellAbsent says, for each target, when more of its repositories have become absent.
func (p *Poller) tellAbsent(absent []*absence, s survey) {
	count := map[string]int{}
	for _, a := range absent {
		if !a.there && (a.reason != "" || p.watches(a)) {
			count[a.target]++
		}
	}
	told := p.discovery.told
	for target, n := range count {
		if n > told[target] {
			level.Warn(p.Logger).Log("msg", "repositories are missing from their target's list; each is asked for, and watched until an answer says that it is gone",
				"target", target, "repositories", n, "list_whole", s.whole[target])
		}
	}
	p.discovery.told = count
}
