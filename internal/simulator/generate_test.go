package simulator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func bigWorld(t *testing.T, seed int64) (*GitHub, *clock) {
	return newWorld(t, Options{Seed: seed, Repositories: Repositories(6, 80)})
}

func everyRun(g *GitHub, f func(*run)) {
	for _, r := range g.repos {
		for _, n := range r.runs {
			f(n)
		}
	}
}

func TestGenerationIsAFunctionOfTheSeed(t *testing.T) {
	plans := func(seed int64, steps ...time.Duration) []string {
		g, c := bigWorld(t, seed)
		for _, s := range steps {
			c.add(s)
			g.Quiet(c.now())
		}
		var all []string
		everyRun(g, func(n *run) { all = append(all, fmt.Sprintf("%+v", n.plan)) })
		return all
	}
	atOnce := plans(7, 30*time.Hour)
	if len(atOnce) < 400 {
		t.Fatalf("%d runs in 30 hours, want about 600", len(atOnce))
	}
	if diff := cmp.Diff(atOnce, plans(7, 90*time.Minute, time.Second, 10*time.Hour, 18*time.Hour+30*time.Minute-time.Second)); diff != "" {
		t.Errorf("looked at in steps, the world differs:\n%s", diff)
	}
	if slices.Equal(atOnce, plans(8, 30*time.Hour)) {
		t.Error("another seed makes the same world")
	}
}

// Every entry of every attempt can be told for what it is by DESIGN's rules, and times are in order.
func TestGeneratedWorldIsUnambiguous(t *testing.T) {
	for seed := range int64(3) {
		g, c := bigWorld(t, seed)
		c.add(72 * time.Hour)
		g.Quiet(c.now())
		second := 0
		everyRun(g, func(n *run) {
			recorded := map[string]bool{}
			before := time.Time{}
			for i := range n.plan.Attempts {
				a := &n.plan.Attempts[i]
				if a.StartedAt.Before(before) || !a.Open && a.EndedAt.Before(a.StartedAt) {
					t.Errorf("run %d attempt %d: %v to %v after %v", n.plan.ID, i+1, a.StartedAt, a.EndedAt, before)
				}
				before = a.EndedAt
				var fresh []string
				ids := map[int64]bool{}
				for k := range a.Jobs {
					j := &a.Jobs[k]
					where := fmt.Sprintf("run %d attempt %d job %q (%s)", n.plan.ID, i+1, j.Name, j.Conclusion)
					if ids[j.ID] {
						t.Errorf("%s: id %d twice", where, j.ID)
					}
					ids[j.ID] = true
					if j.ListedAt.Before(a.StartedAt) || j.FinishedAt.Before(j.ListedAt) || !j.Unfinished && j.FinishedAt.After(a.EndedAt) {
						t.Errorf("%s: listed %v, finished %v, attempt %v to %v", where, j.ListedAt, j.FinishedAt, a.StartedAt, a.EndedAt)
					}
					limit := a.StartedAt.Add(-2 * time.Second)
					fingerprint := j.Name + fmt.Sprint(j.StartedAt, j.CompletedAt, j.Runner.ID, j.Runner.Name)
					old := j.StartedAt.Before(limit) || !j.NoCompletedAt && j.CompletedAt.Before(limit)
					same := !j.NoCompletedAt && recorded[fingerprint]
					if i > 0 && j.Copy && !old && same {
						second++
					}
					if i > 0 && j.Copy != (old || same) {
						t.Errorf("%s: copy is %v, but the rules say %v, %v (start %v, job %v to %v)", where, j.Copy, old, same, a.StartedAt, j.StartedAt, j.CompletedAt)
					}
					if !j.Copy && !j.Unfinished && !j.CheckRun {
						fresh = append(fresh, fingerprint)
					}
				}
				for _, fingerprint := range fresh {
					recorded[fingerprint] = true
				}
			}
		})
		if second == 0 {
			t.Errorf("seed %d: no copy that only its fingerprint tells", seed)
		}
	}
}

// Every shape that the profile promises turns up.
func TestGeneratedWorldHoldsEveryShape(t *testing.T) {
	g, c := bigWorld(t, 1)
	c.add(96 * time.Hour)
	g.Quiet(c.now())
	seen := map[string]int{}
	mark := func(what string, is bool) {
		seen[what] += 0
		if is {
			seen[what]++
		}
	}
	everyRun(g, func(n *run) {
		seen["event "+n.plan.Event]++
		mark("null branch", n.plan.NullBranch)
		mark("run named like its path", n.plan.Name == n.plan.Path)
		for i := range n.plan.Attempts {
			a := &n.plan.Attempts[i]
			seen["attempt "+a.Conclusion]++
			names := map[string]bool{}
			copies := 0
			for k := range a.Jobs {
				j := &a.Jobs[k]
				if j.Copy {
					copies++
					seen["copy of "+j.Conclusion]++
					mark("copy with new id", j.ID == n.jobID(i+1, k))
					mark("copy with its old run_attempt", j.ShownAttempt <= i)
					mark("copy with old id, new run_attempt", j.ShownAttempt == i+1 && j.CreatedAt.Before(a.StartedAt))
					continue
				}
				seen["job "+j.Conclusion]++
				mark("check run", j.CheckRun)
				mark("never finished", j.Unfinished)
				mark("two jobs of one name", names[j.Name])
				names[j.Name] = true
				mark("no created_at", j.NoCreatedAt)
				mark("no completed_at", j.NoCompletedAt)
				mark("completed long before started", j.StartedAt.Sub(j.CompletedAt) > time.Hour)
				mark("blank runner", j.BlankRunner && !j.hasRunner())
				mark("steps gone", j.hasRunner() && len(j.Steps) == 0)
				mark("unevaluated name", strings.Contains(j.Name, "${{"))
				mark("waiting", !j.WaitingUntil.IsZero())
				mark("negative queue", j.hasRunner() && j.StartedAt.Before(j.CreatedAt))
				mark("queue-cancelled", j.Conclusion == "cancelled" && !j.hasRunner())
				mark("cancelled while running", j.Conclusion == "cancelled" && j.hasRunner())
				mark(fmt.Sprint("step times ", j.StepTimes), len(j.Steps) > 0)
				mark("pending steps", j.PendingSteps)
				seen["runner "+j.Runner.Folded]++
				for s := range j.Steps {
					p := &j.Steps[s]
					mark("step unfinished", p.Unfinished)
					mark("step before job", p.StartedAt.Before(j.StartedAt) && !p.StartedAt.IsZero())
					d := p.CompletedAt.Sub(p.StartedAt)
					mark("step skewed", d < 0 && d >= -2*time.Second)
					mark("step negative", d < -2*time.Second)
				}
			}
			if i > 0 {
				delay := a.StartedAt.Sub(n.plan.Attempts[i-1].EndedAt)
				mark("re-run within seconds", delay <= 3*time.Second)
				mark("re-run after a day", delay > 20*time.Hour)
				mark("re-run of everything", copies == 0)
				mark("partial re-run", copies > 0)
				mark("attempt 3", i == 2)
				mark("approved", n.plan.Attempts[0].Conclusion == "action_required")
			}
		}
	})
	for _, what := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%6d %s", seen[what], what)
		if seen[what] == 0 {
			t.Errorf("never: %s", what)
		}
	}
	for _, must := range []string{
		"copy of success", "copy of failure", "copy of skipped", "copy of cancelled", "job evaporated", "job timed_out", "job neutral",
		"job action_required", "attempt startup_failure", "attempt superseded", "attempt stale", "event pull_request", "event schedule",
	} {
		if seen[must] == 0 {
			t.Errorf("never: %s", must)
		}
	}
}

func (n *run) jobID(attempt, position int) int64 {
	_ = position
	c := course{n: n}
	for k := range n.plan.Attempts[attempt-1].Jobs {
		if id := c.id(attempt, k); id == n.plan.Attempts[attempt-1].Jobs[position].ID {
			return id
		}
	}
	return 0
}

// What is switched changes the future only.
func TestDisturbancesLeaveThePastAlone(t *testing.T) {
	g, c := newWorld(t, Options{Seed: 3, Repositories: Repositories(3, 400)})
	c.add(90 * time.Minute)
	list := func() string {
		var s strings.Builder
		for _, r := range g.repos {
			s.Write(get(t, g, "/repos/"+r.name()+"/actions/runs?per_page=100").body)
			for _, id := range g.Runs(r.name()) {
				s.Write(get(t, g, "/repos/"+r.name()+"/actions/runs/"+i64(id)+"/jobs?filter=all&per_page=100").body)
			}
		}
		return s.String()
	}
	for i, toggle := range []func(){
		func() { g.StoppedRunners(true) }, func() { g.SlowDay(true) }, func() { g.FailingWorkflow(true) }, func() { g.HoldNew(true) },
		func() { g.StoppedRunners(false) }, func() { g.SlowDay(false) }, func() { g.FailingWorkflow(false) }, func() { g.HoldNew(false) },
	} {
		before := list()
		toggle()
		if before != list() {
			t.Errorf("toggle %d changed what was to be seen already", i)
		}
		c.add(40 * time.Minute)
	}
}

func TestStoppedRunnersBuildUpAQueueThatDrains(t *testing.T) {
	g, c := newWorld(t, Options{Seed: 3, Repositories: Repositories(2, 600)})
	c.add(4 * time.Hour)
	queueLength := func() float64 {
		sum := 0.0
		for labels, v := range g.Truth(TruthQuery{}).Gauges[jobsNow] {
			if strings.Contains(labels, `status="queued"`) && strings.Contains(labels, "self-hosted") {
				sum += v
			}
		}
		return sum
	}
	usual := queueLength()
	g.StoppedRunners(true)
	c.add(2 * time.Hour)
	long := queueLength()
	g.StoppedRunners(false)
	c.add(2 * time.Hour)
	if again := queueLength(); long < usual+30 || again > usual+30 {
		t.Errorf("queue: %v, stopped %v, going again %v", usual, long, again)
	}
}

func TestFailingWorkflowAndSlowDayShow(t *testing.T) {
	failures := func(disturb func(*GitHub)) (failed, seconds float64) {
		g, c := newWorld(t, Options{Seed: 3, Repositories: Repositories(2, 600)})
		disturb(g)
		c.add(4 * time.Hour)
		truth := g.Truth(TruthQuery{})
		for labels, v := range truth.Counters[jobConclusions] {
			if strings.Contains(labels, `conclusion="failure"`) {
				failed += v
			}
		}
		for _, d := range truth.Histograms[jobDuration] {
			seconds += d.Sum
		}
		return failed, seconds
	}
	failed, seconds := failures(func(*GitHub) {})
	more, _ := failures(func(g *GitHub) { g.FailingWorkflow(true) })
	_, slower := failures(func(g *GitHub) { g.SlowDay(true) })
	if more < failed+20 || slower < 1.5*seconds {
		t.Errorf("failures %v and %v, seconds %v and %v", failed, more, seconds, slower)
	}
}

func TestDemoStaysBounded(t *testing.T) {
	c := &clock{t: worldStart}
	o := DemoProfile(c.now)
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	size := func() (runs int) {
		for _, r := range g.repos {
			runs += len(r.runs)
		}
		return runs
	}
	g.Quiet(c.now())
	if size() < 60 {
		t.Errorf("%d runs at the start, want an hour of them", size())
	}
	c.add(6 * time.Hour)
	first := g.Truth(TruthQuery{})
	after := size()
	for range 8 {
		c.add(time.Hour)
		get(t, g, "/rate_limit", "Authorization", "Bearer demo")
	}
	last := g.Truth(TruthQuery{})
	if size() > 2*after+200 {
		t.Errorf("%d runs kept after 6 hours, %d after 14 hours", after, size())
	}
	if last.Forgotten == 0 || last.Attempts < 2*first.Attempts {
		t.Errorf("truth of forgotten runs is lost: %d attempts, then %d of which %d forgotten", first.Attempts, last.Attempts, last.Forgotten)
	}
}
