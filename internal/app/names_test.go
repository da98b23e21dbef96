package app

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/observe"
	"github_workflow_exporter/githubapi"
	"github_workflow_exporter/internal/config"
)

// The rules of the file reach what observes, before the built-in ones.
func TestRulesForNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yml")
	text := "targets: {repositories: [octo-org/app]}\nmetrics:\n  runner_rules: [{regex: (rack)-.*}]\n  label_rules: [{regex: (spot)-.*}]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	attempt := githubapi.Attempt{
		Run: githubapi.Run{ID: 17000000001}, Number: 1,
		Jobs: []githubapi.Job{{ID: 1, Status: "completed", Conclusion: "success", RunnerName: "rack-7", Labels: []string{"Spot-a", "codebuild-ci-17000000001-1"}}},
	}
	got := newObserver(c).Jobs(githubapi.Repository{FullName: "octo-org/app"}, attempt, "CI", observe.Known{}, true)
	want := []string{"octo-org/app", "CI", "", "rack", "codebuild-ci,spot", "success"}
	if s := got[0].Samples[0]; s.Family != family.JobConclusions || !slices.Equal(s.Values, want) {
		t.Errorf("labels %q, want %q", s.Values, want)
	}
}
