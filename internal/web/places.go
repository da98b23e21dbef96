package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Places bounds how many answers of a handler are made and written at once, and sees to it that none of those who come is
// kept out by others who take their answers slowly or not at all. One client has fewer places than there are. Who finds
// none free waits a little; meanwhile the place of an answer whose client has taken nothing for a second is taken from it.
// A place that is given back goes to the client that holds fewest, and of a client to the connection that asks for fewest, so
// that who comes again and again, or with many requests at once by HTTP/2, wins nothing by it.
type Places struct {
	total, each int
	stuck, wait time.Duration
	waitersMost int

	mu      sync.Mutex
	held    map[*answer]string // the client
	of      map[string]int
	waiting []*waiter // in the order in which they came
}

// waiter is one who found no place free.
type waiter struct {
	answer *answer
	client string
	done   chan struct{} // closed when it was decided on
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
		held: make(map[*answer]string), of: make(map[string]int),
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
	w := &waiter{answer: a, client: client, done: make(chan struct{})}
	if len(p.waiting) >= p.waitersMost && !p.sendAway(w) {
		return false
	}
	p.waiting = append(p.waiting, w)
	p.assign()
	for slices.Contains(p.waiting, w) {
		again := p.evict(client)
		p.mu.Unlock()
		timer := time.NewTimer(again)
		select {
		case <-w.done:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		p.mu.Lock()
		if ctx.Err() != nil {
			p.leave(w)
		}
	}
	_, ok := p.held[a]
	return ok
}

// assign gives what places are free to those who wait: first to the client that holds fewest, then to the connection that
// holds and asks for fewest, then to who came first.
func (p *Places) assign() {
	for len(p.held) < p.total {
		of := map[*connection]int{}
		for a := range p.held {
			of[a.connection]++
		}
		for _, w := range p.waiting {
			of[w.answer.connection]++
		}
		next := -1
		for i, w := range p.waiting {
			if p.of[w.client] >= p.each {
				continue
			}
			if next < 0 || fewer(w, p.waiting[next], p.of, of) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		w := p.waiting[next]
		p.waiting = slices.Delete(p.waiting, next, next+1)
		p.held[w.answer] = w.client
		p.of[w.client]++
		close(w.done)
	}
}

// fewer tells whether one has fewer than another, by what clients and connections have.
func fewer(one, other *waiter, clients map[string]int, of map[*connection]int) bool {
	return cmp.Or(cmp.Compare(clients[one.client], clients[other.client]), cmp.Compare(of[one.answer.connection], of[other.answer.connection])) < 0
}

// sendAway makes room for one more who waits, at the cost of who came last of the client and the connection of which most
// wait; false if those are the ones of who comes.
func (p *Places) sendAway(comes *waiter) bool {
	clients, of, last := map[string]int{}, map[*connection]int{}, comes
	for _, w := range append(p.waiting, comes) {
		clients[w.client]++
		of[w.answer.connection]++
	}
	for _, w := range slices.Backward(p.waiting) {
		if fewer(last, w, clients, of) {
			last = w
		}
	}
	if last == comes {
		return false
	}
	p.leave(last)
	close(last.done)
	return true
}

// leave takes one out of those who wait, if it is still among them.
func (p *Places) leave(w *waiter) {
	if i := slices.Index(p.waiting, w); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
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
	p.assign()
}
