package poll

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

// pageSize is the size of pages that a list is known to be answered in.
type pageSize struct {
	size   int
	learnt time.Time
}

func (s *pageSize) now(now time.Time) int {
	if s.size == 0 || now.Sub(s.learnt) >= sizeKept {
		return pageSizes[0]
	}
	return s.size
}

func (s *pageSize) learn(size int, now time.Time) { *s = pageSize{size, now} }

// smaller is the size to try after a 5xx; false after the smallest.
func smaller(size int) (int, bool) {
	i := slices.Index(pageSizes, size)
	if i < 0 || i == len(pageSizes)-1 {
		return size, false
	}
	return pageSizes[i+1], true
}

// timedOut tells whether an answer did not come in time: a page may be too much to make.
func timedOut(err error) bool {
	var timeout interface{ Timeout() bool }
	return kindIs(err, githubapi.KindNetwork) && errors.As(err, &timeout) && timeout.Timeout()
}

// shrinking sends a page request, on 5xx or without an answer in time again for smaller pages from the first one on.
func shrinking(request *githubapi.PageRequest, send func() error) (restarted bool, err error) {
	for {
		if err = send(); !kindIs(err, githubapi.KindServer) && !timedOut(err) {
			return restarted, err
		}
		size, ok := smaller(request.PerPage)
		if !ok {
			return restarted, err
		}
		*request = githubapi.PageRequest{PerPage: size}
		restarted = true
	}
}
