package simulator

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// The families, spelt out here on purpose: the simulator shares nothing with what it judges.
const (
	jobDuration       = "github_workflow_job_duration_seconds"
	jobQueueDuration  = "github_workflow_job_queue_duration_seconds"
	jobConclusions    = "github_workflow_job_conclusions_total"
	stepDuration      = "github_workflow_step_duration_seconds"
	stepConclusions   = "github_workflow_step_conclusions_total"
	runDuration       = "github_workflow_run_duration_seconds"
	runConclusions    = "github_workflow_run_conclusions_total"
	runLastCompletion = "github_workflow_run_last_completion_timestamp_seconds"
	jobsNow           = "github_workflow_jobs"
	oldestJob         = "github_workflow_oldest_job_timestamp_seconds"
)

// tally adds a truth up.
type tally struct {
	t          Truth
	told       *told // nil: nothing was
	enterprise bool  // GitHub's prices do not hold
	closings   []closing
}

func newTally() *tally {
	return &tally{t: Truth{
		Counters: map[string]map[string]float64{}, Histograms: map[string]map[string]Distribution{},
		Gauges: map[string]map[string]float64{}, Discards: map[string]int{},
	}}
}

// tally is one of this world.
func (g *GitHub) tally() *tally {
	s := newTally()
	s.told, s.enterprise = g.told, strings.HasSuffix(g.opts.BasePath, "/api/v3")
	return s
}

func (s *tally) count(family string, labels string) { s.add(family, labels, 1) }

func (s *tally) add(family, labels string, v float64) {
	if s.t.Counters[family] == nil {
		s.t.Counters[family] = map[string]float64{}
	}
	s.t.Counters[family][labels] += v
}

func (s *tally) distribute(family, labels string, d Distribution) {
	if s.t.Histograms[family] == nil {
		s.t.Histograms[family] = map[string]Distribution{}
	}
	sum := s.t.Histograms[family][labels]
	s.t.Histograms[family][labels] = Distribution{sum.Count + d.Count, sum.Sum + d.Sum}
}

// gauge folds a value into a gauge: what keeps the old or the new one.
func (s *tally) gauge(family, labels string, v float64, fold func(old, v float64) float64) {
	if s.t.Gauges[family] == nil {
		s.t.Gauges[family] = map[string]float64{}
	}
	if old, ok := s.t.Gauges[family][labels]; ok {
		v = fold(old, v)
	}
	s.t.Gauges[family][labels] = v
}

func newest(old, v float64) float64 { return max(old, v) }
func oldest(old, v float64) float64 { return min(old, v) }
func plus(old, v float64) float64   { return old + v }

// observe adds a duration to a histogram: up to two seconds below nothing is skew, more is no duration.
func (s *tally) observe(family, labels string, from, to time.Time) {
	switch d := to.Sub(from); {
	case from.IsZero() || to.IsZero():
		s.t.Discards["missing_time"]++
	case d < -2*time.Second:
		s.t.Discards["negative_duration"]++
	default:
		s.distribute(family, labels, Distribution{1, max(d.Seconds(), 0)})
	}
}

func (s *tally) merge(o *tally) {
	for family, series := range o.t.Counters {
		for labels, v := range series {
			s.add(family, labels, v)
		}
	}
	for family, series := range o.t.Histograms {
		for labels, d := range series {
			s.distribute(family, labels, d)
		}
	}
	for family, series := range o.t.Gauges {
		for labels, v := range series {
			s.gauge(family, labels, v, newest)
		}
	}
	for reason, n := range o.t.Discards {
		s.t.Discards[reason] += n
	}
	s.closings = append(s.closings, o.closings...)
	s.t.Executions += o.t.Executions
	s.t.Attempts += o.t.Attempts
}

// run adds the attempts of a run that count.
func (s *tally) run(n *run, since, until time.Time) {
	for i := range n.plan.Attempts {
		a := &n.plan.Attempts[i]
		closed := a.closedAt()
		switch {
		case a.StartedAt.After(until):
		case a.StartedAt.Before(since):
			s.t.OldAttempts++
		case !n.deletedAt.IsZero() && closed.After(n.deletedAt):
			s.t.Deleted++
		case closed.After(until):
			s.t.OpenAttempts++
		default:
			s.attempt(n, i+1, since)
		}
	}
}

func (s *tally) attempt(n *run, number int, since time.Time) {
	a := &n.plan.Attempts[number-1]
	s.t.Attempts++
	ended, ran := time.Time{}, false
	for i := range a.Jobs {
		j := &a.Jobs[i]
		switch {
		case j.Undecodable:
			s.t.Discards["undecodable"]++
		case j.Unfinished:
			s.t.Discards["never_finished"]++
		case j.Copy:
			s.t.Discards["carried_over"]++
		case j.CheckRun:
			s.t.Discards["check_run"]++
		default:
			s.job(n, j)
			s.jobAnswers(n, number, j, since)
			end := j.reportedEnd()
			switch {
			case j.ran() && !ran:
				ended, ran = end, true
			case j.ran() == ran:
				ended = latest(ended, end)
			}
		}
	}
	labels := Canonical("repository", n.repo.nameAt(a.EndedAt), "workflow", n.plan.Workflow, "event", n.plan.Event,
		"branch", n.branch(), "conclusion", knownWord(a.Conclusion))
	s.count(runConclusions, labels)
	if ran {
		s.observe(runDuration, labels, a.StartedAt, ended)
	}
	s.attemptAnswers(n, a, ended, ran)
	orElse(&ended, a.StartedAt)
	s.gauge(runLastCompletion, labels, float64(ended.Unix()), newest)
}

func (s *tally) job(n *run, j *JobPlan) {
	s.t.Executions++
	base := []string{"repository", n.repo.nameAt(j.FinishedAt), "workflow", n.plan.Workflow, "runner", j.Runner.Folded, "label", labelValue(j.Labels)}
	with := func(pairs ...string) string { return Canonical(append(slices.Clip(base), pairs...)...) }
	labels := with("job_name", j.Name, "conclusion", knownWord(j.Conclusion))
	s.count(jobConclusions, labels)
	if j.ran() {
		s.observe(jobDuration, labels, j.StartedAt, j.reportedEnd())
		if !j.NoCreatedAt {
			s.observe(jobQueueDuration, with("held", s.held(j)), j.CreatedAt, j.StartedAt)
		}
		if len(j.Steps) == 0 {
			s.t.Discards["steps_missing"]++
		}
	}
	for k := range j.Steps {
		step := &j.Steps[k]
		if step.Unfinished {
			s.t.Discards["step_unfinished"]++
			continue
		}
		labels := with("job_name", j.Name, "step", step.Name, "conclusion", knownWord(step.Conclusion))
		s.count(stepConclusions, labels)
		if step.Conclusion != "skipped" {
			s.observe(stepDuration, labels, step.StartedAt, step.CompletedAt)
		}
	}
}

// live adds the unfinished jobs of a run's open attempt.
func (s *tally) live(n *run, t time.Time) {
	if !n.open(t) {
		return
	}
	a := &n.plan.Attempts[n.attemptAt(t)-1]
	for _, j := range a.listedJobs(t) {
		status := j.status(t)
		if status == completed || j.Copy || j.CheckRun || j.Undecodable {
			continue
		}
		labels := Canonical("repository", n.repo.name(), "workflow", n.plan.Workflow, "label", labelValue(j.Labels), "status", status)
		s.gauge(jobsNow, labels, 1, plus)
		at := j.CreatedAt
		if status == inProgress {
			at = j.StartedAt
		}
		s.gauge(oldestJob, labels, float64(at.Unix()), oldest)
	}
}

// ran: it had a machine, or one of its steps began.
func (j *JobPlan) ran() bool {
	return j.hasRunner() || slices.ContainsFunc(j.Steps, func(s StepPlan) bool {
		return !s.StartedAt.IsZero() && s.Conclusion != "skipped"
	})
}

func (j *JobPlan) reportedEnd() time.Time {
	if j.NoCompletedAt {
		return time.Time{}
	}
	return j.CompletedAt
}

func (n *run) branch() string {
	switch n.plan.Event {
	case "pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment":
		return "other"
	}
	if n.plan.NullBranch || n.plan.Branch != n.repo.plan.DefaultBranch {
		return "other"
	}
	return n.plan.Branch
}

func knownWord(w string) string {
	switch w {
	case "success", "failure", "cancelled", "skipped", "timed_out", "action_required", "neutral", "stale", "startup_failure":
		return w
	}
	return "other"
}

func labelValue(labels []string) string {
	set := map[string]bool{}
	for _, l := range labels {
		set[strings.ToLower(l)] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(set)), ",")
}
