package contract

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// flavour is one kind of server with the files that describe it.
type flavour struct {
	name    string
	baseURL string
	// graphqlURL is where GraphQL is, by GitHub's documentation.
	graphqlURL string
	original   string // unchanged: the contract
	hints      string // of further operations, unchanged
	mock       string // differs where the original refuses what GitHub takes: the created filter, numbers as workflow_id
}

func flavours() []flavour {
	return []flavour{
		{"ghes-3.10", "http://github.example.net/api/v3", "http://github.example.net/api/graphql", "ghes-3.10.actions.json", "ghes-3.10.hints.json", "ghes-3.10.actions.mock.json"},
		{"github.com", "http://api.example.net", "http://api.example.net/graphql", "api.github.com.actions.json", "api.github.com.hints.json", "api.github.com.actions.mock.json"},
	}
}

// description loads one of the shared descriptions. They live beside the repository, so a checkout alone has none:
// then the test is skipped, or fails where REQUIRE_SHARED=1 says that they must be there.
func description(t *testing.T, file, baseURL string) *Description {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "openapi", file)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if os.Getenv("REQUIRE_SHARED") == "1" {
			t.Fatalf("%s is missing and REQUIRE_SHARED=1", path)
		}
		t.Skipf("%s is missing", path)
	}
	d, err := LoadDescription(path, baseURL)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
