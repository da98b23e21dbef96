package observe

import (
	"slices"
	"strings"

	"github_workflow_exporter/githubapi"
)

// WorkflowName is the workflow label of an attempt, the same for its run and its jobs: what a job calls its workflow,
// else the name last told of the workflow, else its path. Paths of workflows that GitHub makes up itself
// ("dynamic/pages/pages-build-deployment") are named by their last segment.
//
// The run's own name is none: run-name, Dependabot and the titles of pull requests make it a text that differs from run
// to run, and that an outsider may choose.
func WorkflowName(a githubapi.Attempt, remembered string) string {
	name := told(a)
	if name == "" {
		name = remembered
	}
	if name == "" {
		name = a.Run.WorkflowPath()
		if strings.HasPrefix(name, "dynamic/") {
			name = name[strings.LastIndexByte(name, '/')+1:]
		}
	}
	return clean(identityOf(a).strip(name, false))
}

// told is what the first job that tells it calls the workflow, "" where none does.
func told(a githubapi.Attempt) string {
	i := slices.IndexFunc(a.Jobs, func(j githubapi.Job) bool { return j.WorkflowName != "" })
	if i < 0 {
		return ""
	}
	return a.Jobs[i].WorkflowName
}
