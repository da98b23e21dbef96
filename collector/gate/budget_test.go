package gate

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/githubapi"
)

// grant acquires and settles n requests one after the other and returns how long that took.
func grant(t *testing.T, b *budget, n int, outcome error) time.Duration {
	t.Helper()
	began := time.Now()
	for range n {
		if err := b.acquire(context.Background(), Known); err != nil {
			t.Fatal(err)
		}
		b.settle(outcome)
	}
	return time.Since(began)
}

func TestBudgetSpreadsThePrimaryLimitOverTheTimeToItsReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(0.1, defaultRate, time.Now)
		reset := time.Now().Add(time.Hour)
		remaining := 5000
		b.limits(5000, remaining, reset)
		spent := 0
		for time.Now().Before(reset.Add(-time.Minute)) {
			if err := b.acquire(t.Context(), Known); err != nil {
				t.Fatal(err)
			}
			remaining--
			spent++
			b.limits(5000, remaining, reset)
			b.settle(nil)
		}
		if spent > 4500 || spent < 4200 {
			t.Errorf("%d requests spent in 59 minutes, want nearly the 4500 that are not reserved", spent)
		}
		if remaining < 500 {
			t.Errorf("the reserve was spent: %d left", remaining)
		}
	})
}

func TestBudgetNeverSpendsTheReserveThatOthersReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(0.1, defaultRate, time.Now)
		reset := time.Now().Add(30 * time.Minute)
		b.limits(5000, 400, reset) // others have used nearly all
		began := time.Now()
		if err := b.acquire(t.Context(), Known); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited < 30*time.Minute || waited > 32*time.Minute {
			t.Errorf("the first request went out after %s, want after the reset in 30m", waited)
		}
	})
}

func TestBudgetRequestsUnderWayCountAgainstTheReserve(t *testing.T) {
	b := newBudget(0.1, defaultRate, time.Now)
	b.limits(100, 12, time.Now().Add(time.Hour))
	for i := range 2 {
		if d := b.wait(); d != 0 {
			t.Fatalf("request %d has to wait %s", i, d)
		}
	}
	if d := b.wait(); d == 0 {
		t.Error("a third request went out, though with two under way only the reserve of 10 is left")
	}
}

func TestBudgetUnchangedAnswersAreFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(0.5, defaultRate, time.Now)
		b.limits(60, 60, time.Now().Add(time.Hour)) // one request in two minutes
		if took := grant(t, b, 300, githubapi.ErrNotModified); took > time.Minute {
			t.Errorf("300 unchanged answers took %s, want only the secondary pace", took)
		}
		if took := grant(t, b, 20, nil); took < 20*time.Minute {
			t.Errorf("20 counted requests took only %s at a rate of 30 an hour", took)
		}
	})
}

func TestBudgetStaysUnderTheSecondaryLimitWithoutAnyHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(0.1, defaultRate, time.Now)
		if took := grant(t, b, 900, nil); took < time.Minute {
			t.Errorf("900 requests within %s: GitHub's limit is 900 in a minute", took)
		}
	})
}

func TestBudgetPauses(t *testing.T) {
	secondary := func(after time.Duration) error {
		return &githubapi.Error{Kind: githubapi.KindSecondaryLimit, RetryAfter: after}
	}
	for _, test := range []struct {
		name   string
		errors []error
		want   time.Duration
	}{
		{"secondary limit without a time waits a minute", []error{secondary(0)}, time.Minute},
		{"then doubles", []error{secondary(0), secondary(0)}, 3 * time.Minute},
		{"Retry-After is obeyed", []error{secondary(5 * time.Minute)}, 5 * time.Minute},
		{"an hour at most", []error{secondary(5 * time.Hour)}, time.Hour},
		{"primary limit waits for the reset", []error{&githubapi.Error{Kind: githubapi.KindPrimaryLimit, Reset: time.Date(2000, 1, 1, 0, 20, 0, 0, time.UTC)}}, 20*time.Minute + time.Second},
		{"other errors do not pause", []error{&githubapi.Error{Kind: githubapi.KindForbidden}}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBudget(0, defaultRate, time.Now)
				began := time.Now()
				for _, err := range test.errors {
					grant(t, b, 1, err)
				}
				grant(t, b, 1, nil)
				if got := time.Since(began); got != test.want {
					t.Errorf("the request after it went out after %s, want %s", got, test.want)
				}
			})
		})
	}
}

func TestBudgetWaitsForTheLongerOfResetAndRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, test := range []struct{ reset, retry, want time.Duration }{
		{5 * time.Second, 10 * time.Minute, 10 * time.Minute},
		{10 * time.Minute, 5 * time.Second, 10 * time.Minute},
		{-time.Minute, 0, secondaryPause},
	} {
		b := newBudget(0.1, defaultRate, func() time.Time { return now })
		err := &githubapi.Error{Kind: githubapi.KindPrimaryLimit, Status: 403, RetryAfter: test.retry, Reset: now.Add(test.reset)}
		until := b.settle(err)
		if got := until.Sub(now) - time.Second; got != test.want {
			t.Errorf("reset in %s, Retry-After %s: paused for %s, want %s", test.reset, test.retry, got, test.want)
		}
		if !b.settle(err).IsZero() {
			t.Error("the answer to what was under way begins another pause")
		}
	}
}

func TestBudgetPauseEndsGrowingAfterASuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(0, defaultRate, time.Now)
		limit := &githubapi.Error{Kind: githubapi.KindSecondaryLimit}
		grant(t, b, 2, limit)
		grant(t, b, 1, nil) // waits out the pause of two minutes
		began := time.Now()
		time.Sleep(time.Second)
		grant(t, b, 1, limit)
		grant(t, b, 1, nil)
		if got := time.Since(began) - time.Second; got != time.Minute {
			t.Errorf("pause of %s after a success, want the first length again", got)
		}
	})
}

func TestBudgetAcquireEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(0, defaultRate, time.Now)
		grant(t, b, 1, &githubapi.Error{Kind: githubapi.KindSecondaryLimit})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.acquire(ctx, Known); err == nil {
			t.Error("acquire went through in a pause")
		}
	})
}

func TestSpareIsWhatUrgentRequestsLeave(t *testing.T) {
	b := newBudget(0, defaultRate, time.Now)
	if !b.spare() {
		t.Error("no spare budget without a limit")
	}
	b.limits(3600, 3600, time.Now().Add(time.Hour)) // bucket of 60
	if !b.spare() {
		t.Error("no spare budget with a full bucket")
	}
	for range 40 {
		b.points = burstOf(defaultRate) // the primary bucket is what is looked at here
		b.wait()
	}
	if b.spare() {
		t.Error("spare budget with a bucket less than half full")
	}
}

// After a pause one request shows whether it is over, before the others go.
func TestBudgetProvesThatAPauseIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(0, defaultRate, time.Now)
		limit := &githubapi.Error{Kind: githubapi.KindSecondaryLimit}
		grant(t, b, 1, limit)
		time.Sleep(time.Minute)
		if d := b.wait(); d != 0 {
			t.Fatalf("the first has to wait %s", d)
		}
		if d := b.wait(); d == 0 {
			t.Fatal("a second goes before the first is answered")
		}
		b.settle(nil)
		for range 3 {
			if d := b.wait(); d != 0 {
				t.Fatalf("after an answer one has to wait %s", d)
			}
		}
	})
}

// While nothing is left one of all that wait looks at the limits each minute; what it sees is believed.
func TestBudgetLooksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, err := range map[string]error{"others": nil, "refused": &githubapi.Error{Kind: githubapi.KindPrimaryLimit, Reset: time.Now().Add(time.Hour)}} {
			b := newBudget(0.1, defaultRate, time.Now)
			b.limits(5000, 3, time.Now().Add(time.Hour))
			if err != nil {
				b.settle(err)
			}
			began, looks := time.Now(), 0
			b.waits = func(_ context.Context, w waiting) {
				if !w.look {
					return
				}
				if looks++; looks == 3 {
					b.believe(5000, 4000, time.Now().Add(57*time.Minute))
				}
			}
			done := make(chan error, 8)
			for range cap(done) {
				go func() {
					err := b.acquire(t.Context(), Known)
					b.settle(nil)
					done <- err
				}()
			}
			for range cap(done) {
				<-done
			}
			if waited := time.Since(began); looks != 3 || waited < 3*time.Minute || waited > 4*time.Minute+10*time.Second {
				t.Errorf("%s: %d looks, went on after %s; want at the third, after three minutes", name, looks, waited)
			}
		}
	})
}

// Of what waits the better class goes first, but for what has waited for long.
func TestBudgetLetsTheBetterClassGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(0, defaultRate, time.Now)
		grant(t, b, burstSeconds*defaultRate, nil)
		var mu sync.Mutex
		var order []Class
		var all sync.WaitGroup
		ask := func(class Class, n int) {
			for range n {
				all.Go(func() {
					if err := b.acquire(t.Context(), class); err != nil {
						t.Error(err)
					}
					b.settle(nil)
					mu.Lock()
					defer mu.Unlock()
					order = append(order, class)
				})
			}
		}
		ask(Spare, 10)
		ask(Looking, 10)
		synctest.Wait()
		ask(Known, 10)
		all.Wait()
		if len(order) != 30 || !slices.IsSorted(order[2:]) {
			t.Errorf("requests went in the order %v, want the better classes first", order)
		}
		order = nil
		began := time.Now()
		ask(Looking, 1)
		ended := make(chan struct{})
		go func() { // more than can go
			for {
				select {
				case <-ended:
					return
				case <-time.After(50 * time.Millisecond):
					ask(Known, 1)
				}
			}
		}()
		for time.Since(began) < 2*yieldMost && !func() bool { mu.Lock(); defer mu.Unlock(); return slices.Contains(order, Looking) }() {
			time.Sleep(time.Second)
		}
		close(ended)
		all.Wait()
		if !slices.Contains(order[:len(order)-1], Looking) {
			t.Error("what can wait waits for ever")
		}
	})
}

func TestBudgetKeepsToTheRateThatIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, perSecond := range []float64{0.1, 10, 100} {
			b := newBudget(0, perSecond, time.Now)
			n := int(perSecond * 60)
			took := grant(t, b, n, nil)
			if most := time.Minute; took > most || took < most-time.Duration(max(burstSeconds*perSecond, 1)/perSecond*float64(time.Second))-time.Second {
				t.Errorf("%d requests at %v per second took %s", n, perSecond, took)
			}
		}
	})
}
