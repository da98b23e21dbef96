package poll

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-kit/log/level"

	"github_workflow_exporter/githubapi"
)

// errForeign says that an answer speaks of another repository, while the name still is the watched one's.
var errForeign = errors.New("the answer speaks of another repository")

// identity tells whose the repository's name is.
type identity struct{ *site }

// confirmIdentity asks whose the name is: one that took it over has none of the watched repository's runs, and is errMoved.
// A rename is taken over. It is not confirmed where the repository itself is hidden, as behind a gateway.
func (i *identity) confirmIdentity(ctx context.Context) (confirmed bool, err error) {
	var repo githubapi.Repository
	err = i.askFor(ctx, func() (err error) {
		repo, _, err = i.gate.Client.Repository(ctx, i.Repo().FullName, githubapi.Tag{})
		return err
	})
	switch {
	case githubapi.Gone(err) || githubapi.IsKind(err, githubapi.KindForbidden):
		return false, nil // its runs answer
	case err != nil:
		return false, fmt.Errorf("asking whose name it is: %w", err)
	case repo.ID != 0 && repo.ID != i.id:
		return true, i.moved(repo.ID)
	}
	i.renamed(repo.FullName)
	return true, nil
}

func (i *identity) moved(id int64) error {
	return fmt.Errorf("%w: %s is repository %d, not %d", errMoved, i.Repo().FullName, id, i.id)
}

// checkOwners compares the repositories that the entries of a list name with the one that is watched. Where most of them
// name another one, the repository itself is asked; otherwise the odd entries decide for themselves only. A name that most of
// them give is taken over.
func (i *identity) checkOwners(ctx context.Context, runs []githubapi.Run) error {
	var told, foreign, renamed int
	var other int64
	var name string
	for _, run := range runs {
		switch seen := run.Repository; {
		case seen.ID == 0:
			continue
		case seen.ID != i.id:
			foreign++
			other = seen.ID
		case seen.FullName != "" && seen.FullName != i.Repo().FullName:
			renamed++
			name = seen.FullName
		}
		told++
	}
	if 2*renamed > told {
		i.renamed(name)
	}
	if 2*foreign <= told {
		return nil
	}
	confirmed, err := i.confirmIdentity(ctx)
	if err != nil {
		return err
	}
	if !confirmed && foreign == told { // nothing in it is the watched one's
		return i.moved(other)
	}
	return nil
}

// checkIdentity compares the repository that the answer to a question for one run speaks of with the one that is watched.
// If it is another, the repository itself is asked: errMoved where the name is another's now, else errForeign.
func (i *identity) checkIdentity(ctx context.Context, seen githubapi.Repository) error {
	foreign := seen.ID != 0 && seen.ID != i.id
	if !foreign && (seen.FullName == "" || seen.FullName == i.Repo().FullName) {
		return nil
	}
	confirmed, err := i.confirmIdentity(ctx)
	switch {
	case err != nil:
		return err
	case foreign && confirmed:
		return &githubapi.Error{Kind: githubapi.KindBody, Whole: true, Err: fmt.Errorf("%w, %d", errForeign, seen.ID)}
	case foreign:
		return i.moved(seen.ID)
	}
	return nil
}

// renamed takes over the name that the repository has now.
func (i *identity) renamed(name string) {
	repo := i.Repo()
	if name == "" || name == repo.FullName {
		return
	}
	level.Info(i.Logger).Log("msg", "repository was renamed", "repository", repo.FullName, "name", name)
	i.Figures.Forget(repo.FullName)
	i.gate.SSO.Lift(repo.FullName)
	repo.FullName = name
	i.current.Store(&repo)
}
