package githubapi

import (
	"context"
	"fmt"
)

// Workflow is a workflow of a repository. Any field but ID may be missing.
type Workflow struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`  // the name: of its file, or its path where the file has none or cannot be read
	Path  string `json:"path"`  // within the repository, as ".github/workflows/ci.yml"
	State string `json:"state"` // active, deleted, disabled_fork, disabled_inactivity, disabled_manually
}

// Workflow reads one workflow of a repository (owner/name) by its numeric id, as Run.WorkflowID gives it
// (GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}; permission actions: read). KindNotFound once it is gone.
func (c *Client) Workflow(ctx context.Context, repo string, id int64) (Workflow, error) {
	const endpoint = "get_workflow"
	path, err := repoPath(repo)
	if err == nil {
		err = needPositive("workflow id", id)
	}
	if err != nil {
		return Workflow{}, badRequest(endpoint, err)
	}
	workflow, _, err := one(ctx, c, endpoint, fmt.Sprintf("%s/actions/workflows/%d", path, id), Tag{}, workflowEntry())
	return workflow, err
}

func workflowEntry() entry[Workflow] {
	return entry[Workflow]{
		read: func(r *reader, w *Workflow) {
			r.members("entry", func(key []byte) {
				switch string(key) {
				case "id":
					r.must("id", r.whole(&w.ID))
				case "name":
					r.text(&w.Name)
				case "path":
					r.text(&w.Path)
				case "state":
					r.text(&w.State)
				default:
					r.skip()
				}
			})
		},
		id:    func(w *Workflow) int64 { return w.ID },
		bound: sound[Workflow],
	}
}
