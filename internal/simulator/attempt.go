package simulator

import (
	"math/rand/v2"
	"time"
)

const (
	jobsPerAttempt = 1 << 9 // ids kept for one attempt
	attemptsPerRun = 1 << 3
)

func (c *course) id(number, position int) int64 {
	return (c.n.plan.ID*attemptsPerRun+int64(number))*jobsPerAttempt + int64(position)
}

// attempt lays out one attempt that executes the given jobs and carries the others over.
func (c *course) attempt(number int, start time.Time, executed []bool) AttemptPlan {
	rnd := source(c.n.seed, 5, uint64(number))
	a := AttemptPlan{StartedAt: start, CreatedAt: start}
	shape := c.drawShape(rnd)
	bare := rnd.IntN(10) == 0 // copies came without steps for a while
	whole := number == 1 || allOf(executed)
	if number > 1 {
		a.CreatedAt = start.Add(time.Duration(1+rnd.IntN(2)) * time.Second)
	}
	lost := -1 // the job that stays queued for ever
	if rnd.Float64() < c.rates.NeverFinished {
		lost = rnd.IntN(len(c.w))
	}
	cancel := rnd.Float64() < c.rates.Cancel
	canceller := []Cause{ByPerson, BySuccessor}[source(c.n.seed, 10, uint64(number)).IntN(2)]
	cancelAt := start.Add(time.Duration(2+rnd.IntN(120)) * time.Second)

	var checks []JobPlan
	for i := range c.w {
		if !executed[i] {
			copied := carryOver(c.last[i], number-1, number, start, shape)
			if copied.ID == 0 {
				copied.ID = c.id(number, i)
			}
			if bare {
				copied.Steps = nil
			}
			c.last[i] = copied
			if shape != CopyUnlisted {
				a.Jobs = append(a.Jobs, copied)
			}
			continue
		}
		d := c.draw(number, i)
		d.odd = d.odd && number == 1 // later attempts' odd times would be those of copies
		j := c.job(i, start, d)
		j.ID = c.id(number, i)
		j.ShownAttempt = number
		if cancel {
			c.cancel(&j, cancelAt, d, canceller)
		}
		if i == lost && whole && len(c.w) > 1 {
			j = c.stuck(j)
		}
		c.last[i] = j
		a.Jobs = append(a.Jobs, j)
		checks = append(checks, c.checkRuns(&j, &d, start)...)
	}
	for i := range checks {
		checks[i].ID = c.id(number, len(c.w)+i)
		checks[i].ShownAttempt = number
	}
	a.Jobs = append(a.Jobs, checks...)
	for i := range a.Jobs {
		if j := &a.Jobs[i]; !j.Unfinished {
			a.EndedAt = latest(a.EndedAt, j.FinishedAt)
		}
	}
	a.EndedAt = latest(a.EndedAt, start).Add(time.Duration(rnd.IntN(2)) * time.Second)
	a.Conclusion = conclude(c.last)
	if draw := rnd.Float64(); a.Conclusion == "success" && draw < c.rates.OddConclusion {
		a.Conclusion = []string{"neutral", "stale"}[rnd.IntN(2)]
	} else if draw > 1-c.rates.UnknownWord {
		a.Conclusion = "superseded"
	}
	completeAttempt(&a, number)
	return a
}

func allOf(b []bool) bool {
	for _, v := range b {
		if !v {
			return false
		}
	}
	return true
}

func (c *course) drawShape(rnd *rand.Rand) CopyShape {
	switch draw := rnd.IntN(20); {
	case draw < 12:
		return CopyNewID
	case draw < 14:
		return CopyKeepOld
	case draw < 17:
		return CopyKeepNew
	}
	return CopyUnlisted
}

// draws are a job's dice, all thrown before anything is decided, so that no decision moves another's.
type draws struct {
	queue, hold, wait, length     float64
	skip, fail, odd               bool
	oddKind                       int
	word, steps, stepTimes        float64
	stepKind                      float64
	bare, blank, early, noCreated bool
	undecodable, skewedQueue      bool
	checks                        int
	runner                        Runner
	cut                           float64
	pace                          *rand.Rand // what the steps' lengths are drawn from
	cause                         Cause      // of a failure
}

func (c *course) draw(number, i int) draws {
	rnd := source(c.n.seed, 6, uint64(number), uint64(i))
	t := c.w[i].t
	d := draws{
		queue: rnd.Float64(), wait: rnd.Float64(), length: rnd.Float64(),
		skip: rnd.Float64() < t.SkipRate, fail: rnd.Float64() < t.FailRate,
		odd: rnd.Float64() < c.rates.OddSkipTimes, oddKind: rnd.IntN(3),
		word: rnd.Float64(), steps: rnd.Float64(), stepTimes: rnd.Float64(), stepKind: rnd.Float64(),
		bare: rnd.Float64() < c.rates.StepsGone, blank: rnd.Float64() < c.rates.BlankRunner,
		early: rnd.Float64() < c.rates.EarlyFirst, noCreated: rnd.Float64() < c.rates.NoCreatedAt,
		undecodable: rnd.Float64() < c.rates.Undecodable, skewedQueue: rnd.Float64() < 0.01,
		cut: rnd.Float64(), pace: source(c.n.seed, 7, uint64(number), uint64(i)),
	}
	d.hold = source(c.n.seed, 8, uint64(number), uint64(i)).Float64()
	d.cause = c.drawCause(source(c.n.seed, 9, uint64(number), uint64(i)))
	if t.CheckRuns > 0 {
		d.checks = rnd.IntN(t.CheckRuns + 1)
	}
	d.runner = drawRunner(t, rnd)
	return d
}

// between spreads a draw over a range of seconds, short ones being more usual.
func between(r [2]int, draw float64) time.Duration {
	return time.Duration(r[0]+int(float64(r[1]-r[0]+1)*draw*draw)) * time.Second
}
