package observe

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/relabel"
	"github_workflow_exporter/githubapi"
)

func failedStep(name string, number int, conclusion string) githubapi.Step {
	s := step(name, 11, 69)
	s.Number, s.Conclusion = number, conclusion
	return s
}

func noRunner(j *githubapi.Job) {
	j.RunnerID, j.RunnerName, j.RunnerGroupName, j.Steps = 0, "", "", nil
}

func concluded(word string) func(*githubapi.Job) {
	return func(j *githubapi.Job) { j.Conclusion = word }
}

func withSteps(steps ...githubapi.Step) func(*githubapi.Job) {
	return func(j *githubapi.Job) { j.Conclusion, j.Steps = "failure", steps }
}

// reasonOf is the reason under which a job counts, "" where it does not count as failed.
func reasonOf(t *testing.T, o Options, j githubapi.Job, annotations ...githubapi.Annotation) string {
	t.Helper()
	a := attempt(1, j)
	a.Annotations = map[int64][]githubapi.Annotation{j.ID: annotations}
	got := New(o).Jobs(repo, a, "CI", Known{}, false)[0]
	if n := len(valuesOf(got.Samples, family.JobFailures)); (n == 1) != (got.Reason != "") || n > 1 {
		t.Errorf("%d samples under reason %q", n, got.Reason)
	} else if n == 1 && labelOf(t, got.Samples, family.JobFailures, family.Reason) != got.Reason {
		t.Errorf("counted under another reason than %q", got.Reason)
	}
	return got.Reason
}

func TestReasonsByTheJobItself(t *testing.T) {
	open := step("test", 11, 11)
	open.Conclusion, open.Status, open.CompletedAt = "", "in_progress", time.Time{}
	for _, tt := range []struct {
		name string
		job  githubapi.Job
		want string
	}{
		{"success", job(), ""},
		{"skipped", job(noRunner, concluded("skipped")), ""},
		{"neutral", job(concluded("neutral")), ""},
		{"in need of an action", job(concluded("action_required")), ""},
		{"timed out", job(concluded("timed_out"), withSteps(failedStep("test", 3, "failure")), concluded("timed_out")), "timeout"},
		{"cancelled", job(withSteps(failedStep("test", 3, "failure")), concluded("cancelled")), "cancelled"},
		{"cancelled in the queue", job(noRunner, concluded("cancelled")), "cancelled"},
		{"never a runner", job(noRunner, concluded("failure")), "not_started"},
		{"unknown word, never a runner", job(noRunner, concluded("stale")), "not_started"},
		{"no failed step", job(withSteps(failedStep("test", 3, "success"))), "runner_lost"},
		{"no steps at all", job(withSteps()), "runner_lost"},
		{"a step left open", job(withSteps(failedStep("test", 3, "failure"), open)), "runner_lost"},
		{"a step", job(withSteps(failedStep("test", 3, "failure"))), "step"},
		{"a step that timed out", job(withSteps(failedStep("test", 3, "timed_out"))), "step"},
		{"set-up", job(withSteps(failedStep("Set up job", 1, "failure"))), "setup"},
		{"set-up by a hook", job(withSteps(failedStep("Set up runner", 1, "failure"))), "setup"},
		{"containers", job(withSteps(failedStep("Initialize containers", 2, "failure"))), "setup"},
		{"end of containers", job(withSteps(failedStep("Stop containers", 9, "failure"))), "setup"},
		{"the last step", job(withSteps(failedStep("Complete job", 9, "failure"))), "setup"},
		{"the lowest number decides, not the order", job(withSteps(failedStep("Complete job", 9, "failure"), failedStep("test", 3, "failure"))), "step"},
		{"a step called alike", job(withSteps(failedStep("Set up jobs", 2, "failure"))), "step"},
		{"stale with a runner", job(concluded("stale")), "unknown"},
		{"unknown word with a failed step", job(withSteps(failedStep("test", 3, "failure")), concluded("invented")), "step"},
		{"no word", job(concluded("")), "unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := reasonOf(t, Options{}, tt.job); got != tt.want {
				t.Errorf("reason %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReasonsByAnnotations(t *testing.T) {
	note := func(level, message string) githubapi.Annotation {
		return githubapi.Annotation{Level: level, Message: message, Path: ".github"}
	}
	failure := func(messages ...string) (all []githubapi.Annotation) {
		for _, m := range messages {
			all = append(all, note("failure", m))
		}
		return all
	}
	for _, tt := range []struct {
		name string
		said []githubapi.Annotation
		want string
	}{
		{"nothing", nil, "step"},
		{"an exit code", failure("Process completed with exit code 2."), "step"},
		{"maximum time", failure("The job running on runner GitHub Actions 3 has exceeded the maximum execution time of 360 minutes."), "timeout"},
		{"maximum time, another wording", failure("The job has exceeded the maximum execution time of 45m0s"), "timeout"},
		{"cancelled for it", failure("The operation was canceled.", "The job has exceeded the maximum execution time of 6h0m0s"), "timeout"},
		{"action", failure("The action 'Run tests' has timed out after 10 minutes."), "step_timeout"},
		{"hosted runner lost", failure("The hosted runner lost communication with the server. Anything in your workflow that terminates the runner process …"), "runner_lost"},
		{"self-hosted runner lost", failure("The self-hosted runner: build-7 lost communication with the server. Verify the machine is running …"), "runner_lost"},
		{"shutdown", failure("The runner has received a shutdown signal. This can happen when the runner service is stopped …", "Process completed with exit code 143."), "runner_shutdown"},
		{"disk", failure("System.IO.IOException: No space left on device : '/home/runner/_diag/pages/1.log'"), "out_of_disk"},
		{"disk of Windows", failure("There is not enough space on the disk. : 'D:\\a\\_temp'"), "out_of_disk"},
		{"bills", failure("The job was not started because recent account payments have failed or your spending limit needs to be increased."), "not_started"},
		{"locked account", failure("The job was not started because your account is locked due to a billing issue."), "not_started"},
		{"no hosted runner", failure("The job was not acquired by Runner of type hosted even after multiple attempts"), "not_started"},
		{"no runner for a day", failure("The job has exceeded the maximum execution time while awaiting a runner for 24h0m0s"), "not_started"},
		{"superseded", failure("The operation was canceled.", "Canceling since a higher priority waiting request for 'ci-refs/heads/main' exists"), "superseded"},
		{"by a person", failure("The run was canceled by @octocat."), "cancelled"},
		{"cancelled", failure("The operation was canceled."), "cancelled"},
		{"by GraphQL's word", []githubapi.Annotation{note("FAILURE", "The operation was canceled.")}, "cancelled"},
		{"without a level", []githubapi.Annotation{note("", "the OPERATION was CANCELED")}, "cancelled"},
		{"a warning is none", []githubapi.Annotation{note("warning", "No space left on device")}, "step"},
		{"a notice is none", []githubapi.Annotation{note("NOTICE", "lost communication with the server")}, "step"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := reasonOf(t, Options{}, job(withSteps(failedStep("make", 3, "failure"))), tt.said...); got != tt.want {
				t.Errorf("reason %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReasonsOfTheUser(t *testing.T) {
	rule := func(regex, reason string) FailureRule { return FailureRule{regexp.MustCompile(regex), reason} }
	o := Options{FailureRules: []FailureRule{
		rule(`exit code 137|OOMKilled`, "out_of_memory"), rule(`^Lint$`, "lint"), rule(`(?i)space left`, "disk"), rule(`canceled`, "step"),
	}}
	said := func(level, message string) githubapi.Annotation {
		return githubapi.Annotation{Level: level, Message: message}
	}
	for _, tt := range []struct {
		name string
		step string
		said []githubapi.Annotation
		want string
	}{
		{"by a message", "make", []githubapi.Annotation{said("failure", "Process completed with exit code 137.")}, "out_of_memory"},
		{"by a warning too", "make", []githubapi.Annotation{said("warning", "OOMKilled")}, "out_of_memory"},
		{"by the step", "Lint", nil, "lint"},
		{"not by a part of the step where the rule says the whole", "Lint more", nil, "step"},
		{"the first rule decides, not the first annotation", "Lint", []githubapi.Annotation{said("failure", "exit code 137")}, "out_of_memory"},
		{"before GitHub's own", "make", []githubapi.Annotation{said("failure", "No space left on device")}, "disk"},
		{"a built-in reason", "make", []githubapi.Annotation{said("failure", "The operation was canceled.")}, "step"},
		{"none applies", "make", []githubapi.Annotation{said("failure", "lost communication with the server")}, "runner_lost"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := reasonOf(t, o, job(withSteps(failedStep(tt.step, 3, "failure"))), tt.said...); got != tt.want {
				t.Errorf("reason %q, want %q", got, tt.want)
			}
		})
	}
	if got := reasonOf(t, o, job(), said("failure", "OOMKilled")); got != "" {
		t.Errorf("a success fails for %q", got)
	}
}

func TestFailedSeconds(t *testing.T) {
	for _, tt := range []struct {
		name string
		job  githubapi.Job
		want []float64
	}{
		{"ran", job(concluded("failure")), []float64{60}},
		{"no time", job(concluded("failure"), func(j *githubapi.Job) { j.CompletedAt = j.StartedAt }), []float64{0}},
		{"clock skew", job(concluded("failure"), func(j *githubapi.Job) { j.CompletedAt = at(9) }), []float64{0}},
		{"impossible", job(concluded("failure"), func(j *githubapi.Job) { j.CompletedAt = at(2) }), nil},
		{"no end", job(concluded("failure"), func(j *githubapi.Job) { j.CompletedAt = time.Time{} }), nil},
		{"never ran", job(concluded("failure"), noRunner), nil},
		{"succeeded", job(), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantValues(t, observeJob(t, Options{}, tt.job).Samples, family.JobFailedSeconds, tt.want...)
		})
	}
}

func TestRunFailures(t *testing.T) {
	named := func(id int64, end float64, edit ...func(*githubapi.Job)) githubapi.Job {
		return job(append([]func(*githubapi.Job){withSteps(failedStep("make", 3, "failure")), func(j *githubapi.Job) { j.ID, j.CompletedAt = id, at(end) }}, edit...)...)
	}
	lost := func(id int64, end float64) githubapi.Job { return named(id, end, withSteps()) }
	blocked := func(a *githubapi.Attempt) { a.Run.Path = "BuildFailed" }
	noEnd := func(j *githubapi.Job) { j.CompletedAt = time.Time{} }
	old := func(j *githubapi.Job) { j.CreatedAt, j.StartedAt, j.CompletedAt = at(-100), at(-100), at(-90) }
	annotated := func(message string) func(*githubapi.Attempt) {
		return func(a *githubapi.Attempt) {
			a.RunAnnotations = []githubapi.Annotation{{Level: "failure", Message: message}}
		}
	}
	for _, tt := range []struct {
		name       string
		conclusion string
		attempt    githubapi.Attempt
		edit       func(*githubapi.Attempt)
		known      []Execution
		want       string
	}{
		{"success with a failed job", "success", attempt(1, named(1, 70)), nil, nil, ""},
		{"the job that failed first by its end", "failure", attempt(1, named(1, 70), lost(2, 60)), nil, nil, "runner_lost"},
		{"not by its place in the list", "failure", attempt(1, lost(2, 70), named(1, 60)), nil, nil, "step"},
		{"of two the lower id", "failure", attempt(1, named(2, 60), lost(1, 60)), nil, nil, "runner_lost"},
		{"without an end it comes last", "failure", attempt(1, lost(1, 60), named(2, 70)), func(a *githubapi.Attempt) { noEnd(&a.Jobs[0]) }, nil, "step"},
		{"cancelled ones count too", "cancelled", attempt(1, named(1, 60, concluded("cancelled")), named(2, 70)), nil, nil, "cancelled"},
		{"what was carried over does not", "failure", attempt(2, named(1, 1, old), lost(2, 70)), nil, nil, "runner_lost"},
		{"as it was recorded", "failure", attempt(1, named(1, 60)), nil, []Execution{{ID: 1, Attempt: 1, Reason: "out_of_disk"}}, "out_of_disk"},
		{"recorded by an earlier release", "failure", attempt(1, named(1, 60)), nil, []Execution{{ID: 1, Attempt: 1}}, "step"},
		{"nothing failed", "failure", attempt(1, job()), nil, nil, "unknown"},
		{"no jobs", "failure", attempt(1), nil, nil, "unknown"},
		{"no word", "", attempt(1), nil, nil, "unknown"},
		{"not startable", "startup_failure", attempt(1), nil, nil, "invalid_workflow"},
		{"blocked by its path", "startup_failure", attempt(1), blocked, nil, "not_started"},
		{"blocked by an annotation", "startup_failure", attempt(1), annotated("The job was not started because your account is locked"), nil, "not_started"},
		{"an invalid file by an annotation", "startup_failure", attempt(1), annotated("Invalid workflow file"), nil, "invalid_workflow"},
		{"cancelled before there were jobs", "cancelled", attempt(1), nil, nil, "cancelled"},
		{"timed out without jobs", "timed_out", attempt(1), nil, nil, "timeout"},
		{"waits for an action", "action_required", attempt(1), nil, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.attempt.Run.Conclusion = tt.conclusion; tt.edit != nil {
				tt.edit(&tt.attempt)
			}
			got := New(Options{}).Close(repo, tt.attempt, "CI", Known{Executions: tt.known})
			if got.Reason != tt.want {
				t.Errorf("reason %q, want %q", got.Reason, tt.want)
			}
			if tt.want == "" {
				wantValues(t, got.Samples, family.RunFailures)
			} else if l := labelOf(t, got.Samples, family.RunFailures, family.Reason); l != tt.want {
				t.Errorf("counted under %q", l)
			}
		})
	}
}

// A rule that drops one of the families, or that disables it, takes nothing else away and discards nothing.
func TestAnswersLeftOut(t *testing.T) {
	failed := job(concluded("failure"), withSteps(failedStep("make", 3, "failure")))
	drop := relabel.Default()
	drop.Action, drop.SourceLabels = relabel.Drop, []string{"__family__"}
	drop.Regex, _ = relabel.NewRegexp("github_workflow_job_failures_total")
	got := observeJob(t, Options{Relabel: []relabel.Rule{drop}}, failed)
	wantValues(t, got.Samples, family.JobFailures)
	wantValues(t, got.Samples, family.JobFailedSeconds, 60)
	if got.Reason != "step" {
		t.Errorf("reason %q", got.Reason)
	}
	disabled := map[family.ID]bool{family.JobAbandonedDuration: true, family.BranchRecovery: true, family.RunCriticalPath: true}
	odd := job(noRunner, concluded("cancelled"), func(j *githubapi.Job) { j.CompletedAt = at(-50) })
	if got := observeJob(t, Options{Disabled: disabled}, odd); len(got.Discards) > 0 {
		t.Errorf("discards %q", got.Discards)
	}
	if got := observeJob(t, Options{}, odd); len(got.Discards) != 1 || got.Discards[0] != NegativeDuration {
		t.Errorf("discards %q", got.Discards)
	}
}

func FuzzReason(f *testing.F) {
	for _, w := range wordings() {
		f.Add(strings.ToUpper(w.text), "failure")
	}
	f.Add("", "warning")
	f.Fuzz(func(t *testing.T, message, level string) {
		got := New(Options{}).failure(job(withSteps(failedStep("make", 3, "failure"))), []githubapi.Annotation{{Level: level, Message: message}})
		found := false
		for _, reason := range FailureReasons() {
			found = found || reason == got
		}
		if !found {
			t.Errorf("%q of level %q: reason %q", message, level, got)
		}
	})
}
