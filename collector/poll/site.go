package poll

import (
	"context"
	"sync/atomic"
	"time"

	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/collector/schedule"
	"github_workflow_exporter/githubapi"
)

// visitRequests is how many requests one visit may make: a long first sweep of one repository must not keep the others
// waiting for its worker.
const visitRequests = 200

// site is what all parts of a visit share: the repository, its account, and the way to ask for it.
type site struct {
	*Options
	gate    *gate.Gate // of the credential that sees it
	id      int64
	current atomic.Pointer[githubapi.Repository] // as it was seen last

	account Account
	name    string    // under which the account was opened
	changed time.Time // when anything last happened, by the local clock
	habits  schedule.Habits

	class    gate.Class     // of the requests of the stage that goes on
	requests int            // of this visit
	looked   bool           // in this visit the list of runs has answered: what is not found then is gone
	lookAt   time.Time      // when the list of runs is read again; zero: at the next visit
	news     news           // what this visit found to be over
	held     gate.HeldError // for how long an answer asked not to ask for it
}

// Repo is the repository as it is called now.
func (s *site) Repo() githubapi.Repository { return *s.current.Load() }

// askFor sends one request of a visit, if the visit may still ask.
func (s *site) askFor(ctx context.Context, send func() error) error {
	if s.requests >= visitRequests {
		return errVisitFull
	}
	return s.askOf(ctx, send)
}

// askOf sends one request of a visit, unless an answer to an earlier one asked to wait. What is answered for one repository
// only, such as a 404 with Retry-After, holds that repository.
func (s *site) askOf(ctx context.Context, send func() error) error {
	s.requests++
	if s.Now().Before(s.held.Until) {
		return s.held
	}
	err := s.gate.Ask(ctx, s.class, send)
	if hold := gate.Hold(err, s.Now()); hold.Err != nil {
		s.held = hold
	}
	return err
}

// horizon is the age at which attempts are too old to be counted and marks too old to be needed.
func (s *site) horizon() time.Time { return s.Horizon(s.gate.Client.ServerTime()) }

// Horizon is the same by a server's clock.
func (o *Options) Horizon(server time.Time) time.Time {
	return o.today(server).Add(-max(o.RerunWindow, o.Lookback) - o.MaxRunAge)
}

// clocksAgree is how far the server's clock and the local one may be apart for the server's to be believed alone.
const clocksAgree = 15 * time.Minute

// today is now for what is decided for good: by the server's clock, as its times are, and where the two clocks differ by the
// earlier one. By one that is ahead nothing would count until then, or what is needed would be forgotten.
func (o *Options) today(server time.Time) time.Time {
	if local := o.Now(); local.Before(server.Add(-clocksAgree)) {
		return local
	}
	return server
}

// news is when the latest of what was found to be over ended, of first attempts and of re-runs; zero: nothing was.
type news struct{ first, rerun time.Time }
