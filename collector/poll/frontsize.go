package poll

import (
	"time"

	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/githubapi"
)

// frontSize is how long a list's first page is asked for. A page of a hundred runs takes GitHub a second of its time, and what
// changes of a list stands at its front. But under another size a list has another address, and has to be read anew; and the
// pages behind it have to be read from the first one on. That is a request in seven more for a quarter of the bytes and of the
// server's time (TestDays): worth it where requests have no limit, and only there.
type frontSize struct {
	size int // 0: not known yet
	less int // how often in a row half of it would have done
}

const (
	// lessOften is how often in a row that has to be for it to become smaller.
	lessOften = 3
	// frontMargin is how many runs more are asked for than are expected to change.
	frontMargin = 5
)

// ask is the size to ask for, of those that the list is answered in.
func (s *frontSize) ask(answered int) int {
	if s.size == 0 {
		return answered
	}
	return min(s.size, answered)
}

// learn takes in a list as it was read from its front on, of which so many entries were needed to meet what was known. Those
// from now on are what goes on and what has begun within a while.
func (s *frontSize) learn(runs []githubapi.Run, read int, since time.Time) {
	need := 0
	if read > len(runs) { // more than a page
		need = read
	}
	for i, run := range runs {
		if !run.Completed() || run.CreatedAt.After(since) {
			need = max(need, i+1)
		}
	}
	size := gate.PageFor(need + frontMargin)
	switch {
	case s.size == 0 && size < gate.PageFor(len(runs)), s.size > 0 && 2*size <= s.size:
		if s.less++; s.less >= lessOften {
			s.size, s.less = size, 0
		}
	case s.size > 0 && size > s.size:
		s.size, s.less = size, 0
	default:
		s.less = 0
	}
}
