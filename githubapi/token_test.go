package githubapi

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func writeToken(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFileToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	now := instant(t, "2026-11-03T10:00:00Z")
	source := FileToken(path).(*fileToken)
	source.file.now = func() time.Time { return now }
	check := func(step, want string, generation uint64) {
		t.Helper()
		value, g, err := source.Token()
		if err != nil || value != want || g != generation {
			t.Errorf("%s: got %q, %d, %v; want %q, %d", step, value, g, err, want, generation)
		}
	}
	fails := func(step string, parts ...string) {
		t.Helper()
		value, _, err := source.Token()
		if err == nil || value != "" {
			t.Errorf("%s: got %q, %v; want an error", step, value, err)
		}
		wantText(t, err, append(parts, path)...)
	}

	fails("missing", "token file", "no such file")
	writeToken(t, path, "  first\r\n")
	check("first", "first", 1)

	writeToken(t, path, "second")
	check("within the second", "first", 1)
	now = now.Add(time.Second)
	check("after a second", "second", 2)

	// Same length and time: only a refusal tells.
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	writeToken(t, path, "thirdd")
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	check("unchanged by its looks", "second", 2)
	source.Invalidate()
	check("after a refusal", "thirdd", 3)
	source.Invalidate()
	check("refused, but the same", "thirdd", 3)

	for name, content := range map[string]string{
		"empty": "", "blank": " \n\t", "two words": "s3cr3t word", "two lines": "s3cr3t\nline", "no ASCII": "s3cr3t\u00e4",
		"too large": strings.Repeat("s3cr3t", 20_000),
	} {
		writeToken(t, path, content)
		source.Invalidate()
		fails(name, "token file")
		_, _, err := source.Token()
		if strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: token in %q", name, err)
		}
	}
	// A failure is not remembered, and the old value coming back is no new generation.
	writeToken(t, path, "thirdd")
	check("back again", "thirdd", 3)

	// Mounted secrets change by renaming another file in place, which may have the same time and size.
	other := path + ".new"
	writeToken(t, other, "fourth")
	if info, err = os.Stat(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(other, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	check("replaced", "fourth", 4)

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	fails("removed", "no such file")
}

func TestTokensDoNotPrint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	writeToken(t, path, "s3cr3t")
	file := FileToken(path)
	if _, _, err := file.Token(); err != nil {
		t.Fatal(err)
	}
	for _, source := range []TokenSource{file, StaticToken("s3cr3t")} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
			if text := fmt.Sprintf(format, source); strings.Contains(text, "s3cr3t") {
				t.Errorf("%s: %s", format, text)
			}
		}
	}
}

func TestStaticToken(t *testing.T) {
	if value, generation, err := StaticToken(" x\n").Token(); value != "x" || generation != 1 || err != nil {
		t.Error(value, generation, err)
	}
	for _, bad := range []string{"", " ", "a b", "a\nb"} {
		if _, _, err := StaticToken(bad).Token(); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}
