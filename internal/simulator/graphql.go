package simulator

import (
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// GraphQLMode is how the GraphQL endpoint answers.
type GraphQLMode int

// The ways it answers.
const (
	GraphQLOn        GraphQLMode = iota
	GraphQLForbidden             // as to a fine-grained token, which cannot read checks
	GraphQLMissing               // 404: there is none
)

// graphqlPath is where GraphQL is: beside the REST API.
func (g *GitHub) graphqlPath() string {
	if base, ok := strings.CutSuffix(g.opts.BasePath, "/v3"); ok {
		return base + "/graphql"
	}
	return g.opts.BasePath + "/graphql"
}

// points are the hour's budget of GraphQL of one token.
type points struct {
	used  int
	reset time.Time
}

var firstOf = regexp.MustCompile(`(?:annotations|runs)\(\s*first:\s*(\d+)`)

// graphql answers the questions that are asked of it: the annotations of check runs, and of the check runs of check suites,
// the state of runs, and the runs of their workflows that began last. The lock is held.
func (g *GitHub) graphql(q *request) *answer {
	if g.opts.GraphQL == GraphQLMissing || q.http.Method != http.MethodPost {
		return notFound()
	}
	var asked struct {
		Query     string `json:"query"`
		Variables struct {
			IDs []string `json:"ids"`
		} `json:"variables"`
	}
	if json.Unmarshal(q.body, &asked) != nil || !strings.Contains(asked.Query, "nodes(ids:") {
		return failure(http.StatusBadRequest, "Problems parsing JSON", docsURL)
	}
	first := 0
	if m := firstOf.FindStringSubmatch(asked.Query); m != nil {
		first, _ = strconv.Atoi(m[1])
	}
	budget := g.points[q.purse]
	if budget == nil || !q.at.Before(budget.reset) {
		budget = &points{reset: q.at.Truncate(time.Second).Add(time.Hour)}
		g.points[q.purse] = budget
	}
	limit := cmp.Or(g.opts.GraphQLPoints, 5000)
	type problem struct {
		Type    string `json:"type"`
		Path    []any  `json:"path,omitempty"`
		Message string `json:"message"`
	}
	type reply struct {
		Data   map[string]any `json:"data,omitempty"`
		Errors []problem      `json:"errors,omitempty"`
	}
	respond := func(r reply) *answer {
		b, err := json.Marshal(r)
		if err != nil {
			return failure(http.StatusInternalServerError, err.Error(), docsURL)
		}
		return &answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, body: b}
	}
	cost := max((len(asked.Variables.IDs)+50)/100, 1)
	switch {
	case budget.used+cost > limit:
		return respond(reply{Errors: []problem{{Type: "RATE_LIMITED", Message: "API rate limit exceeded for user ID 1."}}})
	case len(asked.Variables.IDs) > 100:
		return respond(reply{Errors: []problem{{Type: "ARGUMENT_LIMIT", Message: "You may not provide more than 100 node ids."}}})
	case len(asked.Variables.IDs)*(first+1) > cmp.Or(g.opts.GraphQLNodes, 1000):
		return failure(http.StatusBadGateway, "We couldn't respond to your request in time.", docsURL)
	}
	budget.used += cost
	g.requests.Points += cost
	r := reply{Data: map[string]any{"rateLimit": map[string]any{
		"limit": limit, "cost": cost, "used": budget.used, "remaining": limit - budget.used, "resetAt": budget.reset.UTC().Format(time.RFC3339),
	}}}
	nodes := make([]any, len(asked.Variables.IDs))
	for i, id := range asked.Variables.IDs {
		if g.opts.GraphQL == GraphQLForbidden {
			r.Errors = append(r.Errors, problem{"FORBIDDEN", []any{"nodes", i}, "Resource not accessible by personal access token"})
			continue
		}
		node := g.runNode(q, id, asked.Query, first)
		if node == nil {
			node = g.node(id, first, q.at)
		}
		if node == nil {
			r.Errors = append(r.Errors, problem{"NOT_FOUND", []any{"nodes", i}, "Could not resolve to a node with the global id of '" + id + "'"})
			continue
		}
		nodes[i] = node
	}
	r.Data["nodes"] = nodes
	return respond(r)
}

// node is a check run or a check suite with the annotations asked for.
func (g *GitHub) node(id string, first int, t time.Time) any {
	for _, r := range g.repos {
		for _, n := range slices.Backward(r.runs) {
			if !n.visible(t) {
				continue
			}
			if id == nodeID("CS", n.plan.ID+1_000_000_000) {
				a := &n.plan.Attempts[n.attemptAt(t)-1]
				g.told.runs[n.plan.ID] = true
				return map[string]any{"__typename": "CheckSuite", "checkRuns": map[string]any{"nodes": []any{
					map[string]any{"annotations": annotationNodes(a.annotations(n.plan.Path), first)},
				}}}
			}
			for k := range n.plan.Attempts {
				for _, j := range n.plan.Attempts[k].listedJobs(t) {
					if id == nodeID("CR", j.ID) {
						g.told.annotated[j.ID] = j.finished(t)
						return map[string]any{"__typename": "CheckRun", "annotations": annotationNodes(j.shownAnnotations(t), first)}
					}
				}
			}
		}
	}
	return nil
}

func annotationNodes(list [][2]string, first int) map[string]any {
	nodes := []any{}
	for _, a := range list[:min(len(list), first)] {
		nodes = append(nodes, map[string]any{
			"annotationLevel": strings.ToUpper(a[0]), "title": nil, "message": a[1], "path": ".github",
		})
	}
	return map[string]any{"nodes": nodes}
}

// shownAnnotations are there once the job is over.
func (j *JobPlan) shownAnnotations(t time.Time) [][2]string {
	if !j.finished(t) {
		return nil
	}
	return j.annotations()
}

// annotations answers with those of one job.
func (g *GitHub) annotations(q *request) *answer {
	_, j := q.findJob()
	if j == nil {
		return notFound()
	}
	g.told.annotated[j.ID] = j.finished(q.at)
	list := j.shownAnnotations(q.at)
	p := q.place
	return found([]byte("annotations "+i64(j.ID)+" "+itoa(len(list))), func() []byte {
		return arrayBody(nil, len(list), func(b []byte, i int) []byte {
			o := newObject(b)
			o.str("path", ".github")
			o.str("blob_href", p.html+"/"+q.repo.name()+"/blob/main/.github")
			o.num("start_line", 1)
			o.null("start_column")
			o.num("end_line", 1)
			o.null("end_column")
			o.str("annotation_level", list[i][0])
			o.str("title", "")
			o.str("message", list[i][1])
			o.str("raw_details", "")
			return o.end()
		})
	})
}
