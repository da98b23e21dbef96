package githubapi

import (
	"context"
	"fmt"
	"net/url"
)

// RunFilter narrows a list of runs; the zero value asks for all. Filtered lists come from an index that lags and now
// and then lies, and end after 1,000 results: take them as hints.
type RunFilter struct {
	Status  string // a status or conclusion, one only
	Event   string
	Branch  string
	Created string // search date syntax: ">=2024-01-01", "2024-01-01..2024-01-31T12:00:00+00:00"
	HeadSHA string
	Actor   string
}

func (f RunFilter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"status": f.Status, "event": f.Event, "branch": f.Branch, "created": f.Created, "head_sha": f.HeadSHA, "actor": f.Actor,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// Runs lists workflow runs of a repository (owner/name), newest first as far as is known. An entry that cannot be
// decoded is an item with Undecodable set. ErrNotModified if the Tag still stands; that says nothing about jobs.
func (c *Client) Runs(ctx context.Context, repo string, f RunFilter, p PageRequest) (Page[Run], error) {
	const endpoint = "list_runs"
	path, err := repoPath(repo)
	if err != nil {
		return Page[Run]{}, badRequest(endpoint, err)
	}
	return list(ctx, c, endpoint, path+"/actions/runs", f.query(), p, 0, decodeRuns)
}

// Run reads a run as it stands at its latest attempt. A run that cannot be decoded is an Error of KindBody.
func (c *Client) Run(ctx context.Context, repo string, id int64, tag Tag) (Run, Tag, error) {
	const endpoint = "get_run"
	path, err := runPath(repo, id)
	if err != nil {
		return Run{}, Tag{}, badRequest(endpoint, err)
	}
	return one(ctx, c, endpoint, path, tag, runEntry())
}

// RunAttempt reads a run as it stood at one of its attempts, 1 and up.
func (c *Client) RunAttempt(ctx context.Context, repo string, id int64, attempt int) (Run, error) {
	const endpoint = "get_run_attempt"
	path, err := attemptPath(repo, id, attempt)
	if err != nil {
		return Run{}, badRequest(endpoint, err)
	}
	run, _, err := one(ctx, c, endpoint, path, Tag{}, runEntry())
	if run.RunStartedAt.IsZero() {
		run.RunStartedAt = run.CreatedAt // at this endpoint the attempt's own
	}
	return run, err
}

func runPath(repo string, id int64) (string, error) {
	path, err := repoPath(repo)
	if err == nil {
		err = needPositive("run id", id)
	}
	return fmt.Sprintf("%s/actions/runs/%d", path, id), err
}

func attemptPath(repo string, id int64, attempt int) (string, error) {
	path, err := runPath(repo, id)
	if err == nil {
		err = needPositive("attempt", int64(attempt))
	}
	return fmt.Sprintf("%s/attempts/%d", path, attempt), err
}
