package githubapi

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestClassify(t *testing.T) {
	const date = "Tue, 03 Nov 2026 10:00:00 GMT"
	server := instant(t, "2026-11-03T10:00:00Z")
	const reset = "1793701800" // 10:30:00
	const docsSecondary = `{"message":"x","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`
	for _, tt := range []struct {
		name   string
		status int
		header http.Header
		body   string
		kind   Kind
		wait   time.Duration
		reset  time.Duration // after now; 0 = unknown
	}{
		{name: "primary 403", status: 403, kind: KindPrimaryLimit, reset: 30 * time.Minute,
			header: headers("Date", date, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", reset),
			body:   `{"message":"API rate limit exceeded for user ID 1."}`},
		{name: "primary 429", status: 429, kind: KindPrimaryLimit, reset: 30 * time.Minute,
			header: headers("Date", date, "x-ratelimit-remaining", "0", "x-ratelimit-reset", reset)},
		{name: "primary with Retry-After", status: 403, kind: KindPrimaryLimit, reset: 30 * time.Minute, wait: 7 * time.Second,
			header: headers("Date", date, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", reset, "Retry-After", "7")},
		{name: "primary, broken reset", status: 403, kind: KindPrimaryLimit,
			header: headers("Date", date, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "soon")},
		{name: "primary, absurd reset", status: 403, kind: KindPrimaryLimit,
			header: headers("Date", date, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "99999999999999")},
		{name: "primary by message, no headers", status: 403, kind: KindPrimaryLimit,
			body: `{"message":"API rate limit exceeded for 1.2.3.4."}`},
		{name: "secondary, seconds", status: 429, kind: KindSecondaryLimit, wait: 8 * time.Second, header: headers("Retry-After", "8")},
		{name: "secondary 403, seconds", status: 403, kind: KindSecondaryLimit, wait: time.Minute,
			header: headers("Retry-After", " 60 ", "X-RateLimit-Remaining", "4000")},
		{name: "secondary, date", status: 403, kind: KindSecondaryLimit, wait: 90 * time.Second,
			header: headers("Date", date, "Retry-After", "Tue, 03 Nov 2026 10:01:30 GMT")},
		{name: "secondary, date without Date", status: 403, kind: KindSecondaryLimit,
			header: headers("Retry-After", "Tue, 03 Nov 2026 10:01:30 GMT")},
		{name: "secondary, date in the past", status: 403, kind: KindSecondaryLimit,
			header: headers("Date", date, "Retry-After", "Tue, 03 Nov 2026 09:01:30 GMT")},
		{name: "secondary, absurd seconds", status: 403, kind: KindSecondaryLimit, header: headers("Retry-After", "18446744073709551615")},
		{name: "secondary by message alone", status: 403, kind: KindSecondaryLimit, header: headers("X-RateLimit-Remaining", "21"),
			body: `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}`},
		{name: "secondary by old message", status: 403, kind: KindSecondaryLimit,
			body: `{"message":"You have triggered an abuse detection mechanism."}`},
		{name: "secondary by documentation", status: 403, kind: KindSecondaryLimit, body: docsSecondary},
		{name: "429 with nothing", status: 429, kind: KindSecondaryLimit},
		{name: "429 with HTML", status: 429, kind: KindSecondaryLimit, body: "<html>"},
		{name: "broken Retry-After says nothing", status: 403, kind: KindForbidden, header: headers("Retry-After", "-1")},
		{name: "permission", status: 403, kind: KindForbidden,
			header: headers("X-RateLimit-Remaining", "21", "X-RateLimit-Reset", reset),
			body:   `{"message":"Must have admin rights to Repository."}`},
		{name: "permission without headers", status: 403, kind: KindForbidden, body: `{"message":"Resource not accessible by integration"}`},
		{name: "broken remaining says nothing", status: 403, kind: KindForbidden, header: headers("X-RateLimit-Remaining", "zero")},
		{name: "401", status: 401, kind: KindUnauthorized, body: `{"message":"Bad credentials"}`},
		{name: "401 with remaining 0", status: 401, kind: KindUnauthorized, header: headers("X-RateLimit-Remaining", "0")},
		{name: "lock-out after many refusals", status: 403, kind: KindUnauthorized, body: `{"message":"Maximum number of login attempts exceeded. Please try again later."}`},
		{name: "404", status: 404, kind: KindNotFound},
		{name: "410", status: 410, kind: KindGone, body: `{"message":"Server Error"}`},
		{name: "451", status: 451, kind: KindForbidden},
		{name: "301", status: 301, kind: KindRedirect},
		{name: "308", status: 308, kind: KindRedirect},
		{name: "303", status: 303, kind: KindOther},
		{name: "500", status: 500, kind: KindServer},
		{name: "502 HTML", status: 502, kind: KindServer, body: "<html>502</html>"},
		{name: "503 with wait", status: 503, kind: KindServer, wait: 5 * time.Second, header: headers("Retry-After", "5")},
		{name: "version refused", status: 400, kind: KindVersion,
			body: `{"message":"The version you specified in the \"X-GitHub-API-Version\" request header, \"v3\", is not a supported version."}`},
		{name: "version refused in plain text", status: 400, kind: KindVersion, body: `Unsupported 'X-GitHub-Api-Version' header`},
		{name: "version retired", status: 410, kind: KindVersion, body: `{"message":"API version 2022-11-28 is no longer supported."}`},
		{name: "another 400", status: 400, kind: KindOther, body: `{"message":"Problems parsing JSON"}`},
		{name: "422", status: 422, kind: KindOther, body: `{"message":"Validation Failed"}`},
		{name: "message is no string", status: 404, kind: KindNotFound, body: `{"message":{"a":1}}`},
	} {
		// The local clock may be wrong by minutes either way.
		for _, skew := range []time.Duration{0, 7 * time.Minute, -7 * time.Minute} {
			now := server.Add(skew)
			e := classify(tt.status, tt.header, []byte(tt.body), now, "")
			if e == nil {
				t.Errorf("%s: no error", tt.name)
				continue
			}
			var want time.Time
			if tt.reset != 0 {
				want = now.Add(tt.reset)
			}
			if e.Kind != tt.kind || e.RetryAfter != tt.wait || !e.Reset.Equal(want) || e.Status != tt.status {
				t.Errorf("%s (skew %s): got %s, wait %s, reset %s, status %d; want %s, %s, %s, %d",
					tt.name, skew, e.Kind, e.RetryAfter, e.Reset, e.Status, tt.kind, tt.wait, want, tt.status)
			}
		}
	}
	for _, status := range []int{200, 304} {
		if e := classify(status, nil, nil, server, ""); e != nil {
			t.Errorf("%d: %v", status, e)
		}
	}
}

func TestErrorText(t *testing.T) {
	e := classify(403, headers("X-Accepted-GitHub-Permissions", "actions=read"), []byte(`{"message":"Resource not\naccessible"}`), time.Time{}, "")
	e.Endpoint, e.path = "list_runs", "/repos/o/r/actions/runs"
	const want = "list_runs: GET /repos/o/r/actions/runs: 403 Forbidden: Resource not accessible (accepted permissions: actions=read)"
	if diff := cmp.Diff(want, e.Error()); diff != "" {
		t.Error(diff)
	}
	long := classify(500, nil, []byte(`{"message":"`+strings.Repeat("ä", 1000)+`"}`), time.Time{}, "")
	if n := utf8.RuneCountInString(long.Message); n != maxText {
		t.Errorf("message of %d characters, want it cut at %d", n, maxText)
	}
	limit := &Error{Kind: KindPrimaryLimit, Status: 403, Reset: instant(t, "2026-11-03T10:30:00Z")}
	wantText(t, limit, "rate limit used up until 2026-11-03T10:30:00Z")
	wantText(t, &Error{Kind: KindSecondaryLimit, Status: 429, RetryAfter: 8 * time.Second}, "secondary rate limit", "retry after 8s")
}

func TestKindNames(t *testing.T) {
	seen := map[string]Kind{}
	for k := KindNone; k <= KindCanceled; k++ {
		name := k.String()
		if other, ok := seen[name]; ok {
			t.Errorf("kinds %d and %d are both %q", k, other, name)
		}
		seen[name] = k
		if !plainWord(name) || strings.Contains(name, "-") {
			t.Errorf("%q is no label value in snake case", name)
		}
	}
	if Kind(99).String() != "other" {
		t.Error("an unknown kind must be other")
	}
}

func FuzzClassify(f *testing.F) {
	f.Add(403, "Tue, 03 Nov 2026 10:00:00 GMT", "60", "0", "1793701800", `{"message":"secondary rate"}`)
	f.Add(429, "", "Tue, 03 Nov 2026 10:01:30 GMT", "-1", "x", `[]`)
	f.Add(400, "x", "99999999999999999999", "99999999999999999999", "-9223372036854775808", `"version supported"`)
	f.Add(200, "", "", "", "", "")
	now := instant(f, "2026-11-03T10:00:00Z")
	f.Fuzz(func(t *testing.T, status int, date, retry, remaining, reset, body string) {
		h := headers("Date", date, "Retry-After", retry, "X-RateLimit-Remaining", remaining, "X-RateLimit-Limit", "5000",
			"X-RateLimit-Reset", reset)
		e := classify(status, h, []byte(body), now, "")
		if (e == nil) != (status == 200 || status == 304) {
			t.Fatalf("status %d: %v", status, e)
		}
		if l, ok := parseLimit(h, now); ok && (l.Remaining < 0 || !l.Reset.IsZero() && l.Reset.Sub(now).Abs() > maxWait) {
			t.Fatalf("absurd limit %+v", l)
		}
		if e == nil {
			return
		}
		if e.RetryAfter < 0 || e.RetryAfter > maxWait {
			t.Fatalf("wait of %s", e.RetryAfter)
		}
		if !e.Reset.IsZero() && (e.Kind != KindPrimaryLimit || e.Reset.Sub(now).Abs() > maxWait) {
			t.Fatalf("reset %s with kind %s", e.Reset, e.Kind)
		}
		if e.Kind == KindNone || e.Kind == KindCanceled || e.Kind == KindForbidden && status == 429 {
			t.Fatalf("status %d is %s", status, e.Kind)
		}
		text := e.Error()
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\n\r\x00") || utf8.RuneCountInString(e.Message) > maxText {
			t.Fatalf("unfit text %q", text)
		}
	})
}
