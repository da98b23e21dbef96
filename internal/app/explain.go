package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github_workflow_exporter/collector/ledger"
	"github_workflow_exporter/collector/observe"
	"github_workflow_exporter/githubapi"
	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/explain"
)

// ExplainOptions are what Explain is asked for.
type ExplainOptions struct {
	Arguments []string // pages, or owner/name and the number of a run
	Logs      bool     // show the end of the logs of failed jobs
	JSON      bool
	// Exporter is the address of a running exporter that is asked what it has counted while it holds the ledger.
	Exporter  string
	Out       io.Writer
	Transport http.RoundTripper // to GitHub; nil: the network
}

const (
	// maxExplained attempts of a run are read, the newest; each costs requests.
	maxExplained = 10
	// maxExplainedPages of a list of jobs are read.
	maxExplainedPages = 20
	// maxLogs of failed jobs are shown, and of each the last maxLogBytes are looked at.
	maxLogs     = 5
	maxLogBytes = 256 << 10
	// askExporter is how long a running exporter may take to answer.
	askExporter = 3 * time.Second
)

// Explain shows of runs what was or would be counted, and why. It counts nothing, and keeps to the reserve of the rate limit.
func Explain(ctx context.Context, c *config.Config, o ExplainOptions) error {
	targets, err := explain.ParseTargets(o.Arguments, c.GitHub.APIURL)
	if err != nil {
		return err
	}
	client, err := newClient(c, o.Transport, nil, time.Now, nil)
	if err != nil {
		return err
	}
	x := &explainer{
		checker: checker{client: client, credential: credential(c), config: c, w: io.Discard}, options: o, observer: newObserver(c),
	}
	var reports []explain.Report
	var failed []error
	for _, t := range targets {
		account, _, _ := strings.Cut(t.Repository, "/")
		if x.client, err = clientOf(ctx, client, c, account); err != nil {
			failed = append(failed, err)
			continue
		}
		report, err := x.explain(ctx, t)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		reports = append(reports, report)
	}
	return errors.Join(append(failed, x.write(reports))...)
}

// ExplainRepositories are the repositories of a configuration for Explain: without a file and without any given, those that
// are asked about on github.com, so that nothing has to be configured for one look.
func ExplainRepositories(file string, given, arguments []string) []string {
	if file != "" || len(given) > 0 {
		return given
	}
	targets, err := explain.ParseTargets(arguments, config.Default().GitHub.APIURL)
	if err != nil {
		return nil // Explain will say so, or the configuration that it needs
	}
	for _, t := range targets {
		if !slices.Contains(given, t.Repository) {
			given = append(given, t.Repository)
		}
	}
	return given
}

// explainer reads what there is to be said of runs. It asks at the pace and within the limits of check.
type explainer struct {
	checker
	options  ExplainOptions
	observer *observe.Observer
}

func (x *explainer) write(reports []explain.Report) error {
	if x.options.JSON {
		encoder := json.NewEncoder(x.options.Out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		if len(reports) == 1 {
			return encoder.Encode(reports[0])
		}
		return encoder.Encode(reports)
	}
	for i, r := range reports {
		if i > 0 {
			fmt.Fprintln(x.options.Out)
		}
		if err := explain.Write(x.options.Out, r); err != nil {
			return fmt.Errorf("writing the explanation: %w", err)
		}
	}
	return nil
}

// ask sends one request, unless only the reserve is left.
func (x *explainer) ask(ctx context.Context, send func() error) error {
	if !x.allowed(ctx) {
		return fmt.Errorf("nothing more is asked: %s", x.stopped)
	}
	err := send()
	if said := blocking(err); said != nil {
		return said
	}
	return err
}

func (x *explainer) explain(ctx context.Context, t explain.Target) (explain.Report, error) {
	what := fmt.Sprintf("run %d of %s", t.Run, t.Repository)
	if t.Run == 0 {
		what = fmt.Sprintf("job %d of %s", t.Job, t.Repository)
	}
	f, err := x.facts(ctx, &t)
	if err != nil {
		return explain.Report{}, fmt.Errorf("explaining %s: %w%s", what, err, x.repositoryAdvice(err))
	}
	report := explain.Make(x.observer, f, t)
	report.URL = explain.Page(x.config.GitHub.APIURL, f.Repository.FullName, f.Run.ID)
	if x.options.Logs {
		x.logs(ctx, f.Repository.FullName, &report)
	}
	return report, nil
}

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

// ledger finds out what was counted: by the ledger itself while nobody has it, else by the exporter that does.
func (x *explainer) ledger(ctx context.Context, repository, run int64) (*explain.Ledger, string) {
	dir := x.config.Storage.Path
	peeked, err := ledger.Peek(dir, x.config.GitHub.APIURL, repository, run)
	switch {
	case err == nil:
		return remembered(peeked), "that in " + dir
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, ledger.ErrLocked):
		l, asked := askRecorded(ctx, x.options.Exporter, repository, run)
		if asked == nil {
			return l, "that of the exporter at " + x.options.Exporter
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, "none in " + dir + " and no exporter at " + x.options.Exporter + ": whether it was counted is not known"
		}
		return nil, "in use, and no exporter answers at " + x.options.Exporter + " (--exporter.url): whether it was counted is not known"
	}
	return nil, err.Error()
}

// askRecorded asks a running exporter what it has counted of a run.
func askRecorded(ctx context.Context, exporter string, repository, run int64) (*explain.Ledger, error) {
	ctx, cancel := context.WithTimeout(ctx, askExporter)
	defer cancel()
	query := url.Values{"repository": {fmt.Sprint(repository)}, "run": {fmt.Sprint(run)}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(exporter, "/")+"/-/recorded?"+query.Encode(), nil)
	if err != nil {
		return nil, fmt.Errorf("asking the exporter: %w", err)
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking the exporter: %w", err)
	}
	defer response.Body.Close()
	var l explain.Ledger
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking the exporter: it answers %s", response.Status)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 4<<20)).Decode(&l); err != nil {
		return nil, fmt.Errorf("reading the exporter's answer: %w", err)
	}
	return &l, nil
}

// logs fills in the ends of the logs of failed jobs.
func (x *explainer) logs(ctx context.Context, repo string, r *explain.Report) {
	shown := 0
	for i := range r.Attempts {
		for k := range r.Attempts[i].Jobs {
			j := &r.Attempts[i].Jobs[k]
			if j.Reason == "" || j.Counted == explain.No {
				continue
			}
			if shown++; shown > maxLogs {
				j.Log = []string{"(not read: the logs of five jobs are shown)"}
				continue
			}
			j.Log = x.log(ctx, repo, j.ID)
		}
	}
}

func (x *explainer) log(ctx context.Context, repo string, job int64) []string {
	var tail []byte
	err := x.ask(ctx, func() error {
		body, err := x.client.DownloadJobLogs(ctx, repo, job)
		if err != nil {
			return err
		}
		defer body.Close()
		tail, err = lastBytes(body, maxLogBytes)
		return err
	})
	switch {
	case isKind(err, githubapi.KindNotFound), isKind(err, githubapi.KindGone):
		return []string{"(no log: it is gone, or the runner never sent one)"}
	case err != nil:
		return []string{"(the log cannot be read: " + err.Error() + ")"}
	}
	return explain.LogTail(string(tail))
}

// lastBytes reads all there is and keeps the end of it.
func lastBytes(r io.Reader, most int) ([]byte, error) {
	kept := make([]byte, 0, 2*most)
	buffer := make([]byte, 32<<10)
	for {
		n, err := r.Read(buffer)
		kept = append(kept, buffer[:n]...)
		if len(kept) > most {
			kept = append(kept[:0], kept[len(kept)-most:]...)
		}
		if errors.Is(err, io.EOF) {
			return kept, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the log: %w", err)
		}
	}
}
