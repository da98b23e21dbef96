package schedule

import (
	"slices"
	"time"
)

// remembered is of how many runs the lengths are kept: enough for a guess, and what was true last month is forgotten soon.
const remembered = 8

// unknownLength is how long a run takes of which nothing is known.
const unknownLength = 5 * time.Minute

// Lengths remembers how long the last runs of a workflow took. The zero value knows nothing.
type Lengths struct {
	seconds [remembered]float32 // ascending
	order   [remembered]uint8   // position in seconds, by age: the oldest first
	known   uint8
}

// Add takes in how long a run took.
func (l *Lengths) Add(took time.Duration) {
	s := float32(took.Seconds())
	if s < 0 {
		return
	}
	if l.known == remembered {
		l.forget()
	}
	n := int(l.known)
	at, _ := slices.BinarySearch(l.seconds[:n], s)
	copy(l.seconds[at+1:n+1], l.seconds[at:n])
	l.seconds[at] = s
	for i := range n {
		if int(l.order[i]) >= at {
			l.order[i]++
		}
	}
	l.order[n] = uint8(at)
	l.known++
}

// forget drops the oldest.
func (l *Lengths) forget() {
	n := int(l.known)
	gone := int(l.order[0])
	copy(l.seconds[gone:n-1], l.seconds[gone+1:n])
	copy(l.order[:n-1], l.order[1:n])
	for i := range n - 1 {
		if int(l.order[i]) > gone {
			l.order[i]--
		}
	}
	l.known--
}

// Over is the probability that a run that goes on at an age is over so much later.
func (l *Lengths) Over(age, later time.Duration) float64 {
	a, b := float32(age.Seconds()), float32((age + later).Seconds())
	var longer, within float64
	if l != nil {
		for _, s := range l.seconds[:l.known] {
			if s > a {
				longer++
				if s <= b {
					within++
				}
			}
		}
	}
	if longer == 0 {
		// Longer than any before: the older it is, the longer it may go on.
		most := max(age, l.Typical()) / 2
		return later.Seconds() / (later + most).Seconds()
	}
	// One more than is known: the next one may be longer than all.
	return (within + later.Seconds()/(later+age+unknownLength).Seconds()) / (longer + 1)
}

// Typical is the median.
func (l *Lengths) Typical() time.Duration {
	if l == nil || l.known == 0 {
		return unknownLength
	}
	return time.Duration(float64(l.seconds[l.known/2]) * float64(time.Second))
}
