package hint

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/githubapi"
)

func body(event, action string, when string) []byte {
	const repository = `"repository":{"id":5,"full_name":"octo-org/app"}`
	if event == githubapi.EventRun {
		return fmt.Appendf(nil, `{"action":%q,%s,"workflow_run":{"id":7,"status":"x","updated_at":%q}}`, action, repository, when)
	}
	return fmt.Appendf(nil, `{"action":%q,%s,"workflow_job":{"id":71,"run_id":7,"status":"x","created_at":%q,"started_at":%q,"completed_at":%q}}`, action, repository, when, when, when)
}

func TestReceiver(t *testing.T) {
	now := start
	var hints []time.Time
	var over []bool
	var lags []time.Duration
	jobs := 0
	r := NewReceiver(func(n News) {
		if n.Repository != 5 || n.Run != 7 || n.Attempt != 1 {
			t.Errorf("%+v", n)
		}
		hints, over = append(hints, n.AsOf), append(over, n.Over)
	}, func(githubapi.Delivery) { jobs++ }, func(d time.Duration) { lags = append(lags, d) }, func() time.Time { return now })
	act := func(event, action, when string) {
		t.Helper()
		if err := r.Accept(t.Context(), event, body(event, action, when)); err != nil {
			t.Fatal(err)
		}
		r.act(<-r.queue)
	}
	act(githubapi.EventJob, "completed", "2026-11-27T08:59:50Z") // no run was told of: this one may be its last
	act(githubapi.EventRun, "requested", "2026-11-27T08:59:50Z")
	act(githubapi.EventJob, "completed", "2026-11-27T08:59:50Z")
	act(githubapi.EventRun, "completed", "2026-11-27T08:59:58Z")
	act(githubapi.EventRun, "completed", "2026-11-27T10:59:58Z") // by another clock
	act(githubapi.EventJob, "queued", "2026-11-27T08:59:50Z")
	if len(hints) != 3 || hints[0] != start.Add(-10*time.Second) || hints[1] != start.Add(-2*time.Second) || hints[2] != start || over[0] || !over[1] || jobs != 3 || len(lags) != 6 || lags[3] != 2*time.Second {
		t.Errorf("hints %v, %d jobs, lags %v", hints, jobs, lags)
	}
	now = start.Add(2 * runsTell)
	act(githubapi.EventJob, "completed", "2026-11-27T08:59:50Z")
	if len(hints) != 4 {
		t.Error("no hint by a job, though runs are told of no longer")
	}
	for event, want := range map[string]error{"push": ErrIgnored, githubapi.EventRun: nil} {
		err := r.Accept(t.Context(), event, []byte("{}"))
		if errors.Is(err, ErrIgnored) != (want != nil) || err == nil {
			t.Errorf("%s: %v", event, err)
		}
	}
	for range maxWaiting {
		if err := r.Accept(t.Context(), githubapi.EventRun, body(githubapi.EventRun, "completed", "")); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Accept(t.Context(), githubapi.EventRun, body(githubapi.EventRun, "completed", "")); !errors.Is(err, ErrFull) {
		t.Errorf("one more than can wait: %v", err)
	}
}

func TestReceiverRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hints := 0
		r := NewReceiver(func(News) { hints++ }, func(githubapi.Delivery) {}, func(time.Duration) {}, time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		for range 3 {
			if err := r.Accept(ctx, githubapi.EventRun, body(githubapi.EventRun, "completed", "")); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) || hints != 3 {
			t.Errorf("%d hints, %v", hints, err)
		}
	})
}
