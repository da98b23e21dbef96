package simulator

import "math/rand/v2"

// Cause is why a job failed, where it was more than a step that did. It gives the job its shape and GitHub's annotations.
type Cause int

// The causes. Wordings are those in use on GitHub.
const (
	ByStep Cause = iota // a step of the workflow
	ByTimeout
	ByStepTimeout
	ByLostRunner
	ByShutdown
	ByFullDisk
	ByNoStart
	ByNoRunner // none came within MaxQueue
	BySuccessor
	ByPerson
	BySetup
)

// reason is what a reader of the annotations calls the cause; "" where they tell no more than the job.
func (c Cause) reason() string {
	return [...]string{
		ByTimeout: "timeout", ByStepTimeout: "step_timeout", ByLostRunner: "runner_lost", ByShutdown: "runner_shutdown", ByFullDisk: "out_of_disk",
		ByNoStart: "not_started", ByNoRunner: "not_started", BySuccessor: "superseded", ByPerson: "cancelled", BySetup: "",
	}[c]
}

// annotations are those of a job that failed, level and message each.
func (j *JobPlan) annotations() [][2]string {
	const failure, warning = "failure", "warning"
	lost := "The hosted runner lost communication with the server. Anything in your workflow that terminates the runner process, starves it for CPU/Memory, or blocks its network access can cause this error."
	if j.Runner.Group != "GitHub Actions" {
		lost = "The self-hosted runner lost communication with the server. Verify the machine is running and has a healthy network connection. " +
			"Runner: " + j.Runner.Name + "."
	}
	cancelled := [2]string{failure, "The operation was canceled."}
	switch j.Cause {
	case ByTimeout:
		return [][2]string{cancelled, {failure, "The job running on runner " + j.Runner.Name + " has exceeded the maximum execution time of 45 minutes."}}
	case ByStepTimeout:
		return [][2]string{{failure, "The action 'Run tests' has timed out after 10 minutes."}}
	case ByLostRunner:
		return [][2]string{{failure, lost}}
	case ByShutdown:
		return [][2]string{{failure, "The runner has received a shutdown signal. This can happen when the runner service is stopped, or a manually started runner is canceled."},
			{failure, "Process completed with exit code 143."}}
	case ByFullDisk:
		return [][2]string{{warning, "You are running out of disk space. The runner will stop working when the machine runs out of disk space. Free space left: 12 MB"},
			{failure, "System.IO.IOException: No space left on device : '/home/runner/actions-runner/cached/_diag/Worker.log'"}}
	case ByNoStart:
		return [][2]string{{failure, "The job was not started because recent account payments have failed or your spending limit needs to be increased. Please check the 'Billing & plans' section in your settings"}}
	case ByNoRunner:
		return [][2]string{{failure, "The job has exceeded the maximum execution time while awaiting a runner for 24h0m0s"}}
	case BySuccessor:
		return [][2]string{cancelled, {failure, "Canceling since a higher priority waiting request for 'ci-refs/heads/main' exists"}}
	case ByPerson:
		return [][2]string{{failure, "The run was canceled by @octocat."}, cancelled}
	case BySetup:
		return [][2]string{{failure, "Failed to download action 'https://api.github.com/repos/actions/setup-go/tarball/1'. Error: Response status code does not indicate success: 503."}}
	}
	if j.Conclusion == "failure" {
		return [][2]string{{warning, "Node.js 20 actions are deprecated."}, {failure, "Process completed with exit code 1."}}
	}
	return nil
}

// drawCause draws why a job of the world fails, from a stream of its own.
func (c *course) drawCause(rnd *rand.Rand) Cause {
	if rnd.Float64() >= c.rates.Causes {
		return ByStep
	}
	return []Cause{ByTimeout, ByTimeout, ByStepTimeout, ByShutdown, ByFullDisk, ByFullDisk, ByNoStart, BySetup}[rnd.IntN(8)]
}

// suffer gives a job that fails the shape of its cause. The time at which it is over stays, but where it never began.
func (c *course) suffer(j *JobPlan, cause Cause) {
	for k := range j.Steps {
		if j.Steps[k].Unfinished {
			j.Cause = ByLostRunner // its steps say so already
			return
		}
	}
	j.Cause = cause
	switch cause {
	case ByTimeout:
		j.Conclusion = "cancelled"
		for k := range j.Steps {
			if j.Steps[k].Conclusion == "failure" {
				j.Steps[k].Conclusion = "cancelled"
			}
		}
	case ByNoStart:
		at := j.CreatedAt
		j.Runner, j.Steps, j.WaitingUntil, j.PendingUntil = Runner{}, nil, at, at
		j.StartedAt, j.CompletedAt, j.FinishedAt = at, at, at
		j.NoCreatedAt = false
	case BySetup:
		for k := range j.Steps {
			s := &j.Steps[k]
			switch {
			case k == 0:
				s.Conclusion, s.CompletedAt = "failure", j.CompletedAt
			case k < len(j.Steps)-1:
				s.Conclusion, s.StartedAt, s.CompletedAt = "skipped", j.CompletedAt, j.CompletedAt
			}
		}
	}
}

// annotations of a run that could not start.
func (a *AttemptPlan) annotations(path string) [][2]string {
	switch {
	case a.Conclusion != "startup_failure":
		return nil
	case a.Blocked:
		return [][2]string{{"failure", "The job was not started because your account is locked due to a billing issue."}}
	}
	return [][2]string{{"failure", "Invalid workflow file: " + path + "#L12\nThe workflow is not valid. " + path + " (Line: 12, Col: 9): Unexpected value 'step'"}}
}
