package observe

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/githubapi"
)

// stop is a job of a path by its times in seconds; below nothing a time is missing.
func stop(id int64, name string, created, started, ended float64) githubapi.Job {
	time0 := func(s float64) time.Time {
		if s <= missing {
			return time.Time{}
		}
		return at(s)
	}
	return job(func(j *githubapi.Job) {
		j.ID, j.Name = id, name
		j.CreatedAt, j.StartedAt, j.CompletedAt = time0(created), time0(started), time0(ended)
	})
}

const missing = -1e6

func TestCriticalPath(t *testing.T) {
	copied := stop(9, "copy", -100, -90, -50)
	skipped := stop(8, "skipped", 80, 80, 95)
	noRunner(&skipped)
	skipped.Conclusion = "skipped"
	for _, tt := range []struct {
		name string
		jobs []githubapi.Job
		want []string // the last stretch first
	}{
		{"one job", []githubapi.Job{stop(1, "a", 2, 10, 70)}, []string{"a run 60", "a queue 8", "a gap 2"}},
		{"a chain", []githubapi.Job{stop(1, "a", 0, 5, 40), stop(2, "b", 41, 50, 90)}, []string{"b run 40", "b queue 9", "b gap 1", "a run 35", "a queue 5"}},
		{"the list's order is nothing", []githubapi.Job{stop(2, "b", 41, 50, 90), stop(1, "a", 0, 5, 40)}, []string{"b run 40", "b queue 9", "b gap 1", "a run 35", "a queue 5"}},
		{"of a matrix the slowest", []githubapi.Job{stop(1, "m (1)", 0, 5, 20), stop(2, "m (2)", 0, 6, 60), stop(3, "m (3)", 0, 5, 40), stop(4, "end", 61, 62, 70)},
			[]string{"end run 8", "end queue 1", "end gap 1", "m (2) run 54", "m (2) queue 6"}},
		{"a job beside the path", []githubapi.Job{stop(1, "a", 0, 5, 40), stop(2, "b", 41, 50, 90), stop(3, "lint", 0, 1, 30)}, []string{"b run 40", "b queue 9", "b gap 1", "a run 35", "a queue 5"}},
		{"ties: the longer", []githubapi.Job{stop(1, "short", 0, 60, 70), stop(2, "long", 0, 10, 70)}, []string{"long run 60", "long queue 10"}},
		{"ties: the lower id", []githubapi.Job{stop(2, "second", 0, 10, 70), stop(1, "first", 0, 10, 70)}, []string{"first run 60", "first queue 10"}},
		{"ties before it", []githubapi.Job{stop(1, "x", 0, 20, 40), stop(2, "y", 0, 10, 40), stop(3, "z", 40, 50, 60)}, []string{"z run 10", "z queue 10", "y run 30", "y queue 10"}},
		{"an approval in the middle", []githubapi.Job{stop(1, "build", 0, 1, 30), stop(2, "deploy", 31, 631, 650)}, []string{"deploy run 19", "deploy queue 600", "deploy gap 1", "build run 29", "build queue 1"}},
		{"reusable workflows", []githubapi.Job{stop(1, "release / build", 1, 2, 30), stop(2, "release / deploy / eu", 30, 31, 40)},
			[]string{"release / deploy / eu run 9", "release / deploy / eu queue 1", "release / build run 28", "release / build queue 1", "release / build gap 1"}},
		{"an end that is two seconds late", []githubapi.Job{stop(1, "a", 0, 5, 42), stop(2, "b", 40, 50, 60)}, []string{"b run 10", "b queue 10", "a run 35", "a queue 5"}},
		{"an end that is later is none before it", []githubapi.Job{stop(1, "a", 0, 5, 43), stop(2, "b", 40, 50, 60)}, []string{"b run 10", "b queue 10", "b gap 40"}},
		{"no creation: the start stands in", []githubapi.Job{stop(1, "a", missing, 5, 40), stop(2, "b", missing, 50, 60)}, []string{"b run 10", "b gap 10", "a run 35", "a gap 5"}},
		{"no start: the creation stands in", []githubapi.Job{stop(1, "a", 5, missing, 40)}, []string{"a run 35", "a gap 5"}},
		{"neither", []githubapi.Job{stop(1, "a", missing, missing, 40)}, []string{"a gap 40"}},
		{"no end: not on it", []githubapi.Job{stop(1, "a", 0, 5, missing), stop(2, "b", 10, 20, 30)}, []string{"b run 10", "b queue 10", "b gap 10"}},
		{"what was carried over is not on it", []githubapi.Job{copied, stop(1, "a", 5, 10, 40)}, []string{"a run 30", "a queue 5", "a gap 5"}},
		{"what never ran is not on it", []githubapi.Job{skipped, stop(1, "a", 5, 10, 40)}, []string{"a run 30", "a queue 5", "a gap 5"}},
		{"began before the attempt", []githubapi.Job{stop(1, "a", -2, -1, 40)}, []string{"a run 40"}},
		{"started before it was created", []githubapi.Job{stop(1, "a", 12, 10, 40)}, []string{"a run 30", "a gap 10"}},
		{"ended before it started", []githubapi.Job{stop(1, "a", 5, 42, 40)}, []string{"a queue 35", "a gap 5"}},
		{"jobs of no time", []githubapi.Job{stop(1, "a", 10, 10, 10), stop(2, "b", 10, 10, 10)}, []string{"b gap 10"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			number := 1
			for _, j := range tt.jobs {
				if j.Name == "copy" {
					number = 2
				}
			}
			got := New(Options{}).Close(repo, attempt(number, tt.jobs...), "CI", Known{})
			var path []string
			for _, s := range got.Path {
				path = append(path, fmt.Sprintf("%s %s %g", s.Job.Name, s.Phase, s.Time.Seconds()))
			}
			if diff := cmp.Diff(tt.want, path); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var sum float64
			for _, v := range valuesOf(got.Samples, family.RunCriticalPath) {
				sum += v
			}
			wantValues(t, got.Samples, family.RunDuration, sum)
		})
	}
}

func TestNoCriticalPathWithoutADuration(t *testing.T) {
	gone := job(noRunner, concluded("cancelled"))
	late := attempt(1, job())
	late.Run.RunStartedAt = at(100) // after its last job ended
	for _, a := range []githubapi.Attempt{attempt(1), attempt(1, gone), late} {
		if got := New(Options{}).Close(repo, a, "CI", Known{}); len(got.Path) > 0 || len(valuesOf(got.Samples, family.RunDuration)) > 0 {
			t.Errorf("path %+v", got.Path)
		}
	}
}

// Whatever the times are, the stretches come to the time from start to end, and none is empty or reaches beyond.
func TestCriticalPathAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		second := rapid.IntRange(-5, 300)
		next := int64(0)
		jobs := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) githubapi.Job {
			created := second.Draw(t, "created")
			started := created + rapid.IntRange(-3, 50).Draw(t, "wait")
			next++
			j := stop(next, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name"),
				float64(created), float64(started), float64(started+rapid.IntRange(-3, 100).Draw(t, "time")))
			switch rapid.IntRange(0, 9).Draw(t, "missing") {
			case 0:
				j.CreatedAt = time.Time{}
			case 1:
				j.StartedAt = time.Time{}
			case 2:
				j.CreatedAt, j.StartedAt = time.Time{}, time.Time{}
			case 3:
				j.CompletedAt = time.Time{}
			}
			return j
		}), 1, 20).Draw(t, "jobs")
		var end time.Time
		for _, j := range jobs {
			end = later(end, j.CompletedAt)
		}
		if end.Before(start) {
			return
		}
		path := criticalPath(start, end, jobs)
		sum, cursor := time.Duration(0), end
		for _, s := range path {
			if s.Time <= 0 {
				t.Fatalf("a stretch of %v", s.Time)
			}
			sum += s.Time
			cursor = cursor.Add(-s.Time)
		}
		if sum != end.Sub(start) || !cursor.Equal(start) {
			t.Fatalf("%v of %v", sum, end.Sub(start))
		}
		shuffled := append([]githubapi.Job{}, jobs...)
		rand.New(rand.NewPCG(1, uint64(len(jobs)))).Shuffle(len(jobs), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if diff := cmp.Diff(path, criticalPath(start, end, shuffled)); diff != "" {
			t.Fatalf("the order of the list makes a difference:\n%s", diff)
		}
	})
}
