package githubapi

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// The benchmarks compare the client's small types with types that keep every field of the answer, as a general client
// library would, on pages as large as GitHub's: 100 runs carry the repository object twice each.

type fullUser struct {
	Login             *string `json:"login"`
	ID                *int64  `json:"id"`
	NodeID            *string `json:"node_id"`
	AvatarURL         *string `json:"avatar_url"`
	GravatarID        *string `json:"gravatar_id"`
	URL               *string `json:"url"`
	HTMLURL           *string `json:"html_url"`
	FollowersURL      *string `json:"followers_url"`
	FollowingURL      *string `json:"following_url"`
	GistsURL          *string `json:"gists_url"`
	StarredURL        *string `json:"starred_url"`
	SubscriptionsURL  *string `json:"subscriptions_url"`
	OrganizationsURL  *string `json:"organizations_url"`
	ReposURL          *string `json:"repos_url"`
	EventsURL         *string `json:"events_url"`
	ReceivedEventsURL *string `json:"received_events_url"`
	Type              *string `json:"type"`
	SiteAdmin         *bool   `json:"site_admin"`
}

type fullRepository struct {
	ID               *int64    `json:"id"`
	NodeID           *string   `json:"node_id"`
	Name             *string   `json:"name"`
	FullName         *string   `json:"full_name"`
	Private          *bool     `json:"private"`
	Owner            *fullUser `json:"owner"`
	HTMLURL          *string   `json:"html_url"`
	Description      *string   `json:"description"`
	Fork             *bool     `json:"fork"`
	URL              *string   `json:"url"`
	ForksURL         *string   `json:"forks_url"`
	KeysURL          *string   `json:"keys_url"`
	CollaboratorsURL *string   `json:"collaborators_url"`
	TeamsURL         *string   `json:"teams_url"`
	HooksURL         *string   `json:"hooks_url"`
	IssueEventsURL   *string   `json:"issue_events_url"`
	EventsURL        *string   `json:"events_url"`
	AssigneesURL     *string   `json:"assignees_url"`
	BranchesURL      *string   `json:"branches_url"`
	TagsURL          *string   `json:"tags_url"`
	BlobsURL         *string   `json:"blobs_url"`
	GitTagsURL       *string   `json:"git_tags_url"`
	GitRefsURL       *string   `json:"git_refs_url"`
	TreesURL         *string   `json:"trees_url"`
	StatusesURL      *string   `json:"statuses_url"`
	LanguagesURL     *string   `json:"languages_url"`
	StargazersURL    *string   `json:"stargazers_url"`
	ContributorsURL  *string   `json:"contributors_url"`
	SubscribersURL   *string   `json:"subscribers_url"`
	SubscriptionURL  *string   `json:"subscription_url"`
	CommitsURL       *string   `json:"commits_url"`
	GitCommitsURL    *string   `json:"git_commits_url"`
	CommentsURL      *string   `json:"comments_url"`
	IssueCommentURL  *string   `json:"issue_comment_url"`
	ContentsURL      *string   `json:"contents_url"`
	CompareURL       *string   `json:"compare_url"`
	MergesURL        *string   `json:"merges_url"`
	ArchiveURL       *string   `json:"archive_url"`
	DownloadsURL     *string   `json:"downloads_url"`
	IssuesURL        *string   `json:"issues_url"`
	PullsURL         *string   `json:"pulls_url"`
	MilestonesURL    *string   `json:"milestones_url"`
	NotificationsURL *string   `json:"notifications_url"`
	LabelsURL        *string   `json:"labels_url"`
	ReleasesURL      *string   `json:"releases_url"`
	DeploymentsURL   *string   `json:"deployments_url"`
}

type fullPerson struct {
	Name  *string `json:"name"`
	Email *string `json:"email"`
}

type fullCommit struct {
	ID        *string     `json:"id"`
	TreeID    *string     `json:"tree_id"`
	Message   *string     `json:"message"`
	Timestamp *time.Time  `json:"timestamp"`
	Author    *fullPerson `json:"author"`
	Committer *fullPerson `json:"committer"`
}

type fullRun struct {
	ID                 *int64          `json:"id"`
	Name               *string         `json:"name"`
	NodeID             *string         `json:"node_id"`
	HeadBranch         *string         `json:"head_branch"`
	HeadSHA            *string         `json:"head_sha"`
	Path               *string         `json:"path"`
	DisplayTitle       *string         `json:"display_title"`
	RunNumber          *int            `json:"run_number"`
	Event              *string         `json:"event"`
	Status             *string         `json:"status"`
	Conclusion         *string         `json:"conclusion"`
	WorkflowID         *int64          `json:"workflow_id"`
	CheckSuiteID       *int64          `json:"check_suite_id"`
	CheckSuiteNodeID   *string         `json:"check_suite_node_id"`
	URL                *string         `json:"url"`
	HTMLURL            *string         `json:"html_url"`
	CreatedAt          *time.Time      `json:"created_at"`
	UpdatedAt          *time.Time      `json:"updated_at"`
	Actor              *fullUser       `json:"actor"`
	RunAttempt         *int            `json:"run_attempt"`
	RunStartedAt       *time.Time      `json:"run_started_at"`
	TriggeringActor    *fullUser       `json:"triggering_actor"`
	JobsURL            *string         `json:"jobs_url"`
	LogsURL            *string         `json:"logs_url"`
	CheckSuiteURL      *string         `json:"check_suite_url"`
	ArtifactsURL       *string         `json:"artifacts_url"`
	CancelURL          *string         `json:"cancel_url"`
	RerunURL           *string         `json:"rerun_url"`
	PreviousAttemptURL *string         `json:"previous_attempt_url"`
	WorkflowURL        *string         `json:"workflow_url"`
	HeadCommit         *fullCommit     `json:"head_commit"`
	Repository         *fullRepository `json:"repository"`
	HeadRepository     *fullRepository `json:"head_repository"`
}

type fullStep struct {
	Name        *string    `json:"name"`
	Status      *string    `json:"status"`
	Conclusion  *string    `json:"conclusion"`
	Number      *int       `json:"number"`
	StartedAt   *time.Time `json:"started_at"`
	CompletedAt *time.Time `json:"completed_at"`
}

type fullJob struct {
	ID              *int64     `json:"id"`
	RunID           *int64     `json:"run_id"`
	WorkflowName    *string    `json:"workflow_name"`
	HeadBranch      *string    `json:"head_branch"`
	RunURL          *string    `json:"run_url"`
	RunAttempt      *int       `json:"run_attempt"`
	NodeID          *string    `json:"node_id"`
	HeadSHA         *string    `json:"head_sha"`
	URL             *string    `json:"url"`
	HTMLURL         *string    `json:"html_url"`
	Status          *string    `json:"status"`
	Conclusion      *string    `json:"conclusion"`
	CreatedAt       *time.Time `json:"created_at"`
	StartedAt       *time.Time `json:"started_at"`
	CompletedAt     *time.Time `json:"completed_at"`
	Name            *string    `json:"name"`
	Steps           []fullStep `json:"steps"`
	CheckRunURL     *string    `json:"check_run_url"`
	Labels          []string   `json:"labels"`
	RunnerID        *int64     `json:"runner_id"`
	RunnerName      *string    `json:"runner_name"`
	RunnerGroupID   *int64     `json:"runner_group_id"`
	RunnerGroupName *string    `json:"runner_group_name"`
}

type fullPage struct {
	TotalCount *int      `json:"total_count"`
	Runs       []fullRun `json:"workflow_runs"`
	Jobs       []fullJob `json:"jobs"`
}

// fill gives every pointer field of a full struct a value of GitHub's looks and lengths.
func fill[T any](b *testing.B, seed int, extra map[string]any) T {
	b.Helper()
	var v T
	empty, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(empty, &fields); err != nil {
		b.Fatal(err)
	}
	for name := range fields {
		switch {
		case len(name) > 4 && name[len(name)-4:] == "_url" || name == "url":
			fields[name] = fmt.Sprintf("https://api.github.com/repos/octo-organization/octo-repository/%s/%d{/id}", name, seed)
		case len(name) > 3 && name[len(name)-3:] == "_at" || name == "timestamp":
			fields[name] = time.Unix(1_700_000_000+int64(seed)*60, 0).UTC().Format(time.RFC3339)
		case name == "node_id" || name == "head_sha" || name == "tree_id":
			fields[name] = fmt.Sprintf("f83a356604ae3c5d03e1b46ef4d1ca77d64a%04d", seed)
		}
	}
	for name, value := range extra {
		fields[name] = value
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		b.Fatal(err)
	}
	return v
}

func runsBody(b *testing.B) []byte {
	user := fill[fullUser](b, 1, map[string]any{"login": "octocat", "id": 583231, "type": "User", "site_admin": false, "gravatar_id": ""})
	repo := fill[fullRepository](b, 1, map[string]any{"id": 1296269, "name": "octo-repository", "full_name": "octo-organization/octo-repository",
		"private": false, "fork": false, "description": "what it is about", "owner": user})
	commit := fill[fullCommit](b, 1, map[string]any{"id": "f83a356604ae3c5d03e1b46ef4d1ca77d64a90b0", "message": "Make it faster\n\nand explain why it was slow before.",
		"author": map[string]any{"name": "Octo Cat", "email": "octo@example.com"}, "committer": map[string]any{"name": "GitHub", "email": "noreply@example.com"}})
	page := fullPage{TotalCount: new(5000)}
	for i := range 100 {
		page.Runs = append(page.Runs, fill[fullRun](b, i, map[string]any{"id": 16_000_000_000 + i, "name": "Continuous integration", "head_branch": "main",
			"path": ".github/workflows/ci.yml", "display_title": "Make it faster", "run_number": i, "event": "push", "status": "completed",
			"conclusion": "success", "workflow_id": 161335, "check_suite_id": 42, "run_attempt": 1, "actor": user, "triggering_actor": user,
			"head_commit": commit, "repository": repo, "head_repository": repo}))
	}
	return marshal(b, page)
}

func jobsBody(b *testing.B) []byte {
	page := fullPage{TotalCount: new(100)}
	for i := range 100 {
		var steps []fullStep
		for n := range 10 {
			steps = append(steps, fill[fullStep](b, i+n, map[string]any{"name": fmt.Sprintf("Run actions/step-number-%d@v4", n), "status": "completed",
				"conclusion": "success", "number": n + 1}))
		}
		page.Jobs = append(page.Jobs, fill[fullJob](b, i, map[string]any{"id": 29_000_000_000 + i, "run_id": 16_000_000_000, "run_attempt": 1,
			"workflow_name": "Continuous integration", "head_branch": "main", "status": "completed", "conclusion": "success",
			"name": fmt.Sprintf("test / linux (%d)", i), "steps": steps, "labels": []string{"ubuntu-latest"}, "runner_id": i,
			"runner_name": fmt.Sprintf("GitHub Actions %d", 1_000_000_000+i), "runner_group_id": 0, "runner_group_name": "GitHub Actions"}))
	}
	return marshal(b, page)
}

func marshal(b *testing.B, v any) []byte {
	b.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

func BenchmarkDecodeRuns(b *testing.B) {
	body := runsBody(b)
	b.Run("client", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			if runs, _, err := decodeRuns(context.Background(), body, ever); err != nil || len(runs) != 100 || runs[99].Undecodable {
				b.Fatal(len(runs), err)
			}
		}
	})
	b.Run("full", func(b *testing.B) { decodeFull(b, body) })
}

func BenchmarkDecodeJobs(b *testing.B) {
	body := jobsBody(b)
	b.Run("client", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			if jobs, _, err := decodeJobs(context.Background(), body, ever); err != nil || len(jobs) != 100 || len(jobs[99].Steps) != 10 {
				b.Fatal(len(jobs), err)
			}
		}
	})
	b.Run("full", func(b *testing.B) { decodeFull(b, body) })
}

func decodeFull(b *testing.B, body []byte) {
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		var page fullPage
		if err := json.Unmarshal(body, &page); err != nil || len(page.Runs)+len(page.Jobs) != 100 {
			b.Fatal(err)
		}
	}
}
