package githubapi

import (
	"errors"
	"fmt"
	"io"
	"os"
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
func FileToken(path string) TokenSource { return &fileToken{path: path, now: time.Now} }

const (
	tokenCheckEvery = time.Second
	maxTokenFile    = 64 << 10 // installation tokens carry a JWT and are long, but not that long
)

type fileToken struct {
	path string
	now  func() time.Time

	mu         sync.Mutex
	value      string // the last good one, kept over errors so that the generation only changes with the value
	generation uint64
	fresh      bool        // value is what the file held when seen was taken
	seen       os.FileInfo // of the file as it was read
	checked    time.Time
}

func (f *fileToken) Token() (string, uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if f.fresh && now.Sub(f.checked) < tokenCheckEvery {
		return f.value, f.generation, nil
	}
	info, err := os.Stat(f.path)
	if err != nil {
		f.fresh = false
		return "", 0, fmt.Errorf("token file: %w", err)
	}
	f.checked = now
	if f.fresh && sameContent(f.seen, info) {
		return f.value, f.generation, nil
	}
	f.fresh = false
	value, err := readToken(f.path)
	if err != nil {
		return "", 0, err
	}
	if value != f.value {
		f.value = value
		f.generation++
	}
	f.fresh, f.seen = true, info // info from before reading: a write in between is seen next time
	return f.value, f.generation, nil
}

// Invalidate makes the next Token read the file whether it looks changed or not.
func (f *fileToken) Invalidate() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fresh = false
}

// String keeps the value out of anything that is printed.
func (f *fileToken) String() string { return "token file " + f.path }

// GoString keeps the value out of %#v too.
func (f *fileToken) GoString() string { return f.String() }

// sameContent tells by what a stat shows; mounted secrets are swapped by symlink, hence the identity.
func sameContent(a, b os.FileInfo) bool {
	return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
}

func readToken(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, maxTokenFile+1))
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	if len(raw) > maxTokenFile {
		return "", fmt.Errorf("token file %s: larger than %d bytes, expected just the token", path, maxTokenFile)
	}
	value := strings.TrimSpace(string(raw))
	if err := checkToken(value); err != nil {
		return "", fmt.Errorf("token file %s: %w", path, err)
	}
	return value, nil
}

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
