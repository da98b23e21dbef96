package simulator

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// The families of the answers, and the truth of them: the rules are written out anew, from what the world knows.
const (
	jobAbandoned     = "github_workflow_job_abandoned_duration_seconds"
	jobFailures      = "github_workflow_job_failures_total"
	jobFailedSeconds = "github_workflow_job_failed_seconds_total"
	runFailures      = "github_workflow_run_failures_total"
	jobFlakes        = "github_workflow_job_flakes_total"
	jobRerunSeconds  = "github_workflow_job_rerun_seconds_total"
	jobBillable      = "github_workflow_job_billable_seconds_total"
	jobCost          = "github_workflow_job_cost_usd_total"
	criticalPath     = "github_workflow_run_critical_path_seconds_total"
	branchRedSince   = "github_workflow_branch_red_since_timestamp_seconds"
	branchFailures   = "github_workflow_branch_consecutive_failures"
	branchRecovery   = "github_workflow_branch_recovery_duration_seconds"
)

// counts tells whether a conclusion is one of a failure.
func failing(word string) bool {
	return !slices.Contains([]string{"success", "skipped", "neutral", "action_required"}, word)
}

// executed tells whether the entry is a job that its attempt executed to its end.
func (j *JobPlan) executed() bool { return !j.Undecodable && !j.Unfinished && !j.Copy && !j.CheckRun }

// lasted is how long a job ran as far as its times tell; false where they tell nothing that could be.
func (j *JobPlan) lasted() (float64, bool) {
	end := j.reportedEnd()
	if !j.ran() || end.IsZero() || end.Sub(j.StartedAt) < -2*time.Second {
		return 0, false
	}
	return max(end.Sub(j.StartedAt).Seconds(), 0), true
}

// shown is the reason of a failure that the job itself shows.
func (j *JobPlan) shownReason() string {
	var failed *StepPlan
	open := false
	for k := range j.Steps {
		s := &j.Steps[k]
		open = open || s.Unfinished
		if !s.Unfinished && (s.Conclusion == "failure" || s.Conclusion == "timed_out") && (failed == nil || s.Number < failed.Number) {
			failed = s
		}
	}
	switch {
	case j.Conclusion == "timed_out":
		return "timeout"
	case j.Conclusion == "cancelled":
		return "cancelled"
	case !j.ran():
		return "not_started"
	case j.Conclusion == "failure" && (failed == nil || open):
		return "runner_lost"
	case failed == nil:
		return "unknown"
	case slices.Contains([]string{"Set up job", "Set up runner", "Initialize containers", "Stop containers", "Complete runner", "Complete job"}, failed.Name):
		return "setup"
	}
	return "step"
}

// reason is what a reader says of a failed job: what its annotations tell where it reads them, else what the job shows.
func (s *tally) reason(j *JobPlan) string {
	if told := j.Cause.reason(); told != "" && s.reads(j) {
		return told
	}
	return j.shownReason()
}

// jobAnswers adds what a job tells beside how it ended.
func (s *tally) jobAnswers(n *run, number int, j *JobPlan, since time.Time) {
	base := []string{"repository", n.repo.nameAt(j.FinishedAt), "workflow", n.plan.Workflow, "label", labelValue(j.Labels)}
	with := func(pairs ...string) string { return Canonical(append(slices.Clip(base), pairs...)...) }
	seconds, ran := j.lasted()
	if failing(j.Conclusion) {
		labels := with("job_name", j.Name, "reason", s.reason(j))
		s.count(jobFailures, labels)
		if ran {
			s.add(jobFailedSeconds, labels, seconds)
		}
	}
	if s.flaked(n, number, j, since) {
		s.count(jobFlakes, with("job_name", j.Name))
	}
	if ran && number > 1 {
		s.add(jobRerunSeconds, with("job_name", j.Name), seconds)
	}
	if sku, perMinute := s.price(n, j); ran && sku != "" {
		minutes := max(math.Ceil(seconds/60), 1)
		s.add(jobBillable, with("sku", sku), minutes*60)
		s.add(jobCost, with("sku", sku), minutes*perMinute)
	}
	if !j.ran() && j.Conclusion == "cancelled" && !j.NoCreatedAt {
		s.observe(jobAbandoned, with("held", s.held(j)), j.CreatedAt, j.reportedEnd())
	}
}

// flaked looks for the execution of the same name before this one, in what was counted.
func (s *tally) flaked(n *run, number int, j *JobPlan, since time.Time) bool {
	if j.Conclusion != "success" {
		return false
	}
	for k := number - 1; k >= 1; k-- {
		a := &n.plan.Attempts[k-1]
		if a.StartedAt.Before(since) {
			return false
		}
		var last *JobPlan
		for i := range a.Jobs {
			e := &a.Jobs[i]
			if e.executed() && e.Name == j.Name && (last == nil || cmp.Or(e.reportedEnd().Compare(last.reportedEnd()), cmp.Compare(e.ID, last.ID)) > 0) {
				last = e
			}
		}
		if last != nil {
			return last.Conclusion == "failure" || last.Conclusion == "timed_out" || last.Conclusion == "cancelled" && s.reason(last) == "timeout"
		}
	}
	return false
}

// prices of the runners that the worlds know, in dollars a minute.
var prices = map[string]struct {
	sku       string
	perMinute float64
	standard  bool
}{
	"ubuntu-latest": {"linux", 0.006, true}, "ubuntu-24.04": {"linux", 0.006, true}, "windows-latest": {"windows", 0.010, true},
	"macos-latest": {"macos", 0.062, true}, "ubuntu-latest-8-cores": {"linux_8_core", 0.022, false}, "windows-latest-8-cores": {"windows_8_core", 0.042, false},
	"macos-latest-xlarge": {"macos_xl", 0.102, false},
}

func (s *tally) price(n *run, j *JobPlan) (sku string, perMinute float64) {
	if s.enterprise {
		return "", 0
	}
	for _, l := range j.Labels {
		if strings.ToLower(l) == "self-hosted" {
			return "self_hosted", 0
		}
	}
	for _, l := range j.Labels {
		p, known := prices[strings.ToLower(l)]
		switch {
		case !known:
		case p.standard && !n.repo.plan.Private, p.standard && j.Runner.Group != "GitHub Actions" && j.Runner.Group != "":
			return "", 0
		default:
			return p.sku, p.perMinute
		}
	}
	return "", 0
}

// attemptAnswers adds what an attempt tells beside how it ended: why it failed, where its time went, and its branch.
func (s *tally) attemptAnswers(n *run, a *AttemptPlan, ended time.Time, ran bool) {
	repo := n.repo.nameAt(a.EndedAt)
	if failing(a.Conclusion) {
		s.count(runFailures, Canonical("repository", repo, "workflow", n.plan.Workflow, "event", n.plan.Event, "branch", n.branch(), "reason", s.runReason(n, a)))
	}
	if ran && !ended.IsZero() && ended.Sub(a.StartedAt) >= -2*time.Second {
		s.path(a, ended, func(job, phase string, d time.Duration) {
			s.add(criticalPath, Canonical("repository", repo, "workflow", n.plan.Workflow, "job_name", job, "phase", phase), d.Seconds())
		})
	}
	if n.branch() == "other" {
		return
	}
	s.closings = append(s.closings, closing{
		at: a.closedAt(), run: n.plan.ID, created: n.plan.CreatedAt, ended: latest(ended, a.StartedAt), conclusion: a.Conclusion,
		of: branchOf{n.repo.id, n.plan.WorkflowID, n.branch()}, labels: Canonical("repository", repo, "workflow", n.plan.Workflow, "branch", n.branch()),
	})
}

func (s *tally) runReason(n *run, a *AttemptPlan) string {
	var first *JobPlan
	sooner := func(x, y *JobPlan) bool {
		ex, ey := x.reportedEnd(), y.reportedEnd()
		switch {
		case ex.IsZero() != ey.IsZero():
			return ey.IsZero()
		case !ex.Equal(ey):
			return ex.Before(ey)
		}
		return x.ID < y.ID
	}
	for i := range a.Jobs {
		if j := &a.Jobs[i]; j.executed() && failing(j.Conclusion) && (first == nil || sooner(j, first)) {
			first = j
		}
	}
	switch {
	case first != nil:
		return s.reason(first)
	case a.Conclusion == "startup_failure" && (n.plan.Path == "BuildFailed" || a.Blocked && s.readsRun(n)):
		return "not_started"
	case a.Conclusion == "startup_failure":
		return "invalid_workflow"
	case a.Conclusion == "timed_out":
		return "timeout"
	case a.Conclusion == "cancelled":
		return "cancelled"
	}
	return "unknown"
}

// path walks the critical path of an attempt from its end to its start.
func (s *tally) path(a *AttemptPlan, ended time.Time, book func(job, phase string, d time.Duration)) {
	type stop struct {
		j                       *JobPlan
		created, started, ended time.Time
	}
	var stops []stop
	for i := range a.Jobs {
		j := &a.Jobs[i]
		if !j.executed() || !j.ran() || j.NoCompletedAt {
			continue
		}
		created := j.CreatedAt
		if j.NoCreatedAt {
			created = j.StartedAt
		}
		stops = append(stops, stop{j, created, j.StartedAt, j.CompletedAt})
	}
	// The latest end first; of equal ones the longer, then the lower id.
	slices.SortFunc(stops, func(x, y stop) int {
		return cmp.Or(y.ended.Compare(x.ended), x.started.Compare(y.started), cmp.Compare(x.j.ID, y.j.ID))
	})
	cursor := ended
	down := func(j *JobPlan, phase string, to time.Time) {
		to = latest(to, a.StartedAt)
		if to.Before(cursor) {
			book(j.Name, phase, cursor.Sub(to))
			cursor = to
		}
	}
	limit := ended
	var last *JobPlan
	for {
		i := slices.IndexFunc(stops, func(x stop) bool { return !x.ended.After(limit) })
		if i < 0 {
			break
		}
		x := stops[i]
		stops = slices.Delete(stops, i, i+1)
		if last != nil {
			down(last, "gap", x.ended)
		}
		down(x.j, "run", x.started)
		down(x.j, "queue", x.created)
		limit, last = x.created.Add(2*time.Second), x.j
	}
	if last != nil {
		down(last, "gap", a.StartedAt)
	}
}

// closing is an attempt of a run on a watched branch that was closed.
type closing struct {
	at, created, ended time.Time
	run                int64
	conclusion         string
	of                 branchOf
	labels             string
}

type branchOf struct {
	repository, workflow int64
	name                 string
}

// verdict is how a run stands.
type verdict struct {
	red  bool
	last closing
}

// branches adds what the closings come to, in the order in which a reader that keeps up closes them.
func (s *tally) branches(until time.Time) {
	slices.SortStableFunc(s.closings, func(x, y closing) int { return cmp.Or(x.at.Compare(y.at), cmp.Compare(x.run, y.run)) })
	standing := map[branchOf]map[int64]verdict{}
	newest := map[branchOf]closing{}
	ended := map[branchOf]time.Time{}
	for _, c := range s.closings {
		runs := standing[c.of]
		if runs == nil {
			runs = map[int64]verdict{}
			standing[c.of] = runs
		}
		if before := streak(runs); c.conclusion == "success" && len(before) > 0 && !c.before(before[len(before)-1]) {
			s.recovered(c, before[0].ended)
		}
		switch c.conclusion {
		case "success", "failure", "timed_out", "startup_failure":
			runs[c.run] = verdict{c.conclusion != "success", c}
		default:
			delete(runs, c.run)
		}
		newest[c.of] = c
		ended[c.of] = latest(ended[c.of], c.ended)
	}
	for of, runs := range standing {
		if until.Sub(ended[of]) > 14*24*time.Hour {
			continue
		}
		red := streak(runs)
		s.gauge(branchFailures, newest[of].labels, float64(len(red)), plus)
		if len(red) > 0 {
			s.gauge(branchRedSince, newest[of].labels, float64(red[0].ended.Unix()), oldest)
		}
	}
}

func (s *tally) recovered(c closing, since time.Time) {
	switch d := c.ended.Sub(since); {
	case d < -2*time.Second:
		s.t.Discards["negative_duration"]++
	default:
		s.distribute(branchRecovery, c.labels, Distribution{1, max(d.Seconds(), 0)})
	}
}

// before tells whether a run was created before another.
func (c closing) before(o closing) bool {
	return cmp.Or(c.created.Compare(o.created), cmp.Compare(c.run, o.run)) < 0
}

// streak are the red runs after the newest green one, in order of their creation.
func streak(runs map[int64]verdict) []closing {
	var all []verdict
	for _, v := range runs {
		all = append(all, v)
	}
	slices.SortFunc(all, func(x, y verdict) int {
		return cmp.Or(x.last.created.Compare(y.last.created), cmp.Compare(x.last.run, y.last.run))
	})
	var red []closing
	for _, v := range all {
		if v.red {
			red = append(red, v.last)
		} else {
			red = nil
		}
	}
	return red
}
