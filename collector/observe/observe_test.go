package observe

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/githubapi"
)

// start is when the attempts of these tests start.
var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }

var repo = githubapi.Repository{ID: 7, FullName: "octo-org/Octo-Repo", DefaultBranch: "main"}

// job is a job that ran from second 10 to second 70 and had been created in second 4.
func job(edit ...func(*githubapi.Job)) githubapi.Job {
	j := githubapi.Job{
		ID: 101, RunID: 11, RunAttempt: 1, Name: "build", WorkflowName: "CI", Status: "completed", Conclusion: "success",
		CreatedAt: at(4), StartedAt: at(10), CompletedAt: at(70),
		Labels: []string{"ubuntu-latest"}, RunnerID: 5, RunnerName: "GitHub Actions 12", RunnerGroupName: "GitHub Actions",
		Steps: []githubapi.Step{step("test", 11, 69)},
	}
	for _, e := range edit {
		e(&j)
	}
	return j
}

func step(name string, from, to float64) githubapi.Step {
	return githubapi.Step{Name: name, Number: 1, Status: "completed", Conclusion: "success", StartedAt: at(from), CompletedAt: at(to)}
}

func attempt(number int, jobs ...githubapi.Job) githubapi.Attempt {
	return githubapi.Attempt{
		Run: githubapi.Run{
			ID: 11, Name: "CI", Path: ".github/workflows/ci.yml", HeadBranch: "main", Event: "push", Status: "completed",
			Conclusion: "success", WorkflowID: 3, RunAttempt: number, CreatedAt: at(1), RunStartedAt: start,
			Actor: githubapi.Account{Login: "mona"},
		},
		Number: number, Latest: number, Jobs: jobs, TotalCount: len(jobs),
	}
}

// observeJob accounts for one job of a first attempt.
func observeJob(t *testing.T, o Options, j githubapi.Job) Job {
	t.Helper()
	jobs := New(o).Jobs(repo, attempt(1, j), "CI", Known{}, false)
	if len(jobs) != 1 {
		t.Fatalf("got %d accounts, want 1: %+v", len(jobs), jobs)
	}
	return jobs[0]
}

// values returns the samples of a family as values by last label, which is enough to tell steps and jobs apart.
func valuesOf(samples []Sample, id family.ID) []float64 {
	var out []float64
	for _, s := range samples {
		if s.Family == id {
			out = append(out, s.Value)
		}
	}
	return out
}

func wantValues(t *testing.T, samples []Sample, id family.ID, want ...float64) {
	t.Helper()
	if diff := cmp.Diff(want, valuesOf(samples, id)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", family.Get(id).Name, diff)
	}
}

// labelOf returns the value of a label in the one sample of a family.
func labelOf(t *testing.T, samples []Sample, id family.ID, label string) string {
	t.Helper()
	for _, s := range samples {
		if s.Family != id {
			continue
		}
		for i, l := range family.Get(id).Labels {
			if l == label {
				return s.Values[i]
			}
		}
	}
	t.Fatalf("no sample of %s with label %s", family.Get(id).Name, label)
	return ""
}

func TestJobSamples(t *testing.T) {
	got := observeJob(t, Options{}, job())
	jobLabels := []string{"octo-org/Octo-Repo", "CI", "build", "GitHub Actions", "ubuntu-latest", "success"}
	stepLabels := []string{"octo-org/Octo-Repo", "CI", "build", "test", "GitHub Actions", "ubuntu-latest", "success"}
	sample := func(id family.ID, value float64, values []string) Sample {
		return Sample{Family: id, Values: values, Value: value, At: at(70), RunID: 11, JobID: 101}
	}
	want := Job{
		ID: 101, Final: true, Ran: true, Completed: at(70), Fingerprint: got.Fingerprint, Name: got.Name,
		Samples: []Sample{
			sample(family.JobConclusions, 1, jobLabels),
			sample(family.JobDuration, 60, jobLabels),
			sample(family.JobQueueDuration, 6, []string{"octo-org/Octo-Repo", "CI", "GitHub Actions", "ubuntu-latest", ""}),
			sample(family.JobBillableSeconds, 60, []string{"octo-org/Octo-Repo", "CI", "ubuntu-latest", "linux"}),
			sample(family.JobCost, 0.006, []string{"octo-org/Octo-Repo", "CI", "ubuntu-latest", "linux"}),
			sample(family.StepConclusions, 1, stepLabels),
			sample(family.StepDuration, 58, stepLabels),
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Fingerprint == 0 || got.Name == 0 {
		t.Error("an execution with both times has no fingerprint")
	}
}

func TestOnlyFinalJobs(t *testing.T) {
	a := attempt(1,
		job(),
		job(func(j *githubapi.Job) { j.ID, j.Status, j.Conclusion = 102, "in_progress", "" }),
		job(func(j *githubapi.Job) { j.ID, j.Status = 103, "invented" }),
		githubapi.Job{ID: 104, Undecodable: true},
		githubapi.Job{Undecodable: true},
	)
	for _, tt := range []struct {
		name  string
		final bool
		want  map[int64]string
	}{
		{"open", false, map[int64]string{101: ""}},
		{"final", true, map[int64]string{101: "", 102: NeverFinished, 103: NeverFinished, 104: Undecodable}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := map[int64]string{}
			for _, j := range New(Options{}).Jobs(repo, a, "CI", Known{}, tt.final) {
				got[j.ID] = j.Omitted
				if j.Final == (j.Omitted == NeverFinished) {
					t.Errorf("job %d, omitted %q: Final is %v", j.ID, j.Omitted, j.Final)
				}
				if j.Omitted != "" && (len(j.Samples) > 0 || len(j.Discards) > 0 || j.Fingerprint != 0) {
					t.Errorf("job %d is omitted, but has samples, discards or a fingerprint: %+v", j.ID, j)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDisabledFamilies(t *testing.T) {
	broken := job(func(j *githubapi.Job) {
		j.CompletedAt = at(-100)
		j.Steps[0].Conclusion = ""
	})
	disabled := Options{Disabled: map[family.ID]bool{family.JobDuration: true, family.StepDuration: true, family.StepConclusions: true}}
	got := observeJob(t, disabled, broken)
	if len(got.Discards) > 0 {
		t.Errorf("discards %v of values nobody counts", got.Discards)
	}
	wantValues(t, got.Samples, family.JobDuration)
	wantValues(t, got.Samples, family.StepConclusions)
	wantValues(t, got.Samples, family.JobConclusions, 1)

	got = observeJob(t, Options{Disabled: map[family.ID]bool{family.StepDuration: true}}, job())
	wantValues(t, got.Samples, family.StepDuration)
	wantValues(t, got.Samples, family.StepConclusions, 1)
}
