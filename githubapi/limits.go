package githubapi

import (
	"crypto/sha256"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limit is the state of one primary rate limit.
type Limit struct {
	Resource  string // "core" where the server does not say
	Limit     int    // requests per window
	Remaining int
	Used      int
	Reset     time.Time // by the local clock: the header's time − the answer's Date + now; zero = unknown
}

const (
	defaultResource = "core"
	maxResources    = 32             // GitHub has about a dozen; a resource becomes a label
	maxWait         = 24 * time.Hour // windows are an hour: what is further away is a broken value
)

// parseLimit reads the x-ratelimit headers. No headers at all is normal (GitHub Enterprise Server); values that are no
// numbers count as absent. Both the limit and what remains must be there.
func parseLimit(h http.Header, now time.Time) (Limit, bool) {
	limit, ok1 := headerAmount(h, "X-Ratelimit-Limit")
	remaining, ok2 := headerAmount(h, "X-Ratelimit-Remaining")
	if !ok1 || !ok2 {
		return Limit{}, false
	}
	used, ok := headerAmount(h, "X-Ratelimit-Used")
	if !ok {
		used = max(limit-remaining, 0) // not sent by older servers
	}
	resource := strings.ToLower(h.Get("X-Ratelimit-Resource"))
	if !plainWord(resource) {
		resource = defaultResource
	}
	return Limit{Resource: resource, Limit: limit, Remaining: remaining, Used: used, Reset: parseReset(h, now)}, true
}

// parseReset gives the reset by the local clock, zero if it is missing or broken. Only its distance from the answer's
// Date is used, so that a local clock that is wrong by minutes does not matter.
func parseReset(h http.Header, now time.Time) time.Time {
	seconds, ok := headerInt(h, "X-Ratelimit-Reset")
	if !ok {
		return time.Time{}
	}
	return localReset(int64(seconds), parseDate(h), now)
}

func localReset(epoch int64, date, now time.Time) time.Time {
	if epoch <= 0 {
		return time.Time{}
	}
	if date.IsZero() {
		date = now
	}
	wait := time.Unix(epoch, 0).Sub(date)
	if wait > maxWait || wait < -maxWait {
		return time.Time{}
	}
	return now.Add(wait)
}

// parseDate gives the answer's Date, zero if it is missing or broken.
func parseDate(h http.Header) time.Time {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return date.UTC()
}

func headerInt(h http.Header, name string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(h.Get(name)))
	return n, err == nil && n >= 0
}

// headerAmount is at most what fits 32 bits, so that arithmetic with it cannot overflow.
func headerAmount(h http.Header, name string) (int, bool) {
	n, ok := headerInt(h, name)
	return min(n, math.MaxInt32), ok
}

// plainWord tells whether a foreign word is fit to be a label value.
func plainWord(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// state is what the answers told about the server and the token.
type state struct {
	mu         sync.Mutex
	lasting    bool   // the limits are those of an installation, whatever its token
	generation uint64 // of the token the following belongs to
	limits     map[string]Limit
	resets     map[string]string // the reset header as sent, which names the window
	expires    time.Time
	skew       time.Duration
	skewKnown  bool
	date, at   time.Time // of the last answer: the server's time, and the local one with its monotonic reading
}

// record takes up what an answer's headers tell and gives its limit, nil if it has none.
func (s *state) record(h http.Header, generation uint64, now time.Time) *Limit {
	s.mu.Lock()
	defer s.mu.Unlock()
	if date := plausibleDate(h, now); !date.IsZero() {
		s.skew, s.skewKnown = date.Sub(now), true
		s.date, s.at = date, now
	}
	if generation < s.generation {
		return nil // a late answer to a token that is no longer used
	}
	s.renew(generation)
	if t, ok := parseExpiration(h.Get("Github-Authentication-Token-Expiration")); ok {
		s.expires = t
	}
	limit, ok := parseLimit(h, now)
	if !ok {
		return nil
	}
	reset := h.Get("X-Ratelimit-Reset")
	reset = reset[:min(len(reset), 32)]
	old, known := s.limits[limit.Resource]
	switch {
	case !known && len(s.limits) >= maxResources:
		return &limit
	case known && !limit.Reset.IsZero() && s.resets[limit.Resource] == reset && old.Remaining < limit.Remaining && old.Limit == limit.Limit:
		// Answers overtake each other: within one window what remains only falls.
		limit.Remaining, limit.Used = old.Remaining, max(old.Used, limit.Used)
	}
	s.limits[limit.Resource], s.resets[limit.Resource] = limit, reset
	return &limit
}

// believe takes in what the server said of a limit that answers tell of. The caller holds the lock.
func (s *state) believe(l Limit, reset string, generation uint64) {
	if _, told := s.limits[l.Resource]; told && generation == s.generation {
		s.limits[l.Resource], s.resets[l.Resource] = l, reset
	}
}

// renew forgets what belonged to an older token. The caller holds the lock.
func (s *state) renew(generation uint64) {
	switch {
	case s.limits != nil && s.lasting:
		s.generation = generation
	case s.limits == nil || generation != s.generation:
		s.limits, s.resets, s.expires = map[string]Limit{}, map[string]string{}, time.Time{}
		s.generation = generation
	}
}

// use notes the token generation a request is about to be sent with.
func (s *state) use(generation uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if generation > s.generation {
		s.renew(generation)
	}
}

// parseExpiration reads github-authentication-token-expiration, such as "2026-06-28 15:34:58 UTC" or "… +0200".
func parseExpiration(s string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02 15:04:05 UTC", "2006-01-02 15:04:05 -0700"} {
		if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil && t.Year() >= 1980 && t.Year() < 2200 {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// Limits gives the last known primary limits of the present token, by resource name. Empty where the server sends none.
func (c *Client) Limits() []Limit {
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	limits := make([]Limit, 0, len(c.state.limits))
	for _, l := range c.state.limits {
		limits = append(limits, l)
	}
	slices.SortFunc(limits, func(a, b Limit) int { return strings.Compare(a.Resource, b.Resource) })
	return limits
}

// Skew gives by how much the server's clock is ahead of the local one, from the last answer's Date (whole seconds, so
// right to about a second plus the way); false before the first answer. A Date that cannot be (before GitHub existed, or
// more than 30 days away from a local clock of 2024 or later) counts as none.
func (c *Client) Skew() (time.Duration, bool) {
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	return c.state.skew, c.state.skewKnown
}

// ServerTime is now by the server's clock, by the local one before the first answer.
func (c *Client) ServerTime() time.Time {
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	now := c.now()
	if !c.state.skewKnown {
		return now
	}
	return c.state.date.Add(now.Sub(c.state.at)) // the local clock may have been set since; this does not see that
}

// TokenExpiration tells when the present token ends; false if GitHub did not say (only personal access tokens do).
func (c *Client) TokenExpiration() (time.Time, bool) {
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	return c.state.expires, !c.state.expires.IsZero()
}

// Anonymous tells whether requests go out without a token. GitHub then counts 304s against the limit too.
func (c *Client) Anonymous() bool { return c.tokens == nil }

// Identity tells tokens apart without giving them away; the zero Identity is that of no token.
type Identity struct{ sum [sha256.Size]byte }

// TokenIdentity is that of the token a next request would go out with, or why there is no token.
func (c *Client) TokenIdentity() (Identity, error) {
	if c.tokens == nil {
		return Identity{}, nil
	}
	if c.fetches != nil {
		return Identity{sha256.Sum256([]byte(c.fetches.identity()))}, nil
	}
	token, _, err := c.tokens.Token()
	if err != nil || token == "" {
		return Identity{}, err
	}
	return Identity{sha256.Sum256([]byte(token))}, nil
}

// Renews tells whether the client asks for its own tokens, so that a new one is no news.
func (c *Client) Renews() bool { return c.fetches != nil }

// TokenAvailable asks the token source now, without sending anything: the generation a next request would go out with,
// or why there is no token. Generation 0 without an error: requests are anonymous.
func (c *Client) TokenAvailable() (generation uint64, err error) {
	if c.tokens == nil {
		return 0, nil
	}
	_, generation, err = c.tokens.Token()
	return generation, err
}
