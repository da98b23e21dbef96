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

// list reads the repository's lists of runs and takes in what they show.
type list struct {
	*site
	identity *identity
	runs     *openRuns
	records  *records

	pages gate.PageSize
	odd   int // entries without an id that were discarded
}

// frontReader reads the front of the list of runs.
type frontReader struct {
	*site
	identity *identity
	runs     *openRuns
	list     *list

	page  front
	began time.Time // when it was begun to be read last, by the server's clock
}

// front is the first page of a repository's unfiltered runs list.
type front struct {
	tag   githubapi.Tag
	size  int       // of the page
	next  string    // the page behind it, where the deep sweep begins
	reach time.Time // back to which creation it goes
	empty bool      // nothing ever ran
}

// readFront reads the unfiltered runs list, newest first, down to what was there when it was read last (the account's
// Through) or to since, and opens what is not closed. Filtered lists come from a lagging index and are not trusted
// with this. An unchanged list costs nothing.
func (f *frontReader) readFront(ctx context.Context) error {
	for pass := range frontPasses {
		again, err := f.frontPass(ctx, pass+1 == frontPasses)
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
func (f *frontReader) frontPass(ctx context.Context, readOn bool) (again bool, err error) {
	var began time.Time // of the pass, by the answer to its first request: the local clock may be wrong
	request := githubapi.PageRequest{PerPage: f.list.pages.Size(f.Now()), Tag: f.page.tag}
	var first githubapi.Page[githubapi.Run]
	read, barren, seen := 0, 0, map[int64]bool{} // entries, pages in a row without a new one, ids
	for n := 0; ; n++ {
		page, restarted, err := f.list.runsPage(ctx, githubapi.RunFilter{}, &request)
		if n == 0 || restarted {
			began = f.gate.Client.ServerTime()
			f.began = began
		}
		if f.account.Through.After(began.Add(listSlack)) { // by a clock that was wrong
			f.account.Through = f.account.Since
		}
		stop := schedule.Latest(f.account.Through.Add(-listSlack), f.account.Since)
		if errors.Is(err, githubapi.ErrNotModified) {
			f.account.Through = schedule.Latest(f.account.Through, began)
			for _, open := range f.runs.open {
				if open.listed {
					open.confirm(f.Now())
				}
			}
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if restarted || n == 0 {
			if err := f.checkEmpty(ctx, page); err != nil {
				return false, err
			}
			n, first, again, read, barren = 0, page, false, 0, 0
			clear(seen)
			for _, open := range f.runs.open {
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
		if err := f.list.takeIn(ctx, page.Items, through, n == 0); err != nil {
			return false, err
		}
		if last && again {
			return true, nil
		}
		if last {
			f.account.Through = began
			break
		}
		request = githubapi.PageRequest{PerPage: request.PerPage, Next: page.Next}
	}
	// Only now is everything committed that the tag stands for.
	fresh := f.page.reach.IsZero() // what it shows has happened before it was asked for
	f.page = front{tag: first.Tag, size: request.PerPage, next: first.Next, reach: reach(first.Items), empty: len(first.Items) == 0}
	f.learn(first.Items)
	f.changed = f.Now()
	if last := f.habits.Last(); fresh && !last.IsZero() {
		f.changed = f.changed.Add(-max(f.gate.Client.ServerTime().Sub(last), 0))
	}
	return false, nil
}

// runsPage reads one page of a runs list. Where it fails for its size it starts over at the first page with smaller ones, for
// page numbers mean something else then.
func (l *list) runsPage(ctx context.Context, filter githubapi.RunFilter, request *githubapi.PageRequest) (page githubapi.Page[githubapi.Run], restarted bool, err error) {
	restarted, err = l.pages.Ask(l.gate, request, func() error {
		page, err = l.oneRunsPage(ctx, filter, *request)
		return err
	})
	return page, restarted, err
}

// oneRunsPage reads a page in the size asked for. Behind the first page it asks again when the network fails, for a pass
// that was cut off has to begin again; for that reason it is not held to the visit's requests either.
func (l *list) oneRunsPage(ctx context.Context, filter githubapi.RunFilter, request githubapi.PageRequest) (page githubapi.Page[githubapi.Run], err error) {
	for range pageTries {
		err = l.askOf(ctx, func() (err error) {
			page, err = l.gate.Client.Runs(ctx, l.Repo().FullName, filter, request)
			return err
		})
		if _, notSent := gate.Held(err); notSent || request.Next == "" || !githubapi.IsKind(err, githubapi.KindNetwork) {
			break
		}
	}
	return page, err
}

// takeIn opens the runs of a page that have attempts to be closed, and commits that. An odd entry decides for itself only.
func (l *list) takeIn(ctx context.Context, runs []githubapi.Run, through time.Time, listed bool) error {
	if err := l.identity.checkOwners(ctx, runs); err != nil {
		return err
	}
	var opened []githubapi.Run
	for _, run := range runs {
		open, isNew, err := l.consider(ctx, run)
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
	return l.remember(ctx, opened, through)
}

// remember remembers runs to be followed durably, and how far the list has been seen.
func (l *list) remember(ctx context.Context, opened []githubapi.Run, through time.Time) error {
	if len(opened) == 0 && through.IsZero() {
		return nil
	}
	if err := l.Progress.Open(ctx, l.id, opened, through); err != nil {
		for _, run := range opened { // what is not remembered durably is considered anew
			delete(l.runs.open, run.ID)
		}
		return recorded(fmt.Errorf("remembering open runs: %w", err))
	}
	return nil
}

// consider looks at one run of a list: nil where there is nothing to follow.
func (l *list) consider(ctx context.Context, run githubapi.Run) (open *openRun, isNew bool, err error) {
	if run.ID <= 0 {
		return nil, false, l.discardEntry(ctx, run)
	}
	if run.Undecodable {
		return l.considerByID(run.ID)
	}
	if run.Repository.ID != 0 && run.Repository.ID != l.id {
		return nil, false, nil // see checkOwners
	}
	if !l.Workflow(run.WorkflowPath()) {
		return nil, false, nil
	}
	l.Listed(l.id, run)
	if open, ok := l.runs.open[run.ID]; ok {
		l.runs.saw(open, run)
		return open, false, nil
	}
	// Where the start is not known, the attempt's own endpoint will tell when it is over.
	if started := run.Started(); !started.IsZero() && started.Before(l.account.Since) {
		return nil, false, nil
	}
	closed, err := l.Progress.Attempts(l.id, run.ID)
	if err != nil {
		return nil, false, recorded(err)
	}
	if slices.Contains(closed, run.Number()) {
		return nil, false, nil
	}
	began := run.NotBefore() // where it is not known the jobs will tell
	if before(began, l.account.Pruned) {
		return nil, false, nil // known once, forgotten since
	}
	if before(began, l.horizon()) {
		return nil, false, l.records.discard(ctx, run, run.Number(), reasonTooOld)
	}
	open = newOpenRun(run.ID, closed, l.Now())
	open.observe(run, l.Now())
	l.found(run)
	l.runs.open[run.ID] = open
	return open, true, nil
}

// maxOddEntries bounds how many entries without an id are remembered for one repository: a server may make up any number.
const maxOddEntries = 1000

// discardEntry discards an entry of a list that has no id that could be read, once as long as it looks the same.
func (l *list) discardEntry(ctx context.Context, run githubapi.Run) error {
	if run.Sum == 0 || l.odd >= maxOddEntries {
		return nil
	}
	mark := githubapi.Run{ID: -int64(run.Sum>>1) - 1, CreatedAt: l.gate.Client.ServerTime()} // ids of runs are positive
	closed, err := l.Progress.Attempts(l.id, mark.ID)
	if err != nil {
		return recorded(fmt.Errorf("looking up an entry without id: %w", err))
	}
	if len(closed) > 0 {
		return nil
	}
	l.odd++
	level.Warn(l.Logger).Log("msg", "an entry of the runs list has no id that can be read and is discarded", "repository", l.name)
	return l.records.discard(ctx, mark, mark.Number(), reasonUndecodable)
}

// considerByID opens a run whose entry could not be decoded, unless something is known of it: its own endpoint is asked
// then, and in the end it is discarded.
func (l *list) considerByID(id int64) (open *openRun, isNew bool, err error) {
	if _, ok := l.runs.open[id]; ok {
		return nil, false, nil
	}
	closed, err := l.Progress.Attempts(l.id, id)
	if err != nil {
		return nil, false, recorded(err)
	}
	if len(closed) > 0 {
		return nil, false, nil
	}
	open = newOpenRun(id, nil, l.Now())
	l.runs.open[id] = open
	return open, true, nil
}

// discard closes an attempt without counting it.
func (c *records) discard(ctx context.Context, run githubapi.Run, attempt int, reason string) error {
	if err := c.Recorder.Discard(ctx, c.Repo(), run, attempt, run.Number(), reason); err != nil {
		return recorded(fmt.Errorf("discarding attempt %d of run %d: %w", attempt, run.ID, err))
	}
	return nil
}

// checkEmpty asks whose list it is when one is empty that had runs: it may be that of a new repository under the old name.
func (f *frontReader) checkEmpty(ctx context.Context, page githubapi.Page[githubapi.Run]) error {
	if len(page.Items) > 0 || f.account.Through.IsZero() && len(f.runs.open) == 0 {
		return nil
	}
	_, err := f.identity.confirmIdentity(ctx)
	return err
}

// learn takes in what the first page shows of how often runs begin and how long they take.
func (f *frontReader) learn(runs []githubapi.Run) {
	seen := make([]schedule.Seen, 0, len(runs))
	for _, run := range runs {
		seen = append(seen, schedule.Seen{
			Workflow: run.WorkflowID, Created: run.CreatedAt, Started: run.Started(), Updated: run.UpdatedAt, Over: run.Completed(),
		})
	}
	f.habits.Learn(seen)
}
