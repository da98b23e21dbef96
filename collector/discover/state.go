package discover

import (
	"slices"
	"strings"

	"github_workflow_exporter/collector/gate"
)

// Done tells whether every target has been read, or has failed, at least once.
func (d *Discovery) Done() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.done
}

// Failing counts what cannot be watched for want of an answer: targets of which nothing is known, and absent repositories.
func (d *Discovery) Failing() (targets, repositories int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, a := range d.absent {
		if _, _, watched := d.Watch.Lookup(id); !watched && a.reason != "" {
			repositories++
		}
	}
	return d.failing, repositories
}

// Absent are the repositories of which it is not known whether they are gone.
func (d *Discovery) Absent() []int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	ids := make([]int64, 0, len(d.absent))
	for id := range d.absent {
		ids = append(ids, id)
	}
	return ids
}

// MayKeep tells whether a repository that is not watched may still be one of the targets': because one that names it or its
// owner has not been read yet, or because nothing says that it is gone.
func (d *Discovery) MayKeep(repo int64, name string) bool {
	d.mu.Lock()
	_, absent := d.absent[repo]
	d.mu.Unlock()
	if absent {
		return true
	}
	owner, _, _ := strings.Cut(name, "/")
	mayOwn := func(kind string, targets []Owner) bool {
		return slices.ContainsFunc(targets, func(o Owner) bool { return strings.EqualFold(o.Name, owner) && !d.hasRead(kind+" "+o.Name) })
	}
	return mayOwn("organization", d.Organizations) || mayOwn("user", d.Users) ||
		slices.ContainsFunc(d.Repositories, func(r string) bool { return strings.EqualFold(r, name) && !d.hasRead(r) })
}

// hasRead tells whether a target has been read to its end, with nothing held back.
func (d *Discovery) hasRead(target string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.sources[target]
	return s != nil && s.read
}

// Restricted tells for each owner of the targets, in lower case, whether something is held back for want of single sign-on.
func (d *Discovery) Restricted() map[string]bool {
	owners := map[string]bool{}
	for _, o := range slices.Concat(d.Organizations, d.Users) {
		owners[gate.OwnerOf(o.Name)] = false
	}
	for _, name := range d.Repositories {
		owners[gate.OwnerOf(name)] = false
	}
	for _, owner := range d.gate.SSO.All() {
		owners[owner] = true
	}
	return owners
}
