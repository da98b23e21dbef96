// Package observe turns finished jobs and run attempts into samples. It is a pure function of what GitHub said: it
// asks nothing, keeps nothing and knows no clock. What cannot be observed truthfully is left out with a reason.
package observe

import (
	"slices"
	"time"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/relabel"
)

// The reasons for which a whole job (Omitted) or one value of it (Discards) is left out.
const (
	CarriedOver      = "carried_over"      // listed again by a re-run, not executed again
	CheckRun         = "check_run"         // a check run that an action published, listed among the jobs
	Undecodable      = "undecodable"       // the entry could not be read
	NeverFinished    = "never_finished"    // not final, or not listed, when its attempt closed
	NegativeDuration = "negative_duration" // an end more than Slack before the beginning
	MissingTime      = "missing_time"      // a time that the value needs is absent
	ImpossibleTime   = "impossible_time"   // a time before GitHub existed or after tomorrow, or longer than 35 days
	StepUnfinished   = "step_unfinished"   // a step without conclusion in a completed job
	StepsMissing     = "steps_missing"     // a job that ran lists no steps at all
)

// Slack is how far GitHub's clocks may disagree among themselves: a duration that is negative by no more counts as 0,
// and a time by no more before an attempt's start still belongs to the attempt.
const Slack = 2 * time.Second

// Sample is one observation: 1 for a counter, seconds for a histogram, Unix seconds for a timestamp gauge.
type Sample struct {
	Family family.ID
	// Values are the labels after relabelling, one per label of the family, in its order. They are not to be changed.
	Values []string
	Value  float64
	// At is when the job or the attempt behind the sample ended; zero where that is not known.
	At time.Time
	// RunID and JobID name what was observed; JobID is 0 for the samples of an attempt as a whole.
	RunID, JobID int64
}

// Execution is a job execution recorded earlier, under whatever attempt of the run.
type Execution struct {
	ID          int64
	Attempt     int
	Fingerprint uint64    // 0 where there was none
	Name        uint32    // stands for the job's name; 0 where it is not remembered
	Ended       time.Time // the job's end; zero where it is not known
	Failed      bool      // it failed or timed out: a success of the name in a later attempt is a flake
	Reason      string    // for which it failed, "" where it did not
}

// Known is what was recorded of a run before.
type Known struct {
	Executions []Execution // of any attempt
	Held       []Held      // jobs that were seen held back
}

// Job is the account of one job listed under an attempt.
type Job struct {
	ID int64
	// Final: GitHub will not tell more of this job. It is false for never_finished only.
	Final bool
	// Omitted is the one reason for which the job is left out as a whole, "" when it is an execution of this attempt.
	Omitted string
	// Fingerprint identifies the execution under whatever id; 0 where a time is missing, and of omitted jobs.
	Fingerprint uint64
	// Discards holds a reason for each value that could not be observed; empty for omitted jobs.
	Discards []string
	Samples  []Sample
	// Completed is the job's end; zero where it is not known.
	Completed time.Time
	// Ran tells whether a runner ever worked on the job.
	Ran bool
	// Failed and Reason are for Execution; of omitted jobs there are none. Flake: it succeeded after an earlier attempt of it
	// had failed.
	Failed bool
	Reason string
	Flake  bool
	Name   uint32
	// Held is what the job was seen held back by.
	Held string
}

// Closing is the account of an attempt as a whole.
type Closing struct {
	Samples  []Sample
	Discards []string
	// Reason for which the attempt failed, "" where it did not.
	Reason string
	// Path is the critical path, the last stretch first; empty where no duration was observed.
	Path []Stretch
}

// Options are the settings of an Observer; the zero value counts everything with the built-in rules for names.
type Options struct {
	// RunnerRules come before the built-in ones; the first rule that matches a runner's name decides.
	RunnerRules []Rule
	// LabelRules do the same for each runs-on label, in lower case.
	LabelRules []Rule
	// Branches tells which branches beside the default one keep their name; nil for none.
	Branches func(string) bool
	// FailureRules come before the built-in reasons; the first that applies decides.
	FailureRules []FailureRule
	// Prices come before the built-in list; the first that matches decides.
	Prices []Price
	// Enterprise: a server of one's own, where GitHub's prices do not hold.
	Enterprise bool
	// Relabel rules apply to every sample. Labels they add beyond those of the family are dropped.
	Relabel []relabel.Rule
	// Disabled families get no samples, and what they would have missed is not discarded either.
	Disabled map[family.ID]bool
}

// Observer turns attempts into samples. It never changes and may be used by many goroutines at once.
type Observer struct {
	runners  rules
	labels   rules
	branches func(string) bool
	failures []FailureRule
	prices   []Price
	list     []ListedPrice // GitHub's
	relabel  []relabel.Rule
	families []layout // by family.ID

	enterprise bool
}

// New returns an Observer.
func New(o Options) *Observer {
	obs := &Observer{
		runners:  rules{slices.Clone(o.RunnerRules), BuiltinRunnerRules()},
		labels:   rules{slices.Clone(o.LabelRules), BuiltinLabelRules()},
		branches: o.Branches,
		failures: slices.Clone(o.FailureRules),
		prices:   slices.Clone(o.Prices),
		list:     PriceList(),
		relabel:  slices.Clone(o.Relabel),

		enterprise: o.Enterprise,
	}
	for _, f := range family.All() {
		obs.families = append(obs.families, newLayout(f, o.Disabled[f.ID]))
	}
	return obs
}
