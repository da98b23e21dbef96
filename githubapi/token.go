package githubapi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// TokenSource gives the credential to send. It is called from many goroutines. If it is a fmt.Stringer, errors name it by
// that, such as "token file /etc/token".
type TokenSource interface {
	// Token gives the value and its generation, which starts at 1 and grows exactly when the value changes: GitHub binds
	// ETags to the token, so whatever was remembered under an older generation is worth nothing.
	Token() (value string, generation uint64, err error)
}

// invalidator is a TokenSource that can be told that its token was refused.
type invalidator interface {
	// Invalidate makes the next Token look afresh.
	Invalidate()
}

// fetcher is a TokenSource whose tokens have to be asked for and come to an end.
type fetcher interface {
	TokenSource
	// Fetch sees to it that Token gives one that lasts, asking for a new one if need be. Until it has been called there
	// is none.
	Fetch(ctx context.Context) error
	// identity tells sources apart, over all of their tokens.
	identity() string
}

// StaticToken is a token that never changes. Surrounding white space is removed.
func StaticToken(value string) TokenSource { return staticToken(strings.TrimSpace(value)) }

type staticToken string

func (t staticToken) Token() (string, uint64, error) {
	if err := checkToken(string(t)); err != nil {
		return "", 0, err
	}
	return string(t), 1, nil
}

// String keeps the value out of anything that is printed.
func (staticToken) String() string { return "token" }

// GoString keeps the value out of %#v too.
func (staticToken) GoString() string { return "token" }

// FileToken reads the token from a file, and again when the file changes (looked at no more than about once a second)
// or after a 401. Surrounding white space is removed; an empty file is an error. Errors never hold the token.
func FileToken(path string) TokenSource {
	return &fileToken{file: watchedFile{what: "token file", path: path, most: maxTokenFile, now: time.Now}}
}

const maxTokenFile = 64 << 10 // installation tokens carry a JWT and are long, but not that long

type fileToken struct {
	mu         sync.Mutex
	file       watchedFile
	value      string // the last good one, kept over errors so that the generation only changes with the value
	generation uint64
}

func (f *fileToken) Token() (string, uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	raw, err := f.file.read()
	if err != nil {
		return "", 0, err
	}
	value := strings.TrimSpace(string(raw))
	if err := checkToken(value); err != nil {
		f.file.forget()
		return "", 0, fmt.Errorf("token file %s: %w", f.file.path, err)
	}
	if value != f.value {
		f.value = value
		f.generation++
	}
	return f.value, f.generation, nil
}

// Invalidate makes the next Token read the file whether it looks changed or not.
func (f *fileToken) Invalidate() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.file.forget()
}

// String keeps the value out of anything that is printed.
func (f *fileToken) String() string { return "token file " + f.file.path }

// GoString keeps the value out of %#v too.
func (f *fileToken) GoString() string { return f.String() }

// What a TokenSource of this package finds wrong with a token, to be tested with errors.Is.
var (
	ErrEmptyToken     = errors.New("the token is empty")
	ErrMalformedToken = errors.New("blank, line break or other unprintable character inside, expected one token and nothing else")
)

// checkToken refuses what cannot be sent. There is no check of length or prefix: GitHub changes both.
func checkToken(value string) error {
	if value == "" {
		return ErrEmptyToken
	}
	for i := range len(value) {
		if value[i] <= 0x20 || value[i] > 0x7e {
			return ErrMalformedToken
		}
	}
	return nil
}
