package watch

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/collector/poll"
	"github_workflow_exporter/collector/schedule"
	"github_workflow_exporter/githubapi"
)

// A watcher may run again after its end, when a reload failed: nothing that waited for a worker at that moment is lost.
func TestFleetKeepsWhatWaitsForAWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(time.Now)
		f.add(poll.NewVisitor(poll.Options{}).NewRepository(nil, githubapi.Repository{ID: 1, FullName: "o/r"}))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- f.dispatch(ctx, make(chan called)) }() // no worker takes it
		synctest.Wait()
		cancel()
		if err := <-ended; err == nil {
			t.Error("ended without the reason")
		}
		due := make(chan called, 1)
		again, cancel := context.WithCancel(t.Context())
		go func() { ended <- f.dispatch(again, due) }()
		synctest.Wait()
		if len(due) != 1 {
			t.Error("the repository is never due again")
		}
		cancel()
		<-ended
	})
}

// What is called while it is visited has its turn again when it was asked for, and what is called while it waits then.
func TestFleetCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(time.Now)
		r := poll.NewVisitor(poll.Options{}).NewRepository(nil, githubapi.Repository{ID: 1, FullName: "o/r"})
		f.add(r)
		if c, _ := f.pop(); c.repository != r || c.turn.Reason != schedule.New {
			t.Fatalf("%+v, want the new one", c.turn)
		}
		f.call(1, time.Now().Add(2*time.Second)) // while it is visited
		f.call(9, time.Now())                    // is not watched
		f.put(r, schedule.Turn{At: time.Now().Add(time.Hour), Reason: schedule.Look})
		if _, wait := f.pop(); wait != 2*time.Second {
			t.Fatalf("%s to wait, want two seconds", wait)
		}
		f.call(1, time.Now().Add(time.Second)) // while it waits
		f.call(1, time.Now().Add(time.Minute)) // no later for that
		time.Sleep(time.Second)
		if c, _ := f.pop(); c.repository != r || c.turn.Reason != schedule.Called {
			t.Errorf("%+v, want the one that was called", c.turn)
		}
		f.put(r, schedule.Turn{At: time.Now().Add(time.Hour), Reason: schedule.Look})
		if _, wait := f.pop(); wait != time.Hour {
			t.Errorf("%s to wait, want an hour: it was called once", wait)
		}
		f.remove(1)
		if f.put(r, schedule.Turn{At: time.Now(), Reason: schedule.Look}) {
			t.Error("what is watched no longer waits")
		}
	})
}
