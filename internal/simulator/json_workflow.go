package simulator

import "slices"

// workflow answers for one workflow of a repository.
func workflow(q *request) *answer {
	i := slices.IndexFunc(q.repo.workflows, func(w WorkflowPlan) bool { return w.ID == q.workflow })
	if i < 0 {
		return notFound()
	}
	w, r, p := q.repo.workflows[i], q.repo, q.place
	return found([]byte("workflow "+i64(w.ID)+" "+i64(r.version)), func() []byte { return workflowJSON(p, r, w) })
}

func workflowJSON(p place, r *repository, w WorkflowPlan) []byte {
	o := newObject(nil)
	api := p.api + "/repos/" + r.name()
	html := p.html + "/" + r.name()
	o.num("id", w.ID)
	o.str("node_id", nodeID("W", w.ID))
	o.str("name", w.Name)
	o.str("path", w.Path)
	o.str("state", "active")
	o.time("created_at", r.born.AddDate(-1, 0, 0))
	o.time("updated_at", r.born.AddDate(-1, 0, 0))
	o.str("url", api+"/actions/workflows/"+i64(w.ID))
	o.str("html_url", html+"/blob/"+r.plan.DefaultBranch+"/"+w.Path)
	o.str("badge_url", html+"/actions/workflows/"+w.Path+"/badge.svg")
	return o.end()
}
