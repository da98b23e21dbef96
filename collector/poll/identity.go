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
func (p *Poller) checkEmpty(ctx context.Context, r *repository, page githubapi.Page[githubapi.Run]) error {
	if len(page.Items) > 0 || r.account.Through.IsZero() && len(r.runs) == 0 {
		return nil
	}
	_, err := p.confirmIdentity(ctx, r)
	return err
}

// confirmIdentity asks whose the name is: one that took it over has none of the watched repository's runs, and is errMoved.
// A rename is taken over. It is not confirmed where the repository itself is hidden, as behind a gateway.
func (p *Poller) confirmIdentity(ctx context.Context, r *repository) (confirmed bool, err error) {
	var repo githubapi.Repository
	err = p.askFor(ctx, r, func() (err error) {
		repo, _, err = p.Client.Repository(ctx, r.repo().FullName, githubapi.Tag{})
		return err
	})
	switch {
	case gone(err) || kindIs(err, githubapi.KindForbidden):
		return false, nil // its runs answer
	case err != nil:
		return false, fmt.Errorf("asking whose name it is: %w", err)
	case repo.ID != 0 && repo.ID != r.id:
		return true, moved(r, repo.ID)
	}
	p.renamed(r, repo.FullName)
	return true, nil
}

func moved(r *repository, id int64) error {
	return fmt.Errorf("%w: %s is repository %d, not %d", errMoved, r.repo().FullName, id, r.id)
}

// checkOwners compares the repositories that the entries of a list name with the one that is watched. Where most of them
// name another one, the repository itself is asked; otherwise the odd entries decide for themselves only. A name that most of
// them give is taken over.
func (p *Poller) checkOwners(ctx context.Context, r *repository, runs []githubapi.Run) error {
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
		case seen.FullName != "" && seen.FullName != r.repo().FullName:
			renamed++
			name = seen.FullName
		}
		told++
	}
	if 2*renamed > told {
		p.renamed(r, name)
	}
	if 2*foreign <= told {
		return nil
	}
	confirmed, err := p.confirmIdentity(ctx, r)
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
func (p *Poller) checkIdentity(ctx context.Context, r *repository, seen githubapi.Repository) error {
	foreign := seen.ID != 0 && seen.ID != r.id
	if !foreign && (seen.FullName == "" || seen.FullName == r.repo().FullName) {
		return nil
	}
	confirmed, err := p.confirmIdentity(ctx, r)
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
func (p *Poller) renamed(r *repository, name string) {
	repo := r.repo()
	if name == "" || name == repo.FullName {
		return
	}
	level.Info(p.Logger).Log("msg", "repository was renamed", "repository", repo.FullName, "name", name)
	p.Metrics.forget(repo.FullName)
	p.sso.lift(repo.FullName, p.Logger)
	repo.FullName = name
	r.current.Store(&repo)
}
