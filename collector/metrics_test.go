package collector

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github_workflow_exporter/collector/observe"
	"github_workflow_exporter/githubapi"
)

// A commit that is given up because a reload or the end came is no failure of the ledger.
func TestCommitFailures(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	told, tell := context.WithCancelCause(t.Context())
	tell(errors.New("a reload"))
	late, cancel := context.WithDeadline(t.Context(), worldStart)
	defer cancel()
	for _, c := range []struct {
		name   string
		ctx    context.Context
		closed bool
		fails  bool
		want   float64
	}{
		{name: "committed", ctx: t.Context()},
		{name: "closed", ctx: t.Context(), closed: true, fails: true, want: 1},
		{name: "cancelled", ctx: cancelled, fails: true},
		{name: "cancelled for a reason", ctx: told, fails: true},
		{name: "too late", ctx: late, fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			live := NewLive(w.now)
			m, err := NewMetrics(prometheus.NewRegistry(), w.ledger, live, func() int { return 1 })
			if err != nil {
				t.Fatal(err)
			}
			if c.closed {
				w.ledger.Close()
			}
			r := NewRecorder(w.ledger, observe.New(observe.Options{}), live, m, w.now)
			if err := r.Open(c.ctx, worldRepository, []githubapi.Run{{ID: 1}}, time.Time{}); (err != nil) != c.fails {
				t.Errorf("error %v", err)
			}
			if got := testutil.ToFloat64(m.commitFailures); got != c.want {
				t.Errorf("%v failures counted, want %v", got, c.want)
			}
		})
	}
}
