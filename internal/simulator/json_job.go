package simulator

import "time"

// jobJSON is an entry of a jobs list as it stands at t.
func jobJSON(b []byte, p place, n *run, j *JobPlan, shownAttempt int, undecodable bool, t time.Time) []byte {
	api := p.api + "/repos/" + n.repo.name()
	self := api + "/actions/runs/" + i64(n.plan.ID)
	id := i64(j.ID)
	status := j.status(t)
	done := status == completed
	o := newObject(b)
	o.num("id", j.ID)
	o.num("run_id", n.plan.ID)
	if !j.NoWorkflowName {
		o.str("workflow_name", n.plan.Workflow)
	}
	o.strOrNull("head_branch", n.plan.Branch, !n.plan.NullBranch)
	o.str("run_url", self)
	o.num("run_attempt", int64(shownAttempt))
	o.str("node_id", nodeID("CR", j.ID))
	o.str("head_sha", n.plan.HeadSHA)
	o.str("url", api+"/actions/jobs/"+id)
	page := "/actions/runs/" + i64(n.plan.ID) + "/job/" + id
	if j.CheckRun { // a check run that an action publishes has its page elsewhere
		page = "/runs/" + id
	}
	o.str("html_url", p.html+"/"+n.repo.name()+page)
	o.str("status", status)
	o.strOrNull("conclusion", j.Conclusion, done)
	if !j.NoCreatedAt {
		o.time("created_at", j.CreatedAt)
	}
	switch {
	case undecodable:
		o.num("started_at", j.StartedAt.Unix())
	case done || status == inProgress:
		o.time("started_at", j.StartedAt)
	default: // never null: it equals created_at until the job starts
		o.time("started_at", j.CreatedAt)
	}
	o.timeOrNull("completed_at", j.CompletedAt, done && !j.NoCompletedAt)
	o.str("name", j.Name)
	o.key("steps")
	o.b = j.stepsJSON(o.b, status, t)
	o.str("check_run_url", api+"/check-runs/"+id)
	o.strings("labels", j.Labels)
	assigned := j.hasRunner() && (done || status == inProgress)
	switch {
	case assigned:
		o.num("runner_id", j.Runner.ID)
		o.str("runner_name", j.Runner.Name)
		o.num("runner_group_id", j.Runner.GroupID)
		o.str("runner_group_name", j.Runner.Group)
	case j.BlankRunner:
		o.num("runner_id", 0)
		o.str("runner_name", "")
		o.num("runner_group_id", 0)
		o.str("runner_group_name", "")
	default:
		o.null("runner_id")
		o.null("runner_name")
		o.null("runner_group_id")
		o.null("runner_group_name")
	}
	return o.end()
}

// stepsJSON lists the steps: none before the job starts, their states while it runs.
func (j *JobPlan) stepsJSON(b []byte, status string, t time.Time) []byte {
	b = append(b, '[')
	if status != completed && status != inProgress {
		return append(b, ']')
	}
	for k := range j.Steps {
		s := &j.Steps[k]
		if k > 0 {
			b = append(b, ',')
		}
		state := s.state(status, t, j.PendingSteps)
		o := newObject(b)
		o.str("name", s.Name)
		o.str("status", state)
		o.strOrNull("conclusion", s.Conclusion, state == completed)
		o.num("number", int64(s.Number))
		began := !s.StartedAt.IsZero() && (status == completed || state != queued)
		o.strOrNull("started_at", stepTime(s.StartedAt, j.StepTimes), began)
		o.strOrNull("completed_at", stepTime(s.CompletedAt, j.StepTimes), state == completed && !s.CompletedAt.IsZero())
		b = o.end()
	}
	return append(b, ']')
}

// state of a step: in a finished job what it ended as, otherwise what it has come to.
func (s *StepPlan) state(job string, t time.Time, pendingShown bool) string {
	switch {
	case job != completed:
		return s.stepStatus(t)
	case !s.Unfinished:
		return completed
	case !s.StartedAt.IsZero():
		return inProgress
	case pendingShown:
		return pending
	}
	return queued
}

func stepTime(t time.Time, f StepTimes) string {
	switch f {
	case StepMillis:
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	case StepOffset:
		return t.In(time.FixedZone("", 2*3600)).Format("2006-01-02T15:04:05.000-07:00")
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// jobKey tells the states of a job apart: two equal keys mean equal entries.
func (j *JobPlan) jobKey(b []byte, t time.Time) []byte {
	status := j.status(t)
	b = append(b, i64(j.ID)...)
	b = append(b, ' ')
	b = append(b, status...)
	if status == inProgress {
		for k := range j.Steps {
			b = append(b, j.Steps[k].stepStatus(t)[0])
		}
	}
	return append(b, '\n')
}
