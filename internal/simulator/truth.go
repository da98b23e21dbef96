package simulator

import (
	"slices"
	"strings"
	"time"
)

// TruthQuery says whose view the truth is told from.
type TruthQuery struct {
	// Since tells from when on attempts count, by repository (owner/name as now); nil, or the zero time: from the beginning.
	Since func(repository string) time.Time
	// Until is when the reader stopped looking; zero is now. Only attempts closed by then count.
	Until time.Time
}

// Truth is what a reader that missed nothing and counted nothing twice has to show, with default settings: families by
// metric name, series by their labels in the form of Canonical. It is worked out from the world's plan, where every
// entry knows what it is, not from the answers.
//
// It leaves open what depends on when something was read: attempts still open, runs deleted before they closed, and
// under which name something counted that ended within moments of a rename (the name at its end is taken). Why a job failed
// and what held it back is told as far as answers told it. Recoveries of branches are those of a reader that closes attempts
// in the order in which they end.
type Truth struct {
	Counters   map[string]map[string]float64      `json:"counters"`
	Histograms map[string]map[string]Distribution `json:"histograms"`
	// Gauges holds the last completion, and the jobs as they stand at Until.
	Gauges   map[string]map[string]float64 `json:"gauges"`
	Discards map[string]int                `json:"discards"` // by reason, of closed attempts

	Executions   int `json:"executions"`    // job executions counted
	Attempts     int `json:"attempts"`      // closed and counted
	OpenAttempts int `json:"open_attempts"` // started by Until and not closed by then
	OldAttempts  int `json:"old_attempts"`  // started before Since
	Deleted      int `json:"deleted"`       // attempts that were not closed when their run was deleted
	Forgotten    int `json:"forgotten"`     // attempts dropped from the world (Options.Forget), counted whatever Since says
}

// Distribution sums up a histogram.
type Distribution struct {
	Count uint64  `json:"count"`
	Sum   float64 `json:"sum"`
}

// Canonical writes a label set, given as name, value, name, value…, as name="value" sorted by name and joined by commas,
// escaped as in the text exposition format.
func Canonical(pairs ...string) string {
	labels := make([]string, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		labels = append(labels, pairs[i]+`="`+escaped(pairs[i+1])+`"`)
	}
	slices.Sort(labels)
	return strings.Join(labels, ",")
}

func escaped(v string) string {
	if !strings.ContainsAny(v, "\\\"\n") {
		return v
	}
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(v)
}

// Truth tells what has happened.
func (g *GitHub) Truth(q TruthQuery) Truth {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget(g.now())
	orElse(&q.Until, g.now())
	g.advance(q.Until)
	sum := g.tally()
	for _, r := range g.repos {
		var since time.Time
		if q.Since != nil {
			since = q.Since(r.name())
		}
		if r.forgotten != nil {
			sum.merge(r.forgotten)
			sum.t.Forgotten += r.forgotten.t.Attempts
		}
		for _, n := range r.runs {
			if !n.unborn && !n.begin().After(q.Until) {
				sum.run(n, since, q.Until)
				sum.live(n, q.Until)
			}
		}
	}
	sum.branches(q.Until)
	return sum.t
}

// Quiet tells whether no attempt is open at t: everything that started has ended, and jobs that will never finish have
// been waited for. Between attempts of a run it is quiet.
func (g *GitHub) Quiet(t time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.advance(t)
	return g.busyUntil(t).IsZero()
}

// NextQuiet returns the first moment from after on at which no attempt is open, and false where there is none within
// 30 days.
func (g *GitHub) NextQuiet(after time.Time) (time.Time, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for t := after; t.Before(after.Add(30 * 24 * time.Hour)); {
		g.advance(t)
		busy := g.busyUntil(t)
		if busy.IsZero() {
			return t, true
		}
		t = busy
	}
	return time.Time{}, false
}

// busyUntil is when the attempt that closes last of those open at t does; zero if none is open.
func (g *GitHub) busyUntil(t time.Time) time.Time {
	var busy time.Time
	for _, r := range g.repos {
		for _, n := range r.runs {
			if !n.visible(t) {
				continue
			}
			for i := range n.plan.Attempts {
				a := &n.plan.Attempts[i]
				if !a.StartedAt.After(t) && a.closedAt().After(t) {
					busy = latest(busy, a.closedAt())
				}
			}
		}
	}
	return busy
}

// closedAt is when a patient reader closes the attempt: at its end, or an hour later if a job stays unfinished.
func (a *AttemptPlan) closedAt() time.Time {
	if a.Open {
		return a.StartedAt.Add(never)
	}
	for i := range a.Jobs {
		if a.Jobs[i].Unfinished {
			return a.EndedAt.Add(time.Hour)
		}
	}
	return a.EndedAt
}

// closedAt is when the run's last attempt closes.
func (n *run) closedAt() time.Time { return n.plan.Attempts[len(n.plan.Attempts)-1].closedAt() }
