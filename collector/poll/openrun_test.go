package poll

import (
	"testing"
	"time"

	"github_workflow_exporter/githubapi"
)

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
