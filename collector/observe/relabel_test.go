package observe

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/relabel"
	"github_workflow_exporter/githubapi"
)

func rule(t *testing.T, edit func(*relabel.Rule), regex string) relabel.Rule {
	t.Helper()
	r := relabel.Default()
	if regex != "" {
		re, err := relabel.NewRegexp(regex)
		if err != nil {
			t.Fatal(err)
		}
		r.Regex = re
	}
	edit(&r)
	if err := r.Validate(); err != nil {
		t.Fatal(err)
	}
	return r
}

// show copies a label only rules can read into one that is visible.
func show(t *testing.T, hidden, visible string) Options {
	return Options{Relabel: []relabel.Rule{rule(t, func(r *relabel.Rule) {
		r.SourceLabels, r.TargetLabel = []string{hidden}, visible
	}, "")}}
}

func TestHiddenLabels(t *testing.T) {
	a := attempt(3, job(func(j *githubapi.Job) { j.Labels = []string{"self-hosted", "GPU"} }))
	a.Run.Event, a.Run.HeadBranch = "pull_request", "feature/x"
	for hidden, want := range map[string]string{
		"__event__":         "pull_request",
		"__branch__":        "feature/x",
		"__actor__":         "mona",
		"__workflow_path__": ".github/workflows/ci.yml",
		"__runner_name__":   "GitHub Actions 12",
		"__runner_group__":  "GitHub Actions",
		"__labels__":        ",gpu,self-hosted,",
		"__run_attempt__":   "3",
		"__family__":        "github_workflow_job_conclusions_total",
	} {
		got := New(show(t, hidden, family.Workflow)).Jobs(repo, a, "CI", Known{}, false)
		if l := labelOf(t, got[0].Samples, family.JobConclusions, family.Workflow); l != want {
			t.Errorf("%s is %q, want %q", hidden, l, want)
		}
	}
	for hidden, want := range map[string]string{
		"__actor__": "mona", "__run_attempt__": "3", "__family__": "github_workflow_run_conclusions_total", "__runner_name__": "", "__labels__": "",
	} {
		got := New(show(t, hidden, family.Workflow)).Close(repo, a, "CI", Known{})
		if l := labelOf(t, got.Samples, family.RunConclusions, family.Workflow); l != want {
			t.Errorf("run: %s is %q, want %q", hidden, l, want)
		}
	}
	a.Run.Status, a.Jobs[0].Status = "in_progress", "in_progress"
	got := New(show(t, "__family__", family.Workflow)).Live(repo, a, "CI")
	if l := labelOf(t, samplesOf(got), family.OldestJob, family.Workflow); l != "github_workflow_oldest_job_timestamp_seconds" {
		t.Errorf("live: __family__ is %q", l)
	}
}

func TestRelabelledLabelSetsBecomeEqual(t *testing.T) {
	noRunner := Options{Relabel: []relabel.Rule{rule(t, func(r *relabel.Rule) { r.Action = relabel.LabelDrop }, "runner|job_name")}}
	one := observeJob(t, noRunner, job())
	two := observeJob(t, noRunner, job(func(j *githubapi.Job) { j.Name, j.RunnerName = "lint", "mac-mini-3" }))
	if diff := cmp.Diff(one.Samples, two.Samples); diff != "" {
		t.Errorf("(-build +lint):\n%s", diff)
	}
	want := []string{"octo-org/Octo-Repo", "CI", "", "", "ubuntu-latest", "success"}
	if diff := cmp.Diff(want, one.Samples[0].Values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

func TestRelabelDropLeavesSamplesOut(t *testing.T) {
	drop := func(source, regex string) Options {
		return Options{Relabel: []relabel.Rule{rule(t, func(r *relabel.Rule) {
			r.Action, r.SourceLabels = relabel.Drop, []string{source}
		}, regex)}}
	}
	got := observeJob(t, drop("__family__", "github_workflow_step_.*"), job())
	for _, s := range got.Samples {
		if s.Family == family.StepDuration || s.Family == family.StepConclusions {
			t.Errorf("a sample of %s", family.Get(s.Family).Name)
		}
	}
	if len(got.Samples) != 5 {
		t.Errorf("%d samples, want the five of the job", len(got.Samples))
	}
	got = observeJob(t, drop("workflow", "CI"), job())
	if len(got.Samples) != 0 || got.Omitted != "" || got.Fingerprint == 0 {
		t.Errorf("a dropped job is still an execution: %+v", got)
	}
}

// A rule may build values longer than a label value may be, and labels the family does not have.
func TestRelabelledValuesAreCutAndForeignLabelsDropped(t *testing.T) {
	long := strings.Repeat("é", 90)
	got := observeJob(t, Options{Relabel: []relabel.Rule{
		rule(t, func(r *relabel.Rule) { r.SourceLabels, r.TargetLabel = []string{"job_name", "job_name"}, "job_name" }, ""),
		rule(t, func(r *relabel.Rule) { r.SourceLabels, r.TargetLabel = []string{"__actor__"}, "team" }, ""),
	}}, job(func(j *githubapi.Job) { j.Name = long }))
	l := labelOf(t, got.Samples, family.JobConclusions, family.JobName)
	if len(l) > maxValue || !strings.HasPrefix(l, long+";") {
		t.Errorf("job name %q of %d bytes", l, len(l))
	}
	for _, s := range got.Samples {
		if slices.Contains(s.Values, "mona") || len(s.Values) != len(family.Get(s.Family).Labels) {
			t.Errorf("%s has values %q", family.Get(s.Family).Name, s.Values)
		}
	}
}
