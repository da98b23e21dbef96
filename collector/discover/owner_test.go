package discover

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github_workflow_exporter/githubapi"
)

func TestOwnerLeavesOut(t *testing.T) {
	owner := Owner{Name: "octo-org", Match: func(name string) bool { return name != "secret" }}
	all := Owner{Name: "octo-org", Match: owner.Match, Archived: true, Forks: true}
	for _, test := range []struct {
		owner Owner
		repo  githubapi.Repository
		why   string
	}{
		{owner, githubapi.Repository{FullName: "octo-org/app"}, ""},
		{owner, githubapi.Repository{FullName: "octo-org/secret"}, "its name is excluded"},
		{owner, githubapi.Repository{FullName: "octo-org/app", Archived: true}, "it is archived"},
		{owner, githubapi.Repository{FullName: "octo-org/app", Fork: true}, "it is a fork"},
		{all, githubapi.Repository{FullName: "octo-org/app", Archived: true, Fork: true}, ""},
		{all, githubapi.Repository{FullName: "octo-org/app", Disabled: true}, "it is disabled"},
	} {
		if got := test.owner.leftOut(test.repo); got != test.why || test.owner.Wants(test.repo) != (test.why == "") {
			t.Errorf("%+v: %q, want %q", test.repo, got, test.why)
		}
	}
}

// fleet is a set of watched repositories.
type fleet struct {
	Watch
	added []githubapi.Repository
}

func (f *fleet) Watched() []githubapi.Repository { return f.added }
func (f *fleet) Lookup(id int64) (githubapi.Repository, bool, bool) {
	i := slices.IndexFunc(f.added, func(r githubapi.Repository) bool { return r.ID == id })
	if i < 0 {
		return githubapi.Repository{}, false, false
	}
	return f.added[i], false, true
}
func (f *fleet) Expect(int)                    {}
func (f *fleet) Add(repo githubapi.Repository) { f.added = append(f.added, repo) }
func (f *fleet) Update(githubapi.Repository)   {}

// TestPushedToLastComesFirst: of what is found together those are read first in which somebody waits.
func TestPushedToLastComesFirst(t *testing.T) {
	day := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	var f fleet
	d := New(nil, Options{Watch: &f, Logger: log.NewNopLogger()})
	found := map[int64]sighting{}
	for id, name := range []string{"unknown", "month", "minute", "hour", "also-unknown"} {
		repo := githubapi.Repository{ID: int64(id + 1), FullName: "octo-org/" + name}
		switch name {
		case "month":
			repo.PushedAt = day.AddDate(0, -1, 0)
		case "hour":
			repo.PushedAt = day.Add(-time.Hour)
		case "minute":
			repo.PushedAt = day.Add(-time.Minute)
		}
		found[repo.ID] = sighting{repo: repo, target: "organization octo-org"}
	}
	d.watchFound(found)
	var order []string
	for _, r := range f.added {
		order = append(order, strings.TrimPrefix(r.FullName, "octo-org/"))
	}
	if want := []string{"minute", "hour", "month", "unknown", "also-unknown"}; !slices.Equal(order, want) {
		t.Errorf("read in the order %v, want %v", order, want)
	}
}

// TestMayKeep: as long as a target has not been read nothing that may be its is given up.
func TestMayKeep(t *testing.T) {
	d := New(nil, Options{
		Organizations: []Owner{{Name: "octo-org"}}, Users: []Owner{{Name: "mona"}}, Repositories: []string{"else/app"}, Watch: &fleet{}, Logger: log.NewNopLogger(),
	})
	d.absent[7] = &absence{}
	for _, test := range []struct {
		id   int64
		name string
		want bool
	}{{1, "Octo-Org/app", true}, {2, "mona/app", true}, {3, "Else/App", true}, {4, "else/other", false}, {7, "nobody/app", true}, {8, "nobody/app", false}} {
		if got := d.MayKeep(test.id, test.name); got != test.want {
			t.Errorf("%d %s: %v before anything is read", test.id, test.name, got)
		}
	}
	for _, target := range []string{"organization octo-org", "user mona", "else/app"} {
		d.source(target).read = true
	}
	for id, name := range map[int64]string{1: "octo-org/app", 2: "mona/app", 3: "else/app"} {
		if d.MayKeep(id, name) {
			t.Errorf("%s is kept, though its target was read", name)
		}
	}
}
