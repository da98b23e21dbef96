package poll

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

// restrictions are the owners of which GitHub holds something back until the token is authorized for their single sign-on.
type restrictions struct {
	mu     sync.Mutex
	owners map[string]map[string]bool // owner, in lower case -> what was held back: the owner's list (""), repositories by name
}

// ownerOf is the owner's part of a repository's name, or the owner itself.
func ownerOf(name string) string {
	owner, _, _ := strings.Cut(name, "/")
	return strings.ToLower(owner)
}

// held notes that something is held back. That is said once for an owner, with what to do.
func (s *restrictions) held(name string, told githubapi.SSO, logger log.Logger) {
	owner, list := ownerOf(name), !strings.Contains(name, "/")
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
		level.Warn(logger).Log("msg", "single sign-on keeps from this token what belongs to it: what is not seen stays known as failing",
			"owner", owner, "partial_list", told.Partial, "do", told.Advice())
	}
}

// lift notes that something is held back no longer.
func (s *restrictions) lift(name string, logger log.Logger) {
	owner := ownerOf(name)
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
		level.Info(logger).Log("msg", "single sign-on keeps nothing from this token any more", "owner", owner)
	}
}

// all are the owners of which something is held back.
func (s *restrictions) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.owners))
}

// noteSSO takes in what an answer to a request for an owner's list (name: the owner) or for a repository tells.
func (p *Poller) noteSSO(name string, err error) {
	var e *githubapi.Error
	switch {
	case err == nil:
		p.sso.lift(name, p.Logger)
	case errors.As(err, &e) && !e.SSO.IsZero():
		p.sso.held(name, e.SSO, p.Logger)
	}
}

// restricted tells for each owner of the targets, in lower case, whether something is held back.
func (p *Poller) restricted() map[string]bool {
	owners := map[string]bool{}
	for _, o := range slices.Concat(p.Organizations, p.Users) {
		owners[label(ownerOf(o.Name))] = false
	}
	for _, name := range p.Repositories {
		owners[label(ownerOf(name))] = false
	}
	for _, owner := range p.sso.all() {
		owners[label(owner)] = true
	}
	return owners
}
