package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-kit/log/level"

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

// search looks for re-runs of old runs.
type search struct {
	*site
	front *frontReader
	list  *list

	deep    deep  // the pages behind the first
	hints   hints // filtered lists
	failing bool  // it was said that it fails
}

// sweep looks behind the first page, one page a visit and from spare budget: the unfiltered list orders runs by their
// creation, so a re-run of an old run shows nowhere else. Re-runs are possible for 30 days after the first run.
func (s *search) sweep(ctx context.Context) error {
	if !s.account.Swept || s.front.page.next == "" || !s.gate.Spare() {
		return nil
	}
	hinted := s.askHints(ctx)
	if hinted != nil {
		hinted = fmt.Errorf("asking for active old runs: %w", hinted)
	}
	if hinted != nil && !confined(hinted) {
		return hinted
	}
	if err := s.deepPage(ctx); err != nil { // which does without hints
		return fmt.Errorf("reading a deeper page of the runs list: %w", err)
	}
	return hinted
}

func (s *search) deepPage(ctx context.Context) error {
	now := s.Now()
	end := s.gate.Client.ServerTime().Add(-s.RerunWindow)
	if !s.deep.on {
		if before(s.front.page.reach, end) || now.Sub(s.deep.began) < deepEvery {
			return nil
		}
		known := s.deep.pages
		s.deep = deep{began: now, on: true, next: s.front.page.next, size: s.front.page.size, pages: map[string]deepPage{}}
		// Keep what was read last time of the pages that are still on the way.
		for url := s.deep.next; url != ""; url = known[url].next {
			if page, ok := known[url]; !ok || len(s.deep.pages) > len(known) {
				break
			} else {
				s.deep.pages[url] = page
			}
		}
	}
	url := s.deep.next
	known := s.deep.pages[url]
	page, err := s.list.oneRunsPage(ctx, githubapi.RunFilter{}, githubapi.PageRequest{Next: url, Tag: known.tag})
	switch {
	case errors.Is(err, githubapi.ErrNotModified):
	case githubapi.IsKind(err, githubapi.KindNotFound):
		s.deep.on = false // the list has become shorter; the next pass begins anew
		s.deep.pages = nil
		return nil
	case gate.Mendable(err), gate.Cut(err):
		if s.deep.failures++; s.deep.failures < deepTries {
			return nil // the same page again at the next visit
		}
		size, ok := gate.Smaller(s.deep.size)
		s.deep = deep{}
		if !ok {
			s.deep.began = now // later again
			return fmt.Errorf("%d times: %w", deepTries, err)
		}
		// Page numbers mean something else now: begin anew, from a first page of that size.
		s.list.pages.Learn(size, now)
		s.front.page = front{}
		return nil
	case err != nil:
		return err
	default:
		if err := s.list.takeIn(ctx, page.Items, time.Time{}, false); err != nil {
			return err
		}
		known = deepPage{tag: page.Tag, next: page.Next, reach: reach(page.Items)}
		s.deep.pages[url] = known // taken in: the tag may be kept
	}
	s.deep.next, s.deep.failures = known.next, 0
	if known.next == "" || before(known.reach, end) || len(s.deep.pages) >= maxRunPages {
		s.deep.on = false
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

func (s *search) askHints(ctx context.Context) error {
	now := s.Now()
	if now.Sub(s.hints.asked) < schedule.RetryWait(hintEvery, deepEvery, s.hints.failures+1) || s.front.page.reach.IsZero() {
		return nil
	}
	s.hints.asked = now
	created := "<=" + s.front.page.reach.Truncate(hintStep).UTC().Format(time.RFC3339)
	tags := map[string]githubapi.Tag{}
	for _, status := range []string{"queued", "in_progress"} {
		filter := githubapi.RunFilter{Status: status, Created: created}
		key := status + created
		page, _, err := s.list.runsPage(ctx, filter, &githubapi.PageRequest{PerPage: s.list.pages.Size(now), Tag: s.hints.tags[key]})
		if errors.Is(err, githubapi.ErrNotModified) {
			tags[key] = s.hints.tags[key]
			continue
		}
		if err != nil {
			s.hints.failures++
			return err
		}
		if err := s.list.takeIn(ctx, page.Items, time.Time{}, false); err != nil {
			return err
		}
		tags[key] = page.Tag
	}
	s.hints.tags, s.hints.failures = tags, 0
	return nil
}

// searched tells of a failed search for re-runs once; that can wait, and fails no visit.
func (s *search) searched(err error) error {
	switch {
	case err == nil:
		s.failing = false
		return nil
	case !confined(err):
		return err
	}
	s.Figures.Failed(s.Repo().FullName, reasonOf(err))
	if !s.failing {
		s.failing = true
		level.Warn(s.Logger).Log("msg", "looking for re-runs of old runs failed", "repository", s.Repo().FullName, "err", err)
	}
	return nil
}
