package discover

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

	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/collector/schedule"
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

// missing takes up what the survey does not show, and drops what it shows again.
func (d *Discovery) missing(s survey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := range d.absent {
		_, isFound := s.found[id]
		if _, isRefused := s.refused[id]; isFound || isRefused {
			delete(d.absent, id)
		}
	}
	for _, repo := range d.Watch.Watched() {
		_, isFound := s.found[repo.ID]
		if _, known := d.absent[repo.ID]; !known && !isFound {
			d.absent[repo.ID] = &absence{repo: repo, target: d.places[repo.ID].target, owner: d.places[repo.ID].owner}
		}
	}
	d.remember(s)
}

// remember takes up what was watched before the start, which the ledger knows, once for each target.
func (d *Discovery) remember(s survey) {
	fresh := map[string]bool{}
	for target := range s.whole {
		if !d.remembered[target] && !s.unserved[target] {
			fresh[target], d.remembered[target] = true, true
		}
	}
	if len(fresh) == 0 {
		return
	}
	for _, repo := range d.Known() {
		_, isFound := s.found[repo.ID]
		_, isRefused := s.refused[repo.ID]
		_, known := d.absent[repo.ID]
		target := d.targetOf(repo)
		if isFound || isRefused || known || !fresh[target] {
			continue
		}
		a := &absence{repo: repo, target: target, owner: gate.OwnerOf(repo.FullName)}
		if !s.whole[target] {
			a.reason = reasonAbsent
		}
		d.absent[repo.ID] = a
	}
}

// targetOf names the owner's target that a repository would be found by; "" if none.
func (d *Discovery) targetOf(repo githubapi.Repository) string {
	owner, name, _ := strings.Cut(repo.FullName, "/")
	if slices.ContainsFunc(d.Repositories, func(n string) bool { return strings.EqualFold(n, repo.FullName) }) {
		return "" // it is asked for by its name
	}
	for kind, owners := range map[string][]Owner{"organization ": d.Organizations, "user ": d.Users} {
		for _, o := range owners {
			if strings.EqualFold(o.Name, owner) && o.Match(name) {
				return kind + o.Name
			}
		}
	}
	return ""
}

// confirm asks absent repositories whether they are gone, and ends the watching of those that are.
func (d *Discovery) confirm(ctx context.Context, s survey) {
	for id, why := range s.refused {
		if repo, _, ok := d.Watch.Lookup(id); ok {
			d.leave(id, repo.FullName, why.target, why.why)
		}
	}
	d.mu.Lock()
	absent := slices.SortedFunc(maps.Values(d.absent), func(a, b *absence) int {
		return cmp.Or(a.asked.Compare(b.asked), cmp.Compare(a.repo.ID, b.repo.ID))
	})
	d.mu.Unlock()
	d.tellAbsent(absent, s)
	left := confirmations
	for _, a := range absent {
		now := d.Now()
		switch {
		case d.stillAbsent(a) && !s.unserved[a.target] && left > 0 && !now.Before(a.retry):
			left--
			if !d.confirmOne(ctx, s, a) {
				return // of the others nothing can be learnt now either
			}
		case a.reason != "" && !d.watches(a):
			d.Figures.Failed(a.repo.FullName, a.reason)
		}
	}
}

func (d *Discovery) stillAbsent(a *absence) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.absent[a.repo.ID] == a
}

func (d *Discovery) watches(a *absence) bool {
	_, _, ok := d.Watch.Lookup(a.repo.ID)
	return ok
}

// confirmOne asks for one absent repository. It returns false if nobody can be asked now.
func (d *Discovery) confirmOne(ctx context.Context, s survey, a *absence) (goOn bool) {
	repo, tag, err := d.itself(ctx, a)
	now := d.Now()
	a.asked = now
	_, notSent := gate.Held(err)
	switch {
	case ctx.Err() != nil, notSent, gate.Limited(err), errors.As(err, &gate.RefusedError{}):
		return false
	case err == nil:
		d.gate.SSO.Note(a.repo.FullName, nil)
		a.there, a.tag, a.denials, a.doubts = true, tag, 0, 0
		a.retry = now.Add(d.Interval)
		d.isThere(a, repo)
		return true
	}
	a.there, a.tag = false, githubapi.Tag{}
	d.gate.SSO.Note(a.repo.FullName, err)
	if githubapi.Gone(err) && s.whole[a.target] {
		if d.denied(a, s, now) {
			d.leave(a.repo.ID, a.repo.FullName, a.target, whyDenied)
			return true
		}
		a.doubts = 0
	} else {
		a.denials = 0
		a.doubts++
		a.retry = schedule.Latest(now.Add(schedule.RetryWait(d.Interval, doubtMost, a.doubts)), now.Add(gate.Asked(err)))
	}
	d.mu.Lock()
	a.reason = githubapi.Reason(err)
	d.mu.Unlock()
	if !d.watches(a) { // otherwise its visits fail, and say so
		d.Figures.Failed(a.repo.FullName, a.reason)
		level.Debug(d.Logger).Log("msg", "an absent repository cannot be read itself", "repository", a.repo.FullName, "err", err)
	}
	return true
}

// itself asks for an absent repository: by its name, and by its number where the name belongs to another one.
func (d *Discovery) itself(ctx context.Context, a *absence) (repo githubapi.Repository, tag githubapi.Tag, err error) {
	err = d.gate.Ask(ctx, gate.History, func() (err error) {
		repo, tag, err = d.gate.Client.Repository(ctx, a.repo.FullName, a.tag)
		return err
	})
	if errors.Is(err, githubapi.ErrNotModified) {
		return a.repo, a.tag, nil
	}
	if err == nil && repo.ID != a.repo.ID {
		tag = githubapi.Tag{}
		err = d.gate.Ask(ctx, gate.History, func() (err error) {
			repo, _, err = d.gate.Client.RepositoryByID(ctx, a.repo.ID, githubapi.Tag{})
			return err
		})
	}
	return repo, tag, err
}

// isThere takes in that an absent repository was read itself: it is watched on, or from now on, unless a rule says otherwise.
func (d *Discovery) isThere(a *absence, repo githubapi.Repository) {
	if why := d.leftOut(a, repo); why != "" {
		d.leave(repo.ID, a.repo.FullName, a.target, why)
		return
	}
	d.mu.Lock()
	a.repo, a.reason = repo, ""
	d.mu.Unlock()
	d.watchFound(map[int64]sighting{repo.ID: {repo: repo, target: a.target}})
}

// leftOut tells why a repository that is there does not belong to the targets; "" if it does.
func (d *Discovery) leftOut(a *absence, repo githubapi.Repository) string {
	owner := gate.OwnerOf(repo.FullName)
	if slices.ContainsFunc(d.Repositories, func(n string) bool { return strings.EqualFold(n, repo.FullName) }) {
		return ""
	}
	why := fmt.Sprintf("it is %s now, which no target names", githubapi.Text(repo.FullName, githubapi.MostText))
	for kind, owners := range map[string][]Owner{"organization ": d.Organizations, "user ": d.Users} {
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
func (d *Discovery) denied(a *absence, s survey, now time.Time) bool {
	_, failing, isWatched := d.Watch.Lookup(a.repo.ID)
	if a.denials == 0 {
		a.denied = now
	}
	a.denials++
	a.retry = now.Add(min(d.Interval, time.Minute))
	switch {
	case isWatched && !failing:
		d.Watch.Hasten(a.repo.ID) // what hides the repository may let its runs through
		return false
	case !isWatched && !d.Before[a.repo.ID] && !d.manyAbsent(a.target, s):
		return true // it was not watched since the start: nothing ends
	case a.denials < denialsNeeded:
		return false
	case d.manyAbsent(a.target, s) && now.Sub(a.denied) < massAbsence:
		a.retry = now.Add(schedule.RetryWait(d.Interval, doubtMost, a.denials-denialsNeeded+1))
		return false
	}
	return true
}

// manyAbsent tells whether so many of a target's repositories are absent that it looks like a lost permission.
func (d *Discovery) manyAbsent(target string, s survey) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	absent, present := 0, 0
	for _, a := range d.absent {
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
func (d *Discovery) leave(id int64, name, target, why string) {
	logger := level.Info(d.Logger)
	if _, _, watched := d.Watch.Lookup(id); watched && why == whyDenied { // or the token may not see it
		logger = level.Warn(d.Logger)
	}
	logger.Log("msg", "repository is no longer watched", "repository", name, "target", target, "why", why)
	d.Watch.Remove(id)
	delete(d.places, id)
	d.Figures.Forget(name)
	d.gate.SSO.Lift(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.absent, id)
}

// tellAbsent says, for each target, when more of its repositories have become absent.
func (d *Discovery) tellAbsent(absent []*absence, s survey) {
	count := map[string]int{}
	for _, a := range absent {
		if !a.there && (a.reason != "" || d.watches(a)) {
			count[a.target]++
		}
	}
	told := d.told
	for target, n := range count {
		if n > told[target] {
			level.Warn(d.Logger).Log("msg", "repositories are missing from their target's list; each is asked for, and watched until an answer says that it is gone",
				"target", target, "repositories", n, "list_whole", s.whole[target])
		}
	}
	d.told = count
}
