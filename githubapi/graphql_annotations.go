package githubapi

import (
	"context"
	"slices"
)

// maxAnnotated is how many jobs one query asks about: 45 with 10 annotations each stay below the 500 nodes that servers answer
// within seconds.
const maxAnnotated = 45

const annotationFields = `annotations(first:10){nodes{annotationLevel title message path}}`

var (
	jobsQuery   = Query{"jobs", `query($ids:[ID!]!){` + limitFields + ` nodes(ids:$ids){... on CheckRun{` + annotationFields + `}}}`, maxAnnotated}
	suitesQuery = Query{"suites", `query($ids:[ID!]!){` + limitFields + ` nodes(ids:$ids){... on CheckSuite{checkRuns(first:5){nodes{` + annotationFields + `}}}}}`, 8}
)

// AnnotationsAnswer is what GraphQL told of jobs and check suites.
type AnnotationsAnswer struct {
	// ByID are the annotations by node id, the first ten of each; ids that could not be read are absent.
	ByID map[string][]Annotation
	// Forbidden: some were kept from the credential.
	Forbidden bool
}

// Annotations asks over GraphQL for the annotations of jobs and of the jobs of check suites, by their node ids. What could be
// read is returned with an error too. KindForbidden: the credential may read none (fine-grained tokens cannot read checks);
// KindNotFound: there is no GraphQL; KindPrimaryLimit: of its limit, which is not that of REST, nothing is left.
func (c *Client) Annotations(ctx context.Context, jobs, suites []string) (AnnotationsAnswer, error) {
	answer := AnnotationsAnswer{ByID: map[string][]Annotation{}}
	for _, ask := range []struct {
		query Query
		ids   []string
	}{{jobsQuery, jobs}, {suitesQuery, suites}} {
		for ids := range slices.Chunk(ask.ids, ask.query.IDs) {
			if err := c.annotations(ctx, ask.query, ids, &answer); err != nil {
				return answer, err
			}
		}
	}
	if answer.Forbidden && len(answer.ByID) == 0 {
		return answer, keptFrom("check runs")
	}
	return answer, nil
}

// annotations asks one query. What takes the server too long is asked for in halves.
func (c *Client) annotations(ctx context.Context, query Query, ids []string, into *AnnotationsAnswer) error {
	reply, err := c.askGraphQL(ctx, query, ids)
	if TooGreedy(err) && len(ids) > 1 {
		half := len(ids) / 2
		if err := c.annotations(ctx, query, ids[:half], into); err != nil {
			return err
		}
		return c.annotations(ctx, query, ids[half:], into)
	}
	if err != nil {
		return err
	}
	for i, node := range reply.nodes[:min(len(reply.nodes), len(ids))] {
		if node.read {
			into.ByID[ids[i]] = node.annotations
		}
	}
	into.Forbidden = into.Forbidden || reply.forbidden
	return nil
}

// annotationsField reads a member of a check run, or of a check suite, whose check runs are taken together; false: it is none
// of them.
func (r *reader) annotationsField(key []byte, node *graphqlNode) bool {
	switch string(key) {
	case "annotations":
		node.read = true
		r.members("annotations", func(key []byte) {
			if string(key) != "nodes" {
				r.skip()
				return
			}
			node.annotations = append(node.annotations, r.annotations("annotationLevel")...)
			node.annotations = node.annotations[:min(len(node.annotations), maxAnnotations)]
		})
	case "checkRuns":
		node.read = true
		r.members("checkRuns", func(key []byte) {
			if string(key) != "nodes" {
				r.skip()
				return
			}
			r.elements("nodes", func() {
				r.members("check run", func(key []byte) {
					if !r.annotationsField(key, node) {
						r.skip()
					}
				})
			})
		})
	default:
		return false
	}
	return true
}
