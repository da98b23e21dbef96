package githubapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// GraphQL is asked for one thing only: why jobs failed. The queries are constants, valid by GitHub's public schema, which a
// test holds them to. Each costs 1 point (github-api §14: parents of each connection, summed, / 100).
const (
	jobsQuery = `query($ids:[ID!]!){rateLimit{limit cost remaining used resetAt} nodes(ids:$ids){... on CheckRun{` + annotationFields + `}}}`

	suitesQuery = `query($ids:[ID!]!){rateLimit{limit cost remaining used resetAt} nodes(ids:$ids){... on CheckSuite{checkRuns(first:5){nodes{` + annotationFields + `}}}}}`

	annotationFields = `annotations(first:10){nodes{annotationLevel title message path}}`
)

// Queries are the GraphQL queries that are ever sent, by what they ask for.
func Queries() map[string]string { return map[string]string{"jobs": jobsQuery, "suites": suitesQuery} }

// maxNodes is how many ids one query asks for: 45 with 10 annotations each stay below the 500 nodes that servers answer
// within seconds.
const maxNodes = 45

const graphqlEndpoint = "graphql"

// graphqlResource is the rate limit that GraphQL counts against, by GitHub's name.
const graphqlResource = "graphql"

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
		query string
		ids   []string
	}{{jobsQuery, jobs}, {suitesQuery, suites}} {
		for ids := range slices.Chunk(ask.ids, maxNodes) {
			if err := c.annotations(ctx, ask.query, ids, &answer); err != nil {
				return answer, err
			}
		}
	}
	if answer.Forbidden && len(answer.ByID) == 0 {
		return answer, &Error{Kind: KindForbidden, Endpoint: graphqlEndpoint, Status: http.StatusOK,
			Message: "the credential may not read check runs", Err: errors.New("annotations need a classic token, or a GitHub App with checks: read")}
	}
	return answer, nil
}

// annotations asks one query. What takes the server too long is asked for in halves.
func (c *Client) annotations(ctx context.Context, query string, ids []string, into *AnnotationsAnswer) error {
	reply, err := c.askGraphQL(ctx, query, ids)
	if tooGreedy(err) && len(ids) > 1 {
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

// tooGreedy tells whether a query took the server longer than it has: GitHub cuts one after 10 s. No answer within our own
// time is another trouble, which smaller queries do not mend.
func tooGreedy(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == KindServer && (e.Status == http.StatusBadGateway || e.Status == http.StatusGatewayTimeout)
}

// graphqlReply is what an answer says.
type graphqlReply struct {
	nodes     []graphqlNode // in the order of the ids
	limit     Limit
	reset     time.Time // by the server's clock
	limited   bool      // the primary limit is used up
	secondary bool      // of the secondary limits, which REST shares, one is
	forbidden bool
	problem   string // the first other one
}

type graphqlNode struct {
	read        bool // it is there, and is what was asked for
	annotations []Annotation
}

// askGraphQL sends one query.
func (c *Client) askGraphQL(ctx context.Context, query string, ids []string) (graphqlReply, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"ids": ids}})
	if err != nil {
		return graphqlReply{}, badRequest(graphqlEndpoint, err)
	}
	target, err := c.base.graphql()
	if err != nil {
		return graphqlReply{}, badRequest(graphqlEndpoint, err)
	}
	var reply graphqlReply
	q := call{endpoint: graphqlEndpoint, url: target, body: body}
	q.decode = func(ctx context.Context, body []byte, a answer) (err error) {
		if reply, err = decodeGraphQL(ctx, body); err != nil {
			return err
		}
		if reply.limit.Limit > 0 {
			reply.limit.Resource = graphqlResource
			reply.limit.Reset = localReset(reply.reset.Unix(), parseDate(a.header), c.now())
			c.state.recordGraphQL(reply.limit, a.generation)
		}
		return nil
	}
	a, err := c.do(ctx, q)
	switch {
	case err != nil:
		return graphqlReply{}, err
	case reply.limited:
		e := &Error{Kind: KindPrimaryLimit, Status: a.status, Message: "the limit of GraphQL is used up"}
		if limit, known := c.GraphQLLimit(); known {
			e.Reset = limit.Reset
		}
		return graphqlReply{}, c.fail(q, target, a.token, e)
	case reply.secondary:
		wait, asked := parseRetryAfter(a.header)
		return graphqlReply{}, c.fail(q, target, a.token, &Error{Kind: KindSecondaryLimit, Status: a.status, RetryAfter: wait, RetryAsked: asked})
	case reply.nodes == nil && reply.forbidden:
		return graphqlReply{forbidden: true}, nil
	case reply.nodes == nil:
		return graphqlReply{}, c.fail(q, target, a.token, &Error{Kind: KindOther, Status: a.status, Message: cleanText(reply.problem),
			Err: errors.New("the query was not answered")})
	}
	return reply, nil
}

// decodeGraphQL reads an answer. Data and errors may stand in it side by side.
func decodeGraphQL(ctx context.Context, body []byte) (graphqlReply, error) {
	r := newReader(ctx, body)
	var reply graphqlReply
	known := false
	if r.next() != '{' {
		r.skip()
		return reply, errors.Join(r.end(), errNoData)
	}
	r.object(func(key []byte) {
		switch string(key) {
		case "data":
			known = true
			r.members("data", func(key []byte) {
				switch string(key) {
				case "rateLimit":
					r.graphqlLimit(&reply)
				case "nodes":
					reply.nodes = r.graphqlNodes()
				default:
					r.skip()
				}
			})
		case "errors":
			known = true
			r.elements("errors", func() { r.graphqlError(&reply) })
		default:
			r.skip()
		}
	})
	if err := r.end(); err != nil {
		return graphqlReply{}, err
	}
	if !known {
		return graphqlReply{}, errNoData
	}
	return reply, nil
}

var errNoData = errors.New("neither data nor errors in it")

func (r *reader) graphqlLimit(reply *graphqlReply) {
	l := &reply.limit
	r.members("rateLimit", func(key []byte) {
		switch string(key) {
		case "limit":
			r.amount(&l.Limit)
		case "remaining":
			r.amount(&l.Remaining)
		case "used":
			r.amount(&l.Used)
		case "resetAt":
			r.time(&reply.reset)
		default:
			r.skip()
		}
	})
	l.Limit, l.Remaining, l.Used = max(l.Limit, 0), max(l.Remaining, 0), max(l.Used, 0)
}

func (r *reader) graphqlNodes() []graphqlNode {
	nodes := []graphqlNode{}
	r.elements("nodes", func() {
		if len(nodes) == maxNodes {
			r.skip()
			return
		}
		var node graphqlNode
		r.members("node", func(key []byte) { r.graphqlField(key, &node) })
		nodes = append(nodes, node)
	})
	return nodes
}

// graphqlField reads a member of a check run, or of a check suite, whose check runs are taken together.
func (r *reader) graphqlField(key []byte, node *graphqlNode) {
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
			r.elements("nodes", func() { r.members("check run", func(key []byte) { r.graphqlField(key, node) }) })
		})
	default:
		r.skip()
	}
}

func (r *reader) graphqlError(reply *graphqlReply) {
	var kind, message string
	r.members("error", func(key []byte) {
		switch string(key) {
		case "type":
			r.text(&kind)
		case "message":
			r.text(&message)
		default:
			r.skip()
		}
	})
	lower := strings.ToLower(message)
	switch {
	case kind == "FORBIDDEN", kind == "INSUFFICIENT_SCOPES":
		reply.forbidden = true
	case strings.Contains(lower, "secondary rate limit"):
		reply.secondary = true
	case strings.HasPrefix(kind, "RATE_LIMIT"), strings.Contains(lower, "rate limit exceeded"):
		reply.limited = true
	case kind == "NOT_FOUND": // a job that is gone: the others are there
	case reply.problem == "":
		reply.problem = strings.TrimSpace(kind + " " + message)
	}
}

// graphql is where GraphQL is: beside the REST API of a server of one's own (https://HOST/api/graphql), below it elsewhere
// (https://api.github.com/graphql). Source: github-api §14.
func (o origin) graphql() (*url.URL, error) {
	base, _ := strings.CutSuffix(o.path, "/v3")
	return url.Parse(o.scheme + "://" + o.host + base + "/graphql")
}

// GraphQLLimit is the limit of GraphQL as its last answer told it; false before the first, and on servers without.
func (c *Client) GraphQLLimit() (Limit, bool) {
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	l, ok := c.state.limits[graphqlResource]
	return l, ok
}

// recordGraphQL takes up what an answer says of the limit of GraphQL; only that is right (github-api §14).
func (s *state) recordGraphQL(l Limit, generation uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if generation < s.generation {
		return
	}
	s.renew(generation)
	s.limits[graphqlResource], s.resets[graphqlResource] = l, fmt.Sprint(l.Reset.Unix())
}

// withoutForeignLimit takes away what an answer over GraphQL says of another limit than its own: REST's is never changed by it.
func withoutForeignLimit(h http.Header) {
	if strings.EqualFold(h.Get("X-Ratelimit-Resource"), graphqlResource) {
		return
	}
	for _, name := range []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Used", "X-Ratelimit-Reset", "X-Ratelimit-Resource"} {
		h.Del(name)
	}
}
