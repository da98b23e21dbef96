package githubapi

import (
	"context"
	"net/http"
	"testing"
	"time"
)

// Retry-After is read on every status, and nothing said is told from nothing to wait for.
func TestRetryAfterOnEveryStatus(t *testing.T) {
	for _, status := range []int{200, 301, 303, 400, 401, 403, 404, 408, 410, 413, 422, 429, 451, 500, 502, 503, 504, 599} {
		for _, tt := range []struct {
			sent  string
			want  time.Duration
			asked bool
		}{
			{"120", 2 * time.Minute, true}, {"0", 0, true}, {"Tue, 03 Nov 2026 10:02:00 GMT", 2 * time.Minute, true}, {"", 0, false}, {"soon", 0, false},
			{"172800", 0, true}, {"-1", 0, false},
		} {
			var seen Observation
			c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Date", "Tue, 03 Nov 2026 10:00:00 GMT")
				if tt.sent != "" {
					w.Header().Set("Retry-After", tt.sent)
				}
				write(w, status, "<html>maintenance</html>")
			}, func(o *Options) { o.Observe = func(o Observation) { seen = o } })
			_, err := c.Runs(context.Background(), "o/r", RunFilter{}, PageRequest{})
			want := map[int]Kind{200: KindBody, 301: KindRedirect, 303: KindOther, 400: KindOther, 401: KindUnauthorized, 404: KindNotFound, 408: KindServer,
				410: KindGone, 413: KindOther, 422: KindOther, 429: KindSecondaryLimit, 451: KindForbidden}[status]
			if status >= 500 {
				want = KindServer
			}
			if want == KindNone { // 403 depends on it
				want = map[bool]Kind{true: KindSecondaryLimit, false: KindForbidden}[tt.asked]
			}
			if e := wantKind(t, err, want); e.RetryAfter != tt.want || e.RetryAsked != tt.asked || seen.RetryAfter != tt.want {
				t.Errorf("%d with %q: wait %s, asked %t, observed %s", status, tt.sent, e.RetryAfter, e.RetryAsked, seen.RetryAfter)
			}
		}
	}
}
