package poll

import (
	"context"
	"fmt"
	"strings"

	"github_workflow_exporter/githubapi"
)

// maxWorkflows is of how many workflows of a repository the names are kept that were asked for and may not be recorded yet.
const maxWorkflows = 1000

// nameWorkflow asks what the attempt's workflow is called where nothing else tells: its jobs, if they do, or what is
// remembered. The run's own name is none: it may be a title that anybody chose. What the answer is is recorded with the
// attempt, so it is asked for once. Of a workflow that is gone, or may not be read, the path stands for the name.
func (v *Visitor) nameWorkflow(ctx context.Context, r *Repository, attempt *githubapi.Attempt) error {
	id, path := attempt.Run.WorkflowID, attempt.Run.WorkflowPath()
	if id <= 0 || strings.HasPrefix(path, "dynamic/") || attempt.NamesWorkflow() || v.Progress.WorkflowName(r.id, id) != "" {
		return nil
	}
	if name, asked := r.workflows[id]; asked { // and not recorded yet
		attempt.Workflow = name
		return nil
	}
	var workflow githubapi.Workflow
	err := v.askFor(ctx, r, func() (err error) {
		workflow, err = r.gate.Client.Workflow(ctx, r.Repo().FullName, id)
		return err
	})
	switch {
	case err == nil && workflow.Name != "":
		attempt.Workflow = workflow.Name
	case err == nil, githubapi.Gone(err), githubapi.IsKind(err, githubapi.KindForbidden), undecodable(err):
		attempt.Workflow = path
	default:
		return fmt.Errorf("asking for the name of workflow %d: %w", id, err)
	}
	if len(r.workflows) >= maxWorkflows {
		clear(r.workflows)
	}
	r.workflows[id] = attempt.Workflow
	return nil
}
