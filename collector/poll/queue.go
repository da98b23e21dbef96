package poll

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// queue holds the watched repositories in the order in which they are due. A repository is visited by one worker at a
// time: while it is, it is not in the heap.
type queue struct {
	now  func() time.Time
	wake chan struct{}

	mu    sync.Mutex
	heap  dueHeap
	repos map[int64]*repository
}

func newQueue(now func() time.Time) *queue {
	return &queue{now: now, wake: make(chan struct{}, 1), repos: map[int64]*repository{}}
}

// add begins to watch a repository; it is due at once.
func (q *queue) add(r *repository) {
	q.mu.Lock()
	q.repos[r.id] = r
	q.mu.Unlock()
	q.put(r, q.now())
}

// remove ends the watching; a visit under way comes to its end.
func (q *queue) remove(id int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.repos, id)
	for i, r := range q.heap {
		if r.id == id {
			heap.Remove(&q.heap, i)
			return
		}
	}
}

// get returns a watched repository.
func (q *queue) get(id int64) (*repository, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	r, ok := q.repos[id]
	return r, ok
}

// all returns the watched repositories.
func (q *queue) all() []*repository {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := make([]*repository, 0, len(q.repos))
	for _, r := range q.repos {
		all = append(all, r)
	}
	return all
}

// put makes a repository due, if it is still watched.
func (q *queue) put(r *repository, due time.Time) (watched bool) {
	q.mu.Lock()
	defer q.poke()
	defer q.mu.Unlock()
	if q.repos[r.id] != r {
		return false
	}
	r.due = due
	heap.Push(&q.heap, r)
	return true
}

// hasten makes a repository that waits due now.
func (q *queue) hasten(id int64) {
	q.mu.Lock()
	now := q.now()
	for i, r := range q.heap {
		if r.id == id && r.due.After(now) {
			r.due = now
			heap.Fix(&q.heap, i)
			break
		}
	}
	q.mu.Unlock()
	q.poke()
}

// hurry makes everything that waits due now.
func (q *queue) hurry() {
	q.mu.Lock()
	now := q.now()
	for _, r := range q.heap {
		if r.due.After(now) {
			r.due = now
		}
	}
	heap.Init(&q.heap)
	q.mu.Unlock()
	q.poke()
}

func (q *queue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// dispatch hands out repositories as they become due, the longest due first, and closes due at the end.
func (q *queue) dispatch(ctx context.Context, due chan<- *repository) error {
	defer close(due)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		r, wait := q.pop()
		if r != nil {
			select {
			case due <- r:
				continue
			case <-ctx.Done():
				q.put(r, q.now()) // the poller may run again
				return ctx.Err()
			}
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-q.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pop takes the repository that is due, or tells how long to wait for the next.
func (q *queue) pop() (*repository, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.heap) == 0 {
		return nil, time.Hour
	}
	if wait := q.heap[0].due.Sub(q.now()); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&q.heap).(*repository), 0
}

type dueHeap []*repository

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(*repository)) }
func (h *dueHeap) Pop() any {
	old := *h
	last := len(old) - 1
	r := old[last]
	old[last] = nil
	*h = old[:last]
	return r
}
