package githubapi

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLimitsAndClock(t *testing.T) {
	local := instant(t, "2026-11-03T09:53:00Z") // seven minutes behind the server
	header := http.Header{}
	tokens := &switchable{value: "a", generation: 1}
	c := client(t, "https://h", func(o *Options) {
		o.Token, o.Now = tokens, func() time.Time { return local }
		o.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			resp := reply(200, `{}`)
			resp.Header = header.Clone()
			return resp, nil
		})
	})
	ask := func(pairs ...string) {
		t.Helper()
		header = headers(pairs...)
		if _, err := c.Meta(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	limits := func(step string, want ...Limit) {
		t.Helper()
		if diff := cmp.Diff(append([]Limit{}, want...), c.Limits()); diff != "" {
			t.Errorf("%s: %s", step, diff)
		}
	}
	if _, known := c.Skew(); known || !c.ServerTime().Equal(local) {
		t.Error("skew known before the first answer")
	}
	ask()
	limits("no headers")
	if _, known := c.Skew(); known {
		t.Error("skew known without a Date")
	}

	const date, reset = "Tue, 03 Nov 2026 10:00:00 GMT", "1793701800"
	core := func(remaining int) Limit {
		return Limit{Resource: "core", Limit: 5000, Remaining: remaining, Used: 5000 - remaining, Reset: local.Add(30 * time.Minute)}
	}
	say := func(remaining, reset string, more ...string) []string {
		return append([]string{"Date", date, "X-RateLimit-Limit", "5000", "X-RateLimit-Remaining", remaining, "X-RateLimit-Reset", reset}, more...)
	}
	ask(say("4990", reset)...)
	limits("without used and resource", core(4990))
	if skew, known := c.Skew(); !known || skew != 7*time.Minute || !c.ServerTime().Equal(instant(t, "2026-11-03T10:00:00Z")) {
		t.Errorf("skew %s, %t, server time %s", skew, known, c.ServerTime())
	}
	ask(say("4980", reset, "X-RateLimit-Used", "20", "X-RateLimit-Resource", "core")...)
	ask(say("4985", reset)...)
	limits("an answer was overtaken", core(4980))
	ask(say("4999", "1793705400")...)
	next := core(4999)
	next.Reset = local.Add(90 * time.Minute)
	limits("a new window", next)
	ask(say("x", reset)...)
	ask(say("-5", reset)...)
	ask("X-RateLimit-Remaining", "3")
	limits("broken values are ignored", next)
	ask(say("29", "never", "X-RateLimit-Resource", "search")...)
	limits("another resource, no reset", next, Limit{Resource: "search", Limit: 5000, Remaining: 29, Used: 4971})
	for i := range 3 * maxResources {
		ask(say("1", reset, "X-RateLimit-Resource", fmt.Sprintf("r%d", i))...)
	}
	if n := len(c.Limits()); n != maxResources {
		t.Errorf("%d resources remembered, want at most %d", n, maxResources)
	}

	ask(say("4000", reset, "GitHub-Authentication-Token-Expiration", "2026-11-28 15:34:58 UTC")...)
	if at, known := c.TokenExpiration(); !known || !at.Equal(instant(t, "2026-11-28T15:34:58Z")) {
		t.Error(at, known)
	}
	ask("GitHub-Authentication-Token-Expiration", "some day")
	ask("GitHub-Authentication-Token-Expiration", "9999-11-28 15:34:58 UTC")
	ask("GitHub-Authentication-Token-Expiration", "0001-01-01 00:00:00 UTC")
	ask("GitHub-Authentication-Token-Expiration", "2026-12-28 17:34:58 +0200")
	if at, known := c.TokenExpiration(); !known || !at.Equal(instant(t, "2026-12-28T15:34:58Z")) {
		t.Error(at, known)
	}
	tokens.value, tokens.generation = "b", 2
	ask("Date", "no date")
	limits("another token has its own")
	if _, known := c.TokenExpiration(); known {
		t.Error("expiration of the old token")
	}
	if skew, known := c.Skew(); !known || skew != 7*time.Minute {
		t.Error("a broken Date must leave the skew alone")
	}
	c.state.record(headers(say("1", reset)...), 1, local)
	limits("a late answer to the old token")
}
