package observe

import (
	"hash/fnv"
	"strconv"

	"github_workflow_exporter/githubapi"
)

// classifier tells executions of an attempt from what else its list of jobs holds.
type classifier struct {
	attempt      githubapi.Attempt
	siblings     siblings
	ids          map[int64]bool // of what earlier attempts executed
	fingerprints map[uint64]bool
}

func newClassifier(a githubapi.Attempt, earlier []Execution) classifier {
	c := classifier{attempt: a, siblings: siblingsOf(a)}
	if a.Number <= 1 {
		return c
	}
	c.ids, c.fingerprints = map[int64]bool{}, map[uint64]bool{}
	for _, e := range earlier {
		if e.Attempt < a.Number {
			c.ids[e.ID] = true
			c.fingerprints[e.Fingerprint] = true
		}
	}
	return c
}

// omitted returns the reason for which a completed job is left out as a whole, "" if this attempt executed it.
func (c classifier) omitted(j githubapi.Job) string {
	switch {
	case c.siblings.checkRun(j):
		return CheckRun
	case c.carriedOver(j):
		return CarriedOver
	}
	return ""
}

// carriedOver tells whether a re-run merely lists the job again. Such copies keep the times of their execution, which
// lie before the new attempt's start, under a new id or the old one. A missing time proves nothing.
func (c classifier) carriedOver(j githubapi.Job) bool {
	if c.attempt.Number <= 1 {
		return false
	}
	if start := c.attempt.Started(); !start.IsZero() {
		first := start.Add(-Slack)
		if !j.StartedAt.IsZero() && j.StartedAt.Before(first) || !j.CompletedAt.IsZero() && j.CompletedAt.Before(first) {
			return true
		}
	}
	fp := fingerprint(j)
	return c.ids[j.ID] || fp != 0 && c.fingerprints[fp]
}

// ran tells whether a runner ever worked on the job: one is named, or a step started. Null, 0 and "" all mean no
// runner. StartedAt says nothing: GitHub sets it for jobs that only ever waited.
func ran(j githubapi.Job) bool {
	if j.HasRunner() {
		return true
	}
	for _, s := range j.Steps {
		if !s.StartedAt.IsZero() && s.Conclusion != "skipped" && s.Status != "skipped" && s.Status != "queued" && s.Status != "pending" {
			return true
		}
	}
	return false
}

// fingerprint identifies an execution under whatever id: its name, its times and its runner. It is stored, so it must
// not change between releases. 0 means none: without both times two executions could look alike.
func fingerprint(j githubapi.Job) uint64 {
	if j.StartedAt.IsZero() || j.CompletedAt.IsZero() {
		return 0
	}
	// The length in front of the text keeps "a"+"bc" apart from "ab"+"c".
	text := make([]byte, 0, 256)
	text = strconv.AppendInt(text, int64(len(j.Name)), 10)
	text = append(text, ':')
	text = append(text, j.Name...)
	for _, n := range [...]int64{j.StartedAt.Unix(), j.CompletedAt.Unix(), j.RunnerID} {
		text = strconv.AppendInt(text, n, 10)
		text = append(text, ':')
	}
	text = append(text, j.RunnerName...)
	h := fnv.New64a()
	h.Write(text) // never fails
	return max(h.Sum64(), 1)
}
