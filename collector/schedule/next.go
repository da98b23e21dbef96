package schedule

import "time"

// State is what is known of a repository after a visit that went well.
type State struct {
	Outlook
	Looked bool      // the visit read the list of runs
	LookAt time.Time // if not: when that is to be done
	// HintedInterval is how long the list is left alone then.
	HintedInterval time.Duration
	Empty          bool // it has no runs
	// ToClose is when an attempt that is over and not complete yet is to be read again; zero: there is none.
	ToClose time.Time
	Again   bool      // a hint is not explained by what the list shows
	Told    Told      // what others tell of it
	Charged bool      // a look costs a request also where nothing has changed, if the last one was long ago
	LiveAt  time.Time // when the jobs of what goes on are to be read next; the zero time if nothing is followed
}

// againAfter is how long it is until the list is read again for a hint that it does not explain yet.
const againAfter = 5 * time.Second

// Next is when the repository is visited again and why, and when its list of runs is read again, at that visit or a later one.
// share, in [0, 1), spreads visits that were made together.
func (s State) Next(now time.Time, share float64) (turn Turn, lookAt time.Time) {
	soon := now.Add(Jitter(s.Interval, s.Most, share))
	lookAt = s.LookAt
	if s.Looked {
		lookAt = now.Add(Jitter(s.Wait(), s.Most, share))
		if longest := s.unasked(); longest > 0 {
			lookAt = now.Add(Jitter(longest-longest/10, longest, share))
		}
	}
	turn = Turn{lookAt, Look}
	if len(s.Open) > 0 {
		turn.Reason = Over
	}
	if s.Again {
		lookAt = now.Add(againAfter)
		return Turn{lookAt, Called}, lookAt
	}
	if !s.ToClose.IsZero() {
		lookAt = Latest(s.ToClose, now.Add(min(closeFirst/2, s.Interval))) // to see what it says then, which mostly costs nothing
		return Turn{lookAt, Closing}, lookAt
	}
	if !s.LiveAt.IsZero() {
		turn = turn.Sooner(Turn{Latest(s.LiveAt, soon), Live})
	}
	return turn, lookAt
}

// closeFirst is how long an attempt that is over and not complete is left alone the first time: most become so within seconds.
const closeFirst = 10 * time.Second

// CloseGap is how long one is left alone that has been over for so long: as long again, up to an interval.
func CloseGap(interval, over time.Duration) time.Duration {
	return min(max(over, closeFirst), interval)
}

// Told is how much of what happens in a repository somebody tells who has proved to.
type Told int

// The amounts.
const (
	ToldNothing Told = iota
	ToldMost         // but not all: it is looked at now and then
	ToldAll
	ToldTwice // and somebody else tells most of it: what one of them misses the other tells
)

// chargedInterval is how long the list is left alone at most where to look costs a request whatever it shows.
const chargedInterval = 24 * time.Hour

// unasked is how long the list is left alone where others tell; zero: as long as the outlook says.
func (s State) unasked() time.Duration {
	longest := max(s.Most, s.Interval)
	switch {
	case s.Told == ToldNothing:
		return 0
	case s.Told == ToldMost:
		return longest
	case s.Charged && (s.Told == ToldTwice || s.Empty):
		return max(s.HintedInterval, longest, chargedInterval)
	case s.Charged: // where nothing happens, a tenth of the time for which that has been so
		longest = max(longest, min(s.Idle/10, chargedInterval))
	}
	return max(s.HintedInterval, longest)
}
