package poll

import (
	"context"
	"errors"
	"fmt"

	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/githubapi"
)

// What the jobs of one attempt may come to, however many pages a server hands out: far more than a run can hold (256 jobs of
// a matrix, some dozens of matrices), and little enough to be kept.
const (
	maxJobs     = githubapi.MaxJobsCount
	maxJobBytes = 64 << 20 // of text and steps
	// maxKeptBytes is what is remembered, for one repository, of attempts that are over and cannot be closed yet, so that
	// reading them again costs nothing. Some hundred attempts of some dozen jobs; more are read again.
	maxKeptBytes = 32 << 20
	// maxBarren is how many pages of a list in a row may hold nothing that was not seen before. A list that shifts while it is
	// read shows one page again; each of these costs a request.
	maxBarren = 10
)

// errEndless says that a list of jobs goes on behind all that an attempt can have. What was read of it is filled in.
var errEndless = errors.New("the list of jobs does not end")

// jobsReader reads the jobs of attempts.
type jobsReader struct {
	*site
	runs  *openRuns
	pages gate.PageSize
}

// readOver fills in the jobs of an attempt that is over, from memory if they have not changed. It is whole when every job is
// there and completed. With partial a list without end will do as far as it was read.
func (j *jobsReader) readOver(ctx context.Context, open *openRun, attempt *githubapi.Attempt, partial bool) (changed, whole bool, err error) {
	var known []jobsPage
	if open.over.attempt == attempt.Number {
		known = open.over.pages
	}
	pages, changed, own, err := j.readJobs(ctx, attempt, known)
	switch {
	case partial && errors.Is(err, errEndless):
		open.over = jobsRead{}
		return true, false, nil
	case err != nil:
		return false, false, err
	}
	if !changed {
		attempt.Jobs, attempt.TotalCount = open.over.jobs, open.over.total
	} else if open.over = (jobsRead{}); own {
		open.over = j.keep(jobsRead{attempt: attempt.Number, run: attempt.Run, pages: pages, jobs: attempt.Jobs, total: attempt.TotalCount})
	}
	return changed, own && attempt.Whole(), nil
}

// keep gives what is remembered of jobs that were read: all of it, or, where that is too much, only that they were.
func (j *jobsReader) keep(read jobsRead) jobsRead {
	kept := 0
	for _, open := range j.runs.open {
		kept += open.over.bytes
	}
	for _, job := range read.jobs {
		read.bytes += weight(job)
	}
	if kept+read.bytes > maxKeptBytes {
		return jobsRead{attempt: read.attempt, run: read.run}
	}
	return read
}

// readJobs fills in the attempt's jobs as readPages does. A page with a job of another attempt is read again, once: a job
// carried over may keep its old number, one of a later attempt does not belong here and is left out; then own is false.
//
// Pages that have not changed are not read: then changed is false, and own is not told.
func (j *jobsReader) readJobs(ctx context.Context, attempt *githubapi.Attempt, known []jobsPage) (pages []jobsPage, changed, own bool, err error) {
	for range 2 {
		pages, changed, err = j.readPages(ctx, attempt, known)
		if err != nil || !changed || !foreign(*attempt) {
			return pages, changed, err == nil, err
		}
		known = nil
	}
	kept := attempt.Jobs[:0]
	for _, job := range attempt.Jobs {
		if job.RunAttempt <= attempt.Number {
			kept = append(kept, job)
		}
	}
	own = len(kept) == len(attempt.Jobs)
	attempt.Jobs = kept
	return pages, true, own, nil
}

// foreign tells whether a job says it is of another attempt.
func foreign(attempt githubapi.Attempt) bool {
	for _, job := range attempt.Jobs {
		if job.RunAttempt != 0 && job.RunAttempt != attempt.Number {
			return true
		}
	}
	return false
}

// jobsPage remembers one page of an attempt's jobs list as it was read.
type jobsPage struct {
	tag  githubapi.Tag
	next string
}

// readPages fills in all of the attempt's jobs, unique by id, and returns the pages to be handed in as known next time.
// Known pages are asked for conditionally: if none has changed, changed is false and the attempt's jobs are left alone.
func (j *jobsReader) readPages(ctx context.Context, attempt *githubapi.Attempt, known []jobsPage) (pages []jobsPage, changed bool, err error) {
	request := githubapi.PageRequest{PerPage: j.pages.Size(j.Now())}
	var seen seenJobs
	barren := 0 // pages in a row
	begin := func() {
		attempt.Jobs, pages, barren = attempt.Jobs[:0], nil, 0
		seen = seenJobs{ids: map[int64]bool{}, sums: map[uint64]bool{}}
	}
	begin()
	for skipped := 0; ; {
		if len(known) > 0 {
			request.Tag = known[skipped].tag
		}
		page, restarted, err := j.jobsPage(ctx, attempt, &request)
		if errors.Is(err, githubapi.ErrNotModified) {
			if skipped++; skipped == len(known) {
				return known, false, nil
			}
			request = githubapi.PageRequest{PerPage: request.PerPage, Next: known[skipped-1].next}
			continue
		}
		if err != nil {
			return nil, false, err
		}
		known = nil
		if skipped > 0 && !restarted { // what was skipped is needed after all
			skipped, request = 0, githubapi.PageRequest{PerPage: request.PerPage}
			continue
		}
		if restarted {
			skipped = 0
			begin()
		}
		attempt.TotalCount = page.TotalCount
		barren++
		for _, job := range page.Items {
			if seen.first(job) {
				attempt.Jobs = append(attempt.Jobs, job)
				barren = 0
			}
		}
		tooMany := page.Next != "" && (len(attempt.Jobs) >= maxJobs || len(pages) >= maxJobs)
		if tooMany || seen.bytes > maxJobBytes || barren > maxBarren {
			return nil, true, &githubapi.Error{
				Kind: githubapi.KindBody, Endpoint: "list_attempt_jobs", Whole: true,
				Err: fmt.Errorf("run %d, %d jobs on %d pages: %w", attempt.Run.ID, len(attempt.Jobs), len(pages)+1, errEndless),
			}
		}
		pages = append(pages, jobsPage{tag: page.Tag, next: page.Next})
		if page.Next == "" {
			return pages, true, nil
		}
		request = githubapi.PageRequest{PerPage: request.PerPage, Next: page.Next}
	}
}

// jobsPage reads one page of an attempt's jobs, where it fails for its size smaller ones from the first on.
func (j *jobsReader) jobsPage(ctx context.Context, attempt *githubapi.Attempt, request *githubapi.PageRequest) (page githubapi.Page[githubapi.Job], restarted bool, err error) {
	restarted, err = j.pages.Ask(j.gate, request, func() error {
		send := func() (err error) {
			page, err = j.gate.Client.AttemptJobs(ctx, j.Repo().FullName, attempt.Run.ID, attempt.Number, *request)
			return err
		}
		if request.Next != "" {
			// Never refused: an attempt of very many jobs that was cut off between two pages would begin again for ever.
			return j.askOf(ctx, send)
		}
		return j.askFor(ctx, send)
	})
	if err == nil || errors.Is(err, githubapi.ErrNotModified) {
		clear(j.runs.troubled)
	}
	return page, restarted, err
}

// seenJobs tells jobs apart while pages are read that may shift: by id, or by what they look like where the id cannot be read.
type seenJobs struct {
	ids   map[int64]bool
	sums  map[uint64]bool
	bytes int
}

// first tells whether the job was not seen before.
func (s *seenJobs) first(job githubapi.Job) bool {
	switch {
	case job.ID != 0:
		if s.ids[job.ID] {
			return false
		}
		s.ids[job.ID] = true
	case job.Sum != 0:
		if s.sums[job.Sum] {
			return false
		}
		s.sums[job.Sum] = true
	}
	s.bytes += weight(job)
	return true
}

// weight is how many bytes a job takes, roughly.
func weight(job githubapi.Job) int {
	const each = 256 // of a job or a step without its text
	bytes := each + len(job.Name) + len(job.WorkflowName) + len(job.RunnerName) + len(job.RunnerGroupName)
	for _, label := range job.Labels {
		bytes += len(label)
	}
	for _, step := range job.Steps {
		bytes += each + len(step.Name)
	}
	return bytes
}
