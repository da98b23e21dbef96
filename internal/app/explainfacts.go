package app

import (
	"context"
	"fmt"
	"slices"

	"github_workflow_exporter/collector/observe"
	"github_workflow_exporter/githubapi"
	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/explain"
)

const (
	// maxExplained attempts of a run are read, the newest; each costs requests.
	maxExplained = 10
	// maxExplainedPages of a list of jobs are read.
	maxExplainedPages = 20
)

// facts reads a run, its attempts and their jobs. Of a job alone it finds the run first.
func (x *explainer) facts(ctx context.Context, t *explain.Target) (f explain.Facts, err error) {
	if err := x.ask(ctx, func() (err error) {
		f.Repository, _, err = x.client.Repository(ctx, t.Repository, githubapi.Tag{})
		return err
	}); err != nil {
		return f, fmt.Errorf("reading the repository: %w", err)
	}
	if t.Job != 0 {
		var job githubapi.Job
		if err := x.ask(ctx, func() (err error) {
			job, err = x.client.Job(ctx, t.Repository, t.Job)
			return err
		}); err != nil {
			return f, fmt.Errorf("reading the job: %w", err)
		}
		if t.Run == 0 {
			t.Run = job.RunID
		}
	}
	if err := x.ask(ctx, func() (err error) {
		f.Run, _, err = x.client.Run(ctx, t.Repository, t.Run, githubapi.Tag{})
		return err
	}); err != nil {
		return f, fmt.Errorf("reading the run: %w", err)
	}
	f.Run.ID = t.Run
	if err := x.attempts(ctx, t.Repository, &f); err != nil {
		return f, err
	}
	if err := x.compare(ctx, t.Repository, &f); err != nil {
		return f, err
	}
	f.Workflow = x.workflow(ctx, t.Repository, f)
	f.Ledger, f.Source = x.ledger(ctx, f.Repository.ID, t.Run)
	return f, nil
}

// attempts reads the attempts as the exporter does: by their number, each with its own jobs and conclusion.
func (x *explainer) attempts(ctx context.Context, repo string, f *explain.Facts) error {
	latest := f.Run.Number()
	first := max(1, latest-maxExplained+1)
	if first > 1 {
		f.Notes = append(f.Notes, fmt.Sprintf("only the last %d of %d attempts are shown; what earlier ones ran is not known here", maxExplained, latest))
	}
	for n := first; n <= latest; n++ {
		a := githubapi.Attempt{Run: f.Run, Number: n, Latest: latest}
		if n < latest {
			if err := x.ask(ctx, func() (err error) {
				a.Run, err = x.client.RunAttempt(ctx, repo, f.Run.ID, n)
				return err
			}); err != nil {
				return fmt.Errorf("reading attempt %d: %w", n, err)
			}
			a.Run.ID, a.Run.RunAttempt = f.Run.ID, n
		}
		jobs, total, err := x.jobs(ctx, func(p githubapi.PageRequest) (githubapi.Page[githubapi.Job], error) {
			return x.client.AttemptJobs(ctx, repo, f.Run.ID, n, p)
		})
		if err != nil {
			return fmt.Errorf("reading the jobs of attempt %d: %w", n, err)
		}
		a.Jobs, a.TotalCount = jobs, total
		x.annotate(ctx, repo, &a)
		f.Attempts = append(f.Attempts, a)
	}
	return nil
}

func (x *explainer) jobs(ctx context.Context, list func(githubapi.PageRequest) (githubapi.Page[githubapi.Job], error)) (jobs []githubapi.Job, total int, err error) {
	request := githubapi.PageRequest{PerPage: 100}
	for range maxExplainedPages {
		var page githubapi.Page[githubapi.Job]
		if err := x.ask(ctx, func() (err error) {
			page, err = list(request)
			return err
		}); err != nil {
			return nil, 0, err
		}
		jobs, total = append(jobs, page.Items...), page.TotalCount
		if page.Next == "" {
			break
		}
		request = githubapi.PageRequest{PerPage: 100, Next: page.Next}
	}
	return jobs, total, nil
}

// compare says where the lists of the run as a whole, which GitHub's pages show, hold something else than its attempts.
func (x *explainer) compare(ctx context.Context, repo string, f *explain.Facts) error {
	known, latest := map[int64]bool{}, map[int64]bool{}
	for _, a := range f.Attempts {
		for _, j := range a.Jobs {
			known[j.ID] = true
			if a.Number == f.Run.Number() {
				latest[j.ID] = true
			}
		}
	}
	for _, of := range []struct {
		filter string
		in     map[int64]bool
		note   string
	}{
		{"all", known, "%d jobs that GitHub lists of the run are in no attempt's own list: they are not counted"},
		{"latest", latest, "%d jobs that GitHub shows of the run are not in the list of its latest attempt, %d"},
	} {
		jobs, _, err := x.jobs(ctx, func(p githubapi.PageRequest) (githubapi.Page[githubapi.Job], error) {
			return x.client.RunJobs(ctx, repo, f.Run.ID, of.filter, p)
		})
		if err != nil {
			return fmt.Errorf("reading the jobs of the run: %w", err)
		}
		odd := 0
		for _, j := range jobs {
			if j.ID != 0 && !of.in[j.ID] {
				odd++
			}
		}
		switch {
		case odd == 0 || of.filter == "all" && len(f.Attempts) < f.Run.Number():
		case of.filter == "latest":
			f.Notes = append(f.Notes, fmt.Sprintf(of.note, odd, f.Run.Number()))
		default:
			f.Notes = append(f.Notes, fmt.Sprintf(of.note, odd))
		}
	}
	return nil
}

// workflow is the workflow label: what jobs tell, else the workflow itself.
func (x *explainer) workflow(ctx context.Context, repo string, f explain.Facts) string {
	for _, a := range f.Attempts {
		if a.NamesWorkflow() {
			return observe.WorkflowName(a, "")
		}
	}
	var told githubapi.Workflow
	if f.Run.WorkflowID != 0 {
		_ = x.ask(ctx, func() (err error) { // where it is gone the path stands for it
			told, err = x.client.Workflow(ctx, repo, f.Run.WorkflowID)
			return err
		})
	}
	return observe.WorkflowName(githubapi.Attempt{Run: f.Run, Number: f.Run.Number()}, told.Name)
}

// annotate reads why jobs failed as the exporter would. Without that the jobs' own facts decide.
func (x *explainer) annotate(ctx context.Context, repo string, a *githubapi.Attempt) {
	var failed []githubapi.Job
	var ids, suites []string
	for _, id := range x.observer.Unexplained(*a, observe.Known{}) {
		i := slices.IndexFunc(a.Jobs, func(j githubapi.Job) bool { return j.ID == id })
		failed = append(failed, a.Jobs[i])
		if a.Jobs[i].NodeID != "" {
			ids = append(ids, a.Jobs[i].NodeID)
		}
	}
	if len(a.Jobs) == 0 && a.Run.Conclusion == "startup_failure" && a.Run.CheckSuiteNodeID != "" {
		suites = append(suites, a.Run.CheckSuiteNodeID)
	}
	a.Annotations = map[int64][]githubapi.Annotation{}
	switch mode := x.config.Failures.Annotations; {
	case mode == config.AnnotationsREST:
		for _, j := range failed {
			_ = x.ask(ctx, func() (err error) {
				a.Annotations[j.ID], err = x.client.JobAnnotations(ctx, repo, j.ID)
				return err
			})
		}
	case mode == config.AnnotationsAuto && len(ids)+len(suites) > 0:
		answer, _ := x.client.Annotations(ctx, ids, suites)
		for _, j := range failed {
			a.Annotations[j.ID] = answer.ByID[j.NodeID]
		}
		if len(suites) > 0 {
			a.RunAnnotations = answer.ByID[suites[0]]
		}
	}
}
