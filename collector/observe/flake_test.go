package observe

import (
	"testing"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/githubapi"
)

// recordedAs is an execution of job "build", or of another name, as it is remembered.
func recordedAs(id int64, attempt int, end float64, outcome string, name ...string) Execution {
	e := Execution{ID: id, Attempt: attempt, Name: nameSum("build"), Ended: at(end)}
	for _, n := range name {
		e.Name = nameSum(n)
	}
	switch outcome {
	case "failure", "timed_out":
		e.Failed, e.Reason = true, "step"
	case "timeout": // conclusion cancelled, but its annotation says why
		e.Failed, e.Reason = true, "timeout"
	case "cancelled":
		e.Reason = "cancelled"
	}
	return e
}

func TestFlakes(t *testing.T) {
	for _, tt := range []struct {
		name       string
		attempt    int
		conclusion string
		earlier    []Execution
		want       bool
	}{
		{"failed before", 2, "success", []Execution{recordedAs(1, 1, 10, "failure")}, true},
		{"timed out before", 2, "success", []Execution{recordedAs(1, 1, 10, "timed_out")}, true},
		{"timed out by its annotation", 2, "success", []Execution{recordedAs(1, 1, 10, "timeout")}, true},
		{"cancelled before", 2, "success", []Execution{recordedAs(1, 1, 10, "cancelled")}, false},
		{"succeeded before", 2, "success", []Execution{recordedAs(1, 1, 10, "success")}, false},
		{"fails again", 2, "failure", []Execution{recordedAs(1, 1, 10, "failure")}, false},
		{"neutral is no success", 2, "neutral", []Execution{recordedAs(1, 1, 10, "failure")}, false},
		{"another job failed", 2, "success", []Execution{recordedAs(1, 1, 10, "failure", "lint")}, false},
		{"nothing is known of before", 2, "success", nil, false},
		{"a first attempt", 1, "success", []Execution{recordedAs(1, 1, 10, "failure")}, false},
		{"failed twice", 3, "success", []Execution{recordedAs(1, 1, 10, "failure"), recordedAs(2, 2, 20, "failure")}, true},
		{"was mended before", 3, "success", []Execution{recordedAs(1, 1, 10, "failure"), recordedAs(2, 2, 20, "success")}, false},
		{"failed in the second attempt only", 3, "success", []Execution{recordedAs(1, 1, 10, "success"), recordedAs(2, 2, 20, "failure")}, true},
		{"the attempt between did not run it", 3, "success", []Execution{recordedAs(1, 1, 10, "failure"), recordedAs(2, 2, 20, "success", "lint")}, true},
		{"cancelled in between", 3, "success", []Execution{recordedAs(1, 1, 10, "failure"), recordedAs(2, 2, 20, "cancelled")}, false},
		{"listed in another order", 3, "success", []Execution{recordedAs(2, 2, 20, "failure"), recordedAs(1, 1, 10, "success")}, true},
		{"a later attempt is recorded already", 2, "success", []Execution{recordedAs(1, 1, 10, "failure"), recordedAs(3, 3, 30, "success")}, true},
		{"of two of one name the later one", 2, "success", []Execution{recordedAs(1, 1, 20, "failure"), recordedAs(2, 1, 10, "success")}, true},
		{"of two of one name the earlier one failed", 2, "success", []Execution{recordedAs(1, 1, 10, "failure"), recordedAs(2, 1, 20, "success")}, false},
		{"of two that ended together the higher id", 2, "success", []Execution{recordedAs(2, 1, 10, "failure"), recordedAs(1, 1, 10, "success")}, true},
		{"from a release that kept no names", 2, "success", []Execution{{ID: 1, Attempt: 1}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j := job(func(j *githubapi.Job) { j.ID, j.Conclusion = 500, tt.conclusion })
			got := New(Options{}).Jobs(repo, attempt(tt.attempt, j), "CI", Known{Executions: tt.earlier}, false)[0]
			if n := len(valuesOf(got.Samples, family.JobFlakes)); got.Flake != tt.want || (n == 1) != tt.want {
				t.Errorf("flake %v, %d samples", got.Flake, n)
			}
		})
	}
}

// What is remembered of an execution says whether a later success is a flake.
func TestRemembered(t *testing.T) {
	for _, tt := range []struct {
		conclusion, message string
		want                bool
	}{
		{"failure", "", true}, {"timed_out", "", true}, {"cancelled", "", false}, {"stale", "", false}, {"success", "", false},
		{"cancelled", "The job has exceeded the maximum execution time of 10m0s", true}, {"cancelled", "The action 'x' has timed out after 5 minutes.", false},
	} {
		a := attempt(1, job(concluded(tt.conclusion)))
		if tt.message != "" {
			a.Annotations = map[int64][]githubapi.Annotation{101: {{Message: tt.message}}}
		}
		got := New(Options{}).Jobs(repo, a, "CI", Known{}, false)[0]
		if got.Failed != tt.want || got.Name == 0 {
			t.Errorf("%s %q: failed %v, name %d", tt.conclusion, tt.message, got.Failed, got.Name)
		}
	}
	if a, b := nameSum("build"), nameSum("Build"); a == b || a != 0xc39bf2a3 {
		t.Errorf("the sum of a name changed: %#x", a)
	}
}

func TestRerunSeconds(t *testing.T) {
	for attempts, want := range map[int][]float64{1: nil, 2: {60}, 7: {60}} {
		got := New(Options{}).Jobs(repo, attempt(attempts, job()), "CI", Known{}, false)[0]
		wantValues(t, got.Samples, family.JobRerunSeconds, want...)
	}
	old := job(func(j *githubapi.Job) { j.StartedAt, j.CompletedAt = at(-90), at(-30) })
	if got := New(Options{}).Jobs(repo, attempt(2, old), "CI", Known{}, false)[0]; got.Omitted != CarriedOver || len(got.Samples) > 0 {
		t.Errorf("a copy: %+v", got)
	}
}

func TestHeld(t *testing.T) {
	a := attempt(1,
		job(func(j *githubapi.Job) { j.ID, j.Status = 1, "waiting" }), job(func(j *githubapi.Job) { j.ID, j.Status = 2, "pending" }),
		job(func(j *githubapi.Job) { j.ID, j.Status = 3, "queued" }), job(func(j *githubapi.Job) { j.ID, j.Status = 0, "waiting" }), job())
	held := HeldBack(a)
	if len(held) != 2 || held[0] != (Held{1, HeldByApproval}) || held[1] != (Held{2, HeldByConcurrency}) {
		t.Errorf("held back: %v", held)
	}
	gone := job(noRunner, concluded("cancelled"))
	for _, tt := range []struct {
		held []Held
		want string
	}{
		{nil, ""}, {[]Held{{7, HeldByApproval}}, ""}, {[]Held{{101, HeldByConcurrency}}, HeldByConcurrency},
		{[]Held{{101, HeldByConcurrency}, {101, HeldByApproval}}, HeldByApproval}, {[]Held{{101, HeldByApproval}, {101, HeldByConcurrency}}, HeldByApproval},
	} {
		got := New(Options{}).Jobs(repo, attempt(1, job()), "CI", Known{Held: tt.held}, false)[0]
		if l := labelOf(t, got.Samples, family.JobQueueDuration, family.Held); l != tt.want || got.Held != tt.want {
			t.Errorf("%v: held %q, want %q", tt.held, l, tt.want)
		}
		got = New(Options{}).Jobs(repo, attempt(1, gone), "CI", Known{Held: tt.held}, false)[0]
		if l := labelOf(t, got.Samples, family.JobAbandonedDuration, family.Held); l != tt.want {
			t.Errorf("abandoned, %v: held %q, want %q", tt.held, l, tt.want)
		}
	}
}

func TestAbandoned(t *testing.T) {
	for _, tt := range []struct {
		name     string
		job      githubapi.Job
		want     []float64
		discards int
	}{
		{"cancelled in the queue", job(noRunner, concluded("cancelled")), []float64{66}, 0},
		{"at once", job(noRunner, concluded("cancelled"), func(j *githubapi.Job) { j.CompletedAt = at(4) }), []float64{0}, 0},
		{"clock skew", job(noRunner, concluded("cancelled"), func(j *githubapi.Job) { j.CompletedAt = at(2) }), []float64{0}, 0},
		{"backwards", job(noRunner, concluded("cancelled"), func(j *githubapi.Job) { j.CompletedAt = at(1) }), nil, 1},
		{"no end", job(noRunner, concluded("cancelled"), func(j *githubapi.Job) { j.CompletedAt = at(0).Add(-1e18) }), nil, 1},
		{"an old server", job(noRunner, concluded("cancelled"), oldServer), nil, 0},
		{"cancelled while it ran", job(concluded("cancelled")), nil, 0},
		{"skipped", job(noRunner, concluded("skipped")), nil, 0},
		{"refused", job(noRunner, concluded("failure")), nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := observeJob(t, Options{}, tt.job)
			wantValues(t, got.Samples, family.JobAbandonedDuration, tt.want...)
			if len(got.Discards) != tt.discards {
				t.Errorf("discards %q", got.Discards)
			}
		})
	}
}
