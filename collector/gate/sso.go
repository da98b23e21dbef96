package gate

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github_workflow_exporter/githubapi"
)

// Restrictions are the owners of which GitHub holds something back until the token is authorized for their single sign-on.
type Restrictions struct {
	logger log.Logger
	mu     sync.Mutex
	owners map[string]map[string]bool // owner, in lower case -> what was held back: the owner's list (""), repositories by name
}

// OwnerOf is the owner's part of a repository's name, or the owner itself.
func OwnerOf(name string) string {
	owner, _, _ := strings.Cut(name, "/")
	return strings.ToLower(owner)
}

// Held notes that something is held back. That is said once for an owner, with what to do.
func (s *Restrictions) Held(name string, told githubapi.SSO) {
	owner, list := OwnerOf(name), !strings.Contains(name, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owners == nil {
		s.owners = map[string]map[string]bool{}
	}
	first := len(s.owners[owner]) == 0
	if first {
		s.owners[owner] = map[string]bool{}
	}
	if list {
		name = ""
	}
	s.owners[owner][name] = true
	if first {
		level.Warn(s.logger).Log("msg", "single sign-on keeps from this token what belongs to it: what is not seen stays known as failing",
			"owner", owner, "partial_list", told.Partial, "do", told.Advice())
	}
}

// Lift notes that something is held back no longer.
func (s *Restrictions) Lift(name string) {
	owner := OwnerOf(name)
	if !strings.Contains(name, "/") {
		name = ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.owners[owner][name] {
		return
	}
	delete(s.owners[owner], name)
	if len(s.owners[owner]) == 0 {
		delete(s.owners, owner)
		level.Info(s.logger).Log("msg", "single sign-on keeps nothing from this token any more", "owner", owner)
	}
}

// All are the owners of which something is held back.
func (s *Restrictions) All() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.owners))
}

// Note takes in what the answer to a request for an owner's list (name: the owner) or for a repository tells.
func (s *Restrictions) Note(name string, err error) {
	var e *githubapi.Error
	switch {
	case err == nil:
		s.Lift(name)
	case errors.As(err, &e) && !e.SSO.IsZero():
		s.Held(name, e.SSO)
	}
}
