package githubapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// GraphQL is asked for what REST cannot tell as cheaply: why jobs failed, and where there are news. The queries are constants,
// valid by GitHub's public schema, which a test holds them to. Each costs 1 point (github-api §14: parents of each connection,
// summed, / 100).
const limitFields = `rateLimit{limit cost remaining used resetAt}`

// A Query is one of the queries that are ever sent.
type Query struct {
	Name string // for people
	Text string
	IDs  int // how many ids it is sent with at most
}

// Queries are all of them.
func Queries() []Query { return []Query{jobsQuery, suitesQuery, headsQuery, statesQuery} }

// mostIDs is how many ids GitHub takes in one query (github-api §14).
const mostIDs = 100

const graphqlEndpoint = "graphql"

// graphqlResource is the rate limit that GraphQL counts against, by GitHub's name.
const graphqlResource = "graphql"

// TooGreedy tells whether a query took the server longer than it has: GitHub cuts one after 10 s. No answer within our own
// time is another trouble, which smaller queries do not mend.
func TooGreedy(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == KindServer && (e.Status == http.StatusBadGateway || e.Status == http.StatusGatewayTimeout)
}

// keptFrom is the error of a credential that may read nothing of what was asked for.
func keptFrom(what string) *Error {
	return &Error{Kind: KindForbidden, Endpoint: graphqlEndpoint, Status: http.StatusOK, Message: "the credential may not read " + what,
		Err: errors.New("it needs a classic token, or a GitHub App with checks: read")}
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
	runs        []RunHead
}

// askGraphQL sends one query.
func (c *Client) askGraphQL(ctx context.Context, query Query, ids []string) (graphqlReply, error) {
	body, err := json.Marshal(map[string]any{"query": query.Text, "variables": map[string]any{"ids": ids}})
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
		if len(nodes) == mostIDs {
			r.skip()
			return
		}
		var node graphqlNode
		r.members("node", func(key []byte) {
			if !r.annotationsField(key, &node) && !r.headsField(key, &node) {
				r.skip()
			}
		})
		nodes = append(nodes, node)
	})
	return nodes
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
