package simulator

import "time"

// RunPlan is a workflow run laid out in time. Everything the API shows of it at a moment follows from the plan and that
// moment. Times are cut to whole seconds; zero fields are filled in as said.
type RunPlan struct {
	ID         int64 // 0: assigned
	WorkflowID int64 // 0: that of the repository's workflow of this path, or a new one
	Workflow   string
	Name       string // the run's own name; "" is the workflow's
	Path       string // "" is made from the workflow's name
	Event      string // "" is push
	Branch     string // "" is the repository's default branch
	NullBranch bool   // head_branch is null
	Actor      string
	HeadSHA    string
	Number     int       // run_number; 0: counted per workflow
	CreatedAt  time.Time // zero is the start of the first attempt
	Attempts   []AttemptPlan
}

// AttemptPlan is one attempt of a run. The run shows it from StartedAt on, until the next attempt starts.
type AttemptPlan struct {
	StartedAt time.Time // run_started_at, and when the attempt appears
	// CreatedAt is what the attempt's own endpoint shows; zero is StartedAt, one second more for a re-run.
	CreatedAt time.Time
	// EndedAt is when the attempt turns completed; zero is when its last job finishes, or at once when it has none.
	EndedAt    time.Time
	Open       bool   // never completed
	Blocked    bool   // it could not start because of the account's bills
	Conclusion string // "" follows from the jobs
	Jobs       []JobPlan
}

// JobPlan is one entry of an attempt's jobs list.
type JobPlan struct {
	ID     int64 // 0: assigned; a copy that keeps its id has the same one in both attempts
	Name   string
	Labels []string
	Runner Runner

	CreatedAt   time.Time // as reported; zero is the attempt's start
	StartedAt   time.Time // as reported; zero is CreatedAt
	CompletedAt time.Time // as reported; zero is StartedAt
	// ListedAt is when the entry appears; zero is CreatedAt.
	ListedAt time.Time
	// FinishedAt is when the entry turns completed; zero is CompletedAt. It differs where the reported times are odd.
	FinishedAt   time.Time
	PendingUntil time.Time // status is pending until then
	WaitingUntil time.Time // and waiting until then

	Conclusion string // "" is success
	Cause      Cause  // of a failure
	Steps      []StepPlan
	StepTimes  StepTimes

	Copy         bool // carried over from an earlier attempt, not executed in this one
	CheckRun     bool // a check run that the list shows as a job
	ShownAttempt int  // run_attempt as shown; 0 is the attempt's own number
	Unfinished   bool // never turns completed
	Undecodable  bool // started_at is a number: the entry cannot be decoded

	PendingSteps   bool // unfinished steps that never started show pending instead of queued
	BlankRunner    bool // without a runner its fields are 0 and "" instead of null
	NoCreatedAt    bool // created_at is missing, as on servers before 3.9
	NoCompletedAt  bool // completed_at stays null
	NoWorkflowName bool // workflow_name is missing
}

// StepPlan is one step. Its state at a moment follows from its times while the job runs.
type StepPlan struct {
	Name        string
	Number      int // 0: its position
	StartedAt   time.Time
	CompletedAt time.Time
	Conclusion  string // "" is success
	// Unfinished steps never get a conclusion; they show in_progress, or pending if they never started (StartedAt zero).
	Unfinished bool
}

// StepTimes is how a server wrote the times of steps.
type StepTimes int

// The formats seen over the years.
const (
	StepZulu   StepTimes = iota // 2024-01-02T03:04:05Z
	StepMillis                  // 2022-01-02T03:04:05.000Z
	StepOffset                  // 2021-01-02T05:04:05.000+02:00
)

// Runner is the machine a job ran on; the zero value is none.
type Runner struct {
	ID      int64
	Name    string
	GroupID int64
	Group   string
	Folded  string // what the runner is called once one-job names are folded; "" is Name
}

// CopyShape is how a new attempt lists jobs it did not execute again.
type CopyShape int

// The shapes reported for carried-over jobs.
const (
	CopyNewID      CopyShape = iota // new id, new created_at, old started_at and completed_at
	CopyKeepOld                     // old id, old run_attempt
	CopyKeepNew                     // old id, new run_attempt
	CopyUnlisted                    // not in the list at all
	copyShapeCount                  // number of shapes
)

// CarryOver returns the entries with which attempt number, started at start, lists jobs of attempt previous.
// New ids are left to be assigned.
func CarryOver(jobs []JobPlan, previous, number int, start time.Time, shape CopyShape) []JobPlan {
	var out []JobPlan
	for _, j := range jobs {
		if shape == CopyUnlisted || j.CheckRun || j.Unfinished {
			continue
		}
		out = append(out, carryOver(j, previous, number, start, shape))
	}
	return out
}

func carryOver(j JobPlan, previous, number int, start time.Time, shape CopyShape) JobPlan {
	shown := j.ShownAttempt
	if shown == 0 {
		shown = previous
	}
	j.Copy = true
	j.ListedAt = start
	j.ShownAttempt = number
	j.PendingUntil, j.WaitingUntil = time.Time{}, time.Time{}
	switch shape {
	case CopyNewID:
		j.ID = 0
		j.CreatedAt = start.Add(time.Second)
		j.ListedAt = j.CreatedAt
	case CopyKeepOld:
		j.ShownAttempt = shown
	}
	j.FinishedAt = j.ListedAt
	return j
}

// SimpleRun plans a run of one attempt and one job, "build" on a hosted runner, that is queued for five seconds from
// start on, then runs for length and ends as conclusion says.
func SimpleRun(workflow string, start time.Time, length time.Duration, conclusion string) RunPlan {
	start = start.Truncate(time.Second)
	begin := start.Add(5 * time.Second)
	return RunPlan{Workflow: workflow, Attempts: []AttemptPlan{{StartedAt: start, Jobs: []JobPlan{{
		Name: "build", Labels: []string{"ubuntu-latest"}, Runner: hostedRunner(0), Conclusion: conclusion,
		CreatedAt: start, StartedAt: begin, CompletedAt: begin.Add(length),
		Steps: []StepPlan{{Name: "Run make", StartedAt: begin, CompletedAt: begin.Add(length), Conclusion: conclusion}},
	}}}}}
}

// MatrixRun plans one run of a matrix of the given number of jobs, all listed at once, each a minute long, ten of them
// running at a time.
func MatrixRun(workflow string, jobs int, start time.Time) RunPlan {
	start = start.Truncate(time.Second)
	a := AttemptPlan{StartedAt: start}
	for i := range jobs {
		begin := start.Add(time.Duration(5+i/10*60) * time.Second)
		a.Jobs = append(a.Jobs, JobPlan{
			Name: matrixName("matrix", i), Labels: []string{"ubuntu-latest"}, Runner: hostedRunner(i),
			CreatedAt: start.Add(2 * time.Second), StartedAt: begin, CompletedAt: begin.Add(time.Minute),
			Steps: []StepPlan{
				{Name: "Set up job", StartedAt: begin, CompletedAt: begin.Add(time.Second)},
				{Name: "Run tests", StartedAt: begin.Add(time.Second), CompletedAt: begin.Add(59 * time.Second)},
				{Name: "Complete job", StartedAt: begin.Add(59 * time.Second), CompletedAt: begin.Add(time.Minute)},
			},
		})
	}
	return RunPlan{Workflow: workflow, Attempts: []AttemptPlan{a}}
}
