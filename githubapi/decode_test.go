package githubapi

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// GitHub's own sample of a job, from the documentation of GitHub Enterprise Server 3.10: steps in -08:00, no
// created_at, no run_attempt, and a few fields that are not read.
func sampleJob(t testing.TB) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/job-399444496.json")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestDecodeSampleJob(t *testing.T) {
	job, err := decodeOne(context.Background(), sampleJob(t), jobEntry(), ever)
	if err != nil {
		t.Fatal(err)
	}
	steps := job.Steps
	job.Steps = nil
	want := Job{
		ID: 399444496, RunID: 29679449, Name: "build", WorkflowName: "CI", HeadBranch: "main",
		HTMLURL: "https://github.com/octo-org/octo-repo/runs/29679449/jobs/399444496", Status: "completed", Conclusion: "success",
		StartedAt: instant(t, "2020-01-20T17:42:40Z"), CompletedAt: instant(t, "2020-01-20T17:44:39Z"),
		Labels: []string{"self-hosted", "foo", "bar"}, RunnerID: 1, RunnerName: "my runner", RunnerGroupName: "my runner group",
		NodeID: "MDEyOldvcmtmbG93IEpvYjM5OTQ0NDQ5Ng==",
	}
	if diff := cmp.Diff(want, job); diff != "" {
		t.Error(diff)
	}
	if len(steps) != 10 {
		t.Fatalf("%d steps, want 10", len(steps))
	}
	deploy := Step{Name: "Deploy to Heroku", Number: 8, Status: "completed", Conclusion: "success",
		StartedAt: instant(t, "2020-01-20T17:42:59Z"), CompletedAt: instant(t, "2020-01-20T17:44:39Z")}
	if diff := cmp.Diff(deploy, steps[7], cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
		t.Error(diff)
	}
	if got := steps[7].CompletedAt.Sub(steps[7].StartedAt); got != 100*time.Second {
		t.Errorf("step took %s, want 1m40s", got)
	}
	if steps[9].Number != 17 {
		t.Errorf("last step is number %d, want 17: numbers have gaps", steps[9].Number)
	}
}

// nameless is what stands for an entry whose id is not known.
func nameless(text string) Job { return Job{Undecodable: true, Sum: sumOf([]byte(text))} }

func TestDecodeJobs(t *testing.T) {
	at := instant(t, "2024-05-01T10:00:00Z")
	good := Job{ID: 7, Name: "good", StartedAt: at}
	const goodText = `{"id":7,"name":"good","started_at":"2024-05-01T10:00:00Z"}`
	for _, tt := range []struct {
		name, entry string
		want        Job
	}{
		{"all null", `{"id":1,"run_id":null,"run_attempt":null,"name":null,"status":null,"conclusion":null,"started_at":null,"labels":null,"runner_id":null,"runner_name":null,"steps":null}`, Job{ID: 1}},
		{"only the id", `{"id":1}`, Job{ID: 1}},
		{"unknown fields", `{"id":1,"new":{"a":[1]},"other":1e999}`, Job{ID: 1}},
		{"empty time", `{"id":1,"name":"n","started_at":"2024-05-01T10:00:00Z","completed_at":""}`, Job{ID: 1, Name: "n", StartedAt: at}},
		{"odd times", `{"id":1,"name":"n","created_at":1714557600,"started_at":"yesterday","completed_at":{}}`, Job{ID: 1, Name: "n"}},
		{"odd step time", `{"id":1,"steps":[{"name":"s","number":2,"started_at":"","completed_at":"2024-05-01T12:00:00.000+02:00"}]}`,
			Job{ID: 1, Steps: []Step{{Name: "s", Number: 2, CompletedAt: at}}}},
		{"id above 2^53", `{"id":9007199254740993,"completed_at":""}`, Job{ID: 9007199254740993}},
		{"name is a number", `{"id":1,"name":5}`, Job{ID: 1, Undecodable: true}},
		{"huge attempt", `{"id":1,"run_attempt":99999999999999999999}`, Job{ID: 1}},
		{"huge runner id", `{"id":1,"runner_id":1e300}`, Job{ID: 1}},
		{"odd runner", `{"id":1,"name":"n","runner_id":"","runner_name":0,"runner_group_name":false}`, Job{ID: 1, Name: "n"}},
		{"odd page", `{"id":1,"name":"n","html_url":{"href":"x"}}`, Job{ID: 1, Name: "n"}},
		{"numbers as text", `{"id":1,"run_attempt":"2","runner_id":"5","steps":[{"name":"s","number":"3"}]}`,
			Job{ID: 1, RunAttempt: 2, RunnerID: 5, Steps: []Step{{Name: "s", Number: 3}}}},
		{"status is a number", `{"id":1,"status":5}`, Job{ID: 1, Undecodable: true}},
		{"steps are no list", `{"id":1,"steps":"gone"}`, Job{ID: 1, Undecodable: true}},
		{"huge id", `{"id":99999999999999999999,"name":"n"}`, nameless(`{"id":99999999999999999999,"name":"n"}`)},
		{"id is text", `{"id":"1"}`, nameless(`{"id":"1"}`)},
		{"no id", `{"name":"n"}`, nameless(`{"name":"n"}`)},
		{"id 0", `{"id":0,"name":"n"}`, nameless(`{"id":0,"name":"n"}`)},
		{"negative id", `{"id":-5,"name":"n"}`, nameless(`{"id":-5,"name":"n"}`)},
		{"negative id, undecodable", `{"id":-5,"name":1}`, nameless(`{"id":-5,"name":1}`)},
		{"negative numbers", `{"id":1,"run_id":-1,"run_attempt":-2,"runner_id":-3,"steps":[{"number":-4}]}`, Job{ID: 1, Steps: []Step{{}}}},
		{"attempt that cannot be", `{"id":1,"run_attempt":1001}`, Job{ID: 1}},
		{"highest attempt", `{"id":1,"run_attempt":1000}`, Job{ID: 1, RunAttempt: 1000}},
		{"null", `null`, nameless(`null`)},
		{"a string", `"job"`, nameless(`"job"`)},
		{"a list", `[1]`, nameless(`[1]`)},
	} {
		body := fmt.Sprintf(`{"total_count":2,"jobs":[%s,%s]}`, tt.entry, goodText)
		jobs, total, err := decodeJobs(context.Background(), []byte(body), ever)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		same := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })
		if diff := cmp.Diff([]Job{tt.want, good}, jobs, same); diff != "" || total != 2 {
			t.Errorf("%s: total %d, %s", tt.name, total, diff)
		}
	}
}

func TestDecodeListsRefused(t *testing.T) {
	for _, body := range []string{
		"", " ", "null", "true", "1", `"x"`, "<html><body>login</body></html>", `{}`, `{"message":"Not Found"}`,
		`{"total_count":1}`, `{"total_count":1,"jobs":null,"workflow_runs":null}`, `{"total_count":1,"jobs":{},"workflow_runs":{}}`,
		`{"total_count":1,"jobs":[{"id":1}`, `{"total_count":1,"workflow_runs":[{"id":1}]`, `[{"id":1`,
		`{"total_count":0,"jobs":[],"workflow_runs":[]} trailing`, strings.Repeat("[", 100_000),
	} {
		if items, total, err := decodeRuns(context.Background(), []byte(body), ever); err == nil || items != nil || total != 0 {
			t.Errorf("runs %.60s: %v, %d, %v", body, items, total, err)
		}
		if items, total, err := decodeJobs(context.Background(), []byte(body), ever); err == nil || items != nil || total != 0 {
			t.Errorf("jobs %.60s: %v, %d, %v", body, items, total, err)
		}
		if items, total, err := decodeRepositories(context.Background(), []byte(body), ever); err == nil || items != nil || total != 0 {
			t.Errorf("repositories %.60s: %v, %d, %v", body, items, total, err)
		}
	}
	if items, total, err := decodeJobs(context.Background(), []byte(`{"total_count":0,"jobs":[]}`), ever); err != nil || items == nil || len(items) != 0 || total != 0 {
		t.Errorf("empty list: %v, %d, %v", items, total, err)
	}
	if items, total, err := decodeJobs(context.Background(), []byte(`{"jobs":[{"id":1}]}`), ever); err != nil || len(items) != 1 || total != 0 {
		t.Errorf("no total_count: %v, %d, %v", items, total, err)
	}
}

func TestDecodeRuns(t *testing.T) {
	const body = `{"total_count":3,"workflow_runs":[
	 {"id":1,"name":null,"path":".github/workflows/ci.yml","head_branch":"main","event":"push","status":"completed","conclusion":"success",
	  "workflow_id":5,"run_attempt":2,"run_number":12,"created_at":"2024-05-01T10:00:00Z","updated_at":"2024-05-01T10:05:00Z","run_started_at":"2024-05-01T10:01:00Z",
	  "actor":{"login":"octocat"},"repository":{"id":9,"full_name":"o/r"}},
	 {"id":2,"actor":null,"repository":null,"run_started_at":""},
	 {"id":3,"actor":"ghost"},
	 {"id":-4,"actor":null},
	 {"id":5,"run_attempt":1001},
	 {"id":6,"run_attempt":-1,"run_number":-1,"workflow_id":-1,"repository":{"id":-1}}]}`
	runs, total, err := decodeRuns(context.Background(), []byte(body), ever)
	if err != nil || total != 3 {
		t.Fatal(total, err)
	}
	want := []Run{
		{ID: 1, Path: ".github/workflows/ci.yml", HeadBranch: "main", Event: "push", Status: "completed", Conclusion: "success",
			WorkflowID: 5, RunAttempt: 2, RunNumber: 12, CreatedAt: instant(t, "2024-05-01T10:00:00Z"), UpdatedAt: instant(t, "2024-05-01T10:05:00Z"),
			RunStartedAt: instant(t, "2024-05-01T10:01:00Z"), Actor: Account{"octocat"}, Repository: Repository{ID: 9, FullName: "o/r"}},
		{ID: 2},
		{ID: 3, Undecodable: true},
		{Undecodable: true, Sum: sumOf([]byte(`{"id":-4,"actor":null}`))},
		{ID: 5, Undecodable: true},
		{ID: 6},
	}
	if diff := cmp.Diff(want, runs); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeRepositories(t *testing.T) {
	repos, _, err := decodeRepositories(context.Background(), []byte(`[{"id":1,"full_name":"o/a","default_branch":null,"archived":true,"fork":true,"disabled":true},
		{"id":2},{"full_name":"o/c"},{"id":-3,"full_name":"o/x"},null,{"id":"x","full_name":"o/d"},{"id":5,"full_name":"o/e","default_branch":"main"}]`), ever)
	if err != nil {
		t.Fatal(err)
	}
	want := []Repository{{ID: 1, FullName: "o/a", Archived: true, Fork: true, Disabled: true}, {ID: 5, FullName: "o/e", DefaultBranch: "main"}}
	if diff := cmp.Diff(want, repos); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeOne(t *testing.T) {
	for _, body := range []string{"", "null", "{}", "[]", `{"message":"Moved"}`, `{"id":0}`, `{"id":-1}`, `{"id":1,"run_attempt":1001}`, `{"id":1,"name":[]}`, `{"id":1`, "<html>"} {
		if run, err := decodeOne(context.Background(), []byte(body), runEntry(), ever); err == nil || run != (Run{}) {
			t.Errorf("%s: %+v, %v", body, run, err)
		}
	}
	if run, err := decodeOne(context.Background(), []byte(`{"id":1,"updated_at":""}`), runEntry(), ever); err != nil || run != (Run{ID: 1}) {
		t.Errorf("empty time: %+v, %v", run, err)
	}
}

func FuzzDecodeJobs(f *testing.F) {
	f.Add([]byte(`{"total_count":1,"jobs":[` + string(sampleJob(f)) + `]}`))
	f.Add([]byte(`{"total_count":2,"jobs":[{"id":1,"completed_at":""},null]}`))
	f.Add([]byte(`{"jobs":[{"id":1,"steps":[{"started_at":5}]}]}`))
	f.Add([]byte(`{"Jobs":[],"jobs":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		jobs, total, err := decodeJobs(context.Background(), body, ever)
		if !json.Valid(body) && err == nil {
			t.Fatal("accepted what is no JSON")
		}
		if (err == nil) != (jobs != nil) || err != nil && total != 0 {
			t.Fatalf("%v, %d, %v", jobs, total, err)
		}
		agree(t, body, "jobs", jobs, err, func(j *Job) int64 { return j.ID })
		if got := spent(func() { _, _, _ = decodeJobs(context.Background(), body, ever) }); got > allowed(len(body)) {
			t.Fatalf("%d bytes allocated for %d", got, len(body))
		}
		for _, j := range jobs {
			if bare := (Job{ID: j.ID, Sum: j.Sum, Undecodable: true}); j.Undecodable && (!cmp.Equal(j, bare) || (j.ID > 0) == (j.Sum != 0)) || !j.Undecodable && j.ID <= 0 {
				t.Fatalf("half decoded: %+v", j)
			}
		}
	})
}

func FuzzDecodeRuns(f *testing.F) {
	f.Add([]byte(`{"total_count":1,"workflow_runs":[{"id":1,"run_started_at":"2024-05-01T10:00:00.000-07:00","repository":{"id":1}}]}`))
	f.Add([]byte(`{"total_count":1,"workflow_runs":[{"id":1,"updated_at":"","actor":{"login":null}}]}`))
	f.Add([]byte(`{"total_count":-1,"workflow_runs":[{"id":-1},[],{}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		runs, total, err := decodeRuns(context.Background(), body, ever)
		if !json.Valid(body) && err == nil {
			t.Fatal("accepted what is no JSON")
		}
		if (err == nil) != (runs != nil) || err != nil && total != 0 {
			t.Fatalf("%v, %d, %v", runs, total, err)
		}
		agree(t, body, "workflow_runs", runs, err, func(r *Run) int64 { return r.ID })
		if got := spent(func() { _, _, _ = decodeRuns(context.Background(), body, ever) }); got > allowed(len(body)) {
			t.Fatalf("%d bytes allocated for %d", got, len(body))
		}
		for _, r := range runs {
			if bare := (Run{ID: r.ID, Sum: r.Sum, Undecodable: true}); r.Undecodable && (r != bare || (r.ID > 0) == (r.Sum != 0)) || !r.Undecodable && r.ID <= 0 {
				t.Fatalf("half decoded: %+v", r)
			}
		}
	})
}
