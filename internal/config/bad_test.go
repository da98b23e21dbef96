package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each file in testdata/bad holds one mistake; its first line is the exact error, without the file's name before it.
func TestLoadRefuses(t *testing.T) {
	t.Setenv(TokenVariable, "")
	paths, err := filepath.Glob("testdata/bad/*.yml")
	if err != nil || len(paths) < 40 {
		t.Fatalf("found %d files, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yml"), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(data), "\n")
			want, ok := strings.CutPrefix(first, "# want: ")
			if !ok {
				t.Fatalf("no wanted error in the first line of %s", path)
			}
			c, err := Load(path)
			if c != nil || err == nil {
				t.Fatalf("Load gave %v and no error, want %s", c, want)
			}
			if got := err.Error(); got != path+want {
				t.Errorf("got  %s\nwant %s", got, path+want)
			}
			if strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("more than one line: %s", err)
			}
			for _, secret := range []string{"ghp_", "hunter2"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("shows a secret: %s", err)
				}
			}
			var e *Error
			if !errors.As(err, &e) || e.File != path {
				t.Errorf("error %#v is no *Error about %s", err, path)
			}
		})
	}
}
