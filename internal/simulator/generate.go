package simulator

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// slot is the stretch of time whose runs are generated in one go. What happens in it depends on the seed, the
// repository and the slot's number only, never on when it was looked at.
const slot = time.Hour

// advance generates every run created by t, which may lie in the future. The lock is held.
func (g *GitHub) advance(t time.Time) {
	for _, r := range g.repos {
		if r.plan.RunsPerDay <= 0 || len(r.workflows) == 0 {
			continue
		}
		for !g.opts.Start.Add(time.Duration(r.slots) * slot).After(t) {
			g.generate(r, r.slots)
			r.slots++
		}
	}
}

// source is a stream of random numbers of its own for every purpose, so that one more draw here moves nothing there.
func source(seed uint64, salt ...uint64) *rand.Rand {
	return rand.New(rand.NewPCG(mix(seed, salt...), 0))
}

// mix makes one number of several. The first is stirred before the second comes to it: otherwise small seeds and small
// indices would give the same pairs in another order.
func mix(seed uint64, salt ...uint64) uint64 {
	h := stir(seed)
	for _, s := range salt {
		h = stir(h ^ s)
	}
	return h
}

func stir(h uint64) uint64 {
	h = (h + 1) * 0x9e3779b97f4a7c15
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	return h ^ h>>32
}

const (
	runsPerSlot = 1 << 10
	repoBits    = 14
	firstRun    = 1_000_000
)

func (g *GitHub) generate(r *repository, number int) {
	seed := mix(uint64(g.opts.Seed), uint64(r.index), uint64(number))
	rnd := source(seed)
	begin := g.opts.Start.Add(time.Duration(number) * slot)
	perSlot := r.plan.RunsPerDay / 24
	if !r.plan.Even {
		perSlot *= 1 + 0.5*math.Sin(float64(begin.Hour()-9)/24*2*math.Pi)
	}
	count := int(perSlot)
	if rnd.Float64() < perSlot-float64(count) {
		count++
	}
	created := make([]int, min(count, runsPerSlot-1))
	for i := range created {
		created[i] = rnd.IntN(int(slot / time.Second))
	}
	slices.Sort(created)
	for i, second := range created {
		n := &run{repo: r, seed: mix(seed, uint64(i), 1), workflow: r.drawWorkflow(rnd)}
		at := begin.Add(time.Duration(second) * time.Second)
		if at.Before(r.born) || !g.opts.End.IsZero() && !at.Before(g.opts.End) {
			continue
		}
		n.plan.ID = firstRun + (int64(number)<<repoBits|int64(r.index))*runsPerSlot + int64(i)
		n.plan.CreatedAt = at
		g.describe(n)
		n.pathNamed = r.nameKnown(n)
		g.lay(n)
		r.learnName(n, g.opts.Start)
		r.insert(n)
	}
}

// nameKnown tells whether a reader of the run has seen its workflow's name in a job of hours before.
func (r *repository) nameKnown(n *run) bool {
	known, ok := r.known[n.plan.WorkflowID]
	return ok && n.plan.CreatedAt.Sub(known) >= 2*time.Hour
}

// learnName notes from when on a run tells its workflow's name. Runs come in order of creation, so that the first one
// to close may still be overtaken; then the name is known a little earlier than noted.
func (r *repository) learnName(n *run, start time.Time) {
	if r.plan.Rates.PathNames <= 0 || r.plan.OldServer {
		return
	}
	a := &n.plan.Attempts[len(n.plan.Attempts)-1]
	if _, ok := r.known[n.plan.WorkflowID]; !ok && len(a.Jobs) > 0 && a.StartedAt.Sub(start) > r.plan.Rates.PathNames {
		r.known[n.plan.WorkflowID] = a.closedAt()
	}
}

func (r *repository) drawWorkflow(rnd *rand.Rand) *WorkflowPlan {
	sum := 0
	for _, w := range r.workflows {
		sum += max(w.Share, 1)
	}
	draw := rnd.IntN(sum)
	for i := range r.workflows {
		if draw -= max(r.workflows[i].Share, 1); draw < 0 {
			w := r.workflows[i]
			return &w
		}
	}
	return nil // not reached: the draw is below the sum
}

var (
	actors   = []string{"octocat", "mona", "hubot", "dependabot[bot]"}
	branches = []string{"feature/login", "fix-flaky-test", "dependabot/npm_and_yarn/lodash-4.17.21"}
)

// describe draws what a run is, but for its course.
func (g *GitHub) describe(n *run) {
	r, w, p := n.repo, n.workflow, &n.plan
	rnd := source(n.seed, 2)
	p.WorkflowID, p.Workflow, p.Name, p.Path = w.ID, w.Name, w.Name, w.Path
	p.Event = "push"
	if len(w.Events) > 0 {
		p.Event = w.Events[rnd.IntN(len(w.Events))]
	}
	p.Branch = r.plan.DefaultBranch
	if p.Event == "pull_request" || p.Event == "push" && rnd.IntN(3) == 0 {
		p.Branch = branches[rnd.IntN(len(branches))]
	}
	p.NullBranch = rnd.Float64() < r.plan.Rates.NullBranch
	p.Actor = actors[rnd.IntN(len(actors))]
	p.HeadSHA = fmt.Sprintf("%016x%016x%08x", rnd.Uint64(), rnd.Uint64(), rnd.Uint32())
	r.numbers[w.ID]++
	p.Number = r.numbers[w.ID]
}

// forget drops runs that ended long ago and keeps what they count for.
func (g *GitHub) forget(t time.Time) {
	if g.opts.Forget <= 0 || t.Sub(g.swept) < g.opts.Forget/16 {
		return
	}
	g.swept = t
	limit := t.Add(-g.opts.Forget)
	for _, r := range g.repos {
		r.runs = slices.DeleteFunc(r.runs, func(n *run) bool {
			if !n.closedAt().Before(limit) {
				return false
			}
			if r.forgotten == nil {
				r.forgotten = g.tally()
			}
			if !n.unborn {
				r.forgotten.run(n, time.Time{}, t)
			}
			g.told.forget(n)
			r.dropped++
			delete(r.byID, n.plan.ID)
			return true
		})
	}
}
