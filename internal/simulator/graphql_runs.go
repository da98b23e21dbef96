package simulator

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// runNode is a run: its state, or its workflow with the runs that began last, as the query asks; nil: the id is not of one, or
// it cannot be seen. An untyped nil, for it becomes JSON.
func (g *GitHub) runNode(q *request, id, query string, first int) any {
	number, ok := strings.CutPrefix(id, "WFR_kwDO")
	if !ok {
		return nil
	}
	text, err := base64.RawURLEncoding.DecodeString(number)
	if err != nil {
		return nil
	}
	run, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return nil
	}
	n := g.findRun(run)
	if n == nil || !n.visible(q.at) || n.repo.sight != Seen {
		return nil
	}
	if i := q.installation; i != nil && !strings.EqualFold(n.repo.owner(), i.Login) {
		return nil
	}
	if !strings.Contains(query, "workflow{") {
		return headNode(n, q.at)
	}
	heads, all := []any{}, n.repo.runs
	for k := len(all) - 1; k >= 0 && len(heads) < first; k-- {
		if other := all[k]; other.visible(q.at) && other.plan.WorkflowID == n.plan.WorkflowID {
			heads = append(heads, headNode(other, q.at))
		}
	}
	return map[string]any{"workflow": map[string]any{"runs": map[string]any{"nodes": heads}}}
}

// findRun looks a run up by its number alone. Generated ones tell in it whose they are.
func (g *GitHub) findRun(id int64) *run {
	if i := int((id - firstRun) / runsPerSlot % (1 << repoBits)); id >= firstRun && i < len(g.repos) {
		if n := g.repos[i].byID[id]; n != nil {
			return n
		}
	}
	for _, r := range g.repos {
		if n := r.byID[id]; n != nil {
			return n
		}
	}
	return nil
}

func headNode(n *run, t time.Time) map[string]any {
	a := &n.plan.Attempts[n.attemptAt(t)-1]
	return map[string]any{
		"id": nodeID("WFR", n.plan.ID), "databaseId": n.plan.ID, "updatedAt": a.updatedAt(t).UTC().Format(time.RFC3339),
		"checkSuite": map[string]any{"status": strings.ToUpper(a.status(t))},
	}
}
