package schedule

import "time"

// Retry is the wait after the n-th failure in a row, 1 and up: the interval, doubling up to the most.
func Retry(interval, most time.Duration, n int) time.Duration {
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

// Revisit is how long a repository is left alone after a visit: the interval while something runs or has happened
// of late, longer the longer nothing has, up to the most. jitter in [0, 1) spreads repositories by up to a tenth.
func Revisit(interval, most, idle time.Duration, active bool, jitter float64) time.Duration {
	d := interval
	if !active {
		// A tenth of the time it has been idle: what starts after an hour of silence is seen within six minutes.
		d = min(max(idle/10, interval), most)
	}
	return min(d+time.Duration(float64(d)*jitter/10), max(most, interval))
}
