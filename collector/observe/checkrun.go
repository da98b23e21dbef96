package observe

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github_workflow_exporter/githubapi"
)

// checkRun tells whether an entry of a jobs list is a check run that an action published with its token (test
// reporters, linters), which GitHub lists among the jobs of the run's check suite. Like a job that was refused before
// any runner saw it (no budget left, no runner group of that name), and asked for a group alone, it has no labels, no
// runner and no steps. So it takes a mark that no job has, and in doubt the entry is a job.
func (s siblings) checkRun(j githubapi.Job) bool {
	if len(j.Labels) > 0 || j.HasRunner() || len(j.Steps) > 0 {
		return false
	}
	switch pageOf(j) {
	case jobPage:
		return false
	case checkRunPage:
		// Jobs have their page within the run's since 2022, and created_at since 2023. Before, all had the short one.
		if !j.CreatedAt.IsZero() || s.jobPages {
			return true
		}
	}
	return s.checkRunTimes(j)
}

// page is what the address of an entry's page says of it.
type page int

const (
	unknownPage  page = iota
	jobPage           // …/actions/runs/N/job/ID, until 2023 …/actions/runs/N/jobs/M, in GitHub's descriptions …/runs/N/jobs/M
	checkRunPage      // …/runs/ID
)

// pageOf reads the address from its end: a repository may be called "actions" or "jobs".
func pageOf(j githubapi.Job) page {
	path := j.HTMLURL
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		if strings.Contains(path[i:], "check_suite_focus") { // of the years in which jobs had the short address too
			return unknownPage
		}
		path = path[:i]
	}
	rest, last := cutLast(path)
	rest, kind := cutLast(rest)
	switch {
	case kind == "runs" && last == strconv.FormatInt(j.ID, 10):
		return checkRunPage
	case kind == "job" || kind == "jobs":
		rest, _ = cutLast(rest)
		if _, over := cutLast(rest); over == "runs" {
			return jobPage
		}
	}
	return unknownPage
}

func cutLast(path string) (rest, last string) {
	i := strings.LastIndexByte(path, '/')
	return path[:max(i, 0)], path[i+1:]
}

// checkRunTimes is for servers whose addresses tell nothing. A check run is mostly published in one go: created, started
// and completed are one second. Nothing can succeed without a runner, so that is enough where it did. A failure may as
// well be a job that was refused at once: of that it differs in that a job was at work in that moment, to publish it,
// while jobs are created before any other has begun or after those they need are over.
func (s siblings) checkRunTimes(j githubapi.Job) bool {
	at := j.StartedAt
	if j.RunnerGroupName != "" || at.IsZero() || !j.CreatedAt.IsZero() && !j.CreatedAt.Equal(at) {
		return false
	}
	switch {
	case j.Status == inProgress: // a job in progress without a runner yet looks the same
		return s.atWork(at)
	case !j.Completed() || !j.CompletedAt.Equal(at):
		return false
	}
	switch j.Conclusion {
	case "skipped", "cancelled": // of jobs, by far
		return false
	case "success", "neutral":
		return true
	}
	return s.atWork(at)
}

// siblings is what the entries of an attempt tell of each other, gathered once: lists are long.
type siblings struct {
	jobPages bool // some have their page within the run's
	work     []spell
}

// spell is when a runner was at work on a job; an open end is the zero time.
type spell struct{ from, to time.Time }

func siblingsOf(a githubapi.Attempt) siblings {
	var s siblings
	for _, j := range a.Jobs {
		s.jobPages = s.jobPages || pageOf(j) == jobPage
		if !ran(j) || j.StartedAt.IsZero() || j.Completed() && j.CompletedAt.IsZero() {
			continue
		}
		w := spell{from: j.StartedAt}
		if j.Completed() {
			w.to = j.CompletedAt
		}
		s.work = append(s.work, w)
	}
	return s
}

// atWork tells whether a job of the attempt was in the midst of its work at that time. In its first second it publishes
// nothing yet, while what is refused together with it is.
func (s siblings) atWork(at time.Time) bool {
	return slices.ContainsFunc(s.work, func(w spell) bool {
		return at.After(w.from) && (w.to.IsZero() || at.Before(w.to))
	})
}
