package discover

import (
	"strings"

	"github_workflow_exporter/githubapi"
)

// Owner selects repositories of an organization or user.
type Owner struct {
	Name     string
	Match    func(repository string) bool // by the name without owner
	Archived bool
	Forks    bool
}

// Wants tells whether a repository of the owner is to be watched.
func (o Owner) Wants(repo githubapi.Repository) bool { return o.leftOut(repo) == "" }

// leftOut tells by which of an owner's rules a repository is not to be watched; "" if it is.
func (o Owner) leftOut(repo githubapi.Repository) string {
	_, name, _ := strings.Cut(repo.FullName, "/")
	switch {
	case repo.Disabled:
		return "it is disabled"
	case repo.Archived && !o.Archived:
		return "it is archived"
	case repo.Fork && !o.Forks:
		return "it is a fork"
	case !o.Match(name):
		return "its name is excluded"
	}
	return ""
}
