package schedule

import (
	"testing"
	"time"
)

func TestQueueHandsOutTheLongestDueFirstAndNoneTwice(t *testing.T) {
	now := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	var q Queue
	pop := func() int64 {
		id, _, ok := q.Pop(now)
		if !ok {
			return 0
		}
		return id
	}
	for id := range int64(3) {
		q.Put(id+1, now.Add(-time.Duration(id)*time.Second))
	}
	if a, b, c := pop(), pop(), pop(); a != 3 || b != 2 || c != 1 {
		t.Fatalf("got %d, %d, %d, want the longest due first", a, b, c)
	}
	if id := pop(); id != 0 {
		t.Fatalf("%d was handed out twice", id)
	}
	if _, wait, _ := q.Pop(now); wait != time.Hour {
		t.Errorf("with nothing in it, %s to wait", wait)
	}
	q.Put(1, now.Add(2*time.Minute))
	q.Put(2, now.Add(3*time.Minute))
	q.Put(2, now.Add(time.Minute)) // sooner after all
	if _, wait, ok := q.Pop(now); ok || wait != time.Minute {
		t.Fatalf("%s to wait, want a minute", wait)
	}
	q.Hasten(1, now)
	q.Hasten(9, now) // is not there
	if id := pop(); id != 1 {
		t.Errorf("got %d, want the one that was hastened", id)
	}
	q.Put(3, now.Add(time.Hour))
	q.HastenAll(now)
	if a, b := pop(), pop(); a+b != 5 {
		t.Errorf("got %d and %d, want all that wait", a, b)
	}
	q.Put(1, now)
	q.Put(2, now)
	q.Remove(1)
	q.Remove(1)
	if a, b := pop(), pop(); a != 2 || b != 0 {
		t.Errorf("got %d and %d, want the one that was not removed", a, b)
	}
}
