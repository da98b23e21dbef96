package githubapi

import (
	"context"
	"errors"
	"fmt"
)

// A page is read in one pass by a reader that knows what it looks for. One odd entry never takes the other 99 with it: where a
// value is not what it should be, the entry is undecodable, or, where it can do without, the value is missing. And nothing is
// kept that is not bounded: memory for a page is at most that of its texts (as long as the body, and each cut at 1,024
// bytes) and of maxEntries entries and maxPageSteps steps, about 7 MB together.

const (
	// maxEntries of a page. GitHub sends 100 at most; a server that cannot count pages may send its whole list.
	maxEntries = 1_000
	// maxSteps of a job that can be decoded, and maxPageSteps of all jobs of a page; a page that holds more is read again
	// smaller.
	maxSteps     = 2_000
	maxPageSteps = 25_000
	// maxLabels of a job that are kept. A label value is cut long before.
	maxLabels = 100
)

// entry is how one kind of entry is read and told apart.
type entry[T any] struct {
	// read reads one value and notes in r.odd why it is none.
	read func(r *reader, into *T)
	id   func(*T) int64
	// bad stands for an entry that cannot be decoded; false = leave it out. Where the id is not known, sum is the entry's.
	bad func(id int64, sum uint64) (T, bool)
	// bound puts the values of a decoded entry within what can be; false = it cannot be decoded after all.
	bound func(*T, span) bool
}

var (
	errNoList  = errors.New("no list in it")
	errTwice   = errors.New("the list stands in it twice")
	errNoEntry = errors.New("no id in it")
	errAbsurd  = fmt.Errorf("run_attempt is above %d", MaxAttempt)
	errEntries = fmt.Errorf("%w than a page: it has more than %d entries", errTooLarge, maxEntries)
	errSteps   = fmt.Errorf("%w than a page: its jobs have more than %d steps", errTooLarge, maxPageSteps)
)

// decodeRuns reads {"total_count": …, "workflow_runs": […]}.
func decodeRuns(ctx context.Context, body []byte, s span) ([]Run, int, error) {
	return decodeList(ctx, body, "workflow_runs", runEntry(), s)
}

// decodeJobs reads {"total_count": …, "jobs": […]}.
func decodeJobs(ctx context.Context, body []byte, s span) ([]Job, int, error) {
	items, total, err := decodeList(ctx, body, "jobs", jobEntry(), s)
	return items, min(total, MaxJobsCount), err
}

// decodeRepositories reads a bare array.
func decodeRepositories(ctx context.Context, body []byte, s span) ([]Repository, int, error) {
	return decodeList(ctx, body, "", repositoryEntry(), s)
}

// decodeList reads the list under key, or a bare one where that is "". An answer without the list is an error: taken for an
// empty list it would say that a run has no jobs.
func decodeList[T any](ctx context.Context, body []byte, key string, kind entry[T], s span) (items []T, total int, err error) {
	r := newReader(ctx, body)
	switch c := r.next(); {
	case key == "":
		items = readEntries(r, kind, s)
	case c == '{':
		r.object(func(name []byte) {
			switch string(name) {
			case key:
				if items != nil {
					r.fail(errTwice)
					return
				}
				items = readEntries(r, kind, s)
			case "total_count":
				total = r.count()
			default:
				r.skip()
			}
		})
	default:
		r.skip()
	}
	if err = r.end(); err == nil && items == nil {
		err = errNoList
	}
	if err != nil {
		return nil, 0, err
	}
	return items, total, nil
}

// readEntries gives nil for what is no list.
func readEntries[T any](r *reader, kind entry[T], s span) []T {
	if r.next() != '[' {
		r.skip()
		return nil
	}
	const small = 512 // bytes; what GitHub sends is never as short
	items := make([]T, 0, min(maxPerPage, (len(r.body)-r.at)/small+1))
	seen := 0
	r.list(func() {
		if seen++; seen > maxEntries {
			r.fail(errEntries)
			return
		}
		r.next()
		start := r.at
		var item T
		items = append(items, item)
		into := &items[len(items)-1]
		r.odd = ""
		kind.read(r, into)
		if r.err != nil {
			return
		}
		id := kind.id(into)
		if r.odd == "" && id > 0 && kind.bound(into, s) {
			return
		}
		items = items[:len(items)-1]
		sum := uint64(0)
		if id <= 0 {
			id, sum = 0, sumOf(r.body[start:r.at])
		}
		if item, keep := kind.bad(id, sum); keep {
			items = append(items, item)
		}
	})
	return items
}

// decodeOne reads an answer that is a single object. An undecodable one is an error, since nothing stands beside it.
func decodeOne[T any](ctx context.Context, body []byte, kind entry[T], s span) (T, error) {
	var zero, item T
	r := newReader(ctx, body)
	kind.read(r, &item)
	switch err := r.end(); {
	case err != nil:
		return zero, err
	case r.odd != "":
		return zero, fmt.Errorf("%s is not what it should be", r.odd)
	case kind.id(&item) <= 0:
		return zero, errNoEntry
	case !kind.bound(&item, s):
		return zero, errAbsurd
	}
	return item, nil
}

// sound is the bound of a kind without numbers and times.
func sound[T any](*T, span) bool { return true }
