package poll

import (
	"context"
	"fmt"
	"strings"

	"github_workflow_exporter/githubapi"
)

// maxWorkflows is of how many workflows of a repository the names are kept that were asked for and may not be recorded yet.
const maxWorkflows = 1000

// names finds what workflows are called.
type names struct {
	*site
	asked map[int64]string // names asked for, by workflow id
}

// nameWorkflow asks what the attempt's workflow is called where nothing else tells: its jobs, if they do, or what is
// remembered. The run's own name is none: it may be a title that anybody chose. What the answer is is recorded with the
// attempt, so it is asked for once. Of a workflow that is gone, or may not be read, the path stands for the name.
func (n *names) nameWorkflow(ctx context.Context, attempt *githubapi.Attempt) error {
	id, path := attempt.Run.WorkflowID, attempt.Run.WorkflowPath()
	if id <= 0 || strings.HasPrefix(path, "dynamic/") || attempt.NamesWorkflow() || n.Progress.WorkflowName(n.id, id) != "" {
		return nil
	}
	if name, asked := n.asked[id]; asked { // and not recorded yet
		attempt.Workflow = name
		return nil
	}
	var workflow githubapi.Workflow
	err := n.askFor(ctx, func() (err error) {
		workflow, err = n.gate.Client.Workflow(ctx, n.Repo().FullName, id)
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
	if len(n.asked) >= maxWorkflows {
		clear(n.asked)
	}
	n.asked[id] = attempt.Workflow
	return nil
}
