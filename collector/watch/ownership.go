package watch

import (
	"maps"
	"slices"

	"github_workflow_exporter/githubapi"
)

// claim makes a repository a watcher's own; false: it is another's.
func (g *Group) claim(id int64, w *Watcher) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if owner := g.watched[id]; owner != nil && owner != w {
		return false
	}
	g.watched[id] = w
	return true
}

// unclaim gives a repository up.
func (g *Group) unclaim(id int64, w *Watcher) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.watched[id] == w {
		delete(g.watched, id)
	}
}

// release gives up all of a watcher's.
func (g *Group) release(w *Watcher) {
	g.mu.Lock()
	defer g.mu.Unlock()
	maps.DeleteFunc(g.watched, func(_ int64, owner *Watcher) bool { return owner == w })
	delete(g.expect, w)
}

// expects takes in how many repositories a watcher will have, and gives the sum of all.
func (g *Group) expects(w *Watcher, repositories int) (all int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expect[w] = repositories
	for _, n := range g.expect {
		all += n
	}
	return all
}

func (g *Group) of(repo int64) *Watcher {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.watched[repo]
}

// Repository is a watched repository as it is called now.
func (g *Group) Repository(id int64) (githubapi.Repository, bool) {
	if w := g.of(id); w != nil {
		return w.repository(id)
	}
	return githubapi.Repository{}, false
}

// Watched tells whether a repository is watched now, or may be: before the credentials are known, any may.
func (g *Group) Watched(repo int64, name string) bool {
	g.mu.Lock()
	known := g.listed
	g.mu.Unlock()
	if !known || g.of(repo) != nil {
		return true
	}
	return slices.ContainsFunc(g.watchers(), func(w *Watcher) bool { return w.discovery.MayKeep(repo, name) })
}
