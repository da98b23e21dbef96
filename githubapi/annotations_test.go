package githubapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestJobAnnotations(t *testing.T) {
	long := strings.Repeat("x", maxString+10)
	body := `[{"path":".github","annotation_level":"failure","title":"","message":"No space left on device","raw_details":null},
		7, {"annotation_level":5,"message":["odd"]}, {"annotation_level":"warning","message":"` + long + `"}]`
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.String() {
		case "/repos/o/r/check-runs/5/annotations?per_page=30":
			write(w, 200, body)
		case "/repos/o/r/check-runs/6/annotations?per_page=30":
			write(w, 200, `{"message":"no list"}`)
		case "/repos/o/r/check-runs/7/annotations?per_page=30":
			write(w, 200, "["+strings.Repeat(`{"message":"m"},`, 99)+`{}]`)
		default:
			write(w, 403, `{"message":"Resource not accessible by personal access token"}`)
		}
	})
	got, err := c.JobAnnotations(t.Context(), "o/r", 5)
	want := []Annotation{{Level: "failure", Message: "No space left on device", Path: ".github"}, {}, {Level: "warning", Message: long[:maxString]}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	_, err = c.JobAnnotations(t.Context(), "o/r", 6)
	wantKind(t, err, KindBody)
	if got, err := c.JobAnnotations(t.Context(), "o/r", 7); err != nil || len(got) != maxAnnotations {
		t.Errorf("%d of a hundred, %v", len(got), err)
	}
	_, err = c.JobAnnotations(t.Context(), "o/r", 8)
	wantKind(t, err, KindForbidden)
	_, err = c.JobAnnotations(t.Context(), "o/r", 0)
	wantText(t, err, "list_annotations: job id ", "must be 1 or more")
	_, err = c.JobAnnotations(t.Context(), "r", 1)
	wantText(t, err, "list_annotations: repository ")
}

func TestGraphQLAddress(t *testing.T) {
	for base, want := range map[string]string{
		"https://api.github.com":          "https://api.github.com/graphql",
		"https://api.acme.ghe.com":        "https://api.acme.ghe.com/graphql",
		"https://ghes.example.com/api/v3": "https://ghes.example.com/api/graphql",
		"http://127.0.0.1:1/proxy/api/v3": "http://127.0.0.1:1/proxy/api/graphql",
		"http://127.0.0.1:1/gh":           "http://127.0.0.1:1/gh/graphql",
	} {
		o, err := parseBase(base)
		if err != nil {
			t.Fatal(err)
		}
		if u, err := o.graphql(); err != nil || u.String() != want {
			t.Errorf("%s: %v, %v", base, u, err)
		}
	}
}

// graphqlServer answers what is asked of GraphQL, beside the REST API.
type graphqlServer struct {
	t      *testing.T
	asked  [][]string
	answer func(query string, ids []string) (status int, header http.Header, body string)
}

func (s *graphqlServer) client(options ...func(*Options)) *Client {
	return client(s.t, "https://ghes.example.com/api/v3", append(options, func(o *Options) {
		o.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			s.t.Helper()
			if r.URL.String() != "https://ghes.example.com/api/graphql" || r.Method != http.MethodPost || r.Header.Get("Authorization") != "Bearer "+testToken {
				s.t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
			}
			var q struct {
				Query     string
				Variables struct{ IDs []string }
			}
			if err := json.NewDecoder(r.Body).Decode(&q); err != nil || !slices.Contains([]string{jobsQuery.Text, suitesQuery.Text, headsQuery.Text, statesQuery.Text}, q.Query) {
				s.t.Errorf("%+v, %v", q, err)
			}
			s.asked = append(s.asked, q.Variables.IDs)
			status, header, body := s.answer(q.Query, q.Variables.IDs)
			resp := reply(status, body)
			for name := range header {
				resp.Header.Set(name, header.Get(name))
			}
			return resp, r.Context().Err()
		})
	})...)
}

const failedNode = `{"annotations":{"nodes":[{"annotationLevel":"FAILURE","title":null,"message":"The runner has received a shutdown signal.","path":".github"}]}}`

func data(nodes ...string) string {
	return `{"data":{"rateLimit":{"limit":5000,"cost":1,"remaining":4990,"used":10,"resetAt":"2026-11-26T13:00:00Z"},"nodes":[` + strings.Join(nodes, ",") + `]}}`
}

func TestAnnotations(t *testing.T) {
	shutdown := []Annotation{{Level: "FAILURE", Message: "The runner has received a shutdown signal.", Path: ".github"}}
	forbidden := `{"type":"FORBIDDEN","path":["nodes",0],"message":"Resource not accessible by personal access token"}`
	suite := `{"checkRuns":{"nodes":[` + failedNode + `,{"annotations":{"nodes":[]}}]}}`
	for _, tt := range []struct {
		name         string
		jobs, suites []string
		status       int
		header       http.Header
		body         string
		want         map[string][]Annotation
		forbidden    bool
		kind         Kind
	}{
		{"told", []string{"a", "b"}, nil, 200, nil, data(failedNode, `{"annotations":{"nodes":[]}}`), map[string][]Annotation{"a": shutdown, "b": nil}, false, KindNone},
		{"one is gone", []string{"a", "b"}, nil, 200, nil, `{"errors":[{"type":"NOT_FOUND","message":"Could not resolve"}],` + data("null", failedNode)[1:], map[string][]Annotation{"b": shutdown}, false, KindNone},
		{"something else has the id", []string{"a"}, nil, 200, nil, data(`{}`), map[string][]Annotation{}, false, KindNone},
		{"a suite", nil, []string{"s"}, 200, nil, data(suite), map[string][]Annotation{"s": shutdown}, false, KindNone},
		{"more than asked for", []string{"a"}, nil, 200, nil, data(failedNode, failedNode), map[string][]Annotation{"a": shutdown}, false, KindNone},
		{"some forbidden", []string{"a", "b"}, nil, 200, nil, `{"errors":[` + forbidden + `],` + data("null", failedNode)[1:], map[string][]Annotation{"b": shutdown}, true, KindNone},
		{"all forbidden", []string{"a"}, nil, 200, nil, `{"data":{"nodes":[null]},"errors":[` + forbidden + `]}`, map[string][]Annotation{}, true, KindForbidden},
		{"scopes", []string{"a"}, nil, 200, nil, `{"data":null,"errors":[{"type":"INSUFFICIENT_SCOPES","message":"Your token has not been granted the required scopes"}]}`, map[string][]Annotation{}, true, KindForbidden},
		{"forbidden by status", []string{"a"}, nil, 403, nil, `{"message":"Resource not accessible by integration"}`, map[string][]Annotation{}, false, KindForbidden},
		{"no GraphQL here", []string{"a"}, nil, 404, nil, `{"message":"Not Found"}`, map[string][]Annotation{}, false, KindNotFound},
		{"limit as 200", []string{"a"}, nil, 200, nil, `{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded for user ID 1."}]}`, map[string][]Annotation{}, false, KindPrimaryLimit},
		{"limit without a type", []string{"a"}, nil, 200, nil, `{"errors":[{"message":"API rate limit exceeded"}]}`, map[string][]Annotation{}, false, KindPrimaryLimit},
		{"secondary limit as 200", []string{"a"}, nil, 200, http.Header{"Retry-After": {"60"}}, `{"errors":[{"message":"You have exceeded a secondary rate limit."}]}`, map[string][]Annotation{}, false, KindSecondaryLimit},
		{"a query that is not understood", []string{"a"}, nil, 200, nil, `{"errors":[{"message":"Field 'x' doesn't exist"}]}`, map[string][]Annotation{}, false, KindOther},
		{"an argument", []string{"a"}, nil, 200, nil, `{"data":null,"errors":[{"type":"ARGUMENT_LIMIT","message":"too many"}]}`, map[string][]Annotation{}, false, KindOther},
		{"no data", []string{"a"}, nil, 200, nil, `{}`, map[string][]Annotation{}, false, KindBody},
		{"a list", []string{"a"}, nil, 200, nil, `[]`, map[string][]Annotation{}, false, KindBody},
		{"cut off", []string{"a"}, nil, 200, nil, `{"data":{"nodes":[`, map[string][]Annotation{}, false, KindBody},
		{"odd parts", []string{"a"}, nil, 200, nil, `{"data":{"rateLimit":7,"nodes":[{"annotations":[]}]},"errors":"none"}`, map[string][]Annotation{"a": nil}, false, KindNone},
		{"too greedy for one", []string{"a"}, nil, 502, nil, `<html>`, map[string][]Annotation{}, false, KindServer},
		{"redirected", []string{"a"}, nil, 307, http.Header{"Location": {"https://elsewhere.example.com/graphql"}}, ``, map[string][]Annotation{}, false, KindRedirect},
		{"nothing to ask", nil, nil, 500, nil, ``, map[string][]Annotation{}, false, KindNone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &graphqlServer{t: t, answer: func(string, []string) (int, http.Header, string) { return tt.status, tt.header, tt.body }}
			got, err := s.client().Annotations(t.Context(), tt.jobs, tt.suites)
			if tt.kind == KindNone {
				if err != nil {
					t.Errorf("error %v", err)
				}
			} else {
				wantKind(t, err, tt.kind)
			}
			if diff := cmp.Diff(tt.want, got.ByID); diff != "" || got.Forbidden != tt.forbidden {
				t.Errorf("forbidden %v\n%s", got.Forbidden, diff)
			}
		})
	}
}

// TestAnnotationsInHalves: many jobs are asked for in pieces, and what is too much for the server in smaller ones.
func TestAnnotationsInHalves(t *testing.T) {
	var ids []string
	for i := range 100 {
		ids = append(ids, fmt.Sprint("job", i))
	}
	s := &graphqlServer{t: t}
	s.answer = func(_ string, ids []string) (int, http.Header, string) {
		if len(ids) > 12 {
			return 502, nil, "<html>Unicorn</html>"
		}
		nodes := slices.Repeat([]string{failedNode}, len(ids))
		return 200, nil, data(nodes...)
	}
	got, err := s.client().Annotations(t.Context(), ids, nil)
	if err != nil || len(got.ByID) != 100 {
		t.Errorf("%d of 100, %v", len(got.ByID), err)
	}
	for _, asked := range s.asked {
		if len(asked) > maxAnnotated {
			t.Errorf("%d at once", len(asked))
		}
	}
}

// TestGraphQLLimitIsItsOwn: what an answer over GraphQL says of limits is never taken for REST's.
func TestGraphQLLimitIsItsOwn(t *testing.T) {
	for _, resource := range []string{"", "core", "graphql"} {
		now := time.Date(2026, 11, 26, 12, 10, 0, 0, time.UTC)
		s := &graphqlServer{t: t}
		s.answer = func(string, []string) (int, http.Header, string) {
			return 200, http.Header{
				"X-Ratelimit-Limit": {"1"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Resource": {resource}, "X-Ratelimit-Reset": {"1"},
				"Date": {now.Add(10 * time.Minute).Format(http.TimeFormat)},
			}, data(failedNode)
		}
		c := s.client(func(o *Options) { o.Now = func() time.Time { return now } })
		if _, known := c.GraphQLLimit(); known {
			t.Error("a limit before the first answer")
		}
		if _, err := c.Annotations(t.Context(), []string{"a"}, nil); err != nil {
			t.Fatal(err)
		}
		want := Limit{Resource: "graphql", Limit: 5000, Remaining: 4990, Used: 10, Reset: now.Add(40 * time.Minute)}
		if got, known := c.GraphQLLimit(); !known || got != want {
			t.Errorf("resource %q: %+v, want %+v", resource, got, want)
		}
		if diff := cmp.Diff([]Limit{want}, c.Limits()); diff != "" {
			t.Errorf("resource %q: %s", resource, diff)
		}
	}
}

func FuzzGraphQL(f *testing.F) {
	for _, s := range []string{data(failedNode, "null"), `{"errors":[{"type":"FORBIDDEN"}]}`, `{"data":{"nodes":[{"checkRuns":{"nodes":[` + failedNode + `]}}]}}`, data(workflowNode(headNode(1, "QUEUED")), headNode(2, "COMPLETED")), `{}`, `[]`, `{"data":`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		reply, err := decodeGraphQL(context.Background(), []byte(s))
		if (err == nil) != (json.Valid([]byte(s)) && err == nil) {
			t.Errorf("%q is taken for JSON", s)
		}
		if len(reply.nodes) > mostIDs || reply.limit.Remaining < 0 {
			t.Errorf("%q: %d nodes, limit %+v", s, len(reply.nodes), reply.limit)
		}
		for _, n := range reply.nodes {
			for _, run := range n.runs {
				if len(n.runs) > headRuns || run.ID < 0 || len(run.NodeID) > maxNodeID || len(run.Status) > maxString {
					t.Errorf("%q: %d runs, %+v", s, len(n.runs), run)
				}
			}
			for _, a := range n.annotations {
				if len(n.annotations) > maxAnnotations || len(a.Message) > maxString {
					t.Errorf("%q: annotation of %d bytes", s, len(a.Message))
				}
			}
		}
	})
}
