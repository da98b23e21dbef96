package observe

import (
	"hash/fnv"
	"strconv"

	"github_workflow_exporter/githubapi"
)

// omitted returns the reason for which a completed job is left out as a whole, "" if this attempt executed it.
func omitted(j githubapi.Job, a githubapi.Attempt, earlier []Execution) string {
	switch {
	case pseudo(j):
		return CheckRun
	case carriedOver(j, a, earlier):
		return CarriedOver
	}
	return ""
}

// pseudo tells whether the entry is a check run that an action published with its token (test reporters, linters).
// GitHub lists these among the jobs. A skipped or cancelled job looks the same but for its conclusion, and old servers
// send no labels: it takes all marks together.
func pseudo(j githubapi.Job) bool {
	return len(j.Labels) == 0 && !hasRunner(j) && len(j.Steps) == 0 && j.Conclusion != "skipped" && j.Conclusion != "cancelled"
}

// carriedOver tells whether a re-run merely lists the job again. Such copies keep the times of their execution, which
// lie before the new attempt's start, under a new id or the old one. A missing time proves nothing.
func carriedOver(j githubapi.Job, a githubapi.Attempt, earlier []Execution) bool {
	if a.Number <= 1 {
		return false
	}
	if start := a.Started(); !start.IsZero() {
		first := start.Add(-Slack)
		if !j.StartedAt.IsZero() && j.StartedAt.Before(first) || !j.CompletedAt.IsZero() && j.CompletedAt.Before(first) {
			return true
		}
	}
	fp := fingerprint(j)
	for _, e := range earlier {
		if e.Attempt < a.Number && (e.ID == j.ID || fp != 0 && e.Fingerprint == fp) {
			return true
		}
	}
	return false
}

// ran tells whether a runner ever worked on the job: one is named, or a step started. Null, 0 and "" all mean no
// runner. StartedAt says nothing: GitHub sets it for jobs that only ever waited.
func ran(j githubapi.Job) bool {
	if hasRunner(j) {
		return true
	}
	for _, s := range j.Steps {
		if !s.StartedAt.IsZero() && s.Conclusion != "skipped" && s.Status != "skipped" && s.Status != "queued" && s.Status != "pending" {
			return true
		}
	}
	return false
}

func hasRunner(j githubapi.Job) bool { return j.RunnerID != 0 || j.RunnerName != "" }

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
