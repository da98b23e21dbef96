package schedule

import "time"

// RetryWait is the wait after the n-th failure in a row, 1 and up: the interval, doubling up to the most.
func RetryWait(interval, most time.Duration, n int) time.Duration {
	d := interval
	for range min(n-1, 20) {
		if d *= 2; d >= most {
			return max(most, interval)
		}
	}
	return d
}

// Latest is the later of two times.
func Latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
