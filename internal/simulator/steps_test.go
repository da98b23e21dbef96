package simulator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestStepsAreBelievable: a job's time is in its work, a checkout takes seconds however long the job, the runner's last
// step none, and nothing of the job's time is lost or used twice.
func TestStepsAreBelievable(t *testing.T) {
	pace := source(1)
	own := []StepTemplate{quick("Run actions/checkout@v5", 1, 3), work("Build", 2), work("Test", 3), quick("Upload", 1, 3)}
	for total := range 400 {
		lengths, post := stepSeconds(total, own, pace)
		sum := post
		for i, n := range lengths {
			if n < 0 || n > 3 && (i < 2 || i == 4) {
				t.Errorf("%d s: step %d takes %d s: %v", total, i, n, lengths)
			}
			sum += n
		}
		if sum != total || post > 1 {
			t.Errorf("%d s are shared out as %v and %d: %d", total, lengths, post, sum)
		}
		if total >= 60 && (lengths[2] < total/5 || lengths[3] < total/4 || lengths[2]+lengths[3] < total*4/5) {
			t.Errorf("%d s: build and test take %d and %d of it", total, lengths[2], lengths[3])
		}
	}
}

// TestBrokenJobEndsWithItsStep: what fails takes the time until the end, what is behind it is skipped and takes none, and
// mostly it is work that fails.
func TestBrokenJobEndsWithItsStep(t *testing.T) {
	g, c := newWorld(t, Options{Seed: 3, Repositories: Repositories(2, 300)})
	c.add(48 * time.Hour)
	g.Quiet(c.now())
	work, checkouts := 0, 0
	everyRun(g, func(n *run) {
		for i := range n.plan.Attempts {
			for _, j := range n.plan.Attempts[i].Jobs {
				failed := slices.IndexFunc(j.Steps, func(s StepPlan) bool { return s.Conclusion == "failure" })
				if failed < 0 || j.Copy {
					continue
				}
				if strings.Contains(j.Steps[failed].Name, "checkout") {
					checkouts++
				} else {
					work++
				}
				for _, s := range j.Steps[failed+1:] {
					last := strings.HasPrefix(s.Name, "Post ") || s.Name == "Complete job"
					if !last && (s.Conclusion != "skipped" || !s.CompletedAt.Equal(s.StartedAt)) {
						t.Errorf("%s: %q behind the failure: %s, %s long", j.Name, s.Name, s.Conclusion, s.CompletedAt.Sub(s.StartedAt))
					}
				}
				if gap := j.CompletedAt.Sub(j.Steps[failed].CompletedAt); gap < 0 || gap > time.Second {
					t.Errorf("%s: ends %s after the step that failed", j.Name, gap)
				}
			}
		}
	})
	if work < 30 || checkouts == 0 || checkouts > work/4 {
		t.Errorf("%d failures of work, %d of checkouts", work, checkouts)
	}
}

// TestDemoShowsWithinAMinute: whoever starts the demo, at any hour, and looks a minute later sees what the product is good
// at, from what ended in the twenty minutes before the start, which the demo reads back, and from what goes on.
func TestDemoShowsWithinAMinute(t *testing.T) {
	for _, hour := range []int{3, 15} {
		started := worldStart.Truncate(24 * time.Hour).Add(time.Duration(hour)*time.Hour + 17*time.Minute)
		c := &clock{t: started}
		g, err := New(DemoProfile(c.now))
		if err != nil {
			t.Fatal(err)
		}
		waiting, running := 0.0, 0.0 // the most of each at a time
		for range 12 {
			c.add(5 * time.Second)
			now := map[string]float64{}
			for labels, n := range g.Truth(TruthQuery{}).Gauges[jobsNow] {
				for _, status := range []string{"queued", "in_progress"} {
					if strings.Contains(labels, fmt.Sprintf("status=%q", status)) {
						now[status] += n
					}
				}
			}
			waiting, running = max(waiting, now["queued"]), max(running, now["in_progress"])
		}
		truth := g.Truth(TruthQuery{Since: func(string) time.Time { return started.Add(-20 * time.Minute) }})
		seen := func(family string, substrings ...string) (n float64) {
			for labels, v := range truth.Counters[family] {
				if !slices.ContainsFunc(substrings, func(s string) bool { return !strings.Contains(labels, s) }) {
					n += v
				}
			}
			return n
		}
		bad := func(format string, args ...any) {
			t.Errorf("started at %02d:17: "+format, append([]any{hour}, args...)...)
		}
		for what, n := range map[string]float64{
			"failed runs":         seen(runConclusions, `conclusion="failure"`),
			"failed tests":        seen(stepConclusions, `conclusion="failure"`),
			"pushes":              seen(runConclusions, `event="push"`),
			"pull requests":       seen(runConclusions, `event="pull_request"`),
			"nightlies":           seen(runConclusions, `event="schedule"`),
			"a matrix, Linux":     seen(jobConclusions, `job_name="build (linux, 1.26)"`, `label="ubuntu-latest"`),
			"a matrix, Windows":   seen(jobConclusions, `job_name="build (windows, 1.26)"`, `label="windows-latest"`),
			"a reusable workflow": seen(jobConclusions, `job_name="release / build"`),
			"self-hosted runners": seen(jobConclusions, `label="linux,self-hosted"`, `runner="build-0`),
			"one-job runners":     seen(jobConclusions, `runner="arc-runner-set"`),
			"hosted runners":      seen(jobConclusions, `runner="GitHub Actions"`),
		} {
			if n == 0 {
				bad("no %s", what)
			}
		}
		if running < 3 || waiting == 0 {
			bad("%v jobs running, %v waiting", running, waiting)
		}
		means := map[string]float64{}
		for _, step := range []string{"Run actions/checkout@v5", "Run actions/setup-go@v6", "Build", "Complete job"} {
			var d Distribution
			for labels, one := range truth.Histograms[stepDuration] {
				if strings.Contains(labels, fmt.Sprintf("step=%q", step)) && strings.Contains(labels, `job_name="build (`) {
					d.Count, d.Sum = d.Count+one.Count, d.Sum+one.Sum
				}
			}
			if d.Count == 0 {
				bad("no step %s", step)
			}
			means[step] = d.Sum / float64(max(d.Count, 1))
		}
		if m := means; m["Complete job"] != 0 || m["Run actions/checkout@v5"] < 1 || m["Run actions/checkout@v5"] > 3 || m["Run actions/setup-go@v6"] < 4 || m["Build"] < 40 || m["Build"] > 150 {
			bad("steps take %v s on average", m)
		}
		reruns, longest := 0, time.Duration(0)
		everyRun(g, func(n *run) {
			for i, a := range n.plan.Attempts {
				if a.EndedAt.Before(started.Add(-20*time.Minute)) || a.EndedAt.After(c.now()) {
					continue
				}
				if i > 0 && n.plan.Attempts[i-1].Conclusion == "failure" && a.Conclusion == "success" {
					reruns++
				}
				for _, j := range a.Jobs {
					if j.hasRunner() && !j.Copy && j.WaitingUntil.IsZero() {
						longest = max(longest, j.StartedAt.Sub(j.CreatedAt))
					}
				}
			}
		})
		if reruns == 0 {
			bad("no re-run turned a failure into a success")
		}
		if longest < 2*time.Minute {
			bad("no job waited longer than %s for its runner", longest)
		}
		t.Logf("%02d:17: %d attempts, %v jobs wait, %v run, %d flaky, longest wait %s", hour, truth.Attempts, waiting, running, reruns, longest)
	}
}
