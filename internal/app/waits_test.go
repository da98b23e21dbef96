package app

import (
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const waitingUntil = namespace + "_waiting_until_timestamp_seconds"

var remaining = regexp.MustCompile(`"remaining":\d+`)

// Another client has used up the window: nothing is asked but /rate_limit, once a minute however many wait; the wait is said
// once, shown, and ends with the reset.
func TestALimitThatOthersUseUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := organization(t, 20)
		said := w.listen()
		w.start()
		defer func() { w.stop() }()
		time.Sleep(10*time.Minute + 30*time.Second)
		w.github.Spend("", 4900)
		time.Sleep(10 * time.Minute)
		_, reset := w.github.Remaining("")
		w.github.ResetRequests()
		time.Sleep(30 * time.Minute)
		r := w.github.Requests()
		if asked := r.ByEndpoint["rate_limit"]; r.Total != asked || asked < 28 || asked > 31 {
			t.Errorf("%d requests in half an hour, %d of them for the limits; want those alone, one a minute", r.Total, asked)
		}
		w.shows(float64(reset.Unix()+1), waitingUntil, "reason", "rate_limit")
		if n := strings.Count(said.text(), "nothing is left but the reserve"); n != 1 || !said.has("level=warn", "until="+reset.Add(time.Second).Format(time.RFC3339)) {
			t.Errorf("said %d times, want once with its end:\n%s", n, said.text())
		}
		time.Sleep(30 * time.Minute)
		if n := strings.Count(said.text(), "the rate limit allows requests again"); n != 1 {
			t.Errorf("that it goes on was said %d times:\n%s", n, said.text())
		}
		w.shows(0, waitingUntil, "reason", "rate_limit")
		if age := w.age(service); age > 25*time.Minute {
			t.Errorf("last polled %s ago", age)
		}
	})
}

// /rate_limit is believed when it tells of more within the same window, or of another one.
func TestALimitThatRises(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := organization(t, 5)
		var ill atomic.Bool
		w.transport = tampering{w.transport, func(a *http.Response, body string) string {
			if !ill.Load() {
				return body
			}
			a.Header.Set("X-Ratelimit-Remaining", "3")
			return remaining.ReplaceAllString(body, `"remaining":3`)
		}}
		ill.Store(true)
		w.start()
		defer func() { w.stop() }()
		time.Sleep(10 * time.Minute)
		w.shows(0, repositories, "state", "watched")
		ill.Store(false)
		time.Sleep(3 * time.Minute)
		w.shows(5, repositories, "state", "watched")
		w.shows(0, waitingUntil, "reason", "rate_limit")
	})
}

// A server that has limits and does not tell them when asked is asked that once, and nothing else until the reset.
func TestALimitOfAServerThatDoesNotTellIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := organization(t, 5)
		w.transport = tampering{w.transport, func(a *http.Response, body string) string {
			if strings.HasSuffix(a.Request.URL.Path, "/rate_limit") {
				a.StatusCode = http.StatusNotFound
				return `{"message":"Rate limiting is not enabled."}`
			}
			return body
		}}
		w.start()
		defer func() { w.stop() }()
		time.Sleep(10*time.Minute + 30*time.Second)
		w.github.Spend("", 4985)
		time.Sleep(10 * time.Minute)
		w.github.ResetRequests()
		time.Sleep(30 * time.Minute)
		if n := w.github.Requests().Total; n != 0 {
			t.Errorf("%d requests, want none", n)
		}
		time.Sleep(30 * time.Minute)
		if age := w.age(service); age > 25*time.Minute {
			t.Errorf("last polled %s ago", age)
		}
	})
}
