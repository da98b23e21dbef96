package githubapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// classify tells what an answer other than 200 means; nil for 200 and 304. It is a function of its arguments only. now
// is the local time the answer came at; body may be anything. The token is masked in what is shown of it.
//
// Rate limits in GitHub's own words: with 403 or 429, remaining 0 is the primary limit; Retry-After, or a message or
// documentation_url that names the secondary limit even without any header, is the secondary one; a 403 with none of
// these is a missing permission.
func classify(status int, h http.Header, body []byte, now time.Time, token string) *Error {
	if status == http.StatusOK || status == http.StatusNotModified {
		return nil
	}
	var said struct {
		Message json.RawMessage `json:"message"`
		Docs    json.RawMessage `json:"documentation_url"`
	}
	message, docs := "", ""
	if json.Unmarshal(body, &said) == nil {
		message, docs = jsonString(said.Message), jsonString(said.Docs)
	} else if text := bytes.TrimSpace(body); len(text) > 0 && text[0] != '<' {
		message = string(text) // plain text; HTML and XML say nothing worth showing
	}
	e := &Error{
		Kind:        KindOther,
		Status:      status,
		Message:     cleanText(redact(message, token)),
		Permissions: cleanText(redact(h.Get("X-Accepted-Github-Permissions"), token)),
	}
	wait, asked := parseRetryAfter(h)
	e.RetryAfter, e.RetryAsked, e.SSO = wait, asked, parseSSO(h)
	switch {
	case (status == 400 || status == 410) && namesVersion(message):
		e.Kind = KindVersion
	case status == 401, status == 403 && strings.Contains(strings.ToLower(message), "login attempts exceeded"):
		e.Kind = KindUnauthorized // also by the name of GitHub's lock-out after many refusals
	case status == 403 || status == 429:
		e.Kind = limitKind(status, h, asked, strings.ToLower(message), strings.ToLower(docs))
		if e.Kind == KindPrimaryLimit {
			e.Reset = parseReset(h, now)
		}
	case status == 404:
		e.Kind = KindNotFound
	case status == 410:
		e.Kind = KindGone
	case status == 451: // access blocked for legal reasons: this repository, for good
		e.Kind = KindForbidden
	case followable(status):
		e.Kind = KindRedirect
	case status >= 500 || status == 408:
		e.Kind = KindServer
	}
	return e
}

// limitKind sorts the answers 403 and 429. message and docs are in lower case.
func limitKind(status int, h http.Header, asked bool, message, docs string) Kind {
	remaining, known := headerInt(h, "X-Ratelimit-Remaining")
	secondary := strings.Contains(message, "secondary rate") || strings.Contains(message, "abuse detection") ||
		strings.HasSuffix(docs, "secondary-rate-limits") || strings.HasSuffix(docs, "abuse-rate-limits")
	switch {
	case known && remaining == 0:
		return KindPrimaryLimit
	case asked || secondary:
		return KindSecondaryLimit
	case !known && strings.Contains(message, "rate limit exceeded"):
		return KindPrimaryLimit // a proxy took the headers away
	case status == 429 || strings.Contains(message, "rate limit exceeded"):
		return KindSecondaryLimit
	default:
		return KindForbidden
	}
}

// parseRetryAfter reads Retry-After: seconds, or an HTTP date, which is taken relative to the answer's own Date so that
// the local clock does not matter. asked is true if there was a readable value; the wait is 0 where that value makes no
// sense (in the past, more than a day).
func parseRetryAfter(h http.Header) (wait time.Duration, asked bool) {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0, false
	}
	if n, err := strconv.ParseUint(v, 10, 64); err == nil {
		if n > uint64(maxWait/time.Second) {
			return 0, true
		}
		return time.Duration(n) * time.Second, true
	}
	at, err := http.ParseTime(v)
	date := parseDate(h)
	if err != nil || date.IsZero() {
		return 0, err == nil
	}
	if wait = at.Sub(date); wait < 0 || wait > maxWait {
		wait = 0
	}
	return wait, true
}

// namesVersion tells whether a message complains about the API version, as in `The version you specified in the
// "X-GitHub-API-Version" request header, "v3", is not a supported version.`
func namesVersion(message string) bool {
	m := strings.ToLower(message)
	return strings.Contains(m, "x-github-api-version") ||
		strings.Contains(m, "version") && (strings.Contains(m, "support") || strings.Contains(m, "api version"))
}

// followable tells whether a status is a redirect that keeps the method.
func followable(status int) bool {
	return status == 301 || status == 302 || status == 307 || status == 308
}

// jsonString is the string raw holds, "" if it is something else.
func jsonString(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
