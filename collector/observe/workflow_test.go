package observe

import (
	"strings"
	"testing"

	"github_workflow_exporter/githubapi"
)

func TestWorkflowName(t *testing.T) {
	a := func(job, run, path string) githubapi.Attempt {
		return githubapi.Attempt{
			Run:  githubapi.Run{ID: 17000000001, RunNumber: 4711, Name: run, Path: path},
			Jobs: []githubapi.Job{{ID: 1, Undecodable: true}, {ID: 2, WorkflowName: job}, {ID: 3, WorkflowName: job}}, Number: 2,
		}
	}
	const ci = ".github/workflows/ci.yml"
	for _, tt := range []struct {
		name       string
		attempt    githubapi.Attempt
		remembered string
		want       string
		told       bool
	}{
		{"the job's", a("CI", "run name", ci), "Old", "CI", true},
		{"remembered", a("", "run name", ci), "Old", "Old", false},
		{"never the run's, which is a title", a("", "PR 600: title by its author", ci), "", ci, false},
		{"the path", a("", "", ci), "", ci, false},
		{"dynamic path", a("", "pip in /harness - Update #1554001000", "dynamic/dependabot/dependabot-updates"), "", "dependabot-updates", false},
		{"path with a ref", a("", "", "octo-org/repo/.github/workflows/ci.yml@refs/heads/main"), "", ci, false},
		{"dynamic path with a ref", a("", "", "dynamic/pages/pages-build-deployment@refs/heads/main"), "", "pages-build-deployment", false},
		{"no jobs", githubapi.Attempt{Run: githubapi.Run{Path: "BuildFailed"}}, "", "BuildFailed", false},
		{"nothing", githubapi.Attempt{}, "", "", false},
		{"the run's id", a("Deploy 17000000001", "", ci), "", "Deploy", true},
		{"the run's id, number and attempt", a("Deploy 17000000001-4711-2 to prod", "", ci), "", "Deploy to prod", true},
		{"the run's number behind a sign for it", a("Deploy #4711", "", ci), "", "Deploy", true},
		{"the run's id, remembered", a("", "", ci), "Deploy (17000000001)", "Deploy", false},
		{"numbers of its own", a("Python 4711, attempt 1 of 2", "", ci), "", "Python 4711, attempt 1 of 2", true},
		{"long", a(strings.Repeat("x", 1000), "", ci), "", strings.Repeat("x", 200), true},
	} {
		if got := WorkflowName(tt.attempt, tt.remembered); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if got := tt.attempt.NamesWorkflow(); got != tt.told {
			t.Errorf("%s: the jobs tell the name: %v, want %v", tt.name, got, tt.told)
		}
	}
}
