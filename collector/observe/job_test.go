package observe

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/githubapi"
)

func TestJobTimes(t *testing.T) {
	none := time.Time{}
	for _, tt := range []struct {
		name                        string
		created, started, completed time.Time
		duration, queue             []float64
		discards                    []string
	}{
		{"ordinary", at(4), at(10), at(70), []float64{60}, []float64{6}, nil},
		{"no time passed", at(10), at(10), at(10), []float64{0}, []float64{0}, nil},
		{"clock skew counts as 0", at(12), at(10), at(8), []float64{0}, []float64{0}, nil},
		{"more than skew is not observed", at(10), at(10), at(7), nil, []float64{0}, []string{NegativeDuration}},
		{"negative queue", at(13), at(10), at(70), []float64{60}, nil, []string{NegativeDuration}},
		{"weeks before", at(4), at(1906083), at(10), nil, []float64{1906079}, []string{NegativeDuration}},
		{"no end", at(4), at(10), none, nil, []float64{6}, []string{MissingTime}},
		{"no start", at(4), none, at(70), nil, nil, []string{MissingTime, MissingTime}},
		{"no creation is no miss", none, at(10), at(70), []float64{60}, nil, nil},
		{"no times at all", none, none, none, nil, nil, []string{MissingTime}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := observeJob(t, Options{}, job(func(j *githubapi.Job) {
				j.CreatedAt, j.StartedAt, j.CompletedAt = tt.created, tt.started, tt.completed
			}))
			wantValues(t, got.Samples, family.JobDuration, tt.duration...)
			wantValues(t, got.Samples, family.JobQueueDuration, tt.queue...)
			wantValues(t, got.Samples, family.JobConclusions, 1)
			if diff := cmp.Diff(tt.discards, got.Discards); diff != "" {
				t.Errorf("discards (-want +got):\n%s", diff)
			}
			if !got.Completed.Equal(tt.completed) {
				t.Errorf("Completed is %v, want %v", got.Completed, tt.completed)
			}
		})
	}
}

func TestRan(t *testing.T) {
	noRunner := func(j *githubapi.Job) { j.RunnerID, j.RunnerName = 0, "" }
	state := func(status, conclusion string) func(*githubapi.Job) {
		return func(j *githubapi.Job) { noRunner(j); j.Steps[0].Status, j.Steps[0].Conclusion = status, conclusion }
	}
	for _, tt := range []struct {
		name string
		edit func(*githubapi.Job)
		want bool
	}{
		{"runner id and name", func(*githubapi.Job) {}, true},
		{"runner name only", func(j *githubapi.Job) { j.RunnerID, j.Steps = 0, nil }, true},
		{"runner id only", func(j *githubapi.Job) { j.RunnerName, j.Steps = "", nil }, true},
		{"a step that started", noRunner, true},
		{"no runner, no steps", func(j *githubapi.Job) { noRunner(j); j.Steps = nil }, false},
		{"step without start", func(j *githubapi.Job) { noRunner(j); j.Steps[0].StartedAt = time.Time{} }, false},
		{"step skipped", state("completed", "skipped"), false},
		{"step queued", state("queued", ""), false},
		{"step pending", state("pending", ""), false},
		{"step in progress", state("in_progress", ""), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := observeJob(t, Options{}, job(tt.edit))
			if got.Ran != tt.want {
				t.Errorf("Ran is %v, want %v", got.Ran, tt.want)
			}
			wantTimed := 0
			if tt.want {
				wantTimed = 1
			}
			if n := len(valuesOf(got.Samples, family.JobDuration)); n != wantTimed {
				t.Errorf("%d job durations, want %d", n, wantTimed)
			}
			if n := len(valuesOf(got.Samples, family.JobQueueDuration)); n != wantTimed {
				t.Errorf("%d queue times, want %d", n, wantTimed)
			}
			wantValues(t, got.Samples, family.JobConclusions, 1)
		})
	}
}

// A job cancelled in the queue and a skipped one have an end before their start; they are counted. Of the skipped one nothing
// is missed, of the other only how long it had waited.
func TestJobsThatNeverRanAreCountedNotTimed(t *testing.T) {
	for conclusion, waited := range map[string]bool{"skipped": false, "cancelled": true} {
		got := observeJob(t, Options{}, job(func(j *githubapi.Job) {
			j.Conclusion, j.Labels, j.RunnerID, j.RunnerName, j.Steps = conclusion, nil, 0, "", nil
			j.CompletedAt = at(-1906073)
		}))
		if missed := slices.Equal(got.Discards, []string{NegativeDuration}); got.Omitted != "" || missed != waited || !missed && len(got.Discards) > 0 {
			t.Errorf("%s: omitted %q, discards %v", conclusion, got.Omitted, got.Discards)
		}
		for _, s := range got.Samples {
			if s.Family != family.JobConclusions && (s.Family != family.JobFailures || !waited) {
				t.Errorf("%s: a sample of %s", conclusion, family.Get(s.Family).Name)
			}
		}
		if l := labelOf(t, got.Samples, family.JobConclusions, family.Conclusion); l != conclusion {
			t.Errorf("conclusion %q, want %q", l, conclusion)
		}
	}
}

func TestSteps(t *testing.T) {
	with := func(edit func(*githubapi.Step)) []githubapi.Step {
		s := step("test", 11, 69)
		edit(&s)
		return []githubapi.Step{s}
	}
	for _, tt := range []struct {
		name     string
		steps    []githubapi.Step
		counted  []float64
		timed    []float64
		discards []string
	}{
		{"ordinary", with(func(*githubapi.Step) {}), []float64{1}, []float64{58}, nil},
		{"milliseconds are kept", []githubapi.Step{step("a", 1.25, 2.5)}, []float64{1}, []float64{1.25}, nil},
		{"offsets do not matter", with(func(s *githubapi.Step) { s.StartedAt = s.StartedAt.In(time.FixedZone("", 7200)) }), []float64{1}, []float64{58}, nil},
		{"skipped is counted, not timed", with(func(s *githubapi.Step) { s.Conclusion = "skipped" }), []float64{1}, nil, nil},
		{"skipped without times", with(func(s *githubapi.Step) { *s = githubapi.Step{Name: "x", Conclusion: "skipped"} }), []float64{1}, nil, nil},
		{"no conclusion", with(func(s *githubapi.Step) { s.Status, s.Conclusion = "pending", "" }), nil, nil, []string{StepUnfinished}},
		{"clock skew", []githubapi.Step{step("a", 20, 18)}, []float64{1}, []float64{0}, nil},
		{"negative", []githubapi.Step{step("a", 20, 17)}, []float64{1}, nil, []string{NegativeDuration}},
		{"missing end", with(func(s *githubapi.Step) { s.CompletedAt = time.Time{} }), []float64{1}, nil, []string{MissingTime}},
		{"missing start", with(func(s *githubapi.Step) { s.StartedAt = time.Time{} }), []float64{1}, nil, []string{MissingTime}},
		{"gone", nil, nil, nil, []string{StepsMissing}},
		{"several", append(with(func(s *githubapi.Step) { s.Conclusion = "" }), step("a", 1, 2), step("b", 2, 5)), []float64{1, 1}, []float64{1, 3}, []string{StepUnfinished}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := observeJob(t, Options{}, job(func(j *githubapi.Job) { j.Steps = tt.steps }))
			wantValues(t, got.Samples, family.StepConclusions, tt.counted...)
			wantValues(t, got.Samples, family.StepDuration, tt.timed...)
			wantValues(t, got.Samples, family.JobConclusions, 1)
			wantValues(t, got.Samples, family.JobDuration, 60)
			if diff := cmp.Diff(tt.discards, got.Discards); diff != "" {
				t.Errorf("discards (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStepsOfAJobThatNeverRan(t *testing.T) {
	got := observeJob(t, Options{}, job(func(j *githubapi.Job) {
		j.RunnerID, j.RunnerName, j.Conclusion = 0, "", "cancelled"
		j.Steps = []githubapi.Step{{Name: "a", Conclusion: "cancelled"}, {Name: "b", Conclusion: "skipped"}}
	}))
	wantValues(t, got.Samples, family.StepConclusions, 1, 1)
	wantValues(t, got.Samples, family.StepDuration)
	if len(got.Discards) > 0 {
		t.Errorf("discards %v, want none: what did not run is not timed", got.Discards)
	}
}

func TestStepsCarryTheirOwnConclusion(t *testing.T) {
	got := observeJob(t, Options{}, job(func(j *githubapi.Job) { j.Conclusion = "failure" }))
	if l := labelOf(t, got.Samples, family.StepDuration, family.Conclusion); l != "success" {
		t.Errorf("step conclusion %q, want the step's own", l)
	}
	if l := labelOf(t, got.Samples, family.JobDuration, family.Conclusion); l != "failure" {
		t.Errorf("job conclusion %q", l)
	}
}

// A time that cannot be is zero when it comes here, with a mark. What lacks it is discarded for that, the rest counts.
func TestImpossibleTimes(t *testing.T) {
	none, long := time.Time{}, 35*24*3600.0
	impossible := func(j *githubapi.Job) { j.ImpossibleTime = true }
	for _, tt := range []struct {
		name            string
		edit            func(*githubapi.Job)
		duration, queue []float64
		discards        []string
	}{
		{"start", func(j *githubapi.Job) { impossible(j); j.StartedAt = none }, nil, nil, []string{ImpossibleTime, ImpossibleTime}},
		{"end", func(j *githubapi.Job) { impossible(j); j.CompletedAt = none }, nil, []float64{6}, []string{ImpossibleTime}},
		{"creation", func(j *githubapi.Job) { impossible(j); j.CreatedAt = none }, []float64{60}, nil, []string{ImpossibleTime}},
		{"another of the entry", impossible, []float64{60}, []float64{6}, nil},
		{"as long as can be", func(j *githubapi.Job) { j.CompletedAt = at(10 + long) }, []float64{long}, []float64{6}, nil},
		{"longer", func(j *githubapi.Job) { j.CompletedAt = at(11 + long) }, nil, []float64{6}, []string{ImpossibleTime}},
		{"queued for longer", func(j *githubapi.Job) { j.CreatedAt = at(9 - long) }, []float64{60}, nil, []string{ImpossibleTime}},
		{"from the epoch on", func(j *githubapi.Job) { j.StartedAt = time.Unix(0, 0) }, nil, nil, []string{ImpossibleTime, NegativeDuration}},
		{"over 292 years", func(j *githubapi.Job) { j.CompletedAt = start.AddDate(7000, 0, 0) }, nil, []float64{6}, []string{ImpossibleTime}},
		{"over 292 years back", func(j *githubapi.Job) { j.CompletedAt = start.AddDate(-1900, 0, 0) }, nil, []float64{6}, []string{NegativeDuration}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := observeJob(t, Options{}, job(tt.edit))
			wantValues(t, got.Samples, family.JobConclusions, 1)
			wantValues(t, got.Samples, family.JobDuration, tt.duration...)
			wantValues(t, got.Samples, family.JobQueueDuration, tt.queue...)
			wantValues(t, got.Samples, family.StepDuration, 58)
			if diff := cmp.Diff(tt.discards, got.Discards); diff != "" {
				t.Errorf("discards (-want +got):\n%s", diff)
			}
		})
	}
	got := observeJob(t, Options{}, job(func(j *githubapi.Job) {
		j.Steps[0].ImpossibleTime, j.Steps[0].StartedAt = true, none
		j.Steps = append(j.Steps, step("eternal", 11, 12+long), step("fine", 11, 12))
	}))
	wantValues(t, got.Samples, family.StepConclusions, 1, 1, 1)
	wantValues(t, got.Samples, family.StepDuration, 1)
	if diff := cmp.Diff([]string{ImpossibleTime, ImpossibleTime}, got.Discards); diff != "" {
		t.Errorf("discards of steps (-want +got):\n%s", diff)
	}
}
