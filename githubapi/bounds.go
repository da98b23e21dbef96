package githubapi

import (
	"hash/fnv"
	"net/http"
	"time"
)

// What a server sends is bounded here, where it enters: nothing behind this package has to ask whether a time, an id or a
// count can be.

const (
	// MaxAttempt is the highest attempt number believed; GitHub allows 50 re-runs of a run. A run that claims more is
	// Undecodable, for its number says which attempts to read; a job or step number that cannot be is taken as missing.
	MaxAttempt = 1_000
	// MaxJobsCount is the highest TotalCount given of a list of jobs. A matrix has at most 256 jobs and the largest runs
	// that are known some hundreds; a list that claims more is no better for it.
	MaxJobsCount = 10_000
	// MaxListCount is the highest TotalCount given of any other list; it fits 32 bits.
	MaxListCount = 1_000_000_000

	day = 24 * time.Hour
	// clockTrust is how far a Date may lie from a local clock that itself can be right.
	clockTrust = 30 * day
)

// span is the time in which what the API tells of can have happened.
type span struct{ earliest, latest time.Time }

// spanAt is the span by the local clock and an answer's Date, if that is plausible: from before GitHub's first release to
// tomorrow. A local clock that is itself years before GitHub (a board without battery, simulated time) takes the
// earliest with it, five years back but never to 1970, since the epoch stands for "none" in too many programs.
func spanAt(now time.Time, h http.Header) span {
	latest := now
	if date := plausibleDate(h, now); date.After(latest) {
		latest = date
	}
	return span{earliest: earliest(now), latest: latest.Add(day)}
}

func earliest(now time.Time) time.Time {
	github := time.Date(2008, time.January, 1, 0, 0, 0, 0, time.UTC)
	floor := time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)
	if back := now.AddDate(-5, 0, 0); back.Before(github) {
		if back.Before(floor) {
			return floor
		}
		return back.UTC()
	}
	return github
}

// plausibleDate gives the answer's Date, zero if it is missing, broken or cannot be: before GitHub, or more than clockTrust
// away from a local clock that can itself be right.
func plausibleDate(h http.Header, now time.Time) time.Time {
	date := parseDate(h)
	if date.IsZero() || date.Before(earliest(now)) || now.Year() >= 2024 && date.Sub(now).Abs() > clockTrust {
		return time.Time{}
	}
	return date
}

// bind puts a time into UTC, and sets it to zero where it cannot be; ok is false then. Go's own zero time, with any
// offset, is how many programs write "none": that is missing, not impossible. The epoch is impossible.
func (s span) bind(t *time.Time) (ok bool) {
	switch {
	case t.IsZero():
	case t.Year() <= 1 && t.Sub(time.Time{}).Abs() <= day:
		*t = time.Time{}
	case t.Before(s.earliest) || t.After(s.latest):
		*t = time.Time{}
		return false
	default:
		*t = t.UTC()
	}
	return true
}

// bindAll binds several times and tells whether one of them was impossible.
func (s span) bindAll(times ...*time.Time) (impossible bool) {
	for _, t := range times {
		impossible = !s.bind(t) || impossible
	}
	return impossible
}

// bindRun bounds a run's values; false if it then does not tell what it is.
func (s span) bindRun(r *Run) bool {
	if r.RunAttempt > MaxAttempt {
		return false
	}
	r.RunAttempt = max(r.RunAttempt, 0)
	r.WorkflowID, r.RunNumber, r.Repository.ID = max(r.WorkflowID, 0), max(r.RunNumber, 0), max(r.Repository.ID, 0)
	if !validName(r.Repository.FullName) {
		r.Repository.FullName = ""
	}
	r.ImpossibleTime = s.bindAll(&r.CreatedAt, &r.UpdatedAt, &r.RunStartedAt)
	return true
}

// bindJob bounds the values of a job and its steps.
func (s span) bindJob(j *Job) bool {
	if j.RunAttempt = max(j.RunAttempt, 0); j.RunAttempt > MaxAttempt {
		j.RunAttempt = 0
	}
	j.RunID, j.RunnerID = max(j.RunID, 0), max(j.RunnerID, 0)
	j.ImpossibleTime = s.bindAll(&j.CreatedAt, &j.StartedAt, &j.CompletedAt)
	for i := range j.Steps {
		step := &j.Steps[i]
		step.Number = max(step.Number, 0)
		step.ImpossibleTime = s.bindAll(&step.StartedAt, &step.CompletedAt)
	}
	return true
}

// sumOf is a hash of an entry's text, never 0.
func sumOf(raw []byte) uint64 {
	h := fnv.New64a()
	h.Write(raw)
	return max(h.Sum64(), 1)
}
