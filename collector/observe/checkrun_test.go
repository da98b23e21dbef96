package observe

import (
	"fmt"
	"testing"
	"time"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/githubapi"
)

// bareJob has none of the marks of a job: it may be a check run or a job that was refused. All of its times are second 50.
func bareJob(conclusion string, edit ...func(*githubapi.Job)) githubapi.Job {
	return job(append([]func(*githubapi.Job){func(j *githubapi.Job) {
		j.ID, j.Name, j.Conclusion = 109, "Test Results", conclusion
		j.Labels, j.RunnerID, j.RunnerName, j.RunnerGroupName, j.Steps = nil, 0, "", "", nil
		j.CreatedAt, j.StartedAt, j.CompletedAt = at(50), at(50), at(50)
	}}, edit...)...)
}

func onPage(address string) func(*githubapi.Job) {
	return func(j *githubapi.Job) { j.HTMLURL = "https://github.com/octo-org/Octo-Repo" + address }
}

func lasting(from, to float64) func(*githubapi.Job) {
	return func(j *githubapi.Job) { j.CreatedAt, j.StartedAt, j.CompletedAt = at(from), at(from), at(to) }
}

func oldServer(j *githubapi.Job) { j.CreatedAt = time.Time{} }

func TestCheckRuns(t *testing.T) {
	const check, actions, before2022 = "/runs/109", "/actions/runs/11/job/109", "/runs/109?check_suite_focus=true"
	ranUntil70 := job(onPage("/actions/runs/11/job/101"))
	refused := job(func(j *githubapi.Job) {
		j.RunnerID, j.RunnerName, j.RunnerGroupName, j.Steps, j.Conclusion = 0, "", "", nil, "failure"
		j.CreatedAt, j.StartedAt, j.CompletedAt = at(50), at(50), at(52)
	})
	for _, tt := range []struct {
		name   string
		entry  githubapi.Job
		others []githubapi.Job
		want   string
	}{
		// The page decides, whatever the conclusion and the times.
		{"published", bareJob("success", onPage(check)), []githubapi.Job{ranUntil70}, CheckRun},
		{"published, failure", bareJob("failure", onPage(check)), []githubapi.Job{ranUntil70}, CheckRun},
		{"published, neutral, no other job", bareJob("neutral", onPage(check)), nil, CheckRun},
		{"published, cancelled", bareJob("cancelled", onPage(check)), nil, CheckRun},
		{"published, timed out", bareJob("timed_out", onPage(check)), nil, CheckRun},
		{"published and kept open for a while", bareJob("failure", onPage(check), lasting(20, 60)), nil, CheckRun},
		{"published in a repository called actions", bareJob("failure", func(j *githubapi.Job) { j.HTMLURL = "https://github.com/octo/actions/runs/109" }), nil, CheckRun},
		{"published in a repository of jobs", bareJob("failure", func(j *githubapi.Job) { j.HTMLURL = "https://github.com/job/jobs/runs/109" }), nil, CheckRun},
		{"refused", bareJob("failure", onPage(actions), lasting(50, 52)), []githubapi.Job{ranUntil70}, ""},
		{"refused in the second in which another job began", bareJob("failure"), []githubapi.Job{job(lasting(50, 70))}, ""},
		{"published a second later", bareJob("failure"), []githubapi.Job{job(lasting(49, 70))}, CheckRun},
		{"refused in no time", bareJob("failure", onPage(actions)), []githubapi.Job{ranUntil70}, ""},
		{"refused, as cancelled", bareJob("cancelled", onPage(actions)), []githubapi.Job{ranUntil70}, ""},
		{"refused, as timed out", bareJob("timed_out", onPage(actions)), []githubapi.Job{ranUntil70}, ""},
		{"a job of whatever conclusion", bareJob("success", onPage(actions)), []githubapi.Job{ranUntil70}, ""},
		{"a job's page until 2023", bareJob("failure", onPage("/actions/runs/11/jobs/7")), []githubapi.Job{ranUntil70}, ""},
		{"a job's page with a query", bareJob("failure", onPage(actions+"?pr=5#step:1:2")), []githubapi.Job{ranUntil70}, ""},
		{"the page of GitHub's descriptions", bareJob("failure", onPage("/runs/11/jobs/7")), []githubapi.Job{ranUntil70}, ""},

		// Where the page tells nothing, times and the other jobs do.
		{"in one go", bareJob("success"), []githubapi.Job{ranUntil70}, CheckRun},
		{"success in one go without another job", bareJob("success"), nil, CheckRun},
		{"neutral in one go", bareJob("neutral"), nil, CheckRun},
		{"failure while a job was at work", bareJob("failure"), []githubapi.Job{ranUntil70}, CheckRun},
		{"failure while a job is at work", bareJob("failure"), []githubapi.Job{job(func(j *githubapi.Job) { j.Status, j.CompletedAt = "in_progress", time.Time{} })}, CheckRun},
		{"failure before any job began", bareJob("failure", lasting(4, 4)), []githubapi.Job{ranUntil70}, ""},
		{"failure after the jobs it needs", bareJob("failure", lasting(70, 70)), []githubapi.Job{ranUntil70}, ""},
		{"all refused", bareJob("failure"), []githubapi.Job{refused}, ""},
		{"all refused, with some time", bareJob("failure", lasting(50, 52)), []githubapi.Job{refused}, ""},
		{"refused beside a job that ran", bareJob("failure", lasting(50, 52)), []githubapi.Job{ranUntil70}, ""},
		{"the only job, refused", bareJob("failure"), nil, ""},
		{"timed out in one go, alone", bareJob("timed_out"), nil, ""},
		{"success that took time", bareJob("success", lasting(50, 55)), []githubapi.Job{ranUntil70}, ""},
		{"created before it started", bareJob("failure", func(j *githubapi.Job) { j.CreatedAt = at(49) }), []githubapi.Job{ranUntil70}, ""},
		{"skipped", bareJob("skipped"), []githubapi.Job{ranUntil70}, ""},
		{"cancelled", bareJob("cancelled"), []githubapi.Job{ranUntil70}, ""},
		{"no times", bareJob("failure", func(j *githubapi.Job) {
			j.CreatedAt, j.StartedAt, j.CompletedAt = time.Time{}, time.Time{}, time.Time{}
		}), []githubapi.Job{ranUntil70}, ""},

		// Servers before GHES 3.9 send no created_at, and until 2022 all jobs had the short address.
		{"old server, in one go", bareJob("success", oldServer), []githubapi.Job{job(oldServer)}, CheckRun},
		{"old server, jobs have other pages", bareJob("cancelled", oldServer, onPage(check)), []githubapi.Job{ranUntil70}, CheckRun},
		{"old server, cancelled, all have short pages", bareJob("cancelled", oldServer, onPage(check)), []githubapi.Job{job(oldServer, onPage("/runs/101"))}, ""},
		{"old server, failure that took time", bareJob("failure", oldServer, onPage(check), func(j *githubapi.Job) { j.CompletedAt = at(60) }), []githubapi.Job{job(oldServer)}, ""},
		{"before 2022", bareJob("failure", oldServer, onPage(before2022), func(j *githubapi.Job) { j.CompletedAt = at(60) }), []githubapi.Job{ranUntil70}, ""},

		// Marks that only jobs have.
		{"labels", bareJob("success", onPage(check), func(j *githubapi.Job) { j.Labels = []string{"ubuntu-latest"} }), nil, ""},
		{"runner id", bareJob("success", onPage(check), func(j *githubapi.Job) { j.RunnerID = 1 }), nil, ""},
		{"runner name", bareJob("success", onPage(check), func(j *githubapi.Job) { j.RunnerName = "x" }), nil, ""},
		{"runner group", bareJob("success", func(j *githubapi.Job) { j.RunnerGroupName = "big" }), nil, ""},
		{"steps", bareJob("success", onPage(check), func(j *githubapi.Job) { j.Steps = []githubapi.Step{step("a", 1, 2)} }), nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := attempt(1, append([]githubapi.Job{tt.entry}, tt.others...)...)
			got := New(Options{}).Jobs(repo, a, "CI", Known{}, false)[0]
			if got.Omitted != tt.want {
				t.Errorf("omitted %q, want %q", got.Omitted, tt.want)
			}
			if n := len(valuesOf(got.Samples, family.JobConclusions)); (n == 1) != (tt.want == "") {
				t.Errorf("%d conclusions counted", n)
			}
		})
	}
}

// Two jobs that GitHub would not start, for want of budget: one asks for a label, one for a group alone.
func TestRefusedJobsCount(t *testing.T) {
	for _, took := range []float64{0, 2, 5} {
		refused := func(id int64, labels ...string) githubapi.Job {
			return bareJob("failure", lasting(1, 1+took), func(j *githubapi.Job) { j.ID, j.Name, j.Labels = id, fmt.Sprint(id), labels })
		}
		a := attempt(1, refused(1, "ubuntu-latest"), refused(2))
		failures := 0
		for _, j := range New(Options{}).Jobs(repo, a, "CI", Known{}, true) {
			failures += len(valuesOf(j.Samples, family.JobConclusions))
			if j.Omitted != "" || len(j.Discards) > 0 || j.Ran {
				t.Errorf("took %v s: job %d omitted %q, discards %v, ran %v", took, j.ID, j.Omitted, j.Discards, j.Ran)
			}
		}
		if failures != 2 {
			t.Errorf("took %v s: %d failures, want 2", took, failures)
		}
	}
}
