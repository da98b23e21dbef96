package simulator

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Options configure a simulated GitHub.
type Options struct {
	Seed  int64
	Start time.Time        // the world's beginning, cut to whole seconds; zero is the hour in which New is called
	End   time.Time        // no run is generated from then on (re-runs of earlier ones are); zero: without end
	Now   func() time.Time // the driven clock; nil is time.Now
	// Sleep waits for slow answers; nil waits in real time. It returns early with the context's error.
	Sleep func(ctx context.Context, d time.Duration) error

	BasePath     string // for instance /api/v3; "" is the shape of github.com
	Repositories []RepositoryPlan

	Token           string    // "" and no Tokens: not checked
	Tokens          []string  // further accepted ones; see also SetTokens
	TokenExpiration time.Time // sent as github-authentication-token-expiration unless zero

	App AppPlan // with a key: who asks needs its tokens, or one of the others

	PrimaryLimit  int // requests an hour and token; 0: no limit headers and no /rate_limit, as on GHES
	PrimaryStatus int // of an answer over the primary limit: 403 (default) or 429

	SecondaryPoints     int // requests a minute answered before a secondary limit; 0: none (github.com: 900)
	SecondaryConcurrent int // requests at once likewise (github.com: 100)

	EnterpriseVersion string   // sent as x-github-enterprise-version and in /meta; "": not sent
	APIVersions       []string // accepted X-GitHub-Api-Version values; nil: 2022-11-28 and, without EnterpriseVersion, 2026-03-10

	GraphQL       GraphQLMode
	GraphQLPoints int // an hour and token; 0: 5000
	GraphQLNodes  int // more in one query take too long; 0: 1000

	Stretches []Stretch // in order of time

	FilterLag    time.Duration // filtered run lists know the world as it was so long ago
	LogRetention time.Duration // logs answer 410 after it; 0 is 90 days
	LogOrigin    string        // scheme and host of the log redirect; "" is the request's own
	MaxQueue     time.Duration // generated jobs are cancelled after so long in the queue; 0 is a day
	Forget       time.Duration // runs that ended so long ago are dropped from the world, their truth kept; 0: never
}

// Stretch is a time in which the world is disturbed as SlowDay or StoppedRunners would, planned from the beginning.
type Stretch struct {
	After, Length  time.Duration // from Options.Start
	SlowDay        bool
	StoppedRunners bool
}

// RepositoryPlan describes one repository and the runs generated for it.
type RepositoryPlan struct {
	Name          string // owner/name
	ID            int64  // 0: assigned
	User          bool   // the owner is a user, not an organization
	DefaultBranch string // "" is main
	Private       bool
	Archived      bool
	Disabled      bool
	Fork          bool
	PushedAt      time.Time // zero: when the world began

	RunsPerDay float64        // generated; 0: only what AddRun adds
	Even       bool           // as many at night as by day, instead of three times as many by day
	Workflows  []WorkflowPlan // nil: DefaultWorkflows
	Rates      *Rates         // nil: DefaultRates
	// OldServer leaves created_at and workflow_name out of all jobs.
	OldServer bool
}

// WorkflowPlan is the template of generated runs.
type WorkflowPlan struct {
	ID     int64 // 0: assigned
	Name   string
	Path   string
	Share  int      // weight among the repository's workflows; 0 is 1
	Events []string // drawn from, evenly; nil is push
	Jobs   []JobTemplate
}

// JobTemplate is the template of a job, or of a matrix of them.
type JobTemplate struct {
	Name        string
	Variants    []string // matrix: one job each, named "Name (variant)"
	SkippedName string   // shown if skipped: GitHub does not evaluate names then; "" is the name
	Needs       []string // names of templates before this one
	Always      bool     // runs whatever became of its needs
	Labels      []string
	Runner      RunnerClass
	Seconds     [2]int // shortest and longest duration
	Queue       [2]int // shortest and longest wait for a runner, seconds
	Hold        [2]int // held by its concurrency group, seconds; status pending meanwhile
	Wait        [2]int // then wait for an approval, seconds; status waiting meanwhile
	FailRate    float64
	SkipRate    float64
	CheckRuns   int            // check runs published at most
	Steps       []StepTemplate // nil: a checkout and a test
	Pool        string         // self-hosted runners are called so, with a number behind it; "" is build
	PoolSize    int            // how many there are; 0 is 4
}

// StepTemplate is one of a job's own steps.
type StepTemplate struct {
	Name    string
	Seconds [2]int // shortest and longest; none: a part of what the other steps leave of the job
	Share   int    // that part, as a weight beside the others'; 0 is 1
}

func (s StepTemplate) quick() bool { return s.Seconds[1] > 0 }

// RunnerClass is the kind of machine a job asks for.
type RunnerClass int

// The kinds of runners.
const (
	Hosted RunnerClass = iota
	SelfHosted
	ScaleSet // actions-runner-controller
	EC2
)

func (o *Options) complete() error {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Start.IsZero() {
		o.Start = o.Now().Truncate(time.Hour)
	}
	o.Start = o.Start.UTC().Truncate(time.Second)
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	o.BasePath = strings.TrimRight(o.BasePath, "/")
	if o.BasePath != "" && !strings.HasPrefix(o.BasePath, "/") {
		return fmt.Errorf("base path %q: must begin with /", o.BasePath)
	}
	if o.PrimaryStatus == 0 {
		o.PrimaryStatus = 403
	}
	if o.LogRetention == 0 {
		o.LogRetention = 90 * 24 * time.Hour
	}
	if o.MaxQueue == 0 {
		o.MaxQueue = 24 * time.Hour
	}
	if o.APIVersions == nil {
		o.APIVersions = []string{"2022-11-28"}
		if o.EnterpriseVersion == "" {
			o.APIVersions = append(o.APIVersions, "2026-03-10")
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
