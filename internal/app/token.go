package app

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"syscall"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github_workflow_exporter/githubapi"
	"github_workflow_exporter/internal/config"
)

// environmentToken is named in errors by the place to mend it.
type environmentToken struct{ githubapi.TokenSource }

func (environmentToken) String() string {
	return "token of environment variable " + config.TokenVariable
}

// tokenError says what is wrong with the token file, and what would be right.
type tokenError struct {
	path string
	err  error
}

func (e *tokenError) Unwrap() error { return e.err }

func (e *tokenError) Error() string {
	text := "token file " + e.path + ": "
	switch {
	case errors.Is(e.err, fs.ErrNotExist), errors.Is(e.err, syscall.ENOTDIR):
		return text + "no such file; create it or set github.token_file"
	case errors.Is(e.err, fs.ErrPermission):
		return text + "permission denied; let the exporter's user read it"
	case errors.Is(e.err, syscall.EISDIR):
		return text + "is a directory; github.token_file is the file that holds the token"
	case errors.Is(e.err, githubapi.ErrEmptyToken):
		return text + "is empty; write the token into it"
	case errors.Is(e.err, githubapi.ErrMalformedToken):
		return text + "must hold one token and nothing else, without blanks or line breaks in it"
	}
	return text + e.err.Error()
}

// tokenFile is the token of a file. It says once when there is none, for every request needs it, and once when there is one
// again.
type tokenFile struct {
	githubapi.TokenSource
	path   string
	logger log.Logger // nil: says nothing

	mu   sync.Mutex
	said string // of the error that lasts
}

func newTokenFile(path string, logger log.Logger) *tokenFile {
	return &tokenFile{TokenSource: githubapi.FileToken(path), path: path, logger: logger}
}

func (t *tokenFile) Token() (value string, generation uint64, err error) {
	value, generation, err = t.TokenSource.Token()
	if err != nil {
		err = &tokenError{t.path, err}
	}
	t.say(err)
	return value, generation, err
}

func (t *tokenFile) say(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.logger == nil || text == t.said {
		return
	}
	t.said = text
	if err != nil {
		level.Error(t.logger).Log("msg", "no token, so nothing is asked of GitHub until there is one", "err", err)
		return
	}
	level.Info(t.logger).Log("msg", "there is a token again", "file", t.path)
}

// Invalidate makes the next Token read the file anew.
func (t *tokenFile) Invalidate() {
	if f, ok := t.TokenSource.(interface{ Invalidate() }); ok {
		f.Invalidate()
	}
}

// String is how errors name it.
func (t *tokenFile) String() string { return fmt.Sprint(t.TokenSource) }
