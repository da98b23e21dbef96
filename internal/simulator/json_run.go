package simulator

import (
	"time"
)

// runJSON is a run as it stands at t in its attempt of the given number. For the attempt's own endpoint created_at is
// the attempt's (seen one or two seconds after run_started_at), otherwise the run's first creation.
func (g *GitHub) runJSON(b []byte, p place, n *run, number int, ofAttempt bool, t time.Time) []byte {
	pl := &n.plan
	a := &pl.Attempts[number-1]
	done := a.finished(t)
	api := p.api + "/repos/" + n.repo.name()
	self := api + "/actions/runs/" + i64(pl.ID)
	jobs := self
	if ofAttempt {
		jobs = self + "/attempts/" + itoa(number)
	}
	created := pl.CreatedAt
	if ofAttempt && number > 1 {
		created = a.CreatedAt
	}
	o := newObject(b)
	o.num("id", pl.ID)
	o.str("name", pl.Name)
	o.str("node_id", nodeID("WFR", pl.ID))
	o.strOrNull("head_branch", pl.Branch, !pl.NullBranch)
	o.str("head_sha", pl.HeadSHA)
	o.str("path", pl.Path)
	o.str("display_title", "Update "+pl.Workflow)
	o.num("run_number", int64(pl.Number))
	o.str("event", pl.Event)
	o.str("status", a.status(t))
	o.strOrNull("conclusion", a.Conclusion, done)
	o.num("workflow_id", pl.WorkflowID)
	o.num("check_suite_id", pl.ID+1_000_000_000)
	o.str("check_suite_node_id", nodeID("CS", pl.ID+1_000_000_000))
	o.str("url", self)
	o.str("html_url", p.html+"/"+n.repo.name()+"/actions/runs/"+i64(pl.ID))
	o.raw("pull_requests", []byte("[]"))
	o.time("created_at", created)
	o.time("updated_at", a.updatedAt(t))
	o.raw("actor", g.accountCached(p, pl.Actor))
	o.num("run_attempt", int64(number))
	o.raw("referenced_workflows", []byte("[]"))
	o.time("run_started_at", a.StartedAt)
	o.raw("triggering_actor", g.accountCached(p, pl.Actor))
	o.str("jobs_url", jobs+"/jobs")
	o.str("logs_url", jobs+"/logs")
	o.str("check_suite_url", api+"/check-suites/"+i64(pl.ID+1_000_000_000))
	o.str("artifacts_url", self+"/artifacts")
	o.str("cancel_url", self+"/cancel")
	o.str("rerun_url", self+"/rerun")
	o.strOrNull("previous_attempt_url", self+"/attempts/"+itoa(number-1), number > 1)
	o.str("workflow_url", api+"/actions/workflows/"+i64(pl.WorkflowID))
	o.key("head_commit")
	c := newObject(o.b)
	c.str("id", pl.HeadSHA)
	c.str("tree_id", pl.HeadSHA)
	c.str("message", "Update "+pl.Workflow)
	c.time("timestamp", pl.CreatedAt.Add(-5*time.Second))
	c.raw("author", []byte(`{"name":"The Octocat","email":"octocat@example.com"}`))
	c.raw("committer", []byte(`{"name":"GitHub","email":"noreply@example.com"}`))
	o.b = c.end()
	repo := g.repositoryCached(p, n.repo)
	o.raw("repository", repo)
	o.raw("head_repository", repo)
	o.num("head_repository_id", n.repo.id)
	return o.end()
}

// updatedAt moves when the attempt starts and when it ends. Whether GitHub moves it with each job is not known.
func (a *AttemptPlan) updatedAt(t time.Time) time.Time {
	if a.finished(t) {
		return a.EndedAt
	}
	return a.StartedAt
}

// runKey tells the states of a run apart: two equal keys mean equal bodies.
func (n *run) runKey(b []byte, number int, t time.Time) []byte {
	a := &n.plan.Attempts[number-1]
	b = append(b, i64(n.plan.ID)...)
	b = append(b, ' ')
	b = append(b, itoa(number)...)
	b = append(b, ' ')
	b = append(b, a.status(t)...)
	b = append(b, ' ')
	b = append(b, i64(n.version)...)
	return append(b, '\n')
}

type cacheKey struct {
	p       place
	login   string
	repo    int64
	version int64
}

func (g *GitHub) accountCached(p place, login string) []byte {
	return g.cached(cacheKey{p: p, login: login}, func() []byte { return accountJSON(p, login, true) })
}

func (g *GitHub) repositoryCached(p place, r *repository) []byte {
	return g.cached(cacheKey{p: p, repo: r.id, version: r.version}, func() []byte { return repositoryJSON(p, r, false) })
}

func (g *GitHub) cached(k cacheKey, render func() []byte) []byte {
	if b, ok := g.cache[k]; ok {
		return b
	}
	if g.cache == nil || len(g.cache) > 4096 { // every host name a request may bring is a place of its own
		g.cache = map[cacheKey][]byte{}
	}
	b := render()
	g.cache[k] = b
	return b
}
