package watch

import (
	"context"
	"sync"
	"time"

	"github_workflow_exporter/collector/poll"
	"github_workflow_exporter/collector/schedule"
)

// fleet is the set of watched repositories and when each is due. A repository is visited by one worker at a time: while it
// is, it does not wait in the queue.
type fleet struct {
	now  func() time.Time
	wake chan struct{}

	mu    sync.Mutex
	queue schedule.Queue
	repos map[int64]*poll.Repository
	calls map[int64]time.Time // of repositories that are being visited
}

func newFleet(now func() time.Time) *fleet {
	return &fleet{now: now, wake: make(chan struct{}, 1), repos: map[int64]*poll.Repository{}, calls: map[int64]time.Time{}}
}

// add begins to watch a repository; it is due at once.
func (f *fleet) add(r *poll.Repository) {
	id := r.ID()
	f.mu.Lock()
	f.repos[id] = r
	f.mu.Unlock()
	f.put(r, schedule.Turn{At: f.now(), Reason: schedule.New})
}

// remove ends the watching; a visit under way comes to its end.
func (f *fleet) remove(id int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.repos, id)
	delete(f.calls, id)
	f.queue.Remove(id)
}

// get returns a watched repository.
func (f *fleet) get(id int64) (*poll.Repository, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.repos[id]
	return r, ok
}

// all returns the watched repositories.
func (f *fleet) all() []*poll.Repository {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]*poll.Repository, 0, len(f.repos))
	for _, r := range f.repos {
		all = append(all, r)
	}
	return all
}

// put makes a repository due, if it is still watched.
func (f *fleet) put(r *poll.Repository, turn schedule.Turn) (watched bool) {
	id := r.ID()
	f.mu.Lock()
	defer f.poke()
	defer f.mu.Unlock()
	if f.repos[id] != r {
		return false
	}
	if at, ok := f.calls[id]; ok {
		delete(f.calls, id)
		turn = turn.Sooner(schedule.Turn{At: at, Reason: schedule.Called})
	}
	f.queue.Put(id, turn)
	return true
}

// hasten makes a repository that waits due now.
func (f *fleet) hasten(id int64) {
	f.mu.Lock()
	f.queue.Hasten(id, f.now())
	f.mu.Unlock()
	f.poke()
}

// call makes a repository due at a time, if it is due later.
func (f *fleet) call(id int64, at time.Time) {
	f.mu.Lock()
	if _, watched := f.repos[id]; watched && !f.queue.Call(id, at) {
		f.calls[id] = at // a visit is under way
	}
	f.mu.Unlock()
	f.poke()
}

// hurry makes everything that waits due now.
func (f *fleet) hurry() {
	f.mu.Lock()
	f.queue.HastenAll(f.now())
	f.mu.Unlock()
	f.poke()
}

func (f *fleet) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// dispatch hands out repositories as they become due, the longest due first, and closes due at the end.
func (f *fleet) dispatch(ctx context.Context, due chan<- called) error {
	defer close(due)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		c, wait := f.pop()
		if c.repository != nil {
			select {
			case due <- c:
				continue
			case <-ctx.Done():
				f.put(c.repository, c.turn) // the watcher may run again
				return ctx.Err()
			}
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-f.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// called is a repository whose turn has come.
type called struct {
	repository *poll.Repository
	turn       schedule.Turn
}

// pop takes the repository whose turn it is, or tells how long to wait for the next.
func (f *fleet) pop() (called, time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id, turn, wait, ok := f.queue.Pop(f.now())
	if !ok {
		return called{}, wait
	}
	return called{f.repos[id], turn}, 0
}
