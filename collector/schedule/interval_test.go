package schedule

import (
	"testing"
	"time"
)

func TestRevisit(t *testing.T) {
	const interval, most = time.Minute, 15 * time.Minute
	for _, test := range []struct {
		name   string
		idle   time.Duration
		active bool
		jitter float64
		want   time.Duration
	}{
		{"active", 5 * time.Hour, true, 0, interval},
		{"just idle", time.Minute, false, 0, interval},
		{"idle for an hour", time.Hour, false, 0, 6 * time.Minute},
		{"idle for a day", 24 * time.Hour, false, 0, most},
		{"jitter is up to a tenth", time.Minute, false, 0.5, interval + 3*time.Second},
		{"jitter does not exceed the most", 24 * time.Hour, false, 0.9, most},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Revisit(interval, most, test.idle, test.active, test.jitter); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestRetryDoublesUpToTheMost(t *testing.T) {
	want := []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute}
	for i, w := range want {
		if got := Retry(time.Minute, 15*time.Minute, i+1); got != w {
			t.Errorf("after %d failures %s, want %s", i+1, got, w)
		}
	}
}
