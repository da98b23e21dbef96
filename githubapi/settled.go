package githubapi

// Settled tells whether a completed job says all there is to say: its conclusion, that of each step, and its times and
// steps at all if a runner worked on it. GitHub shows jobs as completed some seconds before that (cases of conclusion null, and of steps
// that are still in_progress); where a runner died, or the steps were dropped, it never comes to it.
func (j Job) Settled() bool {
	if j.Conclusion == "" || j.HasRunner() && (len(j.Steps) == 0 || j.StartedAt.IsZero() || j.CompletedAt.IsZero()) {
		return false
	}
	for _, s := range j.Steps {
		if s.Conclusion == "" {
			return false
		}
	}
	return true
}

// HasRunner tells whether a runner took the job: null, 0 and "" all mean none.
func (j Job) HasRunner() bool { return j.RunnerID != 0 || j.RunnerName != "" }

// The statuses of a job that is held back: by an approval or a protection rule, or by its concurrency group. While it is
// queued it waits for a runner (github-api §16).
const (
	StatusWaiting = "waiting"
	StatusPending = "pending"
)

// HeldBack tells whether the job waits for something else than a runner.
func (j Job) HeldBack() bool { return j.Status == StatusWaiting || j.Status == StatusPending }
