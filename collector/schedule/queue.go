package schedule

import (
	"cmp"
	"container/heap"
	"time"
)

// Queue holds what waits for its next turn, by number. Of those that are due it hands out the one that has been for longest,
// those with a reason that can wait as if they were due later; of equals the one that was put in first. What was handed out is
// no longer in it. It is not safe for concurrent use.
type Queue struct {
	later   entries // by when they are due
	due     entries // in the order in which they are handed out
	waiting map[int64]*entry
	puts    uint64
}

type entry struct {
	id    int64
	turn  Turn
	key   time.Time // by which the heap that holds it is ordered
	put   uint64
	index int
	due   bool // in which heap
}

// Put gives one a turn, instead of the one that it has.
func (q *Queue) Put(id int64, turn Turn) {
	q.Remove(id)
	if q.waiting == nil {
		q.waiting = map[int64]*entry{}
	}
	q.puts++
	e := &entry{id: id, turn: turn, key: turn.At, put: q.puts}
	q.waiting[id] = e
	heap.Push(&q.later, e)
}

// Remove takes one out.
func (q *Queue) Remove(id int64) {
	e, ok := q.waiting[id]
	if !ok {
		return
	}
	heap.Remove(q.heap(e), e.index)
	delete(q.waiting, id)
}

func (q *Queue) heap(e *entry) *entries {
	if e.due {
		return &q.due
	}
	return &q.later
}

// Hasten gives one that waits its turn now, if it has it later.
func (q *Queue) Hasten(id int64, now time.Time) {
	if e, ok := q.waiting[id]; ok && (e.turn.At.After(now) || e.turn.Reason.behind() > 0) {
		q.Put(id, Turn{now, Called})
	}
}

// Call gives one its turn at a time, if it has it later; false if it does not wait.
func (q *Queue) Call(id int64, at time.Time) bool {
	e, ok := q.waiting[id]
	if ok && e.turn.At.After(at) {
		q.Put(id, Turn{at, Called})
	}
	return ok
}

// HastenAll does so for everything that waits.
func (q *Queue) HastenAll(now time.Time) {
	for _, e := range q.later {
		if e.turn.At.After(now) {
			e.turn = Turn{now, Called}
			e.key = now
		}
	}
	heap.Init(&q.later)
}

// Pop hands out the one whose turn it is, or tells how long it is until somebody has one; an hour where none waits.
func (q *Queue) Pop(now time.Time) (id int64, turn Turn, wait time.Duration, ok bool) {
	for len(q.later) > 0 && !q.later[0].turn.At.After(now) {
		e := heap.Pop(&q.later).(*entry)
		e.due, e.key = true, e.turn.At.Add(e.turn.Reason.behind())
		heap.Push(&q.due, e)
	}
	switch {
	case len(q.due) > 0:
		e := heap.Pop(&q.due).(*entry)
		delete(q.waiting, e.id)
		return e.id, e.turn, 0, true
	case len(q.later) > 0:
		return 0, Turn{}, q.later[0].turn.At.Sub(now), false
	}
	return 0, Turn{}, time.Hour, false
}

type entries []*entry

func (h entries) Len() int { return len(h) }
func (h entries) Less(i, j int) bool {
	return cmp.Or(h[i].key.Compare(h[j].key), cmp.Compare(h[i].put, h[j].put)) < 0
}
func (h entries) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *entries) Push(x any) {
	e := x.(*entry)
	e.index = len(*h)
	*h = append(*h, e)
}
func (h *entries) Pop() any {
	old := *h
	last := len(old) - 1
	e := old[last]
	old[last] = nil
	*h = old[:last]
	return e
}
