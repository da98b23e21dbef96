package simulator

import (
	"math/rand/v2"
	"strings"
	"time"
)

func (c *course) stepTimes(d draws) StepTimes {
	switch {
	case d.stepTimes < c.rates.OldStepTimes/2:
		return StepMillis
	case d.stepTimes < c.rates.OldStepTimes:
		return StepOffset
	}
	return StepZulu
}

// usualSteps are those of a template that names none.
var usualSteps = []StepTemplate{quick("Run actions/checkout@v4", 1, 3), work("Run make test", 1)}

// quick is a step whose length is its own, whatever the job's: a checkout takes seconds in a job of an hour.
func quick(name string, least, most int) StepTemplate {
	return StepTemplate{Name: name, Seconds: [2]int{least, most}}
}

// work is a step that takes a part of what the quick ones leave of the job.
func work(name string, share int) StepTemplate { return StepTemplate{Name: name, Share: share} }

// stepsOf cuts a job's time into steps: the runner's own at both ends, the template's between them. Their lengths come
// from a stream of their own, so that they move nothing else in the world.
func (c *course) stepsOf(j *JobPlan, t *JobTemplate, d draws) []StepPlan {
	own := t.Steps
	if len(own) == 0 {
		own = usualSteps
	}
	broken := -1
	if j.Conclusion == "failure" || j.Conclusion == "timed_out" {
		broken = breakable(own, d.steps)
	}
	ran := own
	if broken >= 0 {
		ran = own[:broken+1] // the job ends with it
	}
	lengths, post := stepSeconds(int(j.CompletedAt.Sub(j.StartedAt)/time.Second), ran, d.pace)
	at := j.StartedAt
	var steps []StepPlan
	add := func(name string, number, seconds int) {
		end := at.Add(time.Duration(seconds) * time.Second)
		steps = append(steps, StepPlan{Name: name, Number: number, StartedAt: at, CompletedAt: end, Conclusion: "success"})
		at = end
	}
	add("Set up job", 1, lengths[0])
	for i, s := range own {
		seconds := 0
		if i < len(ran) {
			seconds = lengths[i+1]
		}
		add(s.Name, i+2, seconds)
	}
	// Post steps are numbered from the end: there is a gap. Only actions have them.
	if strings.Contains(own[0].Name, "@") {
		add("Post "+own[0].Name, 2*len(own)+2, post)
	}
	at = j.CompletedAt
	add("Complete job", 2*len(own)+3, 0)
	if broken >= 0 {
		c.breakSteps(j, steps, broken+1, len(own), d)
	}
	c.bendSteps(steps, d)
	return steps
}

// breakable draws the step that breaks: nearly always one that works, now and then one that only prepares.
func breakable(own []StepTemplate, draw float64) int {
	weight := func(s StepTemplate) float64 {
		if s.quick() {
			return 1
		}
		return 12
	}
	sum := 0.0
	for _, s := range own {
		sum += weight(s)
	}
	draw *= sum
	for i, s := range own {
		if draw -= weight(s); draw < 0 {
			return i
		}
	}
	return len(own) - 1
}

// stepSeconds shares out a job's seconds: first the set-up's, then those of the given steps; post is what the step after
// them gets. Where a job is too short for its quick steps, each takes at most half of what is left.
func stepSeconds(total int, own []StepTemplate, pace *rand.Rand) (lengths []int, post int) {
	lengths = make([]int, 1+len(own))
	left := total
	take := func(r [2]int) int {
		n := min(r[0]+pace.IntN(r[1]-r[0]+1), left/2)
		left -= n
		return n
	}
	lengths[0] = take([2]int{1, 3})
	sum := 0.0
	weights := make([]float64, len(own))
	for i, s := range own {
		if s.quick() {
			lengths[i+1] = take(s.Seconds)
			continue
		}
		weights[i] = float64(max(s.Share, 1)) * (0.7 + 0.6*pace.Float64())
		sum += weights[i]
	}
	post = take([2]int{0, 1})
	if sum == 0 { // broke before the work
		lengths[len(own)] += left
		return lengths, post
	}
	shared, given := 0.0, 0
	for i, w := range weights {
		if w == 0 {
			continue
		}
		shared += w
		end := int(float64(left)*shared/sum + 1e-9)
		lengths[i+1] = end - given
		given = end
	}
	return lengths, post
}

// breakSteps lets one step fail and the ones behind it be skipped, or the runner die in it. names is how many the
// template has.
func (c *course) breakSteps(j *JobPlan, steps []StepPlan, broken, names int, d draws) {
	if c.rates.DeadRunner > 0 && d.stepKind < 20*c.rates.DeadRunner { // a share of the failures
		steps[broken].Unfinished, steps[broken].Conclusion = true, ""
		for k := broken + 1; k < len(steps); k++ {
			s := &steps[k]
			s.Unfinished, s.Conclusion, s.StartedAt, s.CompletedAt = true, "", time.Time{}, time.Time{}
		}
		return
	}
	steps[broken].Conclusion = j.Conclusion
	if j.Conclusion == "timed_out" {
		steps[broken].Conclusion = "cancelled"
	}
	for k := broken + 1; k <= names; k++ {
		steps[k].Conclusion = "skipped"
	}
}

// bendSteps applies the skews seen in recorded answers.
func (c *course) bendSteps(steps []StepPlan, d draws) {
	if d.early {
		steps[0].StartedAt = steps[0].StartedAt.Add(-time.Second)
	}
	s := &steps[1]
	if s.Unfinished || s.Conclusion != "success" {
		return
	}
	switch {
	case d.cut < c.rates.SkewedSteps:
		s.CompletedAt = s.StartedAt.Add(-time.Duration(1+d.oddKind%2) * time.Second)
	case d.cut > 1-c.rates.NegativeStep:
		s.CompletedAt = s.StartedAt.Add(-time.Duration(3+d.oddKind) * time.Second)
	}
}

// cutSteps ends the steps of a job that is cancelled while it runs.
func cutSteps(j *JobPlan) {
	for k := range j.Steps {
		s := &j.Steps[k]
		switch {
		case s.Unfinished && s.StartedAt.IsZero():
			s.Unfinished = false
			s.Conclusion, s.StartedAt, s.CompletedAt = "skipped", j.CompletedAt, j.CompletedAt
		case s.StartedAt.After(j.CompletedAt):
			s.Conclusion, s.StartedAt, s.CompletedAt = "skipped", j.CompletedAt, j.CompletedAt
		case s.Unfinished || s.CompletedAt.After(j.CompletedAt):
			s.Unfinished = false
			s.Conclusion, s.CompletedAt = "cancelled", j.CompletedAt
		}
	}
}
