package watch

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/collector/poll"
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
