package poll

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github_workflow_exporter/githubapi"
)

// maxWanted bounds how many runs are asked for by a hint in one visit; the list shows most of them anyway.
const maxWanted = 100

// wanted are runs of which somebody says that an attempt is over. Most of them the list shows; a re-run of an old run it does
// not.
type wanted struct {
	mu   sync.Mutex
	runs map[int64]int // the attempt
}

// add notes one; safe for concurrent use.
func (w *wanted) add(run int64, attempt int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.runs == nil {
		w.runs = map[int64]int{}
	}
	if _, known := w.runs[run]; known || len(w.runs) < maxWanted {
		w.runs[run] = max(w.runs[run], attempt)
	}
}

// take returns them and forgets them.
func (w *wanted) take() map[int64]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	runs := w.runs
	w.runs = nil
	return runs
}

// want has the runs asked for by their number that a list which has just been read does not show to be over.
func (l *list) want(ctx context.Context, runs map[int64]int) error {
	var opened []githubapi.Run
	for id, attempt := range runs {
		if open, ok := l.runs.open[id]; ok {
			if open.latest() < attempt || !open.toClose() {
				open.ask()
			}
			continue
		}
		closed, err := l.Progress.Attempts(l.id, id)
		if err != nil {
			return recorded(fmt.Errorf("looking up run %d: %w", id, err))
		}
		if !slices.Contains(closed, attempt) {
			l.runs.open[id] = newOpenRun(id, closed, l.Now())
			opened = append(opened, githubapi.Run{ID: id})
		}
	}
	return l.remember(ctx, opened, time.Time{})
}
