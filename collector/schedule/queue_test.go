package schedule

import (
	"testing"
	"time"
)

func TestQueue(t *testing.T) {
	start := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	now := start
	var q Queue
	pop := func() int64 {
		id, _, _, ok := q.Pop(now)
		if !ok {
			return 0
		}
		return id
	}
	at := func(after time.Duration, reason Reason) Turn { return Turn{start.Add(after), reason} }
	wants := func(what string, want ...int64) {
		t.Helper()
		for i, id := range want {
			if got := pop(); got != id {
				t.Fatalf("%s: number %d is %d, want %d", what, i, got, id)
			}
		}
		if got := pop(); got != 0 {
			t.Fatalf("%s: %d was handed out too", what, got)
		}
	}
	for id := range int64(3) {
		q.Put(id+1, at(-time.Duration(id)*time.Second, Look))
	}
	wants("the longest due first, and none twice", 3, 2, 1)
	if _, _, wait, _ := q.Pop(now); wait != time.Hour {
		t.Errorf("with nothing in it, %s to wait", wait)
	}
	q.Put(1, at(2*time.Minute, Look))
	q.Put(2, at(3*time.Minute, Look))
	q.Put(2, at(time.Minute, Look)) // sooner after all
	if _, _, wait, ok := q.Pop(now); ok || wait != time.Minute {
		t.Fatalf("%s to wait, want a minute", wait)
	}
	q.Hasten(1, now)
	q.Hasten(9, now) // is not there
	if id, turn, _, _ := q.Pop(now); id != 1 || turn.Reason != Called {
		t.Errorf("got %d for %s, want the one that was called", id, turn.Reason)
	}
	q.Put(3, at(time.Hour, Closing))
	q.HastenAll(now)
	wants("all that wait", 2, 3)
	q.Put(1, at(0, Look))
	q.Put(2, at(0, Look))
	q.Remove(1)
	q.Remove(1)
	wants("what was not removed", 2)
	q.Put(5, at(0, New))
	q.Put(4, at(0, New))
	wants("of equals the first", 5, 4)

	// What is known to wait goes first, for a while.
	q.Put(1, at(0, Look))
	q.Put(2, at(0, Live))
	q.Put(3, at(30*time.Second, Closing))
	q.Put(4, at(90*time.Second, Closing))
	q.Put(5, at(3*time.Minute, Over))
	now = start.Add(5 * time.Minute)
	wants("by reason", 3, 1, 4, 2, 5)
	q.Put(1, at(0, Look))
	if _, _, wait, _ := q.Pop(start.Add(-time.Second)); wait != time.Second {
		t.Errorf("%s to wait, want a second", wait)
	}
	now = start
	q.Put(2, at(0, Closing))
	_, _, _, _ = q.Pop(now)
	q.Hasten(1, now)
	q.Remove(2)
	wants("what was due already", 1)
}
