package schedule

import (
	"sync"
	"time"
)

// Backoff is a doubling wait. It is safe for concurrent use.
type Backoff struct {
	First, Most time.Duration

	mu      sync.Mutex
	current time.Duration
	until   time.Time
}

// Next lengthens the wait and returns it.
func (b *Backoff) Next() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next()
}

func (b *Backoff) next() time.Duration {
	b.current = min(max(b.current*2, b.First), b.Most)
	return b.current
}

// Reset makes the next wait the first again.
func (b *Backoff) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.current, b.until = 0, time.Time{}
}

// Hit lengthens the wait and starts it, unless it is already running.
func (b *Backoff) Hit(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !now.Before(b.until) {
		b.until = now.Add(b.next())
	}
}

// Over is the end of the running wait; the zero time when there is none.
func (b *Backoff) Over() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until
}
