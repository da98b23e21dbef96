package poll

import (
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/githubapi"
)

func TestNextInterval(t *testing.T) {
	const interval, most = time.Minute, 15 * time.Minute
	for _, test := range []struct {
		name   string
		idle   time.Duration
		active bool
		jitter float64
		want   time.Duration
	}{
		{"active", 5 * time.Hour, true, 0, interval},
		{"just idle", time.Minute, false, 0, interval},
		{"idle for an hour", time.Hour, false, 0, 6 * time.Minute},
		{"idle for a day", 24 * time.Hour, false, 0, most},
		{"jitter is up to a tenth", time.Minute, false, 0.5, interval + 3*time.Second},
		{"jitter does not exceed the most", 24 * time.Hour, false, 0.9, most},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := nextInterval(interval, most, test.idle, test.active, test.jitter); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestFailureIntervalDoublesUpToTheMost(t *testing.T) {
	want := []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute}
	for i, w := range want {
		if got := failureInterval(time.Minute, 15*time.Minute, i+1); got != w {
			t.Errorf("after %d failures %s, want %s", i+1, got, w)
		}
	}
}

func TestQueueHandsOutTheLongestDueFirstAndNoneTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(time.Now)
		for id := range int64(3) {
			q.add(newRepository(githubapi.Repository{ID: id}))
		}
		r0, _ := q.pop()
		r1, _ := q.pop()
		r2, _ := q.pop()
		if r0.id+r1.id+r2.id != 3 || r0 == r1 {
			t.Fatalf("got %d, %d, %d", r0.id, r1.id, r2.id)
		}
		if r, _ := q.pop(); r != nil {
			t.Fatal("a repository was handed out while it is being visited")
		}
		now := time.Now()
		q.put(r1, now.Add(2*time.Minute))
		q.put(r2, now.Add(time.Minute))
		if r, wait := q.pop(); r != nil || wait != time.Minute {
			t.Fatalf("got %v, %s; want to wait a minute", r, wait)
		}
		time.Sleep(3 * time.Minute)
		if r, _ := q.pop(); r != r2 {
			t.Error("not the one longest due")
		}
		q.remove(r1.id)
		if r, _ := q.pop(); r != nil {
			t.Error("a removed repository was handed out")
		}
		q.remove(r2.id)
		q.put(r2, now)
		if r, _ := q.pop(); r != nil {
			t.Error("a repository removed during its visit came back")
		}
	})
}

func TestOpenRunNeverGoesBackToAnEarlierAttempt(t *testing.T) {
	run := func(attempt int, status string) githubapi.Run {
		return githubapi.Run{ID: 1, RunAttempt: attempt, Status: status}
	}
	for _, test := range []struct {
		name       string
		have, seen githubapi.Run
		want       githubapi.Run
	}{
		{"progress", run(1, "queued"), run(1, "in_progress"), run(1, "in_progress")},
		{"a conclusion taken back", run(1, "completed"), run(1, "in_progress"), run(1, "in_progress")},
		{"a later attempt", run(1, "completed"), run(2, "queued"), run(2, "queued")},
		{"an earlier attempt", run(2, "queued"), run(1, "completed"), run(2, "queued")},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOpenRun(1, nil, time.Now())
			o.observe(test.have, time.Now())
			o.observe(test.seen, time.Now())
			if o.run != test.want {
				t.Errorf("got %+v, want %+v", o.run, test.want)
			}
		})
	}
}

func TestOpenRunAttemptsCloseInOrder(t *testing.T) {
	o := newOpenRun(1, []int{2}, time.Now())
	o.observe(githubapi.Run{ID: 1, RunAttempt: 3, Status: "completed"}, time.Now())
	for _, want := range []int{1, 3} {
		if o.done() || o.next() != want {
			t.Fatalf("next attempt %d (done %v), want %d", o.next(), o.done(), want)
		}
		o.close(want)
	}
	if !o.done() {
		t.Error("not done with all attempts closed")
	}
}
