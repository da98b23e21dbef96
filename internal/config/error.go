package config

import (
	"fmt"
	"regexp"
	"strings"
)

// Error is what is wrong with a configuration: one line that names the file, the line, the key and what would be right.
type Error struct {
	File    string // or the flag or environment variable it is about; empty where nothing but defaults is wrong
	Line    int    // counted from 1; 0 if it is not about a line
	Key     string // dotted path such as metrics.series_limit; empty if it is not about a key
	Problem string
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
		}
		b.WriteString(": ")
	}
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString(e.Problem)
	return mask(strings.Join(strings.Fields(b.String()), " "))
}

// secret is what GitHub's tokens look like. One that was written in the wrong place must not get into a log through the
// error about it.
var secret = regexp.MustCompile(`\b(?:gh[a-z]_|github_pat_)\w{8,}|\b[0-9a-f]{40}\b`)

func mask(text string) string { return secret.ReplaceAllString(text, "<token>") }

func wrong(key, format string, args ...any) *Error {
	return &Error{Key: key, Problem: fmt.Sprintf(format, args...)}
}

// quote shows a value in an error: on one line and not at length.
func quote(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return fmt.Sprintf("%q", mask(s))
}
