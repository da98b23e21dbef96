package observe

import (
	"testing"
	"time"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/githubapi"
)

func TestCarriedOver(t *testing.T) {
	none := time.Time{}
	times := func(started, completed time.Time) func(*githubapi.Job) {
		return func(j *githubapi.Job) { j.ID, j.StartedAt, j.CompletedAt = 202, started, completed }
	}
	same := fingerprint(job())
	for _, tt := range []struct {
		name    string
		number  int
		edit    func(*githubapi.Job)
		noStart bool
		earlier []Execution
		want    string
	}{
		{"executed in this attempt", 2, times(at(10), at(70)), false, nil, ""},
		{"both times before the attempt", 2, times(at(-100), at(-50)), false, nil, CarriedOver},
		{"started before", 2, times(at(-3), at(50)), false, nil, CarriedOver},
		{"completed before, start missing", 2, times(none, at(-3)), false, nil, CarriedOver},
		{"two seconds before", 2, times(at(-2), at(-2)), false, nil, ""},
		{"no times", 2, times(none, none), false, nil, ""},
		{"before the start of a first attempt", 1, times(at(-100), at(-50)), false, nil, ""},
		{"start of the attempt unknown", 2, times(at(-100), at(-50)), true, nil, ""},
		{"recorded by the first attempt", 2, times(at(10), at(70)), false, []Execution{{ID: 101, Attempt: 1, Fingerprint: same}}, CarriedOver},
		{"recorded by the first attempt, start unknown", 3, times(at(10), at(70)), true, []Execution{{ID: 101, Attempt: 1, Fingerprint: same}}, CarriedOver},
		{"recorded by this attempt", 2, times(at(10), at(70)), false, []Execution{{ID: 101, Attempt: 2, Fingerprint: same}}, ""},
		{"recorded by a later attempt", 2, times(at(10), at(70)), false, []Execution{{ID: 101, Attempt: 3, Fingerprint: same}}, ""},
		{"another execution of the same name", 2, times(at(11), at(70)), false, []Execution{{ID: 101, Attempt: 1, Fingerprint: same}}, ""},
		{"without fingerprints", 2, times(none, none), false, []Execution{{ID: 101, Attempt: 1}}, ""},
		{"same id", 2, func(j *githubapi.Job) { j.StartedAt, j.CompletedAt = none, none }, false, []Execution{{ID: 101, Attempt: 1}}, CarriedOver},
		{"a later attempt seen in the first", 1, times(at(10), at(70)), false, []Execution{{ID: 101, Attempt: 2, Fingerprint: same}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := attempt(tt.number, job(tt.edit))
			if tt.noStart {
				a.Run.RunStartedAt, a.Run.CreatedAt = none, none
			}
			got := New(Options{}).Jobs(repo, a, "CI", Known{Executions: tt.earlier}, true)
			if len(got) != 1 || got[0].Omitted != tt.want {
				t.Errorf("got %+v, want omitted %q", got, tt.want)
			}
			// The same decision keeps copies out of the run's duration: without a job that ran it is neither timed nor missed.
			closing := New(Options{}).Close(repo, a, "CI", Known{Executions: tt.earlier})
			timed := len(valuesOf(closing.Samples, family.RunDuration)) + len(closing.Discards)
			if want := map[bool]int{true: 1}[tt.want == ""]; timed != want {
				t.Errorf("%d run durations or discards, want %d: %+v", timed, want, closing)
			}
		})
	}
}

// A check run published in the first attempt and listed again by the second has one reason, not two.
func TestOneReasonPerJob(t *testing.T) {
	check := job(func(j *githubapi.Job) {
		j.Labels, j.RunnerID, j.RunnerName, j.RunnerGroupName, j.Steps = nil, 0, "", "", nil
		j.CreatedAt, j.StartedAt, j.CompletedAt = at(-100), at(-100), at(-100)
	})
	got := New(Options{}).Jobs(repo, attempt(2, check), "CI", Known{}, true)
	if len(got) != 1 || got[0].Omitted != CheckRun || len(got[0].Discards) > 0 {
		t.Errorf("got %+v, want %s alone", got, CheckRun)
	}
}

func TestFingerprint(t *testing.T) {
	base := fingerprint(job())
	// Stored with every execution: a change here makes copies of executions recorded before look like executions.
	if base != 0xd88e2be5a29c6038 {
		t.Errorf("fingerprint %#x differs from the one earlier releases stored", base)
	}
	if got := fingerprint(job(func(j *githubapi.Job) {
		j.ID, j.RunAttempt, j.CreatedAt, j.Conclusion, j.Steps, j.Labels = 9, 2, at(500), "failure", nil, nil
		j.StartedAt = j.StartedAt.In(time.FixedZone("", 3600))
	})); got != base {
		t.Error("what a copy may change changes the fingerprint")
	}
	for name, edit := range map[string]func(*githubapi.Job){
		"name":        func(j *githubapi.Job) { j.Name = "buil" },
		"started":     func(j *githubapi.Job) { j.StartedAt = at(11) },
		"completed":   func(j *githubapi.Job) { j.CompletedAt = at(71) },
		"runner id":   func(j *githubapi.Job) { j.RunnerID = 6 },
		"runner name": func(j *githubapi.Job) { j.RunnerName = "GitHub Actions 13" },
	} {
		if fingerprint(job(edit)) == base {
			t.Errorf("another %s has the same fingerprint", name)
		}
	}
	for name, edit := range map[string]func(*githubapi.Job){
		"no start": func(j *githubapi.Job) { j.StartedAt = time.Time{} },
		"no end":   func(j *githubapi.Job) { j.CompletedAt = time.Time{} },
	} {
		if fingerprint(job(edit)) != 0 {
			t.Errorf("%s: a fingerprint", name)
		}
	}
}
