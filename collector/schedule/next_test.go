package schedule

import (
	"testing"
	"time"
)

// TestNextOfWhatIsTold: the more of a repository is told, the longer its list is left alone.
func TestNextOfWhatIsTold(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	state := State{
		Outlook: Outlook{Interval: time.Minute, Most: 15 * time.Minute, Worth: 2 * time.Minute, Known: 24 * time.Hour, Rate: 1. / 60},
		Looked:  true, HintedInterval: time.Hour,
	}
	for _, test := range []struct {
		told    Told
		charged bool
		idle    time.Duration
		longest time.Duration
	}{
		{ToldNothing, false, 0, 2 * time.Minute}, {ToldMost, false, 0, 15 * time.Minute}, {ToldAll, false, 0, time.Hour}, {ToldTwice, false, 0, time.Hour},
		{ToldMost, true, 0, 15 * time.Minute}, {ToldAll, true, 0, time.Hour}, {ToldTwice, true, 0, 24 * time.Hour},
		{ToldAll, true, 50 * time.Hour, 5 * time.Hour}, {ToldAll, true, 90 * 24 * time.Hour, 24 * time.Hour}, {ToldAll, false, 50 * time.Hour, time.Hour},
	} {
		state.Told, state.Charged, state.Idle = test.told, test.charged, test.idle
		for _, share := range []float64{0, .5, .999} {
			turn, lookAt := state.Next(now, share)
			if wait := lookAt.Sub(now); wait > test.longest || wait < test.longest*8/10 && test.told != ToldNothing || !turn.At.Equal(lookAt) || turn.Reason != Look {
				t.Errorf("told %d, charged %t, share %g: looked at after %s (%v), want %s", test.told, test.charged, share, wait, turn, test.longest)
			}
		}
	}
	state.Idle, state.Empty = 0, true
	for told, longest := range map[Told]time.Duration{ToldNothing: 2 * time.Minute, ToldMost: 15 * time.Minute, ToldAll: 24 * time.Hour} {
		state.Told, state.Charged = told, true
		if _, lookAt := state.Next(now, 0); lookAt.Sub(now) > longest || lookAt.Sub(now) < longest*8/10 && told != ToldNothing {
			t.Errorf("without a run and told %d it is looked at after %s, want %s", told, lookAt.Sub(now), longest)
		}
	}
	state.Empty = false
	// What is to be done all the same is not put off.
	state.Again = true
	if turn, _ := state.Next(now, 0); turn.Reason != Called || turn.At.Sub(now) != againAfter {
		t.Errorf("%v, want it called after %s", turn, againAfter)
	}
	state.Again, state.ToClose = false, now.Add(10*time.Second)
	if turn, _ := state.Next(now, 0); turn.Reason != Closing || turn.At.Sub(now) != 10*time.Second {
		t.Errorf("%v, want it closing", turn)
	}
	state.ToClose = now.Add(-time.Minute)
	if turn, _ := state.Next(now, 0); turn.Reason != Closing || turn.At.Sub(now) != closeFirst/2 {
		t.Errorf("%v, want it closing soon", turn)
	}
}
