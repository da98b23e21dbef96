package observe

import (
	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/githubapi"
)

// Jobs accounts for the jobs of an attempt that are completed. With final those that could not be decoded follow as
// undecodable, and the listed ones that are not completed as never_finished. Entries without an id cannot be told apart
// when they are read again, so they are left to Close. While the attempt is settling, completed jobs that do not tell all
// of themselves yet have to wait.
//
// The workflow is the one of WorkflowName; earlier are the executions recorded of the run, of any attempt.
func (o *Observer) Jobs(repo githubapi.Repository, a githubapi.Attempt, workflow string, earlier []Execution, final bool) []Job {
	jobs := make([]Job, 0, len(a.Jobs))
	run, class := o.forRun(repo, a, workflow), newClassifier(a, earlier)
	for _, j := range a.Jobs {
		switch {
		case j.ID == 0:
		case j.Undecodable:
			if final { // until then it is read again: the next answer may be whole
				jobs = append(jobs, Job{ID: j.ID, Final: true, Omitted: Undecodable})
			}
		case j.Completed() && a.Settling && !j.Settled(): // to be read again
		case j.Completed():
			jobs = append(jobs, completedJob(run, j, class.omitted(j)))
		case final:
			jobs = append(jobs, Job{ID: j.ID, Omitted: NeverFinished})
		}
	}
	return jobs
}

func completedJob(run builder, j githubapi.Job, omitted string) Job {
	job := Job{ID: j.ID, Final: true, Omitted: omitted, Completed: j.CompletedAt, Ran: ran(j)}
	if omitted != "" {
		return job
	}
	b := run.forJob(j)
	b.at = j.CompletedAt
	b.samples = make([]Sample, 0, 3+2*len(j.Steps))
	b.slab = make([]string, 0, len(b.observer.families[family.JobDuration].labels)*3+len(b.observer.families[family.StepDuration].labels)*2*len(j.Steps))

	b.visible[conclusionSlot] = conclusion(j.Conclusion)
	b.add(family.JobConclusions, 1)
	if job.Ran {
		b.addDuration(family.JobDuration, j.StartedAt, j.CompletedAt, j.ImpossibleTime)
		if !j.CreatedAt.IsZero() || j.ImpossibleTime { // old servers do not send it: no queue time, and nothing missed
			b.addDuration(family.JobQueueDuration, j.CreatedAt, j.StartedAt, j.ImpossibleTime)
		}
	}
	b.addSteps(j, job.Ran)

	job.Fingerprint = fingerprint(j)
	job.Samples = b.samples
	job.Discards = b.discards
	return job
}

// addSteps counts the steps and times those that ran. GitHub drops the steps of jobs after some months, and now and
// then sooner: a job without any is counted all the same.
func (b *builder) addSteps(j githubapi.Job, ran bool) {
	if !b.wants(family.StepConclusions, family.StepDuration) {
		return
	}
	if len(j.Steps) == 0 && ran {
		b.discards = append(b.discards, StepsMissing)
	}
	for _, s := range j.Steps {
		if s.Conclusion == "" {
			b.discards = append(b.discards, StepUnfinished)
			continue
		}
		b.visible[stepSlot] = clean(s.Name)
		b.visible[conclusionSlot] = conclusion(s.Conclusion)
		b.add(family.StepConclusions, 1)
		if ran && s.Conclusion != "skipped" {
			b.addDuration(family.StepDuration, s.StartedAt, s.CompletedAt, s.ImpossibleTime)
		}
	}
}
