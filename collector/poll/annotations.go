package poll

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/go-kit/log/level"

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
	// barredFor is how long GraphQL is not asked after it said that it is not for this credential, or not there at all.
	barredFor = time.Hour
	// annotateWithin is how long a visit waits for annotations: nothing that is counted waits for them longer.
	annotateWithin = 15 * time.Second
	// brokenPause is how long it is not asked after it did not answer: a visit must not wait for it time and again.
	brokenPause = time.Minute
	// maxAnnotated is how many jobs of an attempt are asked about. A run of hundreds of failed jobs seldom has as many causes.
	maxAnnotated = 200
	// maxAnnotatedREST is the same where each costs a request.
	maxAnnotatedREST = 20
)

// graphql is what is known of asking over GraphQL.
type graphql struct {
	mu    sync.Mutex
	until time.Time // not to be asked before
	token githubapi.Identity
	said  bool // that it is not for this credential
}

// record commits what was read of an attempt, with what GitHub says of why jobs failed. Nothing waits for that: where it
// cannot be had, the jobs' own facts decide.
func (p *Poller) record(ctx context.Context, r *repository, attempt *githubapi.Attempt, closing bool) error {
	p.annotate(ctx, r, attempt, closing)
	return recorded(p.Recorder.Record(ctx, r.repo(), *attempt, closing))
}

// annotate fills in the annotations of the jobs that are about to be counted as failed, and of a run that could not start.
func (p *Poller) annotate(ctx context.Context, r *repository, attempt *githubapi.Attempt, closing bool) {
	if p.Options.Annotations == AnnotationsOff {
		return
	}
	jobs := p.unexplained(r, attempt)
	suite := ""
	if closing && len(attempt.Jobs) == 0 && attempt.Run.Conclusion == "startup_failure" {
		suite = attempt.Run.CheckSuiteNodeID
	}
	switch {
	case len(jobs) == 0 && suite == "":
	case p.Options.Annotations == AnnotationsREST:
		p.annotateREST(ctx, r, attempt, jobs)
	default:
		p.annotateGraphQL(ctx, attempt, jobs, suite)
	}
}

// unexplained are the jobs to ask about. Most attempts have none, which is told without looking anything up.
func (p *Poller) unexplained(r *repository, attempt *githubapi.Attempt) []githubapi.Job {
	suspect := func(j githubapi.Job) bool {
		return j.Completed() && j.Conclusion != "success" && j.Conclusion != "skipped"
	}
	if !slices.ContainsFunc(attempt.Jobs, suspect) {
		return nil
	}
	ids, err := p.Recorder.Unexplained(r.repo(), *attempt)
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
func (p *Poller) annotateREST(ctx context.Context, r *repository, attempt *githubapi.Attempt, jobs []githubapi.Job) {
	for _, j := range jobs[:min(len(jobs), maxAnnotatedREST)] {
		if !p.budget.spare() || !p.graphql.may(p.Now(), p.identity()) {
			return
		}
		var annotations []githubapi.Annotation
		err := p.askOf(ctx, r, func() (err error) {
			annotations, err = p.Client.JobAnnotations(ctx, r.repo().FullName, j.ID)
			return err
		})
		switch {
		case gone(err):
		case err != nil:
			p.unannotated(err)
			return
		default:
			note(attempt, j.ID, annotations)
		}
	}
}

// annotateGraphQL asks for all jobs at once.
func (p *Poller) annotateGraphQL(ctx context.Context, attempt *githubapi.Attempt, jobs []githubapi.Job, suite string) {
	var ids, suites []string
	for _, j := range jobs {
		if j.NodeID != "" {
			ids = append(ids, j.NodeID)
		}
	}
	if suite != "" {
		suites = append(suites, suite)
	}
	if len(ids)+len(suites) == 0 || !p.graphql.may(p.Now(), p.identity()) || !p.affordsGraphQL() || !p.budget.admitExtra() {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, annotateWithin)
	defer cancel()
	answer, err := p.Client.Annotations(bounded, ids, suites)
	if kindIs(err, githubapi.KindSecondaryLimit) {
		p.settle(err)
	} else {
		p.budget.settle(nil) // what else went wrong, its own primary limit too, is nothing to REST
	}
	if err != nil {
		p.unannotated(err)
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

// affordsGraphQL tells whether more is left of the limit of GraphQL than the share that belongs to others.
func (p *Poller) affordsGraphQL() bool {
	l, known := p.Client.GraphQLLimit()
	return !known || !p.Now().Before(l.Reset) || float64(l.Remaining) > float64(l.Limit)*p.Reserve
}

// identity is that of the token, as far as there is one.
func (p *Poller) identity() githubapi.Identity {
	token, _ := p.Client.TokenIdentity() // who has none finds out elsewhere
	return token
}

// unannotated notes that annotations could not be had, and says so once where that will last.
func (p *Poller) unannotated(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	now := p.Now()
	var e *githubapi.Error
	switch {
	case kindIs(err, githubapi.KindForbidden), kindIs(err, githubapi.KindNotFound), kindIs(err, githubapi.KindUnauthorized):
		if p.graphql.bar(now.Add(barredFor), p.identity()) {
			level.Info(p.Logger).Log("msg", "annotations of failed jobs cannot be read: reasons come from the jobs themselves",
				"retry_in", barredFor, "err", err)
		}
	case errors.As(err, &e) && e.Kind == githubapi.KindPrimaryLimit && e.Reset.After(now):
		p.graphql.pause(e.Reset)
	default:
		p.graphql.pause(now.Add(max(brokenPause, asked(err))))
		level.Debug(p.Logger).Log("msg", "reading annotations of failed jobs failed", "err", err)
	}
}

// may tells whether it may be asked. A new token may be let in where another was not.
func (g *graphql) may(now time.Time, token githubapi.Identity) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return token != g.token && g.said || !now.Before(g.until)
}

// bar notes that the credential is not let in; it tells whether that is news.
func (g *graphql) bar(until time.Time, token githubapi.Identity) (news bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	news = !g.said || token != g.token
	g.until, g.token, g.said = until, token, true
	return news
}

func (g *graphql) pause(until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until = latest(g.until, until)
}
