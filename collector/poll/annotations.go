package poll

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/githubapi"
)

// Annotations says where the annotations of failed jobs are read.
type Annotations int

// The ways to read them.
const (
	AnnotationsOff     Annotations = iota
	AnnotationsGraphQL             // over GraphQL, where the credential may: that costs none of the REST limit
	AnnotationsREST                // a request for each job
)

const (
	// annotateWithin is how long a visit waits for annotations: nothing that is counted waits for them longer.
	annotateWithin = 15 * time.Second
	// maxAnnotated is how many jobs of an attempt are asked about. A run of hundreds of failed jobs seldom has as many causes.
	maxAnnotated = 200
	// maxAnnotatedREST is the same where each costs a request.
	maxAnnotatedREST = 20
)

// records hands over what was read.
type records struct{ *site }

// record commits what was read of an attempt, with what GitHub says of why jobs failed. Nothing waits for that: where it
// cannot be had, the jobs' own facts decide.
func (c *records) record(ctx context.Context, attempt *githubapi.Attempt, closing bool) error {
	c.annotate(ctx, attempt, closing)
	return recorded(c.Recorder.Record(ctx, c.Repo(), *attempt, closing))
}

// annotate fills in the annotations of the jobs that are about to be counted as failed, and of a run that could not start.
func (c *records) annotate(ctx context.Context, attempt *githubapi.Attempt, closing bool) {
	if c.Options.Annotations == AnnotationsOff {
		return
	}
	jobs := c.unexplained(attempt)
	suite := ""
	if closing && len(attempt.Jobs) == 0 && attempt.Run.Conclusion == "startup_failure" {
		suite = attempt.Run.CheckSuiteNodeID
	}
	switch {
	case len(jobs) == 0 && suite == "":
	case c.Options.Annotations == AnnotationsREST:
		c.annotateREST(ctx, attempt, jobs)
	default:
		c.annotateGraphQL(ctx, attempt, jobs, suite)
	}
}

// unexplained are the jobs to ask about. Most attempts have none, which is told without looking anything up.
func (c *records) unexplained(attempt *githubapi.Attempt) []githubapi.Job {
	suspect := func(j githubapi.Job) bool {
		return j.Completed() && j.Conclusion != "success" && j.Conclusion != "skipped"
	}
	if !slices.ContainsFunc(attempt.Jobs, suspect) {
		return nil
	}
	ids, err := c.Recorder.Unexplained(c.Repo(), *attempt)
	if err != nil {
		return nil // recording will fail for the same cause, and says so
	}
	var jobs []githubapi.Job
	for _, j := range attempt.Jobs {
		if slices.Contains(ids, j.ID) && len(jobs) < maxAnnotated {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// annotateREST asks for one job after the other, as long as there is budget to spare.
func (c *records) annotateREST(ctx context.Context, attempt *githubapi.Attempt, jobs []githubapi.Job) {
	for _, j := range jobs[:min(len(jobs), maxAnnotatedREST)] {
		if !c.gate.Spare() || !c.gate.Annotations.May() {
			return
		}
		var annotations []githubapi.Annotation
		err := c.askOf(ctx, func() (err error) {
			annotations, err = c.gate.Client.JobAnnotations(ctx, c.Repo().FullName, j.ID)
			return err
		})
		switch {
		case githubapi.Gone(err):
		case err != nil:
			c.unannotated(c.gate, err)
			return
		default:
			note(attempt, j.ID, annotations)
		}
	}
}

// annotateGraphQL asks for all jobs at once.
func (c *records) annotateGraphQL(ctx context.Context, attempt *githubapi.Attempt, jobs []githubapi.Job, suite string) {
	var ids, suites []string
	for _, j := range jobs {
		if j.NodeID != "" {
			ids = append(ids, j.NodeID)
		}
	}
	if suite != "" {
		suites = append(suites, suite)
	}
	if len(ids)+len(suites) == 0 || !c.gate.Annotations.May() || !c.gate.AffordsGraphQL() {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, annotateWithin)
	defer cancel()
	var answer githubapi.AnnotationsAnswer
	sent, err := c.gate.AskExtra(func() (err error) {
		answer, err = c.gate.Client.Annotations(bounded, ids, suites)
		return err
	})
	if !sent {
		return
	}
	if err != nil {
		c.unannotated(c.gate, err)
	}
	for _, j := range jobs {
		if annotations, ok := answer.ByID[j.NodeID]; ok && j.NodeID != "" {
			note(attempt, j.ID, annotations)
		}
	}
	attempt.RunAnnotations = answer.ByID[suite]
}

func note(attempt *githubapi.Attempt, job int64, annotations []githubapi.Annotation) {
	if len(annotations) == 0 {
		return
	}
	if attempt.Annotations == nil {
		attempt.Annotations = map[int64][]githubapi.Annotation{}
	}
	attempt.Annotations[job] = annotations
}

// unannotated notes that annotations could not be had, and says so once where that will last.
func (c *records) unannotated(g *gate.Gate, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	if barred := g.Annotations.Failed(err); barred > 0 {
		level.Info(c.Logger).Log("msg", "annotations of failed jobs cannot be read: reasons come from the jobs themselves",
			"retry_in", barred, "err", err)
		return
	}
	level.Debug(c.Logger).Log("msg", "reading annotations of failed jobs failed", "err", err)
}
