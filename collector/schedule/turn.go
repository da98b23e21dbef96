package schedule

import "time"

// Reason says why a repository is visited.
type Reason string

// The reasons.
const (
	New       Reason = "new"       // it has not been visited yet
	Continued Reason = "continued" // the visit before used up its requests
	Over      Reason = "over"      // a run that went on is likely over
	Look      Reason = "look"      // its list of runs may show something new
	Closing   Reason = "closing"   // a finished attempt waits to be closed
	Live      Reason = "live"      // the jobs of what goes on may have changed
	Retry     Reason = "retry"     // the visit before failed
	Waited    Reason = "waited"    // nobody could be asked
	Called    Reason = "called"    // somebody says that there is news, or wants to know
)

// Reasons are all of them.
func Reasons() []Reason {
	return []Reason{New, Continued, Over, Look, Closing, Live, Retry, Waited, Called}
}

// behind is how much longer than others a visit for a reason may have to wait while there are more of them than can be made:
// what is known to wait goes before looking whether there is anything, and what shows what goes on comes last.
func (r Reason) behind() time.Duration {
	switch r {
	case Look:
		return time.Minute
	case Live:
		return 2 * time.Minute
	default:
		return 0
	}
}

// Turn is when a repository is visited next, and why.
type Turn struct {
	At     time.Time
	Reason Reason
}

// Sooner is the one of two turns that comes first.
func (t Turn) Sooner(other Turn) Turn {
	if other.At.Before(t.At) {
		return other
	}
	return t
}

const (
	// liveMost is how many intervals the jobs of an attempt that goes on are left alone, as long as they have not been followed
	// for longer than that.
	liveMost = 4
	// liveJobs is of how many jobs it is worth a request each interval to know what they do.
	liveJobs = 16
	// liveOften is how often at least within the longest wait for a look: what cannot be confirmed is not shown for long.
	liveOften = 2
)

// LiveGap is how long the jobs of an attempt that goes on are left alone. Each change of them costs a request, and an attempt
// of some minutes has a dozen; so the gap is the shorter the more jobs a page tells of, and the longer the longer they have
// been followed, unless some of them wait: that is what people ask about.
func LiveGap(interval, most, followed time.Duration, unfinished int, waiting bool) time.Duration {
	if unfinished == 0 { // none is listed yet
		return interval
	}
	gap := interval * time.Duration(min(max(liveJobs/unfinished, 1), liveMost))
	if !waiting {
		gap = max(gap, 2*followed)
	}
	return max(min(gap, most/liveOften), interval)
}
