package simulator

import "time"

func (c *course) stepTimes(d draws) StepTimes {
	switch {
	case d.stepTimes < c.rates.OldStepTimes/2:
		return StepMillis
	case d.stepTimes < c.rates.OldStepTimes:
		return StepOffset
	}
	return StepZulu
}

// stepsOf cuts a job's time into steps.
func (c *course) stepsOf(j *JobPlan, t *JobTemplate, d draws) []StepPlan {
	names := t.Steps
	if len(names) == 0 {
		names = []string{"Run actions/checkout@v4", "Run make test"}
	}
	length := j.CompletedAt.Sub(j.StartedAt)
	at := func(part, parts int) time.Time {
		return j.StartedAt.Add((length * time.Duration(part) / time.Duration(parts)).Truncate(time.Second))
	}
	parts := len(names) + 2
	steps := []StepPlan{{Name: "Set up job", Number: 1, StartedAt: j.StartedAt, CompletedAt: at(1, parts), Conclusion: "success"}}
	for i, name := range names {
		steps = append(steps, StepPlan{
			Name: name, Number: i + 2, StartedAt: at(i+1, parts), CompletedAt: at(i+2, parts), Conclusion: "success",
		})
	}
	// Post steps are numbered from the end: there is a gap.
	last := at(parts-1, parts)
	steps = append(steps,
		StepPlan{Name: "Post " + names[0], Number: 2*len(names) + 2, StartedAt: last, CompletedAt: last, Conclusion: "success"},
		StepPlan{Name: "Complete job", Number: 2*len(names) + 3, StartedAt: last, CompletedAt: j.CompletedAt, Conclusion: "success"})
	if j.Conclusion == "failure" || j.Conclusion == "timed_out" {
		c.breakSteps(j, steps, len(names), d)
	}
	c.bendSteps(steps, d)
	return steps
}

// breakSteps lets one step fail and the ones behind it be skipped, or the runner die in it.
func (c *course) breakSteps(j *JobPlan, steps []StepPlan, names int, d draws) {
	broken := 1 + int(d.steps*float64(names))
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
		steps[k].StartedAt, steps[k].CompletedAt = steps[broken].CompletedAt, steps[broken].CompletedAt
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
