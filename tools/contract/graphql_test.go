package contract

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github_workflow_exporter/githubapi"
)

// schema loads GitHub's public GraphQL schema, as description loads the others.
func schema(t *testing.T) *ast.Schema {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "graphql", "schema.graphql")
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && os.Getenv("REQUIRE_SHARED") != "1":
		t.Skipf("%s is missing", path)
	case err != nil:
		t.Fatal(err)
	}
	doc, err := parser.ParseSchemas(validator.Prelude, &ast.Source{Name: path, Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range doc.Definitions {
		seen := map[string]bool{} // GitHub publishes a field or two twice, which the specification does not allow
		d.Fields = slices.DeleteFunc(d.Fields, func(f *ast.FieldDefinition) bool {
			twice := seen[f.Name]
			seen[f.Name] = true
			return twice
		})
	}
	s, err := validator.ValidateSchemaDocument(doc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestQueries holds the GraphQL queries to the schema, and to what they may cost.
func TestQueries(t *testing.T) {
	s := schema(t)
	for _, q := range githubapi.Queries() {
		query, errs := gqlparser.LoadQueryWithRules(s, q.Text, rules.NewDefaultRules())
		if errs != nil {
			t.Errorf("%s is not valid: %v", q.Name, errs)
			continue
		}
		requests, nodes := cost(query.Operations[0].SelectionSet, q.IDs, 1)
		points := max((requests+50)/100, 1)
		t.Logf("%s: %d requests, %d nodes, %d points", q.Name, requests, nodes, points)
		if q.IDs > 100 || points != 1 || nodes > 500 {
			t.Errorf("%s of %d ids costs %d points and %d nodes, want 1 and at most 500", q.Name, q.IDs, points, nodes)
		}
	}
	if _, errs := gqlparser.LoadQueryWithRules(s, `query($ids:[ID!]!){nodes(ids:$ids){... on CheckRun{labels}}}`, rules.NewDefaultRules()); errs == nil {
		t.Error("a field that there is not is let through")
	}
}

// cost counts, by GitHub's rule, the requests that the connections of a query stand for, each as often as it has parents,
// and the nodes that may come.
func cost(set ast.SelectionSet, ids, parents int) (requests, nodes int) {
	for _, selection := range set {
		switch f := selection.(type) {
		case *ast.InlineFragment:
			r, n := cost(f.SelectionSet, ids, parents)
			requests, nodes = requests+r, nodes+n
		case *ast.Field:
			of := parents
			if f.Name == "nodes" && f.Arguments.ForName("ids") != nil {
				of, nodes = ids, nodes+ids
			} else if first := f.Arguments.ForName("first"); first != nil {
				n, err := strconv.Atoi(first.Value.Raw)
				if err != nil {
					n = 100
				}
				requests += parents
				of, nodes = parents*n, nodes+parents*n
			}
			r, n := cost(f.SelectionSet, ids, of)
			requests, nodes = requests+r, nodes+n
		}
	}
	return requests, nodes
}

// checkGraphQL holds a request to the address and the form that GitHub documents.
func checkGraphQL(t *testing.T, want string, r *http.Request) {
	t.Helper()
	if r.Method != http.MethodPost || r.URL.String() != want || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s, content type %q; want a POST of JSON to %s", r.Method, r.URL, r.Header.Get("Content-Type"), want)
	}
}
