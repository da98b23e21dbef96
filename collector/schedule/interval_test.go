package schedule

import (
	"testing"
	"time"
)

func TestRetryDoublesUpToTheMost(t *testing.T) {
	want := []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute}
	for i, w := range want {
		if got := RetryWait(time.Minute, 15*time.Minute, i+1); got != w {
			t.Errorf("after %d failures %s, want %s", i+1, got, w)
		}
	}
}
