package schedule

import (
	"math"
	"time"
)

// Open is an attempt that is known to go on.
type Open struct {
	Age     time.Duration // since its start
	Started bool          // a job of it runs: what is shown of it changes next when it is over
	Lengths *Lengths      // of its workflow; nil: nothing is known
}

// Outlook is what is known of a repository when it is decided when its list of runs is asked for again.
//
// An unchanged list is free, a changed one costs a request whatever it shows. So it is asked for when what it is likely to
// tell is worth that: each attempt that is over and not seen yet is worth more the longer it waits, a start alone is worth
// nothing.
type Outlook struct {
	Interval, Most time.Duration // the least and the most
	Worth          time.Duration // how long one attempt may wait for the sake of one request less

	Open    []Open
	Idle    time.Duration // since anything happened last
	Known   time.Duration // since its list was read first: it is left alone for no longer than that, for who has just begun to watch looks on
	Rate    float64       // runs that begin, per second
	Lengths *Lengths      // of its runs, all workflows together
}

// shared is how much sooner that is, for each run that begins within an interval.
const shared = 6

// Wait is how long the list is left alone.
func (l Outlook) Wait() time.Duration {
	l.Most = min(l.Most, max(l.Known, l.Interval))
	if len(l.Open) == 0 {
		// A tenth of the time it has been idle: what starts after an hour of silence is seen within six minutes.
		if idle := l.Idle / 10; idle >= l.Most {
			return max(l.Most, l.Interval)
		} else if idle > l.Interval {
			l.Interval = idle
		}
	}
	step := max(l.Interval/2, time.Second)
	// Where much goes on a look seldom tells of one attempt alone: it is worth it sooner.
	worth := l.Worth.Seconds() / (1 + shared*l.Rate*l.Interval.Seconds())
	waited := 0.0 // seconds that attempts will have waited, all together
	t := time.Duration(0)
	for t < l.Most {
		over, unchanged := l.at(t + step)
		waited += over * step.Seconds()
		t += step
		if t >= l.Interval && waited >= worth*(1-unchanged) {
			break
		}
	}
	return min(max(t, l.Interval), max(l.Most, l.Interval))
}

// at tells how many attempts will be over after a time, and how likely it is that nothing at all has changed.
func (l Outlook) at(t time.Duration) (over, unchanged float64) {
	unchanged = math.Exp(-l.Rate * t.Seconds())
	for _, o := range l.Open {
		p := o.Lengths.Over(o.Age, t)
		over += p
		if !o.Started { // it will start soon
			p = max(p, t.Seconds()/(t+time.Minute).Seconds())
		}
		unchanged *= 1 - p
	}
	// Of those that begin meanwhile, all that are short enough; begun at a time between now and then, any as likely.
	over += l.Rate * t.Seconds() * l.Lengths.Over(0, t/2)
	return over, unchanged
}

// Jitter lengthens a wait by up to a tenth, so that what was begun together does not go on together; share in [0, 1).
func Jitter(wait, most time.Duration, share float64) time.Duration {
	return min(wait+time.Duration(float64(wait)*share/10), max(wait, most))
}
