package githubapi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// headNode is a run as GraphQL tells of it.
func headNode(id int64, status string) string {
	return fmt.Sprintf(`{"id":"WFR_%d","databaseId":%d,"updatedAt":"2026-11-27T10:00:00Z","checkSuite":{"status":%q}}`, id, id, status)
}

func workflowNode(runs ...string) string {
	return `{"workflow":{"runs":{"nodes":[` + strings.Join(runs, ",") + `]}}}`
}

func TestHeads(t *testing.T) {
	at := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	s := &graphqlServer{t: t}
	s.answer = func(_ string, ids []string) (int, http.Header, string) {
		const forbidden = `,"errors":[{"type":"FORBIDDEN","path":["nodes",4],"message":"Resource not accessible by integration"}]}`
		return 200, nil, strings.TrimSuffix(data(
			workflowNode(headNode(5_000_000_000, "COMPLETED"), headNode(7, "IN_PROGRESS")),
			"null",
			workflowNode(`{"id":7}`, `{"id":"WFR_9","databaseId":-1,"updatedAt":"soon","checkSuite":null}`, `[]`, headNode(1, "QUEUED"), headNode(2, "QUEUED"), headNode(3, "QUEUED")),
			workflowNode(),
			`{"workflow":{"runs":null}}`,
		), "}") + forbidden
	}
	c := s.client()
	got, err := c.Heads(t.Context(), []string{"a", "b", "c", "d", "e"})
	want := [][]RunHead{
		{{5_000_000_000, "WFR_5000000000", at, "COMPLETED"}, {7, "WFR_7", at, "IN_PROGRESS"}},
		nil,
		{{NodeID: "WFR_9"}, {1, "WFR_1", at, "QUEUED"}, {2, "WFR_2", at, "QUEUED"}}, // three of each are asked for
		{}, nil,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if !got[0][0].Over() || got[0][1].Over() {
		t.Error("over is what is completed")
	}
	s.answer = func(_ string, ids []string) (int, http.Header, string) {
		return 200, nil, data(headNode(4, "WAITING"), "null", `{}`)
	}
	got, err = c.RunStates(t.Context(), []string{"a", "b", "c"})
	if diff := cmp.Diff([][]RunHead{{{4, "WFR_4", at, "WAITING"}}, nil, nil}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

// TestHeadsThatAreNotHad: what cannot be had says of which kind that is.
func TestHeadsThatAreNotHad(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		kind   Kind
		greedy bool
	}{
		"a fine-grained token": {200, `{"data":{"rateLimit":null,"nodes":[null,null]},"errors":[{"type":"FORBIDDEN","message":"Resource not accessible by personal access token"}]}`, KindForbidden, false},
		"no GraphQL":           {404, `{"message":"Not Found"}`, KindNotFound, false},
		"its limit is used up": {200, `{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded for user ID 1."}]}`, KindPrimaryLimit, false},
		"too much":             {502, `<html>`, KindServer, true},
		"too slow":             {504, `{"message":"We couldn't respond to your request in time."}`, KindServer, true},
		"out of order":         {500, `{}`, KindServer, false},
		"no answer to it":      {200, `{"errors":[{"message":"Something went wrong"}]}`, KindOther, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &graphqlServer{t: t, answer: func(string, []string) (int, http.Header, string) { return test.status, nil, test.body }}
			_, err := s.client().Heads(t.Context(), []string{"a", "b"})
			wantKind(t, err, test.kind)
			if TooGreedy(err) != test.greedy {
				t.Errorf("too greedy: %t of %v", !test.greedy, err)
			}
		})
	}
}

// TestHeadsAreBounded: a server may send what it likes.
func TestHeadsAreBounded(t *testing.T) {
	s := &graphqlServer{t: t}
	s.answer = func(string, []string) (int, http.Header, string) {
		return 200, nil, data(slices.Repeat([]string{workflowNode(slices.Repeat([]string{headNode(1, strings.Repeat("S", maxString+5))}, 2*headRuns)...)}, 2*mostIDs)...)
	}
	got, err := s.client().Heads(t.Context(), []string{"a", "b"})
	if err != nil || len(got) != 2 || len(got[0]) != headRuns || len(got[0][0].Status) > maxString {
		t.Errorf("%d of two, %v", len(got), err)
	}
}
