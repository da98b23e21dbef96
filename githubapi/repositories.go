package githubapi

import (
	"context"
	"net/url"
)

// Repository reads one repository by owner/name. FullName of the answer is GitHub's own, present spelling.
func (c *Client) Repository(ctx context.Context, repo string, tag Tag) (Repository, Tag, error) {
	const endpoint = "get_repository"
	path, err := repoPath(repo)
	if err != nil {
		return Repository{}, Tag{}, badRequest(endpoint, err)
	}
	return one(ctx, c, endpoint, path, tag, repositoryEntry())
}

// OrganizationRepositories lists the repositories of an organization that the token may see. Entries without id or
// name are left out, here and in the other lists of repositories.
func (c *Client) OrganizationRepositories(ctx context.Context, org string, p PageRequest) (Page[Repository], error) {
	return c.repositories(ctx, "list_org_repositories", "/orgs/", org, p)
}

// UserRepositories lists the public repositories a user owns. For those of the token's own user see OwnRepositories.
func (c *Client) UserRepositories(ctx context.Context, user string, p PageRequest) (Page[Repository], error) {
	return c.repositories(ctx, "list_user_repositories", "/users/", user, p)
}

// OwnRepositories lists every repository the token's user can reach, private ones included (GET /user/repos).
func (c *Client) OwnRepositories(ctx context.Context, p PageRequest) (Page[Repository], error) {
	return list(ctx, c, "list_own_repositories", "/user/repos", url.Values{}, p, 0, decodeRepositories)
}

func (c *Client) repositories(ctx context.Context, endpoint, prefix, name string, p PageRequest) (Page[Repository], error) {
	path, err := accountPath(prefix, name, "/repos")
	if err != nil {
		return Page[Repository]{}, badRequest(endpoint, err)
	}
	return list(ctx, c, endpoint, path, url.Values{}, p, 0, decodeRepositories)
}
