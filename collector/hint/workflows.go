package hint

import (
	"maps"
	"slices"
	"time"

	"github_workflow_exporter/githubapi"
)

const (
	// maxWorkflows bounds of how many workflows something is known, maxFollowed how many of the runs of one.
	maxWorkflows = 100_000
	maxFollowed  = 100
	// headsMost is for how long a workflow is not asked about in which nothing happens, or of which another source tells all.
	headsMost = 10 * time.Minute
)

// workflows are those that lists have shown, by what they are told apart by.
type workflows map[workflowID]*workflow

type workflowID struct{ repo, number int64 }

type workflow struct {
	id      workflowID
	path    string
	runs    map[int64]*headRun // by id: those that began last, and those that go on
	newest  int64              // the highest id among them that there ever was
	changed time.Time          // the latest that is known, by GitHub's clock
	asked   time.Time          // for its heads, by the local clock
	told    bool               // it was answered: of its repository is told
}

// headRun is a run of which something may be told.
type headRun struct {
	node    string
	attempt int
	updated time.Time
	over    bool
	head    bool      // it is among those that began last
	asked   time.Time // how it stands, by the local clock
}

// listed takes in a run that a list has shown. That it is over is not news any more.
func (all workflows) listed(repo int64, run githubapi.Run) {
	if run.NodeID == "" || run.WorkflowID <= 0 || run.ID <= 0 {
		return
	}
	id := workflowID{repo, run.WorkflowID}
	w := all[id]
	if w == nil {
		if len(all) >= maxWorkflows {
			return
		}
		w = &workflow{id: id, runs: map[int64]*headRun{}}
		all[id] = w
	}
	w.path = run.WorkflowPath()
	w.changes(run.UpdatedAt)
	r := w.runs[run.ID]
	switch {
	case r == nil && (len(w.runs) >= maxFollowed || run.Completed() && run.ID < w.newest):
		return
	case r == nil:
		r = &headRun{}
		w.runs[run.ID] = r
	case r.updated.After(run.UpdatedAt): // the list lags
		return
	}
	w.newest = max(w.newest, run.ID)
	*r = headRun{node: run.NodeID, attempt: run.Number(), updated: run.UpdatedAt, over: run.Completed(), head: r.head, asked: r.asked}
}

func (all workflows) forget(repo int64) {
	for id := range all {
		if id.repo == repo {
			delete(all, id)
		}
	}
}

func (w *workflow) changes(at time.Time) {
	if at.After(w.changed) {
		w.changed = at
	}
}

// question is one id of a query.
type question struct {
	of    *workflow
	heads bool  // of the workflow, by one of its runs; else how the run stands
	run   int64 // which one
	node  string
	asked time.Time // last
	due   time.Time
}

// due are the questions that are asked next, so many at once, all of one kind: about heads, or about the states of runs that are
// none. None: nothing is to be asked for a while. What is left of the last of the queries goes to others that will be due next,
// but not within half an interval of the last time: a hundred cost as much as one.
func (all workflows) due(now time.Time, interval, longest time.Duration, size int, told func(repo int64) bool) (list []question, wait time.Duration) {
	var heads, open []question
	for _, w := range all {
		going, youngest := false, int64(0)
		for id, r := range w.runs {
			going, youngest = going || !r.over, max(youngest, id)
			if !r.over && !r.head && !w.asked.IsZero() {
				open = append(open, question{w, false, id, r.node, r.asked, r.asked.Add(interval)})
			}
		}
		gap := max(interval, headsMost)
		if !told(w.id.repo) {
			gap = interval
			if !going { // a tenth of the time for which nothing has happened
				gap = min(max(now.Sub(w.changed)/10, interval), longest)
			}
		}
		heads = append(heads, question{w, true, youngest, w.runs[youngest].node, w.asked, w.asked.Add(gap)})
	}
	first := func(list []question) time.Duration {
		wait := headsMost
		for _, q := range list {
			wait = min(wait, q.due.Sub(now))
		}
		return wait
	}
	list, wait = heads, first(heads)
	if other := first(open); other < wait {
		list, wait = open, other
	}
	if wait > 0 {
		return nil, wait
	}
	list = slices.DeleteFunc(list, func(q question) bool { return now.Sub(q.asked) < interval/2 })
	slices.SortFunc(list, func(a, b question) int { return a.due.Compare(b.due) })
	n, _ := slices.BinarySearchFunc(list, now, func(q question, now time.Time) int { return q.due.Compare(now) })
	queries := max((n+size-1)/size, 1)
	return list[:min(len(list), queries*size)], 0
}

// found is what answers tell.
type found struct {
	over   []News
	began  []int64
	covers []int64
}

// take takes in the answer to a question: the runs that began last, or the one run; none where it is gone.
func (all workflows) take(q question, answer []githubapi.RunHead, now time.Time, news *found) {
	w := q.of
	if all[w.id] != w {
		return // it was forgotten meanwhile
	}
	switch {
	case len(answer) == 0:
		delete(w.runs, q.run)
	case q.heads:
		w.takeHeads(answer, news)
		if !w.told {
			w.told = true
			news.covers = append(news.covers, w.id.repo)
		}
	default:
		w.take(answer[0], news)
		if r := w.runs[q.run]; r != nil {
			r.asked = now
		}
	}
	if q.heads {
		w.asked = now
	}
	maps.DeleteFunc(w.runs, func(_ int64, r *headRun) bool { return r.over && !r.head && !w.asked.IsZero() })
	if len(w.runs) == 0 {
		delete(all, w.id) // the next list tells of it again
	}
}

// takeHeads takes in the runs that began last.
func (w *workflow) takeHeads(heads []githubapi.RunHead, news *found) {
	for _, r := range w.runs {
		r.head = false
	}
	newest, known, latest := w.newest, false, time.Time{}
	for _, h := range heads {
		known = known || w.runs[h.ID] != nil
		if w.runs[h.ID] == nil && w.asked.IsZero() && h.ID < newest {
			w.runs[h.ID] = &headRun{node: h.NodeID, attempt: 1, updated: h.UpdatedAt, over: h.Over()} // what lists have shown, or are about to
		}
		w.take(h, news)
		if r := w.runs[h.ID]; r != nil {
			r.head = true
		}
		if h.UpdatedAt.After(latest) {
			latest = h.UpdatedAt
		}
	}
	if !known && !w.asked.IsZero() { // more may have begun, and have ended, than is told
		news.over = append(news.over, News{Repository: w.id.repo, Path: w.path, AsOf: latest})
	}
}

// take takes in how a run stands.
func (w *workflow) take(h githubapi.RunHead, news *found) {
	if h.ID <= 0 || h.Status == "" {
		return
	}
	w.changes(h.UpdatedAt)
	r := w.runs[h.ID]
	if r == nil {
		if len(w.runs) >= maxFollowed {
			return
		}
		r = &headRun{node: h.NodeID, attempt: 1}
		w.runs[h.ID], w.newest = r, max(w.newest, h.ID)
		if !h.Over() {
			news.began = append(news.began, w.id.repo)
		}
	} else if r.over && !h.Over() {
		r.attempt++ // it is run again
		news.began = append(news.began, w.id.repo)
	}
	switch {
	case h.Over() && !r.over:
		news.over = append(news.over, News{Repository: w.id.repo, Run: h.ID, Attempt: r.attempt, Path: w.path, Over: true, AsOf: h.UpdatedAt})
	case h.Over() && h.UpdatedAt.After(r.updated): // run again, and over again: which attempt that was is not known
		news.over = append(news.over, News{Repository: w.id.repo, Path: w.path, AsOf: h.UpdatedAt})
	}
	r.over, r.updated = h.Over(), h.UpdatedAt
}
