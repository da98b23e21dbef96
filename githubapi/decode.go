package githubapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A page is decoded as a whole, which is fast and nearly always right. Only if that fails it is taken apart and each
// entry decoded by itself, so that one odd entry does not take the other 99 with it.

// entry is how one kind of list entry is told apart.
type entry[T any] struct {
	id func(*T) int64
	// bad stands for an entry that cannot be decoded; false = leave it out. Where the id is not known, sum is the entry's.
	bad func(id int64, sum uint64) (T, bool)
	// bound puts the values of a decoded entry within what can be; false = it cannot be decoded after all.
	bound func(*T, span) bool
}

var (
	errNoList  = errors.New("no list in it")
	errNoEntry = errors.New("no id in it")
	errAbsurd  = fmt.Errorf("run_attempt is above %d", MaxAttempt)
)

// runEntry, jobEntry and repositoryEntry are functions since the package keeps no state.
func runEntry() entry[Run] {
	return entry[Run]{
		id:    func(r *Run) int64 { return r.ID },
		bad:   func(id int64, sum uint64) (Run, bool) { return Run{ID: id, Sum: sum, Undecodable: true}, true },
		bound: func(r *Run, s span) bool { return s.bindRun(r) },
	}
}

func jobEntry() entry[Job] {
	return entry[Job]{
		id:    func(j *Job) int64 { return j.ID },
		bad:   func(id int64, sum uint64) (Job, bool) { return Job{ID: id, Sum: sum, Undecodable: true}, true },
		bound: func(j *Job, s span) bool { return s.bindJob(j) },
	}
}

func repositoryEntry() entry[Repository] {
	return entry[Repository]{
		id: func(r *Repository) int64 {
			if r.FullName == "" {
				return 0
			}
			return r.ID
		},
		bad:   func(int64, uint64) (Repository, bool) { return Repository{}, false },
		bound: func(*Repository, span) bool { return true },
	}
}

// decodeRuns reads {"total_count": …, "workflow_runs": […]}.
func decodeRuns(body []byte, s span) ([]Run, int, error) {
	var page struct {
		TotalCount count `json:"total_count"`
		Items      []Run `json:"workflow_runs"`
	}
	err := json.Unmarshal(body, &page)
	return decodeList(body, "workflow_runs", page.Items, int(page.TotalCount), err, runEntry(), s)
}

// decodeJobs reads {"total_count": …, "jobs": […]}.
func decodeJobs(body []byte, s span) ([]Job, int, error) {
	var page struct {
		TotalCount count `json:"total_count"`
		Items      []Job `json:"jobs"`
	}
	err := json.Unmarshal(body, &page)
	items, total, err := decodeList(body, "jobs", page.Items, int(page.TotalCount), err, jobEntry(), s)
	return items, min(total, MaxJobsCount), err
}

// decodeRepositories reads a bare array.
func decodeRepositories(body []byte, s span) ([]Repository, int, error) {
	var items []Repository
	err := json.Unmarshal(body, &items)
	return decodeList(body, "", items, 0, err, repositoryEntry(), s)
}

// decodeList gives the page as decoded at once if that went well, and otherwise entry by entry. An answer without the
// list is an error: taken for an empty list it would say that a run has no jobs.
func decodeList[T any](body []byte, key string, items []T, total int, err error, kind entry[T], s span) ([]T, int, error) {
	if err == nil && items != nil && allSound(items, kind, s) {
		return items, total, nil
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return nil, 0, err // no JSON: there are no entries to tell apart
	}
	raw, total, err := takeApart(body, key)
	if err != nil {
		return nil, 0, err
	}
	items = make([]T, 0, len(raw))
	for _, r := range raw {
		item, ok := decodeEntry[T](r)
		if ok && kind.id(&item) > 0 && kind.bound(&item, s) {
			items = append(items, item)
			continue
		}
		id, sum := readID(r), uint64(0)
		if id <= 0 {
			id, sum = 0, sumOf(r)
		}
		if item, keep := kind.bad(id, sum); keep {
			items = append(items, item)
		}
	}
	return items, total, nil
}

// allSound bounds all items and tells whether none needs a closer look.
func allSound[T any](items []T, kind entry[T], s span) bool {
	for i := range items {
		if kind.id(&items[i]) <= 0 || !kind.bound(&items[i], s) {
			return false
		}
	}
	return true
}

// takeApart gives the entries of a list undecoded.
func takeApart(body []byte, key string) (items []json.RawMessage, total int, err error) {
	list := json.RawMessage(body)
	if key != "" {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(body, &fields); err != nil {
			return nil, 0, err
		}
		if raw, ok := fields["total_count"]; ok {
			var said count
			if err := json.Unmarshal(raw, &said); err != nil {
				return nil, 0, fmt.Errorf("total_count: %w", err)
			}
			total = int(said)
		}
		list = fields[key]
	}
	if len(list) == 0 {
		return nil, 0, errNoList
	}
	if err := json.Unmarshal(list, &items); err != nil {
		return nil, 0, err
	}
	if items == nil { // null
		return nil, 0, errNoList
	}
	return items, total, nil
}

// decodeOne reads an answer that is a single object. An undecodable one is an error, since nothing stands beside it.
func decodeOne[T any](body []byte, kind entry[T], s span) (T, error) {
	var zero T
	item, ok := decodeEntry[T](body)
	if !ok {
		var probe T
		return zero, json.Unmarshal(body, &probe)
	}
	if kind.id(&item) <= 0 {
		return zero, errNoEntry
	}
	if !kind.bound(&item, s) {
		return zero, errAbsurd
	}
	return item, nil
}

// decodeEntry decodes one object; if that fails once more with fields taken for missing ones that are not what they
// should be, as far as an entry can do without them.
func decodeEntry[T any](raw []byte) (T, bool) {
	var item T
	if json.Unmarshal(raw, &item) == nil {
		return item, true
	}
	var loose any
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	if decoder.Decode(&loose) != nil {
		return item, false
	}
	loosen(loose)
	scrubbed, err := json.Marshal(loose)
	if err != nil {
		return item, false
	}
	var again T
	return again, json.Unmarshal(scrubbed, &again) == nil
}

// loosen sets fields to null that do not hold what they should: times (by GitHub's naming those that end in _at), and what
// says where a job ran and what belongs to it. An entry's id, status and conclusion stay as they are: without them it is
// not known what it says.
func loosen(v any) {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			loosen(element)
		}
	case map[string]any:
		for key, value := range v {
			switch {
			case strings.HasSuffix(key, "_at"):
				v[key] = only(value, readTime)
			case key == "runner_id", key == "workflow_id", key == "run_attempt", key == "run_number", key == "number":
				v[key] = only(value, readNumber)
			case key == "runner_name", key == "runner_group_name", key == "workflow_name", key == "head_branch", key == "path", key == "html_url":
				v[key] = only(value, readText)
			default:
				loosen(value)
			}
		}
	}
}

// only gives what read makes of a value, nil if it can't.
func only[T any](value any, read func(any) (T, bool)) any {
	if got, ok := read(value); ok {
		return got
	}
	return nil
}

func readTime(value any) (time.Time, bool) {
	text, ok := value.(string)
	var t time.Time
	return t, ok && t.UnmarshalText([]byte(text)) == nil
}

// readNumber reads also a number that is written as a text.
func readNumber(value any) (int64, bool) {
	text := fmt.Sprint(value) // a json.Number or a string; nothing else reads as a number
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

func readText(value any) (string, bool) {
	text, ok := value.(string)
	return text, ok
}

// readID gives the id of an entry that is undecodable otherwise, 0 if that is unreadable too.
func readID(raw []byte) int64 {
	var entry struct {
		ID int64 `json:"id"`
	}
	if json.Unmarshal(raw, &entry) != nil {
		return 0
	}
	return entry.ID
}
