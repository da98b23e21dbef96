package schedule

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)

// lengths that were all the same.
func lengths(took time.Duration) *Lengths {
	var l Lengths
	for range remembered {
		l.Add(took)
	}
	return &l
}

// TestNextOfADay: what is known of a repository at a moment of its day, and when it is visited next, and why.
func TestNextOfADay(t *testing.T) {
	const interval, most = time.Minute, 15 * time.Minute
	minutes := func(n float64) time.Duration { return time.Duration(n * float64(time.Minute)) }
	for _, step := range []struct {
		what   string
		state  State
		reason Reason
		in     [2]float64 // minutes, from and to
	}{
		{"nothing has run for a month", State{Looked: true, Outlook: Outlook{Idle: 720 * time.Hour}}, Look, [2]float64{15, 15}},
		{"nor had it when it was read first, five minutes ago", State{Looked: true, Outlook: Outlook{Idle: 720 * time.Hour, Known: minutes(5)}}, Look, [2]float64{5, 5}},
		{"nor just now", State{Looked: true, Outlook: Outlook{Idle: 720 * time.Hour, Known: time.Second}}, Look, [2]float64{1, 1}},
		{"nothing has run for an hour", State{Looked: true, Outlook: Outlook{Idle: time.Hour}}, Look, [2]float64{6, 6}},
		{"nothing was ever seen to run", State{Looked: true}, Look, [2]float64{1, 1}},
		{"runs of ten minutes began every quarter of an hour, the last has ended", State{Looked: true, Outlook: Outlook{
			Idle: minutes(2), Rate: 1. / 900, Lengths: lengths(minutes(10)),
		}}, Look, [2]float64{10, 15}},
		{"runs of ten seconds begin now and then", State{Looked: true, Outlook: Outlook{
			Idle: minutes(2), Rate: 1. / 3600, Lengths: lengths(10 * time.Second),
		}}, Look, [2]float64{2, 6}},
		{"runs of ten seconds begin all the time", State{Looked: true, Outlook: Outlook{
			Idle: 0, Rate: 1, Lengths: lengths(10 * time.Second),
		}}, Look, [2]float64{1, 1}},
		// It may fail soon, and to look is free as long as it has not.
		{"a run that takes ten minutes has just begun", State{Looked: true, Outlook: Outlook{
			Open: []Open{{Age: 0, Started: true, Lengths: lengths(minutes(10))}},
		}}, Over, [2]float64{2, 5}},
		{"it has gone on for nine minutes", State{Looked: true, Outlook: Outlook{
			Open: []Open{{Age: minutes(9), Started: true, Lengths: lengths(minutes(10))}},
		}}, Over, [2]float64{1, 5}},
		{"it goes on for an hour already", State{Looked: true, Outlook: Outlook{
			Open: []Open{{Age: time.Hour, Started: true, Lengths: lengths(minutes(10))}},
		}}, Over, [2]float64{3, 10}},
		{"ninety of them go on", State{Looked: true, Outlook: Outlook{
			Rate: .2, Lengths: lengths(minutes(10)), Open: slices.Repeat([]Open{{Age: minutes(5), Started: true, Lengths: lengths(minutes(10))}}, 90),
		}}, Over, [2]float64{1, 2}},
		{"its jobs are to be read before", State{Looked: true, LiveAt: start.Add(minutes(3)), Outlook: Outlook{
			Open: []Open{{Age: 0, Started: true, Lengths: lengths(minutes(10))}},
		}}, Live, [2]float64{3, 3}},
		{"they are due now and could not be read", State{Looked: true, LiveAt: start, Outlook: Outlook{
			Open: []Open{{Age: 0, Started: true, Lengths: lengths(minutes(10))}},
		}}, Live, [2]float64{1, 1}},
		{"the list was left alone by a visit for the jobs", State{LookAt: start.Add(minutes(2)), Outlook: Outlook{
			Open: []Open{{Age: 0, Started: true, Lengths: lengths(minutes(10))}},
		}}, Over, [2]float64{2, 2}},
		{"it is over, and a job is missing", State{Looked: true, ToClose: start.Add(minutes(1)), LiveAt: start.Add(minutes(3))}, Closing, [2]float64{1, 1}},
	} {
		step.state.Interval, step.state.Most, step.state.Worth = interval, most, 2*interval
		if step.state.Known == 0 {
			step.state.Known = 24 * time.Hour
		}
		turn, lookAt := step.state.Next(start, 0)
		if in := turn.At.Sub(start); turn.Reason != step.reason || in < minutes(step.in[0]) || in > minutes(step.in[1]) {
			t.Errorf("%s: in %s for %s, want in %v minutes for %s", step.what, in, turn.Reason, step.in, step.reason)
		}
		if lookAt.Before(turn.At) {
			t.Errorf("%s: the list is due at %s, before the visit at %s", step.what, lookAt, turn.At)
		}
	}
}

// drawLengths are those of any history.
func drawLengths(t *rapid.T) *Lengths {
	var l Lengths
	for range rapid.IntRange(0, 20).Draw(t, "runs") {
		l.Add(time.Duration(rapid.Int64Range(-10, 40*86400).Draw(t, "took")) * time.Second)
	}
	return &l
}

// TestNextKeepsItsBounds: whatever is known, a repository is visited no sooner than the interval and no later than the most,
// and what is worth less is not asked for sooner.
func TestNextKeepsItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		duration := func(name string, most time.Duration) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(most)).Draw(t, name))
		}
		s := State{
			Looked: rapid.Bool().Draw(t, "looked"),
			Outlook: Outlook{
				Interval: time.Second + duration("interval", time.Hour), Most: time.Second + duration("most", 2*time.Hour), Worth: duration("worth", time.Hour),
				Idle: duration("idle", 90*24*time.Hour), Known: duration("known", 24*time.Hour), Rate: rapid.Float64Range(0, 10).Draw(t, "rate"), Lengths: drawLengths(t),
			},
		}
		for range rapid.IntRange(0, 5).Draw(t, "open") {
			s.Open = append(s.Open, Open{Age: duration("age", 40*24*time.Hour), Started: rapid.Bool().Draw(t, "started"), Lengths: drawLengths(t)})
		}
		longest := max(s.Most, s.Interval)
		if rapid.IntRange(0, 9).Draw(t, "to close") == 0 {
			s.ToClose = start.Add(min(s.Interval+duration("over", s.Most), longest))
		}
		s.LookAt = start.Add(duration("look at", longest))
		if rapid.Bool().Draw(t, "live") {
			s.LiveAt = start.Add(duration("live at", longest) - longest/2)
		}
		turn, lookAt := s.Next(start, rapid.Float64Range(0, .999).Draw(t, "share"))
		if in := turn.At.Sub(start); in > longest || s.Looked && in < s.Interval {
			t.Fatalf("in %s for %s, want from %s to %s", in, turn.Reason, s.Interval, longest)
		}
		if lookAt.Before(turn.At) || lookAt.Sub(start) > longest {
			t.Fatalf("the list is due in %s, the visit in %s", lookAt.Sub(start), turn.At.Sub(start))
		}
		wait := s.Wait()
		s.Worth *= 2
		if later := s.Wait(); later < wait {
			t.Fatalf("after %s where a request is worth more, after %s where less", later, wait)
		}
	})
}

// TestOver: it is a probability, and grows with time.
func TestOver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLengths(t)
		age := time.Duration(rapid.Int64Range(0, int64(40*24*time.Hour)).Draw(t, "age"))
		before := 0.0
		for later := time.Second; later < 48*time.Hour; later *= 2 {
			p := l.Over(age, later)
			if math.IsNaN(p) || p < before || p > 1 {
				t.Fatalf("%v at %s and %s later, after %v", p, age, later, before)
			}
			before = p
		}
	})
}

// TestLengths: of the last ones, however they come, the median is told.
func TestLengths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l Lengths
		all := rapid.SliceOfN(rapid.Int64Range(0, 1000), 1, 40).Draw(t, "seconds")
		for _, s := range all {
			l.Add(time.Duration(s) * time.Second)
		}
		last := slices.Clone(all[max(0, len(all)-remembered):])
		slices.Sort(last)
		if want := time.Duration(last[len(last)/2]) * time.Second; l.Typical() != want {
			t.Fatalf("%s, want %s of %v", l.Typical(), want, last)
		}
	})
	var none *Lengths
	if none.Typical() != unknownLength || none.Over(0, time.Hour) < .5 {
		t.Error("where nothing is known nothing ends")
	}
}

func TestHabits(t *testing.T) {
	var h Habits
	if h.Rate(start) != 0 || !h.Last().IsZero() {
		t.Error("something is known before anything was seen")
	}
	at := func(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }
	run := func(workflow int64, created, took int) Seen {
		return Seen{Workflow: workflow, Created: at(created), Started: at(created), Updated: at(created + took), Over: true}
	}
	page := []Seen{run(1, 50, 4), run(2, 40, 30), run(1, 30, 2), run(1, 20, 6), {Workflow: 1, Created: at(10), Started: at(10), Updated: at(11)}}
	h.Learn(page)
	h.Learn(page) // teaches nothing again
	if got := h.Lengths(1); got.known != 3 || got.Typical() != 4*time.Minute {
		t.Errorf("%d runs are known, of %s", got.known, got.Typical())
	}
	if got := h.Lengths(3); got != &h.all || got.known != 4 {
		t.Errorf("of a workflow that is not known %d lengths are told, want all 4", got.known)
	}
	if h.Last() != at(70) {
		t.Errorf("the last thing happened at %s", h.Last())
	}
	if got := h.Rate(at(60)); math.Abs(got-5./3000) > 1e-9 {
		t.Errorf("%v begin a second", got)
	}
	if h.Rate(at(6000)) >= h.Rate(at(60)) {
		t.Error("as many begin after a long silence")
	}
	var many []Seen
	for i := range 2 * maxWorkflows {
		many = append(many, run(int64(i), -i, 1))
	}
	var full Habits
	full.Learn(many)
	if len(full.workflows) != maxWorkflows || len(full.began) != arrivals {
		t.Errorf("%d workflows and %d arrivals are kept", len(full.workflows), len(full.began))
	}
}

func TestLiveGap(t *testing.T) {
	const interval, most = time.Minute, 15 * time.Minute
	for _, test := range []struct {
		followed   time.Duration
		unfinished int
		waiting    bool
		want       time.Duration
	}{
		{0, 0, false, interval}, // none is listed yet
		{0, 1, true, 4 * interval},
		{0, 8, true, 2 * interval},
		{time.Hour, 40, true, interval},
		{0, 40, false, interval},
		{2 * time.Minute, 40, false, 4 * time.Minute},
		{time.Hour, 1, false, most / 2},
	} {
		if got := LiveGap(interval, most, test.followed, test.unfinished, test.waiting); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
	if got := LiveGap(time.Hour, time.Minute, 0, 1, false); got != time.Hour {
		t.Errorf("%s where the most is less than the interval", got)
	}
}
