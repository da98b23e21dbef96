package observe

import (
	"regexp"
	"slices"
	"strings"

	"github_workflow_exporter/githubapi"
)

// The reasons for which jobs and runs fail; the rules of the settings may name others.
const (
	FailedTimeout         = "timeout"          // the job took longer than its timeout-minutes, or than GitHub lets any
	FailedStepTimeout     = "step_timeout"     // a step took longer than its timeout-minutes
	FailedRunnerLost      = "runner_lost"      // the runner was not heard of any more
	FailedRunnerShutdown  = "runner_shutdown"  // the runner was told to stop in the midst of it
	FailedOutOfDisk       = "out_of_disk"      // nothing more could be written
	FailedNotStarted      = "not_started"      // no runner ever took it
	FailedSuperseded      = "superseded"       // cancelled for a newer one in its concurrency group
	FailedCancelled       = "cancelled"        // by a person, or with the rest of its run
	FailedSetup           = "setup"            // in a step of the runner's own
	FailedStep            = "step"             // in a step of the workflow
	FailedInvalidWorkflow = "invalid_workflow" // of runs only: the workflow cannot be started as it is written
	FailedUnknown         = "unknown"
)

// FailureReasons are the built-in reasons, in the order in which they are tried.
func FailureReasons() []string {
	return []string{
		FailedTimeout, FailedStepTimeout, FailedRunnerLost, FailedRunnerShutdown, FailedOutOfDisk, FailedNotStarted,
		FailedSuperseded, FailedCancelled, FailedSetup, FailedStep, FailedInvalidWorkflow, FailedUnknown,
	}
}

// FailureRule is a reason of the settings: it applies where the expression is found in the message of an annotation or in
// the name of the first step that failed.
type FailureRule struct {
	Regex  *regexp.Regexp
	Reason string
}

// Failing tells whether what ended with this conclusion counts as failed. Words that nobody knows yet do, and so does none.
func Failing(conclusion string) bool {
	switch conclusion {
	case "success", "skipped", "neutral", "action_required":
		return false
	}
	return true
}

// failure is the reason for which a job failed: by the rules of the settings, by what GitHub's annotations say, by what the
// job itself shows; the first that applies.
func (o *Observer) failure(j githubapi.Job, annotations []githubapi.Annotation) string {
	step := firstFailed(j.Steps)
	for _, rule := range o.failures {
		if rule.applies(annotations, step) {
			return rule.Reason
		}
	}
	if reason := saidBy(annotations); reason != "" {
		return reason
	}
	return shownBy(j, step)
}

func (r FailureRule) applies(annotations []githubapi.Annotation, step *githubapi.Step) bool {
	if step != nil && r.Regex.MatchString(step.Name) {
		return true
	}
	return slices.ContainsFunc(annotations, func(a githubapi.Annotation) bool { return r.Regex.MatchString(a.Message) })
}

// wording is how GitHub says a reason, in lower case and without the parts that vary.
type wording struct {
	text, reason string
}

// wordings are in the order in which they are looked for: a job that takes too long is also said to be cancelled. Source:
// github-api §15, and for a hosted runner that never comes what people report of it.
func wordings() []wording {
	return []wording{
		{"has exceeded the maximum execution time of", FailedTimeout},
		{"has timed out after", FailedStepTimeout},
		{"lost communication with the server", FailedRunnerLost},
		{"has received a shutdown signal", FailedRunnerShutdown},
		{"no space left on device", FailedOutOfDisk},
		{"not enough space on the disk", FailedOutOfDisk}, // the same of Windows
		{"the job was not started because", FailedNotStarted},
		{"was not acquired by runner", FailedNotStarted},
		{"while awaiting a runner", FailedNotStarted},
		{"canceling since a higher priority waiting request for", FailedSuperseded},
		{"the run was canceled by", FailedCancelled},
		{"the operation was canceled", FailedCancelled},
	}
}

// saidBy is the reason that annotations give, "" if none does. Warnings and notices are no failures: they speak of other
// things, in anybody's words.
func saidBy(annotations []githubapi.Annotation) string {
	if len(annotations) == 0 {
		return ""
	}
	said := make([]string, 0, len(annotations))
	for _, a := range annotations {
		if a.Level == "" || strings.EqualFold(a.Level, "failure") {
			said = append(said, strings.ToLower(a.Message))
		}
	}
	for _, w := range wordings() {
		if slices.ContainsFunc(said, func(message string) bool { return strings.Contains(message, w.text) }) {
			return w.reason
		}
	}
	return ""
}

// shownBy is the reason that the job's own facts give. A job whose runner dies is left without a failed step, or with one
// that never ended.
func shownBy(j githubapi.Job, step *githubapi.Step) string {
	switch {
	case j.Conclusion == "timed_out":
		return FailedTimeout
	case j.Conclusion == "cancelled":
		return FailedCancelled
	case !ran(j):
		return FailedNotStarted
	case failed(j.Conclusion) && (step == nil || leftOpen(j.Steps)):
		return FailedRunnerLost
	case step == nil:
		return FailedUnknown
	case slices.Contains(runnersOwn(), step.Name):
		return FailedSetup
	}
	return FailedStep
}

func failed(conclusion string) bool {
	return conclusion == "failure" || conclusion == "startup_failure"
}

// runnersOwn are the names of the steps that the runner adds by itself, before and after those of the workflow.
func runnersOwn() []string {
	return []string{"Set up job", "Set up runner", "Initialize containers", "Stop containers", "Complete runner", "Complete job"}
}

// firstFailed is the failed step with the lowest number, nil if there is none.
func firstFailed(steps []githubapi.Step) *githubapi.Step {
	var first *githubapi.Step
	for i := range steps {
		s := &steps[i]
		if (s.Conclusion == "failure" || s.Conclusion == "timed_out") && (first == nil || s.Number < first.Number) {
			first = s
		}
	}
	return first
}

func leftOpen(steps []githubapi.Step) bool {
	return slices.ContainsFunc(steps, func(s githubapi.Step) bool { return s.Conclusion == "" })
}

// blockedPath is the path of runs that GitHub does not start because of the account's bills (github-api, "startup_failure").
const blockedPath = "BuildFailed"

// runFailure is the reason for which an attempt failed of which no executed job did.
func runFailure(a githubapi.Attempt) string {
	switch {
	case a.Run.Conclusion == "startup_failure" && (a.Run.WorkflowPath() == blockedPath || saidBy(a.RunAnnotations) == FailedNotStarted):
		return FailedNotStarted
	case a.Run.Conclusion == "startup_failure":
		return FailedInvalidWorkflow
	case a.Run.Conclusion == "timed_out":
		return FailedTimeout
	case a.Run.Conclusion == "cancelled":
		return FailedCancelled
	}
	return FailedUnknown
}

// before tells whether a job ended before another; without an end it comes last, and of two that end together the lower id
// comes first.
func before(a, b githubapi.Job) bool {
	if a.CompletedAt.IsZero() != b.CompletedAt.IsZero() {
		return b.CompletedAt.IsZero()
	}
	if !a.CompletedAt.Equal(b.CompletedAt) {
		return a.CompletedAt.Before(b.CompletedAt)
	}
	return a.ID < b.ID
}
