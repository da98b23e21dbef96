package observe

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/githubapi"
)

func TestClose(t *testing.T) {
	skipped := job(func(j *githubapi.Job) {
		j.ID, j.Conclusion, j.Labels, j.RunnerID, j.RunnerName, j.Steps = 102, "skipped", nil, 0, "", nil
		j.CompletedAt = at(200)
	})
	check := job(func(j *githubapi.Job) {
		j.ID, j.Labels, j.RunnerID, j.RunnerName, j.Steps, j.CompletedAt = 103, nil, 0, "", nil, at(300)
		j.HTMLURL = "https://github.com/octo-org/Octo-Repo/runs/103"
	})
	open := job(func(j *githubapi.Job) { j.ID, j.Status, j.CompletedAt = 104, "in_progress", at(400) })
	second := job(func(j *githubapi.Job) { j.ID, j.StartedAt, j.CompletedAt = 105, at(71), at(95) })
	copied := job(func(j *githubapi.Job) { j.ID, j.StartedAt, j.CompletedAt = 106, at(-900), at(-800) })
	none := time.Time{}
	unix := func(seconds float64) []float64 { return []float64{float64(at(seconds).Unix())} }

	for _, tt := range []struct {
		name     string
		attempt  githubapi.Attempt
		edit     func(*githubapi.Attempt)
		duration []float64
		last     []float64
		discards []string
	}{
		{"last completion of the jobs that ran", attempt(1, job(), second, skipped, check, open), nil, []float64{95}, unix(95), nil},
		{"copies do not count", attempt(2, job(), copied), nil, []float64{70}, unix(70), nil},
		{"nothing but copies", attempt(2, copied), nil, nil, unix(0), nil},
		{"all skipped", attempt(1, skipped), nil, nil, unix(200), nil},
		{"skipped weeks before the run", attempt(1, job(func(j *githubapi.Job) {
			j.Conclusion, j.RunnerID, j.RunnerName, j.Steps, j.CompletedAt = "skipped", 0, "", nil, at(-1906073)
		})), nil, nil, unix(0), nil},
		{"no jobs", attempt(1), nil, nil, unix(0), nil},
		{"no jobs, no start", attempt(1), func(a *githubapi.Attempt) { a.Run.RunStartedAt, a.Run.CreatedAt = none, none }, nil, nil, nil},
		{"start missing", attempt(1, job()), func(a *githubapi.Attempt) { a.Run.RunStartedAt, a.Run.CreatedAt = none, none }, nil, unix(70), []string{MissingTime}},
		{"end missing", attempt(1, job(func(j *githubapi.Job) { j.CompletedAt = none })), nil, nil, unix(0), []string{MissingTime}},
		{"end of one of two missing", attempt(1, job(func(j *githubapi.Job) { j.CompletedAt = none }), second), nil, []float64{95}, unix(95), nil},
		{"clock skew", attempt(1, job(func(j *githubapi.Job) { j.CompletedAt = at(-2) })), nil, []float64{0}, unix(-2), nil},
		{"negative", attempt(1, job(func(j *githubapi.Job) { j.CompletedAt = at(-3) })), nil, nil, unix(-3), []string{NegativeDuration}},
		{"jobs never listed", attempt(1, job()), func(a *githubapi.Attempt) { a.TotalCount = 3 }, []float64{70}, unix(70), []string{NeverFinished, NeverFinished}},
		{"a count that cannot be", attempt(1, job()), func(a *githubapi.Attempt) { a.TotalCount = 2_000_000_000 }, []float64{70}, unix(70), []string{NeverFinished}},
		{"the highest count that can be", attempt(1, job()), func(a *githubapi.Attempt) { a.TotalCount = githubapi.MaxJobsCount }, []float64{70}, unix(70), []string{NeverFinished}},
		{"a negative count", attempt(1, job()), func(a *githubapi.Attempt) { a.TotalCount = -5 }, []float64{70}, unix(70), nil},
		{"impossible start", attempt(1, job()), func(a *githubapi.Attempt) { a.Run.RunStartedAt, a.Run.ImpossibleTime = none, true }, nil, unix(70), []string{ImpossibleTime}},
		{"impossible end", attempt(1, job(func(j *githubapi.Job) { j.CompletedAt, j.ImpossibleTime = none, true })), nil, nil, unix(0), []string{ImpossibleTime}},
		{"impossible end of one of two", attempt(1, job(func(j *githubapi.Job) { j.CompletedAt, j.ImpossibleTime = none, true }), second), nil, []float64{95}, unix(95), nil},
		{"another impossible time of the run", attempt(1, job()), func(a *githubapi.Attempt) { a.Run.ImpossibleTime = true }, []float64{70}, unix(70), nil},
		{"longer than a run can be", attempt(1, job(func(j *githubapi.Job) { j.CompletedAt = at(35*24*3600 + 1) })), nil, nil, unix(35*24*3600 + 1), []string{ImpossibleTime}},
		{"more jobs than counted", attempt(1, job(), second), func(a *githubapi.Attempt) { a.TotalCount = 1 }, []float64{95}, unix(95), nil},
		{"entries without id", attempt(1, job(), githubapi.Job{Undecodable: true}, githubapi.Job{ID: 9, Undecodable: true}), nil, []float64{70}, unix(70), []string{Undecodable}},
		{"started by creation where the server tells no more", attempt(1, job()), func(a *githubapi.Attempt) { a.Run.RunStartedAt = none }, []float64{69}, unix(70), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.edit != nil {
				tt.edit(&tt.attempt)
			}
			got := New(Options{}).Close(repo, tt.attempt, "CI", Known{})
			wantValues(t, got.Samples, family.RunConclusions, 1)
			wantValues(t, got.Samples, family.RunDuration, tt.duration...)
			wantValues(t, got.Samples, family.RunLastCompletion, tt.last...)
			if diff := cmp.Diff(tt.discards, got.Discards); diff != "" {
				t.Errorf("discards (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCloseSamples(t *testing.T) {
	a := attempt(2, job())
	a.Run.Conclusion = "failure"
	got := New(Options{}).Close(repo, a, "CI", Known{})
	values := []string{"octo-org/Octo-Repo", "CI", "push", "main", "failure"}
	sample := func(id family.ID, value float64, job int64, values ...string) Sample {
		return Sample{Family: id, Values: values, Value: value, At: at(70), RunID: 11, JobID: job}
	}
	part := func(phase string) []string { return []string{"octo-org/Octo-Repo", "CI", "build", phase} }
	want := Closing{
		Samples: []Sample{
			sample(family.RunConclusions, 1, 0, values...),
			sample(family.RunDuration, 70, 0, values...),
			sample(family.RunLastCompletion, float64(at(70).Unix()), 0, values...),
			sample(family.RunFailures, 1, 0, "octo-org/Octo-Repo", "CI", "push", "main", FailedUnknown),
			sample(family.RunCriticalPath, 60, 101, part(PhaseRun)...),
			sample(family.RunCriticalPath, 6, 101, part(PhaseQueue)...),
			sample(family.RunCriticalPath, 4, 101, part(PhaseGap)...),
		},
		Reason: FailedUnknown,
		Path:   []Stretch{{job(), PhaseRun, 60 * time.Second}, {job(), PhaseQueue, 6 * time.Second}, {job(), PhaseGap, 4 * time.Second}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAttemptsThatNeverRanAreCountedNotTimed(t *testing.T) {
	for _, conclusion := range []string{"startup_failure", "action_required", "skipped", "stale"} {
		a := attempt(1)
		a.Run.Conclusion = conclusion
		got := New(Options{}).Close(repo, a, "CI", Known{})
		if l := labelOf(t, got.Samples, family.RunConclusions, family.Conclusion); l != conclusion {
			t.Errorf("conclusion %q, want %q", l, conclusion)
		}
		wantValues(t, got.Samples, family.RunDuration)
	}
}

func TestLive(t *testing.T) {
	live := func(id int64, status string, edit ...func(*githubapi.Job)) githubapi.Job {
		return job(append([]func(*githubapi.Job){func(j *githubapi.Job) {
			j.ID, j.Status, j.Conclusion, j.CompletedAt = id, status, "", time.Time{}
			j.CreatedAt, j.StartedAt = at(float64(id)), at(float64(id)+0.5)
		}}, edit...)...)
	}
	bare := func(j *githubapi.Job) {
		j.Labels, j.RunnerID, j.RunnerName, j.RunnerGroupName, j.Steps = nil, 0, "", "", nil
	}
	published := func(j *githubapi.Job) { j.HTMLURL = fmt.Sprintf("https://github.com/o/r/runs/%d", j.ID) }
	refused := func(j *githubapi.Job) { j.HTMLURL = fmt.Sprintf("https://github.com/o/r/actions/runs/11/job/%d", j.ID) }
	a := attempt(1,
		job(),
		live(1, "queued"), live(2, "requested"), live(3, "pending"), live(4, "waiting"), live(5, "in_progress"),
		live(6, "invented"),
		live(7, "in_progress", bare, published), // a check run an action keeps open
		live(12, "queued", bare, published),
		live(13, "in_progress", bare, refused), // a job that asks for a group alone
		live(14, "in_progress", bare),          // it began after it was created, as check runs do not
		live(15, "in_progress", bare, func(j *githubapi.Job) { j.StartedAt = j.CreatedAt }), // while job 5 was at work
		live(8, "queued", bare), // old servers tell no labels
		live(9, "queued", func(j *githubapi.Job) { j.CreatedAt = time.Time{} }),
		live(10, "in_progress", func(j *githubapi.Job) { j.StartedAt = time.Time{} }),
		githubapi.Job{ID: 11, Undecodable: true},
	)
	a.Run.Status = "in_progress"

	type shown struct {
		Status string
		Since  float64
	}
	got := map[int64]shown{}
	for _, s := range samplesOf(New(Options{}).Live(repo, a, "CI")) {
		labels := s.Values
		v := got[s.JobID]
		if v.Status != "" && v.Status != labels[3] {
			t.Errorf("job %d is both %s and %s", s.JobID, v.Status, labels[3])
		}
		v.Status = labels[3]
		switch s.Family {
		case family.JobsNow:
			if s.Value != 1 {
				t.Errorf("job %d counts %v", s.JobID, s.Value)
			}
		case family.OldestJob:
			v.Since = s.Value - float64(start.Unix())
		default:
			t.Errorf("a live sample of %s", family.Get(s.Family).Name)
		}
		got[s.JobID] = v
	}
	want := map[int64]shown{
		1: {"queued", 1}, 2: {"queued", 2}, 3: {"pending", 3}, 4: {"waiting", 4}, 5: {"in_progress", 5.5},
		8: {"queued", 8}, 9: {"queued", 9.5}, 10: {Status: "in_progress"},
		13: {"in_progress", 13.5}, 14: {"in_progress", 14.5},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	a.Run.Status = "completed"
	if got := New(Options{}).Live(repo, a, "CI"); len(got) > 0 {
		t.Errorf("%d live samples of a completed run", len(got))
	}
}

// samplesOf are those of all live jobs.
func samplesOf(jobs []LiveJob) (samples []Sample) {
	for _, j := range jobs {
		samples = append(samples, j.Samples...)
	}
	return samples
}
