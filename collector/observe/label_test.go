package observe

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/githubapi"
)

func TestLabelsOfTheJobAreNotReordered(t *testing.T) {
	labels := []string{"b", "A"}
	observeJob(t, Options{}, job(func(j *githubapi.Job) { j.Labels = labels }))
	if labels[0] != "b" || labels[1] != "A" {
		t.Errorf("the job's labels became %v", labels)
	}
}

func TestConclusionLabel(t *testing.T) {
	for word, want := range map[string]string{
		"success": "success", "failure": "failure", "neutral": "neutral", "cancelled": "cancelled", "skipped": "skipped",
		"timed_out": "timed_out", "action_required": "action_required", "stale": "stale", "startup_failure": "startup_failure",
		"": "other", "Success": "other", "invented": "other",
	} {
		got := observeJob(t, Options{}, job(func(j *githubapi.Job) { j.Conclusion = word }))
		if l := labelOf(t, got.Samples, family.JobConclusions, family.Conclusion); l != want {
			t.Errorf("%q: conclusion %q, want %q", word, l, want)
		}
	}
}

func TestBranchLabel(t *testing.T) {
	releases := Options{Branches: func(b string) bool { return strings.HasPrefix(b, "release/") }}
	for _, tt := range []struct {
		name, event, branch, defaultBranch, want string
		options                                  Options
	}{
		{"default branch", "push", "main", "main", "main", Options{}},
		{"another branch", "push", "feature", "main", "other", Options{}},
		{"named by the settings", "push", "release/1.2", "main", "release/1.2", releases},
		{"not named by the settings", "push", "rel/1.2", "main", "other", releases},
		{"none", "push", "", "main", "other", releases},
		{"unknown default branch", "push", "main", "", "other", Options{}},
		{"both unknown", "push", "", "", "other", Options{}},
		{"pull request from a branch spelt like the default one", "pull_request", "main", "main", "other", Options{}},
		{"pull request from a named branch", "pull_request", "release/1", "main", "other", releases},
		{"pull_request_target", "pull_request_target", "main", "main", "other", Options{}},
		{"pull_request_review", "pull_request_review", "main", "main", "other", Options{}},
		{"pull_request_review_comment", "pull_request_review_comment", "main", "main", "other", Options{}},
		{"merge queue", "merge_group", "gh-readonly-queue/main/pr-1", "main", "other", Options{}},
		{"schedule", "schedule", "main", "main", "main", Options{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := attempt(1, job())
			a.Run.Event, a.Run.HeadBranch = tt.event, tt.branch
			r := repo
			r.DefaultBranch = tt.defaultBranch
			got := New(tt.options).Close(r, a, "CI", Known{})
			if l := labelOf(t, got.Samples, family.RunConclusions, family.Branch); l != tt.want {
				t.Errorf("branch %q, want %q", l, tt.want)
			}
			if l := labelOf(t, got.Samples, family.RunConclusions, family.Event); l != tt.event {
				t.Errorf("event %q, want %q", l, tt.event)
			}
		})
	}
}

func TestRepositoryLabel(t *testing.T) {
	a := attempt(1, job())
	a.Run.Repository.FullName = "octo-org/short-form"
	got := New(Options{}).Close(githubapi.Repository{ID: 7}, a, "CI", Known{})
	if l := labelOf(t, got.Samples, family.RunConclusions, family.Repository); l != "octo-org/short-form" {
		t.Errorf("repository %q, want the run's own", l)
	}
}

func TestEventLabel(t *testing.T) {
	for word, want := range map[string]string{
		"push": "push", "pull_request_review_comment": "pull_request_review_comment", "invented_event": "invented_event", "": "",
		"Push": "other", "push 17": "other", "a\"b": "other", strings.Repeat("a", 51): "other",
	} {
		a := attempt(1, job())
		a.Run.Event = word
		got := New(Options{}).Close(repo, a, "CI", Known{})
		if l := labelOf(t, got.Samples, family.RunConclusions, family.Event); l != want {
			t.Errorf("%q: event %q, want %q", word, l, want)
		}
	}
}

func TestLabelValuesAreCleanedAndCut(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "build (a, b)", "build (a, b)"},
		{"invalid UTF-8", "a\xff\xfeb", "a\uFFFDb"},
		{"NUL ends a text exposition", "a\x00b", "a\uFFFDb"},
		{"as long as may be", strings.Repeat("x", 200), strings.Repeat("x", 200)},
		{"too long", strings.Repeat("x", 201), strings.Repeat("x", 200)},
		{"cut between runes", strings.Repeat("x", 199) + "é", strings.Repeat("x", 199)},
		{"cut before a long rune", strings.Repeat("x", 197) + "😀😀", strings.Repeat("x", 197)},
		{"cleaned before it is cut", strings.Repeat("x", 199) + "\xff", strings.Repeat("x", 199)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := observeJob(t, Options{}, job(func(j *githubapi.Job) { j.Name, j.Steps[0].Name = tt.in, tt.in }))
			if l := labelOf(t, got.Samples, family.JobDuration, family.JobName); l != tt.want {
				t.Errorf("job name %q, want %q", l, tt.want)
			}
			if l := labelOf(t, got.Samples, family.StepDuration, family.StepName); l != tt.want {
				t.Errorf("step name %q, want %q", l, tt.want)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "a", "a\xff", "\x00", strings.Repeat("é", 150), strings.Repeat("\xff😀", 80)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		if len(got) > maxValue || !utf8.ValidString(got) || strings.ContainsRune(got, 0) {
			t.Errorf("%q becomes %q", s, got)
		}
		if clean(got) != got {
			t.Errorf("cleaning %q twice makes a difference", s)
		}
	})
}
