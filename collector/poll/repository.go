package poll

import (
	"sync/atomic"
	"time"

	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/githubapi"
)

// Repository is a watched repository and what is known of it in memory. Only the worker that visits it touches it, but for the
// atomic fields, which others read. Each part of a visit keeps the state that it alone needs.
type Repository struct {
	*site
	visitor *Visitor

	identity  *identity
	runs      *openRuns
	list      *list
	front     *frontReader
	following *following
	live      *live
	search    *search

	watched  bool      // the account is open
	first    time.Time // when the list of runs had been read for the first time
	failures int       // visits in a row that failed
	failing  string    // the reason logged, "" when none
	pruned   time.Time // when what is too old was forgotten last
	wanted   wanted

	state   atomic.Int32
	swept   atomic.Bool // the first sweep is over
	openNow atomic.Int64
	read    atomic.Int64 // when the list was begun to be read last, Unix nanoseconds
}

// State of a repository, as its visits go.
type State int32

// The states, as shown by repositories{state}.
const (
	FirstSweep State = iota
	Watched
	Failing
)

// NewRepository is a repository of which nothing is known yet; it is asked for through a gate.
func (v *Visitor) NewRepository(g *gate.Gate, repo githubapi.Repository) *Repository {
	s := &site{Options: &v.Options, gate: g, id: repo.ID}
	s.current.Store(&repo)
	r := &Repository{site: s, visitor: v, identity: &identity{s}, runs: newOpenRuns(s)}
	jobs := &jobsReader{site: s, runs: r.runs}
	names := &names{site: s, asked: map[int64]string{}}
	records := &records{s}
	list := &list{site: s, identity: r.identity, runs: r.runs, records: records}
	closing := &closing{site: s, identity: r.identity, runs: r.runs, jobs: jobs, names: names, records: records}
	ending := &ending{site: s, runs: r.runs, jobs: jobs, names: names, records: records}
	r.list = list
	r.front = &frontReader{site: s, identity: r.identity, runs: r.runs, list: list}
	r.following = &following{site: s, identity: r.identity, runs: r.runs, closing: closing, ending: ending}
	r.live = &live{site: s, runs: r.runs, jobs: jobs, names: names, records: records}
	r.search = &search{site: s, front: r.front, list: list}
	return r
}

// ID is its number, which renames do not change.
func (r *Repository) ID() int64 { return r.id }

// State is how the last visit went.
func (r *Repository) State() State { return State(r.state.Load()) }

// Swept tells whether the first sweep is over.
func (r *Repository) Swept() bool { return r.swept.Load() }

// OpenRuns counts the runs with an attempt that is still to be closed.
func (r *Repository) OpenRuns() int { return int(r.openNow.Load()) }

// Read is when its list of runs was begun to be read last, by GitHub's clock; the zero time if it was not.
func (r *Repository) Read() time.Time {
	if n := r.read.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

// Want has an attempt of a run looked for, also where the list does not show it, at the next visit that reads the list.
func (r *Repository) Want(run int64, attempt int) { r.wanted.add(run, attempt) }

// Update takes in what discovery saw of it.
func (r *Repository) Update(repo githubapi.Repository) {
	r.identity.renamed(repo.FullName)
	r.current.Store(&repo)
}

// Pause ends the visits for now: the live jobs, which are no longer refreshed, are dropped, and read anew if it is visited again.
func (r *Repository) Pause() {
	r.Recorder.Forget(r.id, 0)
	for _, open := range r.runs.open {
		open.pages = nil
	}
}
