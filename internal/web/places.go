package web

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Places bounds how many answers of a handler are made and written at once, and sees to it that none of those who come is
// kept out by others who take their answers slowly or not at all. One client has fewer places than there are. Who finds
// none free waits a little; meanwhile the place of an answer whose client has taken nothing for a second is taken from it.
type Places struct {
	total, each int
	stuck, wait time.Duration
	waitersMost int

	mu      sync.Mutex
	held    map[*answer]string // the client
	of      map[string]int
	waiters int
	freed   chan struct{} // closed when a place is given back, then another
}

const (
	totalPlaces  = 10
	clientPlaces = 8 // many scrapers may be behind one proxy
	// stuckAfter is how long one may stand still while others wait for its place.
	stuckAfter = time.Second
	// waitForPlace is shorter than the time that Prometheus gives a scrape, 10 s.
	waitForPlace = 5 * time.Second
	mostWaiters  = 100
)

// NewPlaces returns ten places, eight at most for one client's address.
func NewPlaces() *Places {
	return &Places{
		total: totalPlaces, each: clientPlaces, stuck: stuckAfter, wait: waitForPlace, waitersMost: mostWaiters,
		held: make(map[*answer]string), of: make(map[string]int), freed: make(chan struct{}),
	}
}

// Limit returns the handler with a place for each of its answers, or 503 where there is none in time.
func (p *Places) Limit(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := answerOf(r.Context())
		if !p.take(r.Context(), a, clientOf(r.RemoteAddr)) {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "too many scrapes at once, try again later", http.StatusServiceUnavailable)
			return
		}
		defer p.give(a)
		h.ServeHTTP(w, r)
	})
}

// take waits for a place; false if there was none in time.
func (p *Places) take(ctx context.Context, a *answer, client string) bool {
	ctx, cancel := context.WithTimeout(ctx, p.wait)
	defer cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiters >= p.waitersMost {
		return false
	}
	p.waiters++
	defer func() { p.waiters-- }()
	for {
		if len(p.held) < p.total && p.of[client] < p.each {
			p.held[a] = client
			p.of[client]++
			return true
		}
		freed, again := p.freed, p.evict(client)
		p.mu.Unlock()
		timer := time.NewTimer(again)
		select {
		case <-freed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		p.mu.Lock()
		if ctx.Err() != nil {
			return false
		}
	}
}

// evict ends the answer that has stood still for longest, if it has for long enough, and returns when to look again. Who has
// all the places a client may have can only get one of those.
func (p *Places) evict(client string) time.Duration {
	now := time.Now()
	own := p.of[client] >= p.each
	var victim *answer
	longest := time.Duration(0)
	for a, holder := range p.held {
		if own && holder != client {
			continue
		}
		if a.evicted.Load() {
			return p.stuck // one is on its way out already
		}
		if still := a.still(now); still > longest {
			victim, longest = a, still
		}
	}
	if victim != nil && longest >= p.stuck {
		victim.evict()
		return p.stuck
	}
	return max(p.stuck-longest, p.stuck/10)
}

func (p *Places) give(a *answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	client := p.held[a]
	delete(p.held, a)
	if p.of[client]--; p.of[client] == 0 {
		delete(p.of, client)
	}
	close(p.freed)
	p.freed = make(chan struct{})
}
