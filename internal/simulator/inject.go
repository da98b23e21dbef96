package simulator

import (
	"fmt"
	"strings"
	"time"
)

// AddRun adds a run laid out by hand to a repository and returns its id. Attempts may lie in the future.
func (g *GitHub) AddRun(repo string, p RunPlan) (int64, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r, err := g.repository(repo)
	if err != nil {
		return 0, err
	}
	g.advance(g.now())
	if len(p.Attempts) == 0 {
		return 0, fmt.Errorf("run of %q: has no attempt", p.Workflow)
	}
	if p.ID == 0 {
		g.handRun++
		p.ID = g.handRun
	}
	if r.byID[p.ID] != nil {
		return 0, fmt.Errorf("run %d: exists already", p.ID)
	}
	g.completeRun(r, &p)
	attempts := p.Attempts
	p.Attempts = nil
	n := &run{repo: r, plan: p}
	for _, a := range attempts {
		if err := g.appendAttempt(n, a); err != nil {
			return 0, err
		}
	}
	r.insert(n)
	return p.ID, nil
}

// AddAttempt adds a further attempt to a run.
func (g *GitHub) AddAttempt(repo string, id int64, a AttemptPlan) error {
	return g.changeRun(repo, id, func(n *run) error { return g.appendAttempt(n, a) })
}

// DeleteRun deletes a run now.
func (g *GitHub) DeleteRun(repo string, id int64) error {
	return g.changeRun(repo, id, func(n *run) error { n.deletedAt = g.now(); return nil })
}

func (g *GitHub) changeRun(repo string, id int64, f func(*run) error) error {
	return g.change(repo, func(r *repository) error {
		n := r.byID[id]
		if n == nil {
			return fmt.Errorf("run %d of %q: no such run", id, repo)
		}
		n.version++
		return f(n)
	})
}

// Run returns the plan of a run: what has happened and what will.
func (g *GitHub) Run(repo string, id int64) (RunPlan, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.advance(g.now())
	r, err := g.repository(repo)
	if err != nil || r.byID[id] == nil {
		return RunPlan{}, false
	}
	p := r.byID[id].plan
	p.Attempts = append([]AttemptPlan(nil), p.Attempts...)
	return p, true
}

// Runs returns the ids of a repository's runs that exist now, oldest first.
func (g *GitHub) Runs(repo string) []int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.now()
	g.advance(t)
	r, err := g.repository(repo)
	if err != nil {
		return nil
	}
	var ids []int64
	for _, n := range r.runs {
		if n.visible(t) {
			ids = append(ids, n.plan.ID)
		}
	}
	return ids
}

// completeRun fills in what the plan leaves open.
func (g *GitHub) completeRun(r *repository, p *RunPlan) {
	if p.Workflow == "" {
		p.Workflow = "CI"
	}
	if p.Path == "" {
		p.Path = ".github/workflows/" + strings.ReplaceAll(strings.ToLower(p.Workflow), " ", "-") + ".yml"
	}
	if p.WorkflowID == 0 {
		p.WorkflowID = r.workflowID(p.Path, p.Workflow)
	}
	if p.Name == "" {
		p.Name = p.Workflow
	}
	if p.Event == "" {
		p.Event = "push"
	}
	if p.Branch == "" {
		p.Branch = r.plan.DefaultBranch
	}
	if p.Actor == "" {
		p.Actor = "octocat"
	}
	if p.HeadSHA == "" {
		p.HeadSHA = fmt.Sprintf("%040x", p.ID)
	}
	if p.Number == 0 {
		r.numbers[p.WorkflowID]++
		p.Number = r.numbers[p.WorkflowID]
	}
	if p.CreatedAt.IsZero() {
		p.CreatedAt = p.Attempts[0].StartedAt
	}
	p.CreatedAt = whole(p.CreatedAt)
}

func (r *repository) workflowID(path, name string) int64 {
	for _, w := range r.workflows {
		if w.Path == path {
			return w.ID
		}
	}
	id := r.id*100 + int64(len(r.workflows))
	r.workflows = append(r.workflows, WorkflowPlan{ID: id, Name: name, Path: path})
	return id
}

// appendAttempt completes an attempt and adds it to the run.
func (g *GitHub) appendAttempt(n *run, a AttemptPlan) error {
	number := len(n.plan.Attempts) + 1
	if a.StartedAt.IsZero() {
		return fmt.Errorf("run %d, attempt %d: has no start", n.plan.ID, number)
	}
	a.StartedAt = whole(a.StartedAt)
	if number > 1 {
		last := n.plan.Attempts[number-2]
		if last.Open || a.StartedAt.Before(last.EndedAt) {
			return fmt.Errorf("run %d, attempt %d: starts before the end of the one before", n.plan.ID, number)
		}
	}
	a.Jobs = append([]JobPlan(nil), a.Jobs...)
	for i := range a.Jobs {
		if a.Jobs[i].ID == 0 {
			g.handJob++
			a.Jobs[i].ID = g.handJob
		}
	}
	completeAttempt(&a, number)
	n.plan.Attempts = append(n.plan.Attempts, a)
	return nil
}

// completeAttempt fills in what the plan leaves open; ids are set already.
func completeAttempt(a *AttemptPlan, number int) {
	if a.CreatedAt.IsZero() {
		a.CreatedAt = a.StartedAt
		if number > 1 {
			a.CreatedAt = a.StartedAt.Add(time.Second)
		}
	}
	end := a.StartedAt
	for i := range a.Jobs {
		j := &a.Jobs[i]
		completeJob(j, a.StartedAt, number)
		switch {
		case !j.Unfinished:
			end = latest(end, j.FinishedAt)
		case a.EndedAt.IsZero():
			a.Open = true
		}
	}
	if a.EndedAt.IsZero() {
		a.EndedAt = end
	}
	a.EndedAt = whole(a.EndedAt)
	if a.Conclusion == "" {
		a.Conclusion = conclude(a.Jobs)
	}
}

func completeJob(j *JobPlan, start time.Time, number int) {
	for _, t := range []*time.Time{&j.CreatedAt, &j.StartedAt, &j.CompletedAt, &j.ListedAt, &j.FinishedAt, &j.WaitingUntil} {
		*t = whole(*t)
	}
	orElse(&j.CreatedAt, start)
	orElse(&j.StartedAt, j.CreatedAt)
	orElse(&j.CompletedAt, j.StartedAt)
	orElse(&j.ListedAt, j.CreatedAt)
	orElse(&j.FinishedAt, j.CompletedAt)
	if j.Conclusion == "" {
		j.Conclusion = "success"
	}
	if j.ShownAttempt == 0 {
		j.ShownAttempt = number
	}
	if j.Runner.Folded == "" {
		j.Runner.Folded = j.Runner.Name
	}
	for k := range j.Steps {
		s := &j.Steps[k]
		if s.Number == 0 {
			s.Number = k + 1
		}
		if s.Conclusion == "" && !s.Unfinished {
			s.Conclusion = "success"
		}
	}
}

// conclude is the word GitHub sums up an attempt's jobs with.
func conclude(jobs []JobPlan) string {
	word := "success"
	skipped := len(jobs) > 0
	for _, j := range jobs {
		if j.CheckRun {
			continue
		}
		skipped = skipped && j.Conclusion == "skipped"
		switch j.Conclusion {
		case "failure", "timed_out":
			word = "failure"
		case "cancelled":
			if word == "success" {
				word = "cancelled"
			}
		}
	}
	if skipped {
		return "skipped"
	}
	return word
}

func whole(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Second)
}

func orElse(t *time.Time, value time.Time) {
	if t.IsZero() {
		*t = value
	}
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
