package collector

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/ledger"
	"github_workflow_exporter/collector/observe"
	"github_workflow_exporter/githubapi"
)

// answers is a recorder over a ledger that can be closed and opened again in the midst of everything.
type answers struct {
	*testing.T
	dir      string
	now      time.Time
	ledger   *ledger.Ledger
	recorder *Recorder
	repo     githubapi.Repository
}

func newAnswers(t *testing.T) *answers {
	t.Helper()
	a := &answers{T: t, dir: t.TempDir(), now: worldStart, repo: githubapi.Repository{ID: 7, FullName: "octo-org/app", DefaultBranch: "main"}}
	a.reopen()
	if _, err := a.recorder.Watch(t.Context(), a.repo, worldStart.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *answers) reopen() {
	a.Helper()
	if a.ledger != nil {
		if err := a.ledger.Close(); err != nil {
			a.Fatal(err)
		}
	}
	now := func() time.Time { return a.now }
	l, err := ledger.Open(ledger.Options{Dir: a.dir, Host: "https://api.example.com", Now: now})
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() { l.Close() })
	live := NewLive(now)
	m, err := NewMetrics(prometheus.NewRegistry(), l, live, func() int { return 0 })
	if err != nil {
		a.Fatal(err)
	}
	a.ledger, a.recorder = l, NewRecorder(l, observe.New(observe.Options{}), live, m, now)
}

// attempt is an attempt of a run on the default branch that starts some minutes in, its jobs over one minute later each.
func (a *answers) attempt(run int64, number int, minute int, conclusion string, jobs ...githubapi.Job) githubapi.Attempt {
	start := worldStart.Add(time.Duration(minute) * time.Minute)
	for i := range jobs {
		j := &jobs[i]
		j.RunID, j.RunAttempt, j.WorkflowName = run, number, "CI"
		j.Labels, j.CreatedAt = []string{"build", "self-hosted"}, start
		if j.Status == "" {
			j.Status, j.StartedAt, j.CompletedAt, j.RunnerName = "completed", start.Add(time.Second), start.Add(time.Minute), "build-1"
		}
	}
	status := "completed"
	if conclusion == "" {
		status = "in_progress"
	}
	return githubapi.Attempt{
		Run: githubapi.Run{ID: run, Event: "push", HeadBranch: "main", WorkflowID: 3, Status: status, Conclusion: conclusion,
			RunAttempt: number, CreatedAt: worldStart.Add(time.Duration(run) * time.Second), RunStartedAt: start},
		Number: number, Latest: number, Jobs: jobs, TotalCount: len(jobs),
	}
}

func ended(id int64, name, conclusion string) githubapi.Job {
	j := githubapi.Job{ID: id, Name: name, Conclusion: conclusion}
	if conclusion == "failure" {
		j.Steps = []githubapi.Step{{Name: "make test", Number: 2, Status: "completed", Conclusion: "failure"}}
	}
	return j
}

func (a *answers) record(attempt githubapi.Attempt, closing bool) {
	a.Helper()
	for range 2 { // the second time adds nothing
		if err := a.recorder.Record(a.Context(), a.repo, attempt, closing); err != nil {
			a.Fatal(err)
		}
	}
}

// shows is what a family comes to, by the value of one label.
func (a *answers) shows(id family.ID, label string) map[string]float64 {
	a.Helper()
	out := map[string]float64{}
	f := family.Get(id)
	for _, s := range a.ledger.Series(id) {
		for i, l := range f.Labels {
			if l == label {
				if f.Kind == family.Histogram {
					out[s.Values[i]] += float64(s.State().Count)
				} else {
					out[s.Values[i]] += s.State().Value
				}
			}
		}
	}
	return out
}

func (a *answers) want(id family.ID, label string, want map[string]float64) {
	a.Helper()
	if diff := cmp.Diff(want, a.shows(id, label)); diff != "" {
		a.Errorf("%s by %s (-want +got):\n%s", family.Get(id).Name, label, diff)
	}
}

// TestHeldIsRemembered: what held a job back is seen while it waits, counted when it is over, and outlasts a restart.
func TestHeldIsRemembered(t *testing.T) {
	a := newAnswers(t)
	waits := func(id int64, status string) githubapi.Job {
		return githubapi.Job{ID: id, Name: fmt.Sprint(id), Status: status}
	}
	a.record(a.attempt(1, 1, 0, "", waits(1, "pending"), waits(2, "waiting"), waits(3, "queued"), waits(4, "waiting")), false)
	a.record(a.attempt(1, 1, 0, "", waits(1, "waiting"), waits(2, "queued"), waits(3, "queued"), waits(4, "waiting")), false)
	a.reopen()
	gone := githubapi.Job{ID: 4, Name: "4", Status: "completed", Conclusion: "cancelled", StartedAt: worldStart, CompletedAt: worldStart.Add(time.Minute)}
	a.record(a.attempt(1, 1, 0, "failure", ended(1, "1", "success"), ended(2, "2", "failure"), ended(3, "3", "success"), gone), true)
	a.want(family.JobQueueDuration, family.Held, map[string]float64{"approval": 2, "": 1})
	a.want(family.JobAbandonedDuration, family.Held, map[string]float64{"approval": 1})
}

// TestReasonsStay: a reason is decided when the job is recorded; the run takes it over when it closes, whatever can be read
// then.
func TestReasonsStay(t *testing.T) {
	a := newAnswers(t)
	open := a.attempt(1, 1, 0, "", ended(1, "build", "failure"))
	open.Annotations = map[int64][]githubapi.Annotation{1: {{Level: "failure", Message: "No space left on device"}}}
	ids, err := a.recorder.Unexplained(a.repo, open)
	if err != nil || !cmp.Equal(ids, []int64{1}) {
		t.Errorf("unexplained %v, %v", ids, err)
	}
	a.record(open, false)
	if ids, err := a.recorder.Unexplained(a.repo, open); err != nil || len(ids) > 0 {
		t.Errorf("unexplained once recorded: %v, %v", ids, err)
	}
	a.reopen()
	a.record(a.attempt(1, 1, 0, "failure", ended(1, "build", "failure"), ended(2, "lint", "failure")), true)
	a.want(family.JobFailures, family.Reason, map[string]float64{"out_of_disk": 1, "step": 1})
	a.want(family.RunFailures, family.Reason, map[string]float64{"out_of_disk": 1})
}

// TestFlakes: what failed and succeeds when it is run again, though the program was restarted in between.
func TestFlakes(t *testing.T) {
	a := newAnswers(t)
	a.record(a.attempt(1, 1, 0, "failure", ended(1, "build", "failure"), ended(2, "lint", "success")), true)
	a.reopen()
	a.record(a.attempt(1, 2, 10, "success", ended(11, "build", "success"), ended(12, "lint", "success")), true)
	a.want(family.JobFlakes, family.JobName, map[string]float64{"build": 1})
	a.want(family.JobRerunSeconds, family.JobName, map[string]float64{"build": 59, "lint": 59})
	a.record(a.attempt(1, 3, 20, "success", ended(21, "build", "success")), true)
	a.want(family.JobFlakes, family.JobName, map[string]float64{"build": 1})
}

// TestRedBranch: since when, how often, and how long it took to become green, over a restart in the midst of it.
func TestRedBranch(t *testing.T) {
	a := newAnswers(t)
	b := NewBranches(a.ledger, func() time.Time { return a.now })
	shown := func() map[string]float64 {
		b.ledger = a.ledger
		out := map[string]float64{}
		for _, v := range b.Live() {
			out[family.Get(v.Family).Name] = v.Value
		}
		return out
	}
	want := func(failures int, since time.Time) {
		t.Helper()
		m := map[string]float64{"github_workflow_branch_consecutive_failures": float64(failures)}
		if !since.IsZero() {
			m["github_workflow_branch_red_since_timestamp_seconds"] = float64(since.Unix())
		}
		if diff := cmp.Diff(m, shown()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	red := worldStart.Add(time.Minute)
	a.record(a.attempt(1, 1, 0, "failure", ended(1, "build", "failure")), true)
	want(1, red)
	a.reopen()
	a.record(a.attempt(2, 1, 10, "cancelled", ended(2, "build", "cancelled")), true)
	a.record(a.attempt(3, 1, 20, "failure", ended(3, "build", "failure")), true)
	want(2, red)
	b.Configure(0, 0, map[family.ID]bool{family.BranchRedSince: true})
	want(2, time.Time{})
	b.Configure(0, 0, nil)
	a.reopen()
	a.record(a.attempt(5, 1, 60, "success", ended(5, "build", "success")), true)
	want(0, time.Time{})
	a.record(a.attempt(4, 1, 70, "failure", ended(4, "build", "failure")), true) // created before the success, ended after it
	want(0, time.Time{})
	a.want(family.BranchRecovery, family.Branch, map[string]float64{"main": 1})
	if sum := a.ledger.Series(family.BranchRecovery)[0].State().Sum; sum != 3600 {
		t.Errorf("recovered in %v s", sum)
	}
	b.Configure(0, 14*24*time.Hour, nil)
	a.now = worldStart.Add(71*time.Minute + 14*24*time.Hour)
	want(0, time.Time{})
	a.now = a.now.Add(time.Second)
	if got := shown(); len(got) != 0 {
		t.Errorf("two weeks later: %v", got)
	}
}

// TestBranchesAreFoldedAndBounded: branches that share their labels are one, and beyond the limit all are.
func TestBranchesAreFoldedAndBounded(t *testing.T) {
	a := newAnswers(t)
	for i := range int64(4) {
		run := a.attempt(i+1, 1, int(i), "failure", ended(i+1, "build", "failure"))
		run.Run.WorkflowID = i
		if i > 1 {
			run.Jobs[0].WorkflowName = fmt.Sprint("other ", i)
		}
		a.record(run, true)
	}
	b := NewBranches(a.ledger, func() time.Time { return a.now })
	b.Configure(2, 0, nil)
	got := map[string]float64{}
	for _, v := range b.Live() {
		if v.Family == family.BranchConsecutiveFailures {
			got[v.Values[1]] = v.Value
		} else if v.Family == family.BranchRedSince && v.Values[1] == "CI" && v.Value != float64(worldStart.Add(time.Minute).Unix()) {
			t.Errorf("red since %v", v.Value)
		}
	}
	if diff := cmp.Diff(map[string]float64{"CI": 2, "other 2": 1, family.OverflowValue: 1}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
