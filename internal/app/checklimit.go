package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github_workflow_exporter/githubapi"
)

// checkEvery is the time from one request to the next, at least: below the secondary limits, as polling is.
const checkEvery = 100 * time.Millisecond

// allowed waits for a request's turn. It is false from the first time on that the request would be at the cost of the
// reserve, or that GitHub has refused one for a limit.
func (k *checker) allowed(ctx context.Context) bool {
	if k.stopped == "" {
		k.stopped = k.reserved()
	}
	if k.stopped != "" {
		return false
	}
	turn := time.NewTimer(time.Until(k.next))
	defer turn.Stop()
	select {
	case <-turn.C:
	case <-ctx.Done(): // the request will say so
	}
	k.next = time.Now().Add(checkEvery)
	return true
}

// limited takes a refusal for a limit: it tells nothing about what was asked for.
func (k *checker) limited(err error) bool {
	var e *githubapi.Error
	if !errors.As(err, &e) || e.Kind != githubapi.KindPrimaryLimit && e.Kind != githubapi.KindSecondaryLimit {
		return false
	}
	k.stopped = err.Error()
	return true
}

// reserved says that no more is left of the rate limit than its reserve; "" while there is more.
func (k *checker) reserved() string {
	for _, l := range k.client.Limits() {
		renewed := !l.Reset.IsZero() && !time.Now().Before(l.Reset)
		if l.Resource != "core" || renewed || float64(l.Remaining)-k.config.GitHub.RateLimitReserve*float64(l.Limit) >= 1 {
			continue
		}
		until := ""
		if !l.Reset.IsZero() {
			until = " until " + l.Reset.UTC().Format(time.RFC3339)
		}
		if l.Remaining == 0 {
			return fmt.Sprintf("nothing is left of the rate limit of %d requests%s", l.Limit, until)
		}
		return fmt.Sprintf("what is left of the rate limit, %d of %d requests%s, is the reserve (github.rate_limit_reserve)", l.Remaining, l.Limit, until)
	}
	return ""
}
