package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/collector/schedule"
	"github_workflow_exporter/githubapi"
)

const (
	// deepEvery is how often the pages behind the first are gone through in search of re-runs of old runs, a page a visit.
	deepEvery = 6 * time.Hour
	// hintEvery is how often the filtered lists are asked for old runs that are active again.
	hintEvery = 5 * time.Minute
	// hintStep rounds the hints' created filter, so that the URL, and with it the tag, lasts for a while.
	hintStep = 6 * time.Hour
)

// deep is the way through the pages behind the first.
type deep struct {
	began time.Time // of the pass
	on    bool      // a pass is under way
	next  string    // the page to be read
	size  int       // of the pages
	pages map[string]deepPage

	failures int // of the page to be read, in a row
}

// deepTries is how often a deeper page is asked for before the pages are taken to be too big.
const deepTries = 3

// deepPage is a page as last read, by its URL: an unchanged one costs nothing and still tells the way on.
type deepPage struct {
	tag   githubapi.Tag
	next  string
	reach time.Time
}

// sweep looks behind the first page, one page a visit and from spare budget: the unfiltered list orders runs by their
// creation, so a re-run of an old run shows nowhere else. Re-runs are possible for 30 days after the first run.
func (v *Visitor) sweep(ctx context.Context, r *Repository) error {
	if !r.account.Swept || r.front.next == "" || !r.gate.Spare() {
		return nil
	}
	hinted := v.askHints(ctx, r)
	if hinted != nil {
		hinted = fmt.Errorf("asking for active old runs: %w", hinted)
	}
	if hinted != nil && !confined(hinted) {
		return hinted
	}
	if err := v.deepPage(ctx, r); err != nil { // which does without hints
		return fmt.Errorf("reading a deeper page of the runs list: %w", err)
	}
	return hinted
}

func (v *Visitor) deepPage(ctx context.Context, r *Repository) error {
	now := v.Now()
	end := r.gate.Client.ServerTime().Add(-v.RerunWindow)
	if !r.deep.on {
		if before(r.front.reach, end) || now.Sub(r.deep.began) < deepEvery {
			return nil
		}
		known := r.deep.pages
		r.deep = deep{began: now, on: true, next: r.front.next, size: r.front.size, pages: map[string]deepPage{}}
		// Keep what was read last time of the pages that are still on the way.
		for url := r.deep.next; url != ""; url = known[url].next {
			if page, ok := known[url]; !ok || len(r.deep.pages) > len(known) {
				break
			} else {
				r.deep.pages[url] = page
			}
		}
	}
	url := r.deep.next
	known := r.deep.pages[url]
	page, err := v.oneRunsPage(ctx, r, githubapi.RunFilter{}, githubapi.PageRequest{Next: url, Tag: known.tag})
	switch {
	case errors.Is(err, githubapi.ErrNotModified):
	case githubapi.IsKind(err, githubapi.KindNotFound):
		r.deep.on = false // the list has become shorter; the next pass begins anew
		r.deep.pages = nil
		return nil
	case gate.Mendable(err), gate.Cut(err):
		if r.deep.failures++; r.deep.failures < deepTries {
			return nil // the same page again at the next visit
		}
		size, ok := gate.Smaller(r.deep.size)
		r.deep = deep{}
		if !ok {
			r.deep.began = now // later again
			return fmt.Errorf("%d times: %w", deepTries, err)
		}
		// Page numbers mean something else now: begin anew, from a first page of that size.
		r.runPages.Learn(size, now)
		r.front = front{}
		return nil
	case err != nil:
		return err
	default:
		if err := v.takeIn(ctx, r, page.Items, time.Time{}, false); err != nil {
			return err
		}
		known = deepPage{tag: page.Tag, next: page.Next, reach: reach(page.Items)}
		r.deep.pages[url] = known // taken in: the tag may be kept
	}
	r.deep.next, r.deep.failures = known.next, 0
	if known.next == "" || before(known.reach, end) || len(r.deep.pages) >= maxRunPages {
		r.deep.on = false
	}
	return nil
}

// hints are the filtered lists of old runs that are active: mostly empty, and then free. They come from an index that
// lags, so they only say where to look sooner.
type hints struct {
	asked    time.Time
	failures int                      // in a row
	tags     map[string]githubapi.Tag // by status and created filter
}

func (v *Visitor) askHints(ctx context.Context, r *Repository) error {
	now := v.Now()
	if now.Sub(r.hints.asked) < schedule.Retry(hintEvery, deepEvery, r.hints.failures+1) || r.front.reach.IsZero() {
		return nil
	}
	r.hints.asked = now
	created := "<=" + r.front.reach.Truncate(hintStep).UTC().Format(time.RFC3339)
	tags := map[string]githubapi.Tag{}
	for _, status := range []string{"queued", "in_progress"} {
		filter := githubapi.RunFilter{Status: status, Created: created}
		key := status + created
		page, _, err := v.runsPage(ctx, r, filter, &githubapi.PageRequest{PerPage: r.runPages.Size(now), Tag: r.hints.tags[key]})
		if errors.Is(err, githubapi.ErrNotModified) {
			tags[key] = r.hints.tags[key]
			continue
		}
		if err != nil {
			r.hints.failures++
			return err
		}
		if err := v.takeIn(ctx, r, page.Items, time.Time{}, false); err != nil {
			return err
		}
		tags[key] = page.Tag
	}
	r.hints.tags, r.hints.failures = tags, 0
	return nil
}
