// Package family is the one table of every data family the exporter exposes: name, type, help, labels and default
// buckets. The ledger's accounts, the exposition, README's table and the checks over dashboards and rules all read it.
package family

import "slices"

// ID names a family; it indexes All. IDs are not durable: the ledger stores names.
type ID int

// The data families. Those before BranchRedSince are durable accounts; then come the gauges of branches, which are made of
// what the ledger remembers of their runs, and those of what is going on now.
const (
	JobDuration ID = iota
	JobQueueDuration
	JobAbandonedDuration
	JobConclusions
	StepDuration
	StepConclusions
	RunDuration
	RunConclusions
	RunLastCompletion
	JobFailures
	JobFailedSeconds
	RunFailures
	JobFlakes
	JobRerunSeconds
	JobBillableSeconds
	JobCost
	RunCriticalPath
	BranchRecovery
	BranchRedSince
	BranchConsecutiveFailures
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
	// Durable families have their series in the ledger; the values of the others are made anew each time they are shown.
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
	Held       = "held"
	Reason     = "reason"
	SKU        = "sku"
	Phase      = "phase"
)

// Default upper bounds in seconds. A step can be a moment, a queue a day, a red branch a week: each spans what its family
// sees.
var (
	jobBuckets   = []float64{1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400}
	queueBuckets = []float64{1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400}
	stepBuckets  = []float64{1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 21600, 86400}
	runBuckets   = []float64{10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400}

	recoveryBuckets = []float64{300, 900, 1800, 3600, 7200, 14400, 28800, 86400, 172800, 345600, 604800}
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
		Labels: []string{Repository, Workflow, Runner, Label, Held},
	},
	JobAbandonedDuration: {
		Name: "github_workflow_job_abandoned_duration_seconds", Kind: Histogram, BucketGroup: "queue", Buckets: queueBuckets, Durable: true,
		Help:   "Time from the creation to the end of workflow jobs that were cancelled before a runner took them.",
		Labels: []string{Repository, Workflow, Label, Held},
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
	JobFailures: {
		Name: "github_workflow_job_failures_total", Kind: Counter, Durable: true,
		Help:   "Finished workflow job executions that neither succeeded nor were skipped, neutral or in need of an action, by reason.",
		Labels: []string{Repository, Workflow, JobName, Label, Reason},
	},
	JobFailedSeconds: {
		Name: "github_workflow_job_failed_seconds_total", Kind: Counter, Durable: true,
		Help:   "Time for which failed workflow jobs held a runner, by the reason of the failure.",
		Labels: []string{Repository, Workflow, JobName, Label, Reason},
	},
	RunFailures: {
		Name: "github_workflow_run_failures_total", Kind: Counter, Durable: true,
		Help:   "Finished run attempts that neither succeeded nor were skipped, neutral or in need of an action, by the reason of the job that failed first.",
		Labels: []string{Repository, Workflow, Event, Branch, Reason},
	},
	JobFlakes: {
		Name: "github_workflow_job_flakes_total", Kind: Counter, Durable: true,
		Help:   "Workflow job executions that succeeded in a re-run after the same job had failed in the attempt before.",
		Labels: []string{Repository, Workflow, JobName, Label},
	},
	JobRerunSeconds: {
		Name: "github_workflow_job_rerun_seconds_total", Kind: Counter, Durable: true,
		Help:   "Time for which workflow jobs ran in attempts after the first of their run.",
		Labels: []string{Repository, Workflow, JobName, Label},
	},
	JobBillableSeconds: {
		Name: "github_workflow_job_billable_seconds_total", Kind: Counter, Durable: true,
		Help:   "Time for which workflow jobs ran on priced runners, each job rounded up to whole minutes.",
		Labels: []string{Repository, Workflow, Label, SKU},
	},
	JobCost: {
		Name: "github_workflow_job_cost_usd_total", Kind: Counter, Durable: true,
		Help:   "List price in US dollars of the billable time of workflow jobs, as it was when they were counted. It is no invoice.",
		Labels: []string{Repository, Workflow, Label, SKU},
	},
	RunCriticalPath: {
		Name: "github_workflow_run_critical_path_seconds_total", Kind: Counter, Durable: true,
		Help:   "Time that finished run attempts spent on their critical path, by job and by what the time went into: run, queue or gap.",
		Labels: []string{Repository, Workflow, JobName, Phase},
	},
	BranchRecovery: {
		Name: "github_workflow_branch_recovery_duration_seconds", Kind: Histogram, Buckets: recoveryBuckets, Durable: true,
		Help:   "Time from the end of the first failed run of a streak on a watched branch to the end of the success that ended it.",
		Labels: []string{Repository, Workflow, Branch},
	},
	BranchRedSince: {
		Name: "github_workflow_branch_red_since_timestamp_seconds", Kind: Gauge, Fold: Minimum,
		Help:   "Unix time at which the first failed run of the present streak on a watched branch ended; absent while the branch is green.",
		Labels: []string{Repository, Workflow, Branch},
	},
	BranchConsecutiveFailures: {
		Name: "github_workflow_branch_consecutive_failures", Kind: Gauge, Fold: Sum,
		Help:   "Failed runs on a watched branch since its newest success, 1,000 at most.",
		Labels: []string{Repository, Workflow, Branch},
	},
	JobsNow: {
		Name: "github_workflow_jobs", Kind: Gauge, Fold: Sum,
		Help:   "Jobs of open runs that are queued, pending, waiting or in progress, as last polled.",
		Labels: []string{Repository, Workflow, Label, Status},
	},
	OldestJob: {
		Name: "github_workflow_oldest_job_timestamp_seconds", Kind: Gauge, Fold: Minimum,
		Help:   "Unix time since which the oldest job has been queued, pending, waiting or in progress, as last polled; absent when there is none.",
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
