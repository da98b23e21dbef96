package observe

import (
	"slices"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/githubapi"
)

// Jobs accounts for the jobs of an attempt that are completed. With final those that could not be decoded follow as
// undecodable, and the listed ones that are not completed as never_finished. Entries without an id cannot be told apart
// when they are read again, so they are left to Close. While the attempt is settling, completed jobs that do not tell all
// of themselves yet have to wait.
//
// The workflow is the one of WorkflowName; known is what was recorded of the run before.
func (o *Observer) Jobs(repo githubapi.Repository, a githubapi.Attempt, workflow string, known Known, final bool) []Job {
	jobs := make([]Job, 0, len(a.Jobs))
	run, class := o.forRun(repo, a, workflow), newClassifier(a, known.Executions)
	for _, j := range a.Jobs {
		switch {
		case j.ID == 0:
		case j.Undecodable:
			if final { // until then it is read again: the next answer may be whole
				jobs = append(jobs, Job{ID: j.ID, Final: true, Omitted: Undecodable})
			}
		case j.Completed() && a.Settling && !j.Settled(): // to be read again
		case j.Completed():
			jobs = append(jobs, completedJob(run, repo, a, j, class.omitted(j), known))
		case final:
			jobs = append(jobs, Job{ID: j.ID, Omitted: NeverFinished})
		}
	}
	return jobs
}

func completedJob(run builder, repo githubapi.Repository, a githubapi.Attempt, j githubapi.Job, omitted string, known Known) Job {
	job := Job{ID: j.ID, Final: true, Omitted: omitted, Completed: j.CompletedAt, Ran: ran(j)}
	if omitted != "" {
		return job
	}
	b := run.forJob(j)
	b.at = j.CompletedAt
	b.samples = make([]Sample, 0, 8+2*len(j.Steps))
	b.slab = make([]string, 0, len(b.observer.families[family.JobDuration].labels)*8+len(b.observer.families[family.StepDuration].labels)*2*len(j.Steps))

	job.Fingerprint, job.Name, job.Held = fingerprint(j), nameSum(j.Name), heldBy(known.Held, j.ID)
	if Failing(j.Conclusion) {
		job.Reason = run.observer.failure(j, a.Annotations[j.ID])
		job.Failed = failed(j.Conclusion) || j.Conclusion == "timed_out" || job.Reason == FailedTimeout
	}
	job.Flake = flaked(a, j, known.Executions)

	b.visible[conclusionSlot], b.visible[heldSlot], b.visible[reasonSlot] = conclusion(j.Conclusion), job.Held, job.Reason
	b.add(family.JobConclusions, 1)
	if job.Ran {
		b.addDuration(family.JobDuration, j.StartedAt, j.CompletedAt, j.ImpossibleTime)
	}
	b.addWait(j, job.Ran)
	b.addAnswers(repo, a, j, job)
	b.addSteps(j, job.Ran)
	job.Samples = b.samples
	job.Discards = b.discards
	return job
}

// Unexplained lists the jobs that Jobs would count as failed and that were not recorded before, by id.
func (o *Observer) Unexplained(a githubapi.Attempt, known Known) []int64 {
	var ids []int64
	class := newClassifier(a, known.Executions)
	for _, j := range a.Jobs {
		switch {
		case j.ID == 0, j.Undecodable, !j.Completed(), a.Settling && !j.Settled(), !Failing(j.Conclusion), class.omitted(j) != "":
		case slices.ContainsFunc(known.Executions, func(e Execution) bool { return e.ID == j.ID }):
		default:
			ids = append(ids, j.ID)
		}
	}
	return ids
}

// addWait times how long the job waited: until it started, or until it was given up. Old servers do not send when it was
// created: then nothing is timed, and nothing missed.
func (b *builder) addWait(j githubapi.Job, ran bool) {
	switch {
	case j.CreatedAt.IsZero() && !j.ImpossibleTime:
	case ran:
		b.addDuration(family.JobQueueDuration, j.CreatedAt, j.StartedAt, j.ImpossibleTime)
	case j.Conclusion == "cancelled":
		b.addDuration(family.JobAbandonedDuration, j.CreatedAt, j.CompletedAt, j.ImpossibleTime)
	}
}

// addAnswers counts why the job failed, that it flaked, and what it cost. What is not known of how long it ran is discarded
// once, with its duration.
func (b *builder) addAnswers(repo githubapi.Repository, a githubapi.Attempt, j githubapi.Job, job Job) {
	if job.Reason != "" {
		b.add(family.JobFailures, 1)
	}
	if job.Flake {
		b.add(family.JobFlakes, 1)
	}
	seconds, missing := duration(j.StartedAt, j.CompletedAt)
	if !job.Ran || missing != "" {
		return
	}
	if job.Reason != "" {
		b.add(family.JobFailedSeconds, seconds)
	}
	if a.Number > 1 {
		b.add(family.JobRerunSeconds, seconds)
	}
	b.addCost(j, seconds, repo.Public || a.Run.Repository.Public)
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
