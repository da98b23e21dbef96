package githubapi

import (
	"context"
	"fmt"
	"net/url"
)

// AttemptJobs lists the jobs of one attempt of a run: the only exact question, since RunJobs shifts to the new attempt
// when a re-run starts. Check runs that actions publish, and in attempts above 1 jobs that were not executed again, are
// listed as jobs too. An entry that cannot be decoded is an item with Undecodable set.
func (c *Client) AttemptJobs(ctx context.Context, repo string, id int64, attempt int, p PageRequest) (Page[Job], error) {
	const endpoint = "list_attempt_jobs"
	path, err := attemptPath(repo, id, attempt)
	if err != nil {
		return Page[Job]{}, badRequest(endpoint, err)
	}
	return list(ctx, c, endpoint, path+"/jobs", url.Values{}, p, MaxJobsCount, decodeJobs)
}

// RunJobs lists the jobs of a run: of its newest attempt (filter "latest", also "") or of all ("all").
func (c *Client) RunJobs(ctx context.Context, repo string, id int64, filter string, p PageRequest) (Page[Job], error) {
	const endpoint = "list_run_jobs"
	path, err := runPath(repo, id)
	query := url.Values{}
	switch filter {
	case "":
	case "latest", "all":
		query.Set("filter", filter)
	default:
		err = fmt.Errorf("filter %q: must be latest or all", cleanText(filter))
	}
	if err != nil {
		return Page[Job]{}, badRequest(endpoint, err)
	}
	return list(ctx, c, endpoint, path+"/jobs", query, p, MaxJobsCount, decodeJobs)
}

// Job reads one job. A job that cannot be decoded is an Error of KindBody.
func (c *Client) Job(ctx context.Context, repo string, id int64) (Job, error) {
	const endpoint = "get_job"
	path, err := jobPath(repo, id)
	if err != nil {
		return Job{}, badRequest(endpoint, err)
	}
	job, _, err := one(ctx, c, endpoint, path, Tag{}, jobEntry())
	return job, err
}

func jobPath(repo string, id int64) (string, error) {
	path, err := repoPath(repo)
	if err == nil {
		err = needPositive("job id", id)
	}
	return fmt.Sprintf("%s/actions/jobs/%d", path, id), err
}
