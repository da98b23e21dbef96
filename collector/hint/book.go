// Package hint keeps what sources beside the lists say of where there may be news: deliveries of a webhook, the log of
// deliveries, GraphQL. A hint wakes and nothing more: what counts is what reading finds. And each source is measured by that: as
// long as everything that reading finds was told before, repositories need not be looked at for news as often.
package hint

import (
	"sync"
	"time"

	"github_workflow_exporter/collector/schedule"
)

// Source is who tells.
type Source string

// The sources.
const (
	Webhook    Source = "webhook"
	Deliveries Source = "deliveries" // the log of them
	GraphQL    Source = "graphql"    // the runs that began last, and those that go on
)

// Outcome is what came of a hint.
type Outcome string

// The outcomes.
const (
	Useful     Outcome = "useful"             // reading found news
	NothingNew Outcome = "nothing_new"        // reading found none, or had found it before
	Unknown    Outcome = "unknown_repository" // it is not watched
)

// Outcomes are all of them.
func Outcomes() []Outcome { return []Outcome{Useful, NothingNew, Unknown} }

const (
	// provenBy is how many hints in a row have to be useful for a source to be trusted.
	provenBy = 3
	// lateBy is how much later than what happened a hint may come. News that are older and were not told are missed.
	lateBy = time.Minute
	// againFor is for how long after a hint it is looked again where nothing was found: GitHub's lists lag behind its events.
	againFor = 2 * time.Minute
	// maxTold bounds of how many repositories it is known what was told.
	maxTold = 100_000
)

// Book is what the sources have told, and what came of it. It is safe for concurrent use.
type Book struct {
	mu      sync.Mutex
	sources map[Source]*figures
	told    map[int64]map[Source]*told
	lost    func()
}

// Telling is what a source is expected to tell.
type Telling struct {
	Late time.Duration // how much later than others it may
	// All: of every repository, so that it is trusted, once it is, with those of which it has told nothing yet.
	All bool
}

// Figures are a source's.
type Figures struct {
	Outcomes map[Outcome]uint64
	Missed   uint64
	Last     time.Time // when it told anything, by the local clock
	Trusted  bool
}

type figures struct {
	outcomes map[Outcome]uint64
	missed   uint64
	last     time.Time
	inARow   int       // useful hints since the last miss
	first    time.Time // as of when it told first, by GitHub's clock
	tells    Telling
}

// told is what a source has told of a repository.
type told struct {
	asOf    time.Time // the latest, by GitHub's clock
	arrived time.Time // when it was told what is not looked up yet, by the local clock; zero: nothing is
	useful  bool      // some hint was, or it covers it: it tells of this repository
	covered bool      // another source told all of it when its list was read last, so that this one was hardly asked
}

// NewBook makes an empty one, for the figures of some sources from the beginning.
func NewBook(sources ...Source) *Book {
	b := &Book{sources: map[Source]*figures{}, told: map[int64]map[Source]*told{}, lost: func() {}}
	for _, s := range sources {
		b.source(s)
	}
	return b
}

// Configure says which sources tell from now on, and what is expected of each. One that does not any more is not trusted either.
func (b *Book) Configure(sources map[Source]Telling) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s, t := range sources {
		b.source(s).tells = t
	}
	for s, f := range b.sources {
		if _, tells := sources[s]; !tells {
			f.inARow = 0
		}
	}
}

// OnLoss has a function called when a source is trusted no longer. It must not call the book.
func (b *Book) OnLoss(lost func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost = lost
}

func (b *Book) source(s Source) *figures {
	f := b.sources[s]
	if f == nil {
		f = &figures{outcomes: map[Outcome]uint64{}}
		b.sources[s] = f
	}
	return f
}

// Tell takes in that a source says of a repository that there may be news as of a time, by GitHub's clock, and tells whether
// that is worth a visit. watched is whether the repository is, read up to when its list was read last, by GitHub's clock too.
func (b *Book) Tell(s Source, repo int64, watched bool, asOf, read, now time.Time) (visit bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.source(s)
	f.last = now
	if f.first.IsZero() {
		f.first = asOf
	}
	if !watched {
		f.outcomes[Unknown]++
		return false
	}
	t := b.of(s, repo)
	if t == nil {
		return true
	}
	if asOf.After(t.asOf) {
		t.asOf = asOf
	}
	if read.After(asOf.Add(b.late(s))) { // it was found without
		f.outcomes[NothingNew]++
		return false
	}
	if t.arrived.IsZero() {
		t.arrived = now
	}
	return true
}

// of is what a source has told of a repository; nil where that cannot be kept.
func (b *Book) of(s Source, repo int64) *told {
	t := b.told[repo][s]
	if t != nil || b.told[repo] == nil && len(b.told) >= maxTold {
		return t
	}
	if b.told[repo] == nil {
		b.told[repo] = map[Source]*told{}
	}
	t = &told{}
	b.told[repo][s] = t
	return t
}

// Looked takes in that a repository's list was read, begun at a time by GitHub's clock, and when the latest of what it showed
// to be over ended, of first attempts and of re-runs; zero where nothing new was. It tells whether a hint that is not explained
// by it is worth another look soon.
func (b *Book) Looked(repo int64, began, first, rerun, now time.Time) (again bool) {
	b.mu.Lock()
	var lost func()
	all := b.hinted(repo) >= schedule.ToldAll
	if !first.IsZero() || !rerun.IsZero() {
		for s, f := range b.sources {
			if f.tells.All {
				b.of(s, repo)
			}
		}
	}
	for s, t := range b.told[repo] {
		f := b.source(s)
		covered := !s.tellsAll() && (all || t.covered)
		t.covered = all
		news := first
		if rerun.After(first) && (s.tellsAll() || !t.arrived.IsZero()) {
			news = rerun
		}
		switch {
		case !t.arrived.IsZero() && !news.IsZero():
			f.outcomes[Useful]++
			f.inARow++
			t.arrived, t.useful = time.Time{}, true
		case !t.arrived.IsZero() && now.Sub(t.arrived) < againFor:
			again = true
		case !t.arrived.IsZero():
			f.outcomes[NothingNew]++
			t.arrived = time.Time{}
		case !news.IsZero() && (t.useful || f.tells.All) && !covered && !f.first.IsZero() && news.After(f.first) && began.Sub(news) > b.late(s) && t.asOf.Add(lateBy).Before(news):
			f.missed++
			if f.inARow >= provenBy {
				lost = b.lost
			}
			f.inARow = 0
		}
	}
	b.mu.Unlock()
	if lost != nil {
		lost()
	}
	return again
}

// Gap takes in that a source may have told something that did not come: it has to prove itself anew.
func (b *Book) Gap(s Source) {
	b.mu.Lock()
	f := b.source(s)
	trusted := f.inARow >= provenBy
	f.inARow = 0
	lost := b.lost
	b.mu.Unlock()
	if trusted {
		lost()
	}
}

// Hinted tells how much a source that is trusted tells of the repository.
func (b *Book) Hinted(repo int64) schedule.Told {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.hinted(repo)
}

func (b *Book) hinted(repo int64) schedule.Told {
	all, most := false, false
	for s, f := range b.sources {
		if f.inARow < provenBy {
			continue
		}
		if t := b.told[repo][s]; f.tells.All || t != nil && t.useful {
			all, most = all || s.tellsAll(), most || !s.tellsAll()
		}
	}
	switch {
	case all && most:
		return schedule.ToldTwice
	case all:
		return schedule.ToldAll
	case most:
		return schedule.ToldMost
	}
	return schedule.ToldNothing
}

// Cover takes in that a source tells of a repository, also while nothing happens there, from a time on by GitHub's clock.
func (b *Book) Cover(s Source, repo int64, from time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.of(s, repo); t != nil && !t.useful {
		t.useful = true
		if from.After(t.asOf) {
			t.asOf = from
		}
	}
}

// Uncover takes that back.
func (b *Book) Uncover(s Source, repo int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.told[repo][s]; t != nil {
		t.useful = false
	}
}

// Told tells whether a source that is trusted tells all of the repository.
func (b *Book) Told(repo int64) bool { return b.Hinted(repo) >= schedule.ToldAll }

// tellsAll tells whether nothing happens that the source should not tell. GraphQL cannot tell of re-runs of old runs.
func (s Source) tellsAll() bool { return s != GraphQL }

func (b *Book) late(s Source) time.Duration { return lateBy + b.source(s).tells.Late }

// Forget drops what was told of a repository that is watched no longer.
func (b *Book) Forget(repo int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.told, repo)
}

// Figures are those of the sources that have told anything.
func (b *Book) Figures() map[Source]Figures {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[Source]Figures{}
	for s, f := range b.sources {
		outcomes := map[Outcome]uint64{}
		for o, n := range f.outcomes {
			outcomes[o] = n
		}
		all[s] = Figures{Outcomes: outcomes, Missed: f.missed, Last: f.last, Trusted: f.inARow >= provenBy}
	}
	return all
}
