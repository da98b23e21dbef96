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

// checkEmpty asks whose list it is when one is empty that had runs: it may be that of a new repository under the old name.
func (v *Visitor) checkEmpty(ctx context.Context, r *Repository, page githubapi.Page[githubapi.Run]) error {
	if len(page.Items) > 0 || r.account.Through.IsZero() && len(r.runs) == 0 {
		return nil
	}
	_, err := v.confirmIdentity(ctx, r)
	return err
}

// confirmIdentity asks whose the name is: one that took it over has none of the watched repository's runs, and is errMoved.
// A rename is taken over. It is not confirmed where the repository itself is hidden, as behind a gateway.
func (v *Visitor) confirmIdentity(ctx context.Context, r *Repository) (confirmed bool, err error) {
	var repo githubapi.Repository
	err = v.askFor(ctx, r, func() (err error) {
		repo, _, err = r.gate.Client.Repository(ctx, r.Repo().FullName, githubapi.Tag{})
		return err
	})
	switch {
	case githubapi.Gone(err) || githubapi.IsKind(err, githubapi.KindForbidden):
		return false, nil // its runs answer
	case err != nil:
		return false, fmt.Errorf("asking whose name it is: %w", err)
	case repo.ID != 0 && repo.ID != r.id:
		return true, moved(r, repo.ID)
	}
	v.renamed(r, repo.FullName)
	return true, nil
}

func moved(r *Repository, id int64) error {
	return fmt.Errorf("%w: %s is repository %d, not %d", errMoved, r.Repo().FullName, id, r.id)
}

// checkOwners compares the repositories that the entries of a list name with the one that is watched. Where most of them
// name another one, the repository itself is asked; otherwise the odd entries decide for themselves only. A name that most of
// them give is taken over.
func (v *Visitor) checkOwners(ctx context.Context, r *Repository, runs []githubapi.Run) error {
	var told, foreign, renamed int
	var other int64
	var name string
	for _, run := range runs {
		switch seen := run.Repository; {
		case seen.ID == 0:
			continue
		case seen.ID != r.id:
			foreign++
			other = seen.ID
		case seen.FullName != "" && seen.FullName != r.Repo().FullName:
			renamed++
			name = seen.FullName
		}
		told++
	}
	if 2*renamed > told {
		v.renamed(r, name)
	}
	if 2*foreign <= told {
		return nil
	}
	confirmed, err := v.confirmIdentity(ctx, r)
	if err != nil {
		return err
	}
	if !confirmed && foreign == told { // nothing in it is the watched one's
		return moved(r, other)
	}
	return nil
}

// checkIdentity compares the repository that the answer to a question for one run speaks of with the one that is watched.
// If it is another, the repository itself is asked: errMoved where the name is another's now, else errForeign.
func (v *Visitor) checkIdentity(ctx context.Context, r *Repository, seen githubapi.Repository) error {
	foreign := seen.ID != 0 && seen.ID != r.id
	if !foreign && (seen.FullName == "" || seen.FullName == r.Repo().FullName) {
		return nil
	}
	confirmed, err := v.confirmIdentity(ctx, r)
	switch {
	case err != nil:
		return err
	case foreign && confirmed:
		return &githubapi.Error{Kind: githubapi.KindBody, Whole: true, Err: fmt.Errorf("%w, %d", errForeign, seen.ID)}
	case foreign:
		return moved(r, seen.ID)
	}
	return nil
}

// renamed takes over the name that the repository has now.
func (v *Visitor) renamed(r *Repository, name string) {
	repo := r.Repo()
	if name == "" || name == repo.FullName {
		return
	}
	level.Info(v.Logger).Log("msg", "repository was renamed", "repository", repo.FullName, "name", name)
	v.Figures.Forget(repo.FullName)
	r.gate.SSO.Lift(repo.FullName)
	repo.FullName = name
	r.current.Store(&repo)
}
