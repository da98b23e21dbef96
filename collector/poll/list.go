package poll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/collector/schedule"
	"github_workflow_exporter/githubapi"
)

// listSlack is how late after its creation a run may appear in the list and still be found without the deep sweep.
const listSlack = 10 * time.Minute

// frontPasses is how often a list that loses entries while it is read is read again, the first time included.
const frontPasses = 3

// pageTries is how often a page behind the first is asked for when the network fails.
const pageTries = 3

// front is the first page of a repository's unfiltered runs list.
type front struct {
	tag   githubapi.Tag
	size  int       // of the page
	next  string    // the page behind it, where the deep sweep begins
	reach time.Time // back to which creation it goes
}

// readFront reads the unfiltered runs list, newest first, down to what was there when it was read last (the account's
// Through) or to since, and opens what is not closed. Filtered lists come from a lagging index and are not trusted
// with this. An unchanged list costs nothing.
func (v *Visitor) readFront(ctx context.Context, r *Repository) error {
	for pass := range frontPasses {
		again, err := v.frontPass(ctx, r, pass+1 == frontPasses)
		if err != nil {
			return fmt.Errorf("reading the runs list: %w", err)
		}
		if !again {
			return nil
		}
	}
	// A list that keeps shrinking under the reader: what is hidden shows at the next visit, Through stays where it is.
	return nil
}

// frontPass is one reading of the list from its first page; it asks to be repeated when the list lost entries between
// two pages, for then one that was not read has moved to a page that was. The last pass reads on nevertheless: that is better
// than nothing of what is behind.
func (v *Visitor) frontPass(ctx context.Context, r *Repository, readOn bool) (again bool, err error) {
	var began time.Time // of the pass, by the answer to its first request: the local clock may be wrong
	request := githubapi.PageRequest{PerPage: r.runPages.Size(v.Now()), Tag: r.front.tag}
	var first githubapi.Page[githubapi.Run]
	read, barren, seen := 0, 0, map[int64]bool{} // entries, pages in a row without a new one, ids
	for n := 0; ; n++ {
		page, restarted, err := v.runsPage(ctx, r, githubapi.RunFilter{}, &request)
		if n == 0 || restarted {
			began = r.gate.Client.ServerTime()
		}
		if r.account.Through.After(began.Add(listSlack)) { // by a clock that was wrong
			r.account.Through = r.account.Since
		}
		stop := schedule.Latest(r.account.Through.Add(-listSlack), r.account.Since)
		if errors.Is(err, githubapi.ErrNotModified) {
			r.account.Through = schedule.Latest(r.account.Through, began)
			for _, open := range r.runs {
				if open.listed {
					open.confirm(v.Now())
				}
			}
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if restarted || n == 0 {
			if err := v.checkEmpty(ctx, r, page); err != nil {
				return false, err
			}
			n, first, again, read, barren = 0, page, false, 0, 0
			clear(seen)
			for _, open := range r.runs {
				open.listed = false
			}
		} else if again = again || shrank(first.TotalCount, page.TotalCount, read+len(page.Items)); again && !readOn {
			return true, nil
		}
		read += len(page.Items)
		barren++
		for _, run := range page.Items {
			if run.ID <= 0 || !seen[run.ID] {
				seen[run.ID], barren = true, 0
			}
		}
		last := page.Next == "" || reaches(page.Items, stop)
		if !last && (n+1 >= maxRunPages || barren > maxBarren) {
			return false, fmt.Errorf("the list does not end: %d pages read", n+1)
		}
		through := time.Time{}
		if last && !again {
			through = began
		}
		if err := v.takeIn(ctx, r, page.Items, through, n == 0); err != nil {
			return false, err
		}
		if last && again {
			return true, nil
		}
		if last {
			r.account.Through = began
			break
		}
		request = githubapi.PageRequest{PerPage: request.PerPage, Next: page.Next}
	}
	// Only now is everything committed that the tag stands for.
	r.front = front{tag: first.Tag, size: request.PerPage, next: first.Next, reach: reach(first.Items)}
	r.changed = v.Now()
	return false, nil
}

// runsPage reads one page of a runs list. Where it fails for its size it starts over at the first page with smaller ones, for
// page numbers mean something else then.
func (v *Visitor) runsPage(ctx context.Context, r *Repository, filter githubapi.RunFilter, request *githubapi.PageRequest) (page githubapi.Page[githubapi.Run], restarted bool, err error) {
	restarted, err = r.runPages.Ask(r.gate, request, func() error {
		page, err = v.oneRunsPage(ctx, r, filter, *request)
		return err
	})
	return page, restarted, err
}

// oneRunsPage reads a page in the size asked for. Behind the first page it asks again when the network fails, for a pass
// that was cut off has to begin again; for that reason it is not held to the visit's requests either.
func (v *Visitor) oneRunsPage(ctx context.Context, r *Repository, filter githubapi.RunFilter, request githubapi.PageRequest) (page githubapi.Page[githubapi.Run], err error) {
	for range pageTries {
		err = v.askOf(ctx, r, func() (err error) {
			page, err = r.gate.Client.Runs(ctx, r.Repo().FullName, filter, request)
			return err
		})
		if _, notSent := gate.Held(err); notSent || request.Next == "" || !githubapi.IsKind(err, githubapi.KindNetwork) {
			break
		}
	}
	return page, err
}

// takeIn opens the runs of a page that have attempts to be closed, and commits that. An odd entry decides for itself only.
func (v *Visitor) takeIn(ctx context.Context, r *Repository, runs []githubapi.Run, through time.Time, listed bool) error {
	if err := v.checkOwners(ctx, r, runs); err != nil {
		return err
	}
	var opened []githubapi.Run
	for _, run := range runs {
		open, isNew, err := v.consider(ctx, r, run)
		if err != nil {
			return err
		}
		if open == nil {
			continue
		}
		open.listed = listed
		if isNew {
			opened = append(opened, run)
		}
	}
	if len(opened) == 0 && through.IsZero() {
		return nil
	}
	if err := v.Progress.Open(ctx, r.id, opened, through); err != nil {
		for _, run := range opened { // what is not remembered durably is considered anew
			delete(r.runs, run.ID)
		}
		return recorded(fmt.Errorf("remembering open runs: %w", err))
	}
	return nil
}

// consider looks at one run of a list: nil where there is nothing to follow.
func (v *Visitor) consider(ctx context.Context, r *Repository, run githubapi.Run) (open *openRun, isNew bool, err error) {
	if run.ID <= 0 {
		return nil, false, v.discardEntry(ctx, r, run)
	}
	if run.Undecodable {
		return v.considerByID(r, run.ID)
	}
	if run.Repository.ID != 0 && run.Repository.ID != r.id {
		return nil, false, nil // see checkOwners
	}
	if !v.Workflow(run.WorkflowPath()) {
		return nil, false, nil
	}
	if open, ok := r.runs[run.ID]; ok {
		v.saw(r, open, run)
		return open, false, nil
	}
	// Where the start is not known, the attempt's own endpoint will tell when it is over.
	if started := run.Started(); !started.IsZero() && started.Before(r.account.Since) {
		return nil, false, nil
	}
	closed, err := v.Progress.Attempts(r.id, run.ID)
	if err != nil {
		return nil, false, recorded(err)
	}
	if slices.Contains(closed, run.Number()) {
		return nil, false, nil
	}
	began := run.NotBefore() // where it is not known the jobs will tell
	if before(began, r.account.Pruned) {
		return nil, false, nil // known once, forgotten since
	}
	if before(began, v.horizon(r)) {
		return nil, false, v.discard(ctx, r, run, run.Number(), reasonTooOld)
	}
	open = newOpenRun(run.ID, closed, v.Now())
	open.observe(run, v.Now())
	r.runs[run.ID] = open
	return open, true, nil
}

// maxOddEntries bounds how many entries without an id are remembered for one repository: a server may make up any number.
const maxOddEntries = 1000

// discardEntry discards an entry of a list that has no id that could be read, once as long as it looks the same.
func (v *Visitor) discardEntry(ctx context.Context, r *Repository, run githubapi.Run) error {
	if run.Sum == 0 || r.odd >= maxOddEntries {
		return nil
	}
	mark := githubapi.Run{ID: -int64(run.Sum>>1) - 1, CreatedAt: r.gate.Client.ServerTime()} // ids of runs are positive
	closed, err := v.Progress.Attempts(r.id, mark.ID)
	if err != nil {
		return recorded(fmt.Errorf("looking up an entry without id: %w", err))
	}
	if len(closed) > 0 {
		return nil
	}
	r.odd++
	level.Warn(v.Logger).Log("msg", "an entry of the runs list has no id that can be read and is discarded", "repository", r.name)
	return v.discard(ctx, r, mark, mark.Number(), reasonUndecodable)
}

// considerByID opens a run whose entry could not be decoded, unless something is known of it: its own endpoint is asked
// then, and in the end it is discarded.
func (v *Visitor) considerByID(r *Repository, id int64) (open *openRun, isNew bool, err error) {
	if _, ok := r.runs[id]; ok {
		return nil, false, nil
	}
	closed, err := v.Progress.Attempts(r.id, id)
	if err != nil {
		return nil, false, recorded(err)
	}
	if len(closed) > 0 {
		return nil, false, nil
	}
	open = newOpenRun(id, nil, v.Now())
	r.runs[id] = open
	return open, true, nil
}

// discard closes an attempt without counting it.
func (v *Visitor) discard(ctx context.Context, r *Repository, run githubapi.Run, attempt int, reason string) error {
	if err := v.Recorder.Discard(ctx, r.Repo(), run, attempt, run.Number(), reason); err != nil {
		return recorded(fmt.Errorf("discarding attempt %d of run %d: %w", attempt, run.ID, err))
	}
	return nil
}
