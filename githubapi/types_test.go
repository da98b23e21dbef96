package githubapi

import (
	"testing"
	"time"
)

func TestRunTimesAndNumbers(t *testing.T) {
	created, started := instant(t, "2024-05-01T10:00:00Z"), instant(t, "2024-05-02T10:00:00Z")
	old := Run{CreatedAt: created}
	if old.Number() != 1 || !old.Started().Equal(created) || old.Completed() {
		t.Errorf("server without run_attempt and run_started_at: %d, %s", old.Number(), old.Started())
	}
	again := Run{CreatedAt: created, RunStartedAt: started, RunAttempt: 2, Status: "completed"}
	if again.Number() != 2 || !(Attempt{Run: again}).Started().Equal(started) || !again.Completed() {
		t.Errorf("re-run: %d, %s", again.Number(), again.Started())
	}
	again.RunStartedAt = time.Time{}
	if !again.Started().IsZero() || !again.NotBefore().Equal(created) {
		t.Errorf("re-run that came without its start: %s, not before %s", again.Started(), again.NotBefore())
	}
}

func TestWorkflowPath(t *testing.T) {
	for path, want := range map[string]string{
		"": "", "BuildFailed": "BuildFailed",
		".github/workflows/ci.yml":                                           ".github/workflows/ci.yml",
		".github/workflows/ci.yml@main":                                      ".github/workflows/ci.yml",
		"octocat/octo-repo/.github/workflows/ci.yml@refs/heads/feature/a@b":  ".github/workflows/ci.yml",
		"dynamic/pages/pages-build-deployment":                               "dynamic/pages/pages-build-deployment",
		"dynamic/github-code-scanning/codeql@refs/heads/.github/workflows/x": "dynamic/github-code-scanning/codeql",
	} {
		if got := (Run{Path: path}).WorkflowPath(); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

func TestAttemptWhole(t *testing.T) {
	done, open := Job{ID: 1, Status: "completed"}, Job{ID: 2, Status: "in_progress"}
	for _, tt := range []struct {
		name  string
		jobs  []Job
		total int
		want  bool
	}{
		{"no jobs at all", nil, 0, true},
		{"not read yet", nil, 1, false},
		{"some missing", []Job{done}, 2, false},
		{"one running", []Job{done, open}, 2, false},
		{"unknown status", []Job{{ID: 3, Status: "new_word"}}, 1, false},
		{"all final", []Job{done}, 1, true},
		{"undecodable, which the next answer may mend", []Job{done, {ID: 4, Undecodable: true}}, 2, false},
	} {
		if got := (Attempt{Jobs: tt.jobs, TotalCount: tt.total}).Whole(); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}
