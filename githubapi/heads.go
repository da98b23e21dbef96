package githubapi

import (
	"context"
	"time"
)

// MaxHeads is how many ids Heads and RunStates take.
const MaxHeads = mostIDs

// headRuns is how many runs of a workflow are told of. 100 workflows with 3 runs each stay below the 500 nodes that servers
// answer within seconds.
const headRuns = 3

const headFields = `id databaseId updatedAt checkSuite{status}`

var (
	headsQuery = Query{"heads", `query($ids:[ID!]!){` + limitFields + ` nodes(ids:$ids){... on WorkflowRun{workflow{` +
		`runs(first:3,orderBy:{field:CREATED_AT,direction:DESC}){nodes{` + headFields + `}}}}}}`, mostIDs}
	statesQuery = Query{"states", `query($ids:[ID!]!){` + limitFields + ` nodes(ids:$ids){... on WorkflowRun{` + headFields + `}}}`, mostIDs}
)

// RunHead is what GraphQL tells of a run. It has neither the attempt nor what came of it.
type RunHead struct {
	ID        int64 // REST's; 0 where the server does not tell
	NodeID    string
	UpdatedAt time.Time // zero where the server does not tell
	Status    string    // of its check suite: COMPLETED, IN_PROGRESS, QUEUED …; "" where the credential may not read it
}

// Over tells whether the run is, as far as its check suite tells.
func (h RunHead) Over() bool { return h.Status == "COMPLETED" }

// Heads asks over GraphQL for the workflows of some runs, at most MaxHeads by their node ids, which runs of them began last: 3
// of each, the newest first, for one point of GraphQL's own limit (github-api §14). They stand in the order of the ids, nil for
// what could not be read: of a run that is gone. KindForbidden: the credential may not read runs, or check suites (fine-grained
// tokens cannot); KindNotFound: there is no GraphQL; KindPrimaryLimit: of its limit nothing is left. Where TooGreedy tells so of
// the error, fewer ids may be answered.
func (c *Client) Heads(ctx context.Context, runs []string) ([][]RunHead, error) {
	return c.runHeads(ctx, headsQuery, runs)
}

// RunStates asks for the state of some runs themselves, under the same terms.
func (c *Client) RunStates(ctx context.Context, runs []string) ([][]RunHead, error) {
	return c.runHeads(ctx, statesQuery, runs)
}

func (c *Client) runHeads(ctx context.Context, query Query, ids []string) ([][]RunHead, error) {
	reply, err := c.askGraphQL(ctx, query, ids)
	if err != nil {
		return nil, err
	}
	heads, told := make([][]RunHead, len(ids)), false
	for i, node := range reply.nodes[:min(len(reply.nodes), len(ids))] {
		heads[i] = node.runs
		for _, run := range node.runs {
			told = told || run.Status != ""
		}
	}
	if reply.forbidden && !told {
		return nil, keptFrom("the state of runs")
	}
	return heads, nil
}

// headsField reads a member of a run: its own, or those of its workflow's; false: it is none of them.
func (r *reader) headsField(key []byte, node *graphqlNode) bool {
	switch string(key) {
	case "workflow":
		r.members("workflow", func(key []byte) {
			if string(key) != "runs" {
				r.skip()
				return
			}
			r.members("runs", func(key []byte) {
				if string(key) != "nodes" {
					r.skip()
					return
				}
				node.runs = []RunHead{}
				r.elements("nodes", func() {
					var run RunHead
					r.members("run", func(key []byte) {
						if !r.headField(key, &run) {
							r.skip()
						}
					})
					if run.NodeID != "" && len(node.runs) < headRuns {
						node.runs = append(node.runs, run)
					}
				})
			})
		})
		return true
	case "id", "databaseId", "updatedAt", "checkSuite":
		if len(node.runs) == 0 {
			node.runs = make([]RunHead, 1)
		}
		return r.headField(key, &node.runs[0])
	}
	return false
}

func (r *reader) headField(key []byte, run *RunHead) bool {
	switch string(key) {
	case "id":
		r.node(&run.NodeID)
	case "databaseId":
		r.whole(&run.ID)
		run.ID = max(run.ID, 0)
	case "updatedAt":
		r.time(&run.UpdatedAt)
	case "checkSuite":
		r.members("checkSuite", func(key []byte) {
			if string(key) == "status" {
				r.text(&run.Status)
			} else {
				r.skip()
			}
		})
	default:
		return false
	}
	return true
}
