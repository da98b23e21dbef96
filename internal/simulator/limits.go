package simulator

import (
	"net/http"
	"time"
)

// limits is what the server remembers of how much was asked.
type limits struct {
	windows map[string]*window // primary, by token
	minute  time.Time          // of points
	points  int
	flight  int // requests being answered
}

// window is an hour of a token's primary limit, from its first request on.
type window struct {
	reset time.Time
	used  int
}

func (g *GitHub) window(token string, t time.Time) *window {
	if g.limits.windows == nil {
		g.limits.windows = map[string]*window{}
	}
	w := g.limits.windows[token]
	if w == nil {
		w = &window{}
		g.limits.windows[token] = w
	}
	if !t.Before(w.reset) {
		*w = window{reset: whole(t).Add(time.Hour)}
	}
	return w
}

// Spend uses up some of a token's primary limit, as its other users do.
func (g *GitHub) Spend(token string, requests int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.window(token, g.now())
	w.used = min(w.used+requests, g.opts.PrimaryLimit)
}

// Remaining tells what is left of a token's primary limit and when it is filled again.
func (g *GitHub) Remaining(token string) (int, time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.window(token, g.now())
	return max(g.opts.PrimaryLimit-w.used, 0), w.reset
}

// SetTokens replaces the accepted tokens; none: not checked.
func (g *GitHub) SetTokens(tokens ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tokens = tokenSet(tokens)
}

func tokenSet(tokens []string) map[string]bool {
	set := map[string]bool{}
	for _, t := range tokens {
		if t != "" {
			set[t] = true
		}
	}
	return set
}

const (
	docsURL      = "https://docs.github.com/rest"
	docsLimits   = "https://docs.github.com/free-pro-team@latest/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"
	docsLimits2  = "https://docs.github.com/rest/overview/resources-in-the-rest-api#secondary-rate-limits"
	secondaryMsg = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
)

// limited answers requests over a limit; nil: there is room.
func (g *GitHub) limited(q *request) *answer {
	if a := q.hits.secondary(q.at); a != nil {
		return a
	}
	if g.opts.SecondaryConcurrent > 0 && g.limits.flight > g.opts.SecondaryConcurrent {
		return retryAfter(failure(http.StatusForbidden, secondaryMsg, docsLimits), time.Minute)
	}
	if g.opts.SecondaryPoints > 0 {
		if minute := q.at.Truncate(time.Minute); !minute.Equal(g.limits.minute) {
			g.limits.minute, g.limits.points = minute, 0
		}
		if g.limits.points++; g.limits.points > g.opts.SecondaryPoints {
			return retryAfter(failure(http.StatusForbidden, secondaryMsg, docsLimits), time.Minute)
		}
	}
	fault, exhausted := q.hits[PrimaryLimit]
	if g.opts.PrimaryLimit <= 0 || q.endpoint == endpointRateLimit {
		return nil
	}
	w := g.window(q.purse, q.at)
	if exhausted {
		w.used = max(w.used, g.opts.PrimaryLimit)
	}
	if w.used < g.opts.PrimaryLimit {
		return nil
	}
	status := g.opts.PrimaryStatus
	if fault.Status != 0 {
		status = fault.Status
	}
	return failure(status, "API rate limit exceeded for user ID 1.", docsURL+"/overview/rate-limits-for-the-rest-api")
}

func retryAfter(a *answer, d time.Duration) *answer {
	a.header.Set("Retry-After", i64(int64(d/time.Second)))
	return a
}

// secondary is the answer of a secondary limit that is switched on, in the shape asked for.
func (h hits) secondary(t time.Time) *answer {
	wait := func(f Fault) time.Duration {
		if f.Delay > 0 {
			return f.Delay
		}
		return time.Minute
	}
	if f, ok := h[SecondarySeconds]; ok {
		return retryAfter(failure(http.StatusForbidden, secondaryMsg, docsLimits), wait(f))
	}
	if f, ok := h[SecondaryDate]; ok {
		a := failure(http.StatusForbidden, secondaryMsg, docsLimits)
		a.header.Set("Retry-After", t.Add(wait(f)).UTC().Format(http.TimeFormat))
		return a
	}
	if _, ok := h[SecondaryMessage]; ok {
		return failure(http.StatusForbidden, secondaryMsg, docsURL)
	}
	if _, ok := h[SecondaryDocs]; ok {
		return failure(http.StatusForbidden, "You have triggered an abuse detection mechanism.", docsLimits2)
	}
	if f, ok := h[SecondaryBare]; ok {
		return retryAfter(failure(http.StatusTooManyRequests, "Too many requests.", docsURL), wait(f))
	}
	return nil
}

// limitHeaders tell about the primary limit, where there is one.
func (g *GitHub) limitHeaders(h http.Header, q *request) {
	if _, bare := q.hits[SecondaryBare]; bare || g.opts.PrimaryLimit <= 0 {
		return
	}
	w := g.window(q.purse, q.at)
	h.Set("X-Ratelimit-Limit", itoa(g.opts.PrimaryLimit))
	h.Set("X-Ratelimit-Remaining", itoa(max(g.opts.PrimaryLimit-w.used, 0)))
	h.Set("X-Ratelimit-Used", itoa(w.used))
	h.Set("X-Ratelimit-Reset", i64(w.reset.Unix()))
	h.Set("X-Ratelimit-Resource", "core")
}

// rateLimit answers GET /rate_limit, which does not count; 404 where limits are off.
func (g *GitHub) rateLimit(q *request) *answer {
	if g.opts.PrimaryLimit <= 0 {
		return failure(http.StatusNotFound, "Rate limiting is not enabled.", docsURL)
	}
	w := g.window(q.purse, q.at)
	rate := func(limit, used int, reset time.Time) []byte {
		o := newObject(nil)
		o.num("limit", int64(limit))
		o.num("used", int64(used))
		o.num("remaining", int64(max(limit-used, 0)))
		o.num("reset", reset.Unix())
		return o.end()
	}
	core := rate(g.opts.PrimaryLimit, w.used, w.reset)
	resources := newObject(nil)
	resources.raw("core", core)
	resources.raw("search", rate(30, 0, q.at.Add(time.Minute)))
	resources.raw("graphql", rate(5000, 0, q.at.Add(time.Hour)))
	o := newObject(nil)
	o.raw("resources", resources.end())
	if q.http.Header.Get("X-GitHub-Api-Version") != "2026-03-10" { // gone from that version on
		o.raw("rate", core)
	}
	return &answer{status: http.StatusOK, header: http.Header{}, body: o.end(), noTag: true}
}
