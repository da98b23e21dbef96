package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github_workflow_exporter/collector/observe"
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
