package simulator

import (
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
