// Package family is the one table of every data family the exporter exposes: name, type, help, labels and default
// buckets. The ledger's accounts, the exposition, README's table and the checks over dashboards and rules all read it.
package family

import "slices"

// ID names a family; it indexes All. IDs are not durable: the ledger stores names.
type ID int

// The data families. Those before JobsNow are durable accounts; the rest are gauges of what is going on now.
const (
	JobDuration ID = iota
	JobQueueDuration
	JobConclusions
	StepDuration
	StepConclusions
	RunDuration
	RunConclusions
	RunLastCompletion
	JobsNow
	OldestJob

	count
)

// Kind is the Prometheus type of a family.
type Kind int

// The kinds of families.
const (
	Counter Kind = iota
	Gauge
	Histogram
)

func (k Kind) String() string { return [...]string{"counter", "gauge", "histogram"}[k] }

// Fold says how values that come to share a label set become one.
type Fold int

// The folds: counters and histograms always add up.
const (
	Sum Fold = iota
	Minimum
	Maximum
)

// Family describes one metric family.
type Family struct {
	ID     ID
	Name   string
	Help   string
	Kind   Kind
	Fold   Fold
	Labels []string
	// BucketGroup is the key under metrics.buckets that replaces Buckets; empty for counters and gauges.
	BucketGroup string
	// Buckets are the default upper bounds of a histogram in seconds, ascending, without +Inf.
	Buckets []float64
	// Durable families are kept in the ledger; the others show the present and live in memory only.
	Durable bool
}

// OverflowValue stands in every label but conclusion once a family's series limit is reached, and beyond some conclusions in
// that one too.
const OverflowValue = "_overflow"

// The label names, each meaning the same in every family that has it.
const (
	Repository = "repository"
	Workflow   = "workflow"
	JobName    = "job_name"
	StepName   = "step"
	Runner     = "runner"
	Label      = "label"
	Conclusion = "conclusion"
	Event      = "event"
	Branch     = "branch"
	Status     = "status"
)

// Default upper bounds in seconds. A step can be a moment, a queue a day: each group spans what its family sees.
var (
	jobBuckets   = []float64{1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400}
	queueBuckets = []float64{1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400}
	stepBuckets  = []float64{1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 21600, 86400}
	runBuckets   = []float64{10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400}
)

var table = [count]Family{
	JobDuration: {
		Name: "github_workflow_job_duration_seconds", Kind: Histogram, BucketGroup: "job", Buckets: jobBuckets, Durable: true,
		Help:   "Time from the start to the completion of finished workflow jobs that ran.",
		Labels: []string{Repository, Workflow, JobName, Runner, Label, Conclusion},
	},
	JobQueueDuration: {
		Name: "github_workflow_job_queue_duration_seconds", Kind: Histogram, BucketGroup: "queue", Buckets: queueBuckets, Durable: true,
		Help:   "Time finished workflow jobs that ran had waited from their creation to their start, approvals and concurrency groups included.",
		Labels: []string{Repository, Workflow, Runner, Label},
	},
	JobConclusions: {
		Name: "github_workflow_job_conclusions_total", Kind: Counter, Durable: true,
		Help:   "Finished workflow job executions by conclusion, each counted once, including those that never ran.",
		Labels: []string{Repository, Workflow, JobName, Runner, Label, Conclusion},
	},
	StepDuration: {
		Name: "github_workflow_step_duration_seconds", Kind: Histogram, BucketGroup: "step", Buckets: stepBuckets, Durable: true,
		Help:   "Time from the start to the completion of the steps of finished jobs; skipped steps are not timed.",
		Labels: []string{Repository, Workflow, JobName, StepName, Runner, Label, Conclusion},
	},
	StepConclusions: {
		Name: "github_workflow_step_conclusions_total", Kind: Counter, Durable: true,
		Help:   "Steps of finished jobs by conclusion.",
		Labels: []string{Repository, Workflow, JobName, StepName, Runner, Label, Conclusion},
	},
	RunDuration: {
		Name: "github_workflow_run_duration_seconds", Kind: Histogram, BucketGroup: "run", Buckets: runBuckets, Durable: true,
		Help:   "Time from the start of a finished run attempt to the completion of the last job it executed.",
		Labels: []string{Repository, Workflow, Event, Branch, Conclusion},
	},
	RunConclusions: {
		Name: "github_workflow_run_conclusions_total", Kind: Counter, Durable: true,
		Help:   "Finished run attempts by conclusion, each counted once.",
		Labels: []string{Repository, Workflow, Event, Branch, Conclusion},
	},
	RunLastCompletion: {
		Name: "github_workflow_run_last_completion_timestamp_seconds", Kind: Gauge, Fold: Maximum, Durable: true,
		Help:   "Unix time at which the latest finished run attempt completed.",
		Labels: []string{Repository, Workflow, Event, Branch, Conclusion},
	},
	JobsNow: {
		Name: "github_workflow_jobs", Kind: Gauge, Fold: Sum,
		Help:   "Jobs of open runs that are queued, in progress or waiting, as last polled.",
		Labels: []string{Repository, Workflow, Label, Status},
	},
	OldestJob: {
		Name: "github_workflow_oldest_job_timestamp_seconds", Kind: Gauge, Fold: Minimum,
		Help:   "Unix time since which the oldest job has been queued, in progress or waiting, as last polled; absent when there is none.",
		Labels: []string{Repository, Workflow, Label, Status},
	},
}

// All returns the table in order of ID. The caller owns the slice, not what its entries point to.
func All() []Family {
	all := slices.Clone(table[:])
	for i := range all {
		all[i].ID = ID(i)
	}
	return all
}

// Get returns the family of an ID.
func Get(id ID) Family {
	f := table[id]
	f.ID = id
	return f
}

// ByName finds a family by its metric name.
func ByName(name string) (Family, bool) {
	for i, f := range table {
		if f.Name == name {
			f.ID = ID(i)
			return f, true
		}
	}
	return Family{}, false
}

// BucketGroups lists the keys of metrics.buckets.
func BucketGroups() []string { return []string{"job", "queue", "step", "run"} }
