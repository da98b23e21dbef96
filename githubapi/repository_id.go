package githubapi

import (
	"context"
	"fmt"
)

// RepositoryByID reads one repository by its number, whatever it is called now: the address that redirects for former names
// lead to (GitHub documents the redirect, not the address).
func (c *Client) RepositoryByID(ctx context.Context, id int64, tag Tag) (Repository, Tag, error) {
	const endpoint = "get_repository"
	if err := needPositive("repository", id); err != nil {
		return Repository{}, Tag{}, badRequest(endpoint, err)
	}
	return one(ctx, c, endpoint, fmt.Sprintf("/repositories/%d", id), tag, repositoryEntry())
}
