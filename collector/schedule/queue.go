package schedule

import (
	"container/heap"
	"time"
)

// Queue holds what waits for its next turn, by number, in the order in which it is due. What was handed out is no longer in
// it. It is not safe for concurrent use.
type Queue struct {
	heap    dueHeap
	waiting map[int64]*entry
}

type entry struct {
	id    int64
	due   time.Time
	index int // in the heap
}

// Put makes one due then, whether it waits already or not.
func (q *Queue) Put(id int64, due time.Time) {
	if e, ok := q.waiting[id]; ok {
		e.due = due
		heap.Fix(&q.heap, e.index)
		return
	}
	if q.waiting == nil {
		q.waiting = map[int64]*entry{}
	}
	e := &entry{id: id, due: due}
	q.waiting[id] = e
	heap.Push(&q.heap, e)
}

// Remove takes one out.
func (q *Queue) Remove(id int64) {
	if e, ok := q.waiting[id]; ok {
		heap.Remove(&q.heap, e.index)
		delete(q.waiting, id)
	}
}

// Hasten makes one that waits due now, if it is due later.
func (q *Queue) Hasten(id int64, now time.Time) {
	if e, ok := q.waiting[id]; ok && e.due.After(now) {
		e.due = now
		heap.Fix(&q.heap, e.index)
	}
}

// HastenAll makes everything that waits due now.
func (q *Queue) HastenAll(now time.Time) {
	for _, e := range q.heap {
		if e.due.After(now) {
			e.due = now
		}
	}
	heap.Init(&q.heap)
}

// Pop hands out the one that has been due for longest, or tells how long it is until one is; an hour where none waits.
func (q *Queue) Pop(now time.Time) (id int64, wait time.Duration, ok bool) {
	if len(q.heap) == 0 {
		return 0, time.Hour, false
	}
	if wait := q.heap[0].due.Sub(now); wait > 0 {
		return 0, wait, false
	}
	e := heap.Pop(&q.heap).(*entry)
	delete(q.waiting, e.id)
	return e.id, 0, true
}

type dueHeap []*entry

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *dueHeap) Push(x any) {
	e := x.(*entry)
	e.index = len(*h)
	*h = append(*h, e)
}
func (h *dueHeap) Pop() any {
	old := *h
	last := len(old) - 1
	e := old[last]
	old[last] = nil
	*h = old[:last]
	return e
}
