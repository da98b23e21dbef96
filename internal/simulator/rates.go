package simulator

import "time"

// Rates are how often generated runs and jobs take which turn, each between 0 and 1.
type Rates struct {
	Rerun        float64 // failed attempts run again
	RerunSuccess float64 // successful ones
	// RerunDelay bounds how long after its end an attempt is run again: some within seconds, some close to it.
	RerunDelay time.Duration

	Cancel         float64 // runs cancelled in the middle
	StartupFailure float64 // runs without jobs
	// PathNames lets startup failures show the workflow's path as the run's name, but only where a reader can know the
	// workflow's name: an attempt with jobs started later than PathNames after the world's start and closed two hours
	// before the failure. Set it past the reader's first sweep; 0: never.
	PathNames      time.Duration
	ActionRequired float64 // pull requests that wait for approval and go on as attempt 2
	NullBranch     float64
	OddConclusion  float64 // neutral, timed_out, stale and action_required where success or failure is usual

	Causes float64 // failures with another cause than a step of the workflow

	OddSkipTimes  float64 // skipped and queue-cancelled jobs whose times make no sense
	DeadRunner    float64 // jobs whose runner died: steps without an end
	StepsGone     float64 // jobs that ran and list no steps
	SkewedSteps   float64 // jobs with a step that ends 1 or 2 s before it starts
	NegativeStep  float64 // jobs with a step that ends more than 2 s before it starts
	EarlyFirst    float64 // jobs whose first step starts 1 s before them
	OldStepTimes  float64 // jobs with step times in older formats
	BlankRunner   float64 // jobs without a runner that show 0 and "" instead of null
	NeverFinished float64 // completed runs with a job that stays queued for ever

	// The remaining ones are real but break GitHub's own description of its API.
	UnknownWord float64 // conclusions nobody has heard of yet
	NoCreatedAt float64 // jobs without created_at
	PendingStep float64 // dead runners' later steps show "pending"
	Undecodable float64 // jobs that cannot be decoded
}

// DefaultRates makes every odd shape turn up within some hundred runs.
func DefaultRates() Rates {
	r := ConformingRates()
	r.UnknownWord = 0.01
	r.NoCreatedAt = 0.01
	r.PendingStep = 0.5
	return r
}

// ConformingRates are the default rates without what breaks GitHub's OpenAPI description.
func ConformingRates() Rates {
	return Rates{
		Rerun: 0.5, RerunSuccess: 0.04, RerunDelay: 30 * time.Hour,
		Cancel: 0.04, StartupFailure: 0.02, PathNames: 6 * time.Hour, ActionRequired: 0.05, NullBranch: 0.03, OddConclusion: 0.02,
		Causes:       0.3,
		OddSkipTimes: 0.3, DeadRunner: 0.01, StepsGone: 0.02, SkewedSteps: 0.05, NegativeStep: 0.005, EarlyFirst: 0.25, OldStepTimes: 0.2,
		BlankRunner: 0.2, NeverFinished: 0.004,
	}
}
