package poll

import (
	"sync"
	"time"
)

// nextInterval is how long a repository is left alone after a visit: the interval while something runs or has happened
// of late, longer the longer nothing has, up to the most. jitter in [0, 1) spreads repositories by up to a tenth.
func nextInterval(interval, most, idle time.Duration, active bool, jitter float64) time.Duration {
	d := interval
	if !active {
		// A tenth of the time it has been idle: what starts after an hour of silence is seen within six minutes.
		d = min(max(idle/10, interval), most)
	}
	return min(d+time.Duration(float64(d)*jitter/10), max(most, interval))
}

// failureInterval is the wait after the n-th failure in a row, 1 and up.
func failureInterval(interval, most time.Duration, n int) time.Duration {
	d := interval
	for range min(n-1, 20) {
		if d *= 2; d >= most {
			return max(most, interval)
		}
	}
	return d
}

// backoff is a doubling wait.
type backoff struct {
	mu          sync.Mutex
	first, most time.Duration
	current     time.Duration
	until       time.Time
}

// next lengthens the wait and returns it.
func (b *backoff) next() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.current = min(max(b.current*2, b.first), b.most)
	return b.current
}

// reset makes the next wait the first again.
func (b *backoff) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.current, b.until = 0, time.Time{}
}

// hit lengthens the wait and starts it, unless it is already running.
func (b *backoff) hit(now time.Time) {
	b.mu.Lock()
	running := now.Before(b.until)
	b.mu.Unlock()
	if running {
		return
	}
	d := b.next()
	b.mu.Lock()
	b.until = now.Add(d)
	b.mu.Unlock()
}

// over is the end of the running wait; the zero time when there is none.
func (b *backoff) over() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until
}
