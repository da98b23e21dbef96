package poll

import (
	"slices"
	"time"

	"github_workflow_exporter/githubapi"
)

// GitHub lists runs newest first, which it does not document: some entries may stand anywhere. So one of them decides
// nothing, the last entries of a page tell by majority how far back it goes.
const (
	reachEntries = 20
	// maxRunPages is how many pages of one list are read in a row: 100,000 runs, more than any repository has within a month.
	maxRunPages = 1000
)

// reach is the creation back to which a page of a runs list goes: most of its last entries were created at that time or
// before. It is the zero time where too few of them have one.
func reach(runs []githubapi.Run) time.Time {
	last := runs[max(len(runs)-reachEntries, 0):]
	times := make([]time.Time, 0, reachEntries)
	for _, run := range last {
		if !run.CreatedAt.IsZero() {
			times = append(times, run.CreatedAt)
		}
	}
	if 2*len(times) <= len(last) {
		return time.Time{}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times[len(last)/2]
}

// reaches tells whether a page goes back behind a moment, so that the pages behind it need not be read. Of a page that is
// not in order that is not known.
func reaches(runs []githubapi.Run, moment time.Time) bool {
	return before(reach(runs), moment) && inOrder(runs)
}

// inOrder tells whether a page is newest first but for some entries.
func inOrder(runs []githubapi.Run) bool {
	pairs, wrong := 0, 0
	var last time.Time
	for _, run := range runs {
		if run.CreatedAt.IsZero() {
			continue
		}
		if !last.IsZero() {
			pairs++
			if run.CreatedAt.After(last) {
				wrong++
			}
		}
		last = run.CreatedAt
	}
	return wrong < 2 || 4*wrong <= pairs
}

// mostLost is how many entries a list can lose between two pages.
const mostLost = 1000

// shrank tells whether a list lost entries since its first page was read, by the counts that its pages tell. A count that is
// smaller than what was read, or falls by more than it can, is none: some servers count each page, or what is left.
func shrank(first, now, read int) bool {
	return now < first && now >= read && first-now <= mostLost
}

// before tells whether a time that is known lies before a moment.
func before(t, moment time.Time) bool { return !t.IsZero() && t.Before(moment) }
