package gate

import (
	"errors"
	"slices"
	"time"

	"github_workflow_exporter/githubapi"
)

// pageSizes in the order in which they are tried: big pages fail with 5xx on big answers again and again.
var pageSizes = []int{100, 50, 25, 10}

// sizeKept is for how long a smaller size is kept before the big one is tried again. Under another size a list has other
// URLs, so it has to be read anew.
const sizeKept = 24 * time.Hour

// Smaller pages are no remedy when they did not help one list twice in a row, or any lists so many times in a row: then a
// list is asked for one page a visit, in one size after the other.
const (
	fruitlessList = 2
	fruitlessAll  = 3
)

// PageSize is the size of pages that a list is known to be answered in.
type PageSize struct {
	size   int
	learnt time.Time

	fruitless int // how often in a row no size was answered
	turn      int // index of the size to be tried next while that is so
}

// Size is the one to ask for.
func (s *PageSize) Size(now time.Time) int {
	switch {
	case s.fruitless >= fruitlessList:
		return pageSizes[s.turn]
	case s.size == 0 || now.Sub(s.learnt) >= sizeKept:
		return pageSizes[0]
	}
	return s.size
}

// Learn notes the size in which the list is answered.
func (s *PageSize) Learn(size int, now time.Time) { s.size, s.learnt = size, now }

// Smaller is the size to try after one that failed; false after the smallest.
func Smaller(size int) (int, bool) {
	i := slices.Index(pageSizes, size)
	if i < 0 || i == len(pageSizes)-1 {
		return size, false
	}
	return pageSizes[i+1], true
}

// Mendable tells whether a smaller page may be answered where this one was not: the server gave up on making it, it did not
// come in time, or it is too large for the client. A server that asks to wait, or cannot be reached, is not helped so.
func Mendable(err error) bool {
	var e *githubapi.Error
	if _, notSent := Held(err); notSent || !errors.As(err, &e) || e.RetryAsked {
		return false
	}
	switch {
	case e.TooLarge:
		return true
	case e.Kind == githubapi.KindServer:
		return slices.Contains([]int{500, 502, 503, 504, 524}, e.Status)
	}
	return timedOut(err)
}

// Cut tells whether an answer came that was no whole page.
func Cut(err error) bool {
	_, notSent := Held(err)
	return githubapi.IsKind(err, githubapi.KindBody) && !notSent && !ForHost(err)
}

// timedOut tells whether an answer did not come in time: a page may be too much to make.
func timedOut(err error) bool {
	var timeout interface{ Timeout() bool }
	return githubapi.IsKind(err, githubapi.KindNetwork) && errors.As(err, &timeout) && timeout.Timeout()
}

// Ask sends a page request and, where smaller pages may help, sends it again for those, from the first one on. The size that
// is answered is remembered.
func (s *PageSize) Ask(g *Gate, request *githubapi.PageRequest, send func() error) (restarted bool, err error) {
	for {
		err = send()
		if err == nil || errors.Is(err, githubapi.ErrNotModified) {
			g.fruitless.Store(0)
			s.fruitless = 0
			if restarted {
				s.Learn(request.PerPage, g.Now())
			}
			return restarted, err
		}
		if !Mendable(err) {
			return restarted, err
		}
		size, ok := Smaller(request.PerPage)
		switch {
		case s.fruitless >= fruitlessList:
			s.turn = (s.turn + 1) % len(pageSizes) // another one at the next visit
			return restarted, err
		case !ok:
			s.fruitless, s.turn = s.fruitless+1, 0
			g.fruitless.Add(1)
			return restarted, err
		case g.fruitless.Load() >= fruitlessAll:
			return restarted, err
		}
		*request = githubapi.PageRequest{PerPage: size}
		restarted = true
	}
}
