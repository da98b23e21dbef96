// Package collector joins the rooms: Record turns what was read into samples and commits them, once, to the ledger; the
// exposition shows the ledger's snapshot to Prometheus.
package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github_workflow_exporter/collector/ledger"
	"github_workflow_exporter/collector/observe"
	"github_workflow_exporter/githubapi"
)

// Recorder commits what was read of GitHub. Everything that is ever counted goes through its one commit. It is safe for
// concurrent use, and every method may be repeated with the same facts: they count once.
type Recorder struct {
	ledger  *ledger.Ledger
	live    *Live
	metrics *Metrics
	now     func() time.Time

	mu       sync.Mutex // from reading what is known of a run to committing on top of it
	observer *observe.Observer
	reading  map[int64]time.Time // since when a repository is read: what completed before was missed, and is no lag
}

// NewRecorder makes a recorder over an open ledger. now is the local clock.
func NewRecorder(l *ledger.Ledger, o *observe.Observer, live *Live, m *Metrics, now func() time.Time) *Recorder {
	return &Recorder{ledger: l, observer: o, live: live, metrics: m, now: now, reading: map[int64]time.Time{}}
}

// SetObserver changes how jobs are observed from now on, at a reload. What was counted stays as it is.
func (r *Recorder) SetObserver(o *observe.Observer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.observer = o
}

// Record commits, in one transaction, the jobs of the attempt that are final and not yet recorded. With closing set the
// attempt is closed in it too: its run sample counts, and what is not final is discarded. An attempt that started before
// its repository's since does not count; closing it records nothing else.
func (r *Recorder) Record(ctx context.Context, repo githubapi.Repository, attempt githubapi.Attempt, closing bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	account, ok := r.ledger.Account(repo.ID)
	if !ok {
		return fmt.Errorf("recording jobs of %s: its account was never opened", repo.FullName)
	}
	batch := ledger.Batch{Repository: repo.ID}
	change := runChange(attempt.Run, attempt.Latest)
	counts := !attempt.Began().Before(account.Since)
	var jobs []observe.Job
	if counts {
		known, err := r.known(repo.ID, attempt.Run.ID)
		if err != nil {
			return err
		}
		workflow := r.workflow(&batch, repo.ID, attempt)
		jobs = r.observer.Jobs(repo, attempt, workflow, known, closing)
		batch.Entries = entries(attempt, jobs)
		if closing {
			c, err := r.close(repo, attempt, workflow, known)
			if err != nil {
				return err
			}
			change.Close = []ledger.Closing{c}
		} else if !attempt.Run.Completed() {
			change.Held = held(observe.HeldBack(attempt))
		}
	} else if closing {
		change.Close = []ledger.Closing{{Attempt: attempt.Number}}
	}
	change.Open = !closing || attempt.Latest > attempt.Number
	batch.Runs = []ledger.RunChange{change}
	return r.commit(ctx, batch)
}

// close accounts for the attempt as a whole, and for the branch it ran on.
func (r *Recorder) close(repo githubapi.Repository, attempt githubapi.Attempt, workflow string, known observe.Known) (ledger.Closing, error) {
	c := r.observer.Close(repo, attempt, workflow, known)
	closing := ledger.Closing{Attempt: attempt.Number, Samples: samples(c.Samples), Discards: discards(c.Discards)}
	name, watched := r.observer.Watched(repo, attempt.Run)
	if !watched {
		return closing, nil
	}
	mark, _, err := r.ledger.Run(repo.ID, attempt.Run.ID)
	if err != nil {
		return closing, fmt.Errorf("reading when run %d was created: %w", attempt.Run.ID, err)
	}
	if created := attempt.Run.CreatedAt; !mark.Created.IsZero() && (created.IsZero() || mark.Created.Before(created)) {
		attempt.Run.CreatedAt = mark.Created // that of an attempt's own endpoint is the attempt's, and runs are in order by theirs
	}
	of := workflowKey(attempt.Run, workflow)
	was, err := r.ledger.Branch(repo.ID, of, name)
	if err != nil {
		return closing, fmt.Errorf("reading how runs of %s ended before: %w", workflow, err)
	}
	b := r.observer.CloseBranch(repo, attempt, workflow, known, branch(was))
	closing.Branch = &ledger.BranchChange{Workflow: of, Name: name, State: branchState(b)}
	if was.Ended.After(b.Ended) { // this one closes late
		closing.Branch.State.Ended = was.Ended
	}
	closing.Samples = append(closing.Samples, samples(b.Samples)...)
	closing.Discards = append(closing.Discards, discards(b.Discards)...)
	return closing, nil
}

// Unexplained lists the jobs that Record would count as failed, and which are not recorded yet, by id: those whose
// annotations are worth reading.
func (r *Recorder) Unexplained(repo githubapi.Repository, attempt githubapi.Attempt) ([]int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	account, ok := r.ledger.Account(repo.ID)
	if !ok || attempt.Began().Before(account.Since) {
		return nil, nil
	}
	known, err := r.known(repo.ID, attempt.Run.ID)
	if err != nil {
		return nil, err
	}
	return r.observer.Unexplained(attempt, known), nil
}

// Discard closes an attempt without counting it; reason "" is no discard either.
func (r *Recorder) Discard(ctx context.Context, repo githubapi.Repository, run githubapi.Run, attempt, latest int, reason string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := ledger.Closing{Attempt: attempt}
	if reason != "" {
		c.Discards = discards([]string{reason})
	}
	change := runChange(run, latest)
	change.Open = latest > attempt
	change.Close = []ledger.Closing{c}
	return r.commit(ctx, ledger.Batch{Repository: repo.ID, Runs: []ledger.RunChange{change}})
}

// Watch opens the account of a repository, born with the given since, or renames it. It returns the account.
func (r *Recorder) Watch(ctx context.Context, repo githubapi.Repository, since time.Time) (ledger.Account, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.reading[repo.ID]; !ok {
		r.reading[repo.ID] = r.now()
	}
	account, known := r.ledger.Account(repo.ID)
	if known && account.Name == repo.FullName {
		return account, nil
	}
	if !known {
		// GitHub's times have whole seconds: rounded down, an attempt that started at this very second counts.
		account = ledger.Account{ID: repo.ID, Since: since.Truncate(time.Second)}
	}
	account.Name = repo.FullName
	if err := r.commit(ctx, ledger.Batch{Repository: repo.ID, Account: &account}); err != nil {
		return ledger.Account{}, err
	}
	return account, nil
}

// MoveSince moves a repository's since back, where a clock that was wrong had put it ahead. How far the list has been seen
// begins anew.
func (r *Recorder) MoveSince(ctx context.Context, repo int64, since time.Time) (ledger.Account, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	account, ok := r.ledger.Account(repo)
	if since = since.Truncate(time.Second); !ok || !since.Before(account.Since) {
		return account, nil
	}
	account.Since, account.Through = since, time.Time{}
	if err := r.commit(ctx, ledger.Batch{Repository: repo, Account: &account, MoveSince: true}); err != nil {
		return ledger.Account{}, err
	}
	return account, nil
}

// Open remembers runs as open, and, unless it is zero, that every run created before through has been seen.
func (r *Recorder) Open(ctx context.Context, repo int64, runs []githubapi.Run, through time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	batch := ledger.Batch{Repository: repo}
	for _, run := range runs {
		change := runChange(run, run.Number())
		change.Open = true
		batch.Runs = append(batch.Runs, change)
	}
	if account, ok := r.ledger.Account(repo); ok && through.After(account.Through) {
		account.Through = through
		batch.Account = &account
	}
	return r.commit(ctx, batch)
}

// Watching tells how many repositories are watched, which all have their share of the series.
func (r *Recorder) Watching(repositories int) { r.ledger.Expect(repositories) }

// Swept ends a repository's first sweep: series born from now on are not baseline.
func (r *Recorder) Swept(ctx context.Context, repo int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	account, ok := r.ledger.Account(repo)
	if !ok || account.Swept {
		return nil
	}
	account.Swept = true
	return r.commit(ctx, ledger.Batch{Repository: repo, Account: &account})
}

// Attempts returns the closed attempts of a run, ascending.
func (r *Recorder) Attempts(repo, run int64) ([]int, error) {
	mark, _, err := r.ledger.Run(repo, run)
	return mark.Closed, err
}

// WorkflowName is what a workflow was called last, "" where nothing has told.
func (r *Recorder) WorkflowName(repo, workflow int64) string {
	return r.ledger.WorkflowName(repo, workflow)
}

// OpenRuns returns the ids of a repository's open runs.
func (r *Recorder) OpenRuns(repo int64) ([]int64, error) { return r.ledger.OpenRuns(repo) }

// Prune forgets the runs whose newest attempt started before the given time.
func (r *Recorder) Prune(ctx context.Context, repo int64, before time.Time) error {
	_, err := r.ledger.Prune(ctx, repo, before)
	return err
}

// Live replaces the unfinished jobs known of an open attempt.
func (r *Recorder) Live(repo githubapi.Repository, attempt githubapi.Attempt) {
	r.mu.Lock()
	observer := r.observer
	r.mu.Unlock()
	workflow, _ := r.named(repo.ID, attempt)
	r.live.set(repo.ID, attempt.Run.ID, observer.Live(repo, attempt, workflow))
}

// Delivered takes in what a webhook says of one job: that it waits, runs or is over. Nothing is counted by it.
func (r *Recorder) Delivered(repo githubapi.Repository, job githubapi.Job) {
	attempt := githubapi.Attempt{
		Run:    githubapi.Run{ID: job.RunID, RunAttempt: job.RunAttempt, HeadBranch: job.HeadBranch},
		Number: max(job.RunAttempt, 1), Latest: max(job.RunAttempt, 1), Jobs: []githubapi.Job{job},
	}
	var live []observe.LiveJob
	if !job.Completed() {
		r.mu.Lock()
		observer := r.observer
		r.mu.Unlock()
		workflow, _ := r.named(repo.ID, attempt)
		if live = observer.Live(repo, attempt, workflow); len(live) == 0 {
			return // nothing that is shown
		}
	}
	r.live.deliver(repo.ID, job.RunID, job.ID, live)
}

// StillLive notes that the unfinished jobs of a run are as they were.
func (r *Recorder) StillLive(repo, run int64) { r.live.confirm(repo, run) }

// Forget drops the live jobs of a run, or with run 0 of all runs of the repository.
func (r *Recorder) Forget(repo, run int64) {
	r.live.forget(repo, run)
	if run == 0 { // it is not read any more
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.reading, repo)
	}
}

// commit is the one place where anything is committed.
func (r *Recorder) commit(ctx context.Context, batch ledger.Batch) error {
	began := time.Now()
	result, err := r.ledger.Commit(ctx, batch)
	if ctx.Err() == nil || !errors.Is(err, context.Cause(ctx)) { // else it was given up before it began: that is no failure
		r.metrics.committed(time.Since(began), err)
	}
	if err != nil {
		return err
	}
	now := r.now()
	for _, i := range result.Recorded {
		if end := batch.Entries[i].Completed; !end.IsZero() {
			of := r.metrics.lag
			if end.Before(r.reading[batch.Repository]) {
				of = r.metrics.backfill
			}
			of.Observe(max(now.Sub(end).Seconds(), 0))
		}
	}
	return nil
}

// known is what was recorded of a run: by it jobs that were carried over are recognised, and flakes, and what held jobs back.
func (r *Recorder) known(repo, run int64) (observe.Known, error) {
	executions, heldBack, err := r.ledger.History(repo, run)
	if err != nil {
		return observe.Known{}, fmt.Errorf("reading what was recorded of run %d: %w", run, err)
	}
	known := observe.Known{Executions: make([]observe.Execution, len(executions)), Held: make([]observe.Held, len(heldBack))}
	for i, e := range executions {
		known.Executions[i] = observe.Execution(e)
	}
	for i, h := range heldBack {
		known.Held[i] = observe.Held(h)
	}
	return known, nil
}

// workflow returns the attempt's workflow name and remembers it when its jobs or the workflow's own endpoint tell it.
func (r *Recorder) workflow(batch *ledger.Batch, repo int64, attempt githubapi.Attempt) string {
	name, remembered := r.named(repo, attempt)
	id := attempt.Run.WorkflowID
	if told := attempt.Workflow != "" || attempt.NamesWorkflow(); id != 0 && told && name != remembered {
		batch.WorkflowNames = map[int64]string{id: name}
	}
	return name
}

func (r *Recorder) named(repo int64, attempt githubapi.Attempt) (name, remembered string) {
	if id := attempt.Run.WorkflowID; id != 0 {
		remembered = r.ledger.WorkflowName(repo, id)
	}
	return observe.WorkflowName(attempt, cmp.Or(attempt.Workflow, remembered)), remembered
}

func runChange(run githubapi.Run, latest int) ledger.RunChange {
	c := ledger.RunChange{Run: run.ID, Created: run.CreatedAt}
	if run.Number() == latest {
		c.Started = run.NotBefore()
	}
	return c
}

func entries(attempt githubapi.Attempt, jobs []observe.Job) []ledger.Entry {
	out := make([]ledger.Entry, len(jobs))
	for i, j := range jobs {
		out[i] = ledger.Entry{
			Run: attempt.Run.ID, ID: j.ID, Attempt: attempt.Number, Fingerprint: j.Fingerprint,
			Name: j.Name, Ended: j.Completed, Failed: j.Failed, Reason: j.Reason,
			Omitted: j.Omitted, Discards: discards(j.Discards), Samples: samples(j.Samples),
		}
		if j.Ran { // the times of jobs that never ran make no sense, least of all as a lag
			out[i].Completed = j.Completed
		}
	}
	return out
}

// discards counts each reason once for each time it is given.
func discards(reasons []string) []ledger.Discard {
	var out []ledger.Discard
	for _, reason := range reasons {
		i := slices.IndexFunc(out, func(d ledger.Discard) bool { return d.Reason == reason })
		if i < 0 {
			i, out = len(out), append(out, ledger.Discard{Reason: reason})
		}
		out[i].Count++
	}
	return out
}

func samples(in []observe.Sample) []ledger.Sample {
	out := make([]ledger.Sample, len(in))
	exemplars := make([]ledger.Exemplar, len(in))
	for i, s := range in {
		exemplars[i] = ledger.Exemplar{RunID: s.RunID, JobID: s.JobID, At: s.At}
		out[i] = ledger.Sample{Family: s.Family, Values: s.Values, Value: s.Value, Exemplar: &exemplars[i]}
	}
	return out
}

func held(in []observe.Held) []ledger.Held {
	out := make([]ledger.Held, len(in))
	for i, h := range in {
		out[i] = ledger.Held(h)
	}
	return out
}
