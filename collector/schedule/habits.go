package schedule

import "time"

const (
	// arrivals is of how many of the last runs it is kept when they began.
	arrivals = 6
	// maxWorkflows is of how many workflows of a repository the lengths are kept apart.
	maxWorkflows = 200
)

// Habits is what a repository's list of runs has taught: how often runs begin and how long they take. It is learnt from what
// the list shows anyway, and after a start from its first page, which holds the last hundred runs.
type Habits struct {
	all       Lengths
	workflows map[int64]*Lengths
	began     []time.Time // ascending
	ended     time.Time   // the latest end that was learnt from
}

// Seen is one run as a list shows it.
type Seen struct {
	Workflow                  int64
	Created, Started, Updated time.Time
	Over                      bool
}

// Learn takes in what a page shows, newest first. What was shown before teaches nothing again.
func (h *Habits) Learn(page []Seen) {
	ended := h.ended
	for i := len(page) - 1; i >= 0; i-- {
		s := page[i]
		if n := len(h.began); !s.Created.IsZero() && (n == 0 || s.Created.After(h.began[n-1])) {
			h.began = append(h.began[max(0, n-arrivals+1):n:n], s.Created)
		}
		if !s.Over || s.Started.IsZero() || !s.Updated.After(h.ended) {
			continue
		}
		if s.Updated.After(ended) {
			ended = s.Updated
		}
		took := s.Updated.Sub(s.Started)
		h.all.Add(took)
		if of := h.of(s.Workflow); of != nil {
			of.Add(took)
		}
	}
	h.ended = ended
}

func (h *Habits) of(workflow int64) *Lengths {
	if h.workflows == nil {
		h.workflows = map[int64]*Lengths{}
	}
	l := h.workflows[workflow]
	if l == nil && len(h.workflows) < maxWorkflows {
		l = &Lengths{}
		h.workflows[workflow] = l
	}
	return l
}

// Lengths are those of a workflow's runs, or of all where nothing is known of it.
func (h *Habits) Lengths(workflow int64) *Lengths {
	if l := h.workflows[workflow]; l != nil && l.known > 0 {
		return l
	}
	return &h.all
}

// Rate is how many runs begin per second: of late, and the fewer the longer none has.
func (h *Habits) Rate(now time.Time) float64 {
	if len(h.began) == 0 {
		return 0
	}
	since := now.Sub(h.began[0])
	return float64(len(h.began)) / max(since.Seconds(), 1)
}

// Last is when a run began or ended last, as far as is known.
func (h *Habits) Last() time.Time {
	if n := len(h.began); n > 0 {
		return Latest(h.began[n-1], h.ended)
	}
	return h.ended
}
