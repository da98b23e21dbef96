package observe

import (
	"slices"
	"time"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/githubapi"
)

// Close accounts for an attempt as a whole: one conclusion, its duration if a job of it ran, and its end. It names as
// never_finished each job that GitHub counts but never listed, and as undecodable each entry without an id. A count that
// no run can reach says that some are missing, but not how many: that is one.
//
// The duration is from the attempt's start to the last completion of the jobs it executed. The last completion is
// that same end; where no job ran it is the latest completion of any job executed (skipped ones have one), but not
// before the attempt's start: a run's updated_at moves for reasons of its own and is not the end. With none of these
// there is no last completion.
func (o *Observer) Close(repo githubapi.Repository, a githubapi.Attempt, workflow string, known Known) Closing {
	b, class := o.forRun(repo, a, workflow), newClassifier(a, known.Executions)
	for range unlisted(a) {
		b.discards = append(b.discards, NeverFinished)
	}
	for _, j := range a.Jobs {
		if j.ID == 0 {
			b.discards = append(b.discards, Undecodable)
		}
	}
	done := doneOf(a, class)
	end := done.end(a)

	b.at = end
	b.visible[conclusionSlot] = conclusion(a.Run.Conclusion)
	b.add(family.RunConclusions, 1)
	c := Closing{}
	if len(done.ran) > 0 {
		from := a.Started()
		if a.Run.ImpossibleTime && a.Run.RunStartedAt.IsZero() {
			from = time.Time{} // its creation is the start only where the server tells no other
		}
		b.addDuration(family.RunDuration, from, done.lastRan, done.impossible || a.Run.ImpossibleTime)
		if _, missing := duration(from, done.lastRan); missing == "" {
			c.Path = criticalPath(from, done.lastRan, done.ran)
		}
	}
	if !end.IsZero() {
		b.add(family.RunLastCompletion, unixSeconds(end))
	}
	if Failing(a.Run.Conclusion) {
		c.Reason = b.addRunFailure(a, done, known)
	}
	b.addPath(c.Path)
	c.Samples, c.Discards = b.samples, b.discards
	return c
}

// done are the jobs that an attempt executed and that are over.
type done struct {
	all, ran   []githubapi.Job
	lastRan    time.Time // end of those that ran
	lastListed time.Time // end of all
	impossible bool      // a time of one that ran could not be
}

func doneOf(a githubapi.Attempt, class classifier) done {
	var d done
	for _, j := range a.Jobs {
		if j.ID == 0 || j.Undecodable || !j.Completed() || class.omitted(j) != "" {
			continue
		}
		d.all = append(d.all, j)
		d.lastListed = later(d.lastListed, j.CompletedAt)
		if ran(j) {
			d.ran = append(d.ran, j)
			d.impossible = d.impossible || j.ImpossibleTime
			d.lastRan = later(d.lastRan, j.CompletedAt)
		}
	}
	return d
}

// end is when the attempt ended; zero where that is not known.
func (d done) end(a githubapi.Attempt) time.Time {
	if d.lastRan.IsZero() { // a skipped job may be "completed" weeks before its run began
		return later(d.lastListed, a.Started())
	}
	return d.lastRan
}

// addRunFailure counts why the attempt failed: for the reason of the job that failed first. That was decided when the job was
// recorded; of jobs that are recorded together with the closing it is decided here in the same way.
func (b *builder) addRunFailure(a githubapi.Attempt, d done, known Known) (reason string) {
	var first *githubapi.Job
	for i := range d.all {
		if j := &d.all[i]; Failing(j.Conclusion) && (first == nil || before(*j, *first)) {
			first = j
		}
	}
	if first == nil {
		reason = runFailure(a)
	} else {
		b.job = first.ID // an exemplar then opens the job
		if i := slices.IndexFunc(known.Executions, func(e Execution) bool { return e.ID == first.ID }); i >= 0 {
			reason = known.Executions[i].Reason
		}
		if reason == "" {
			reason = b.observer.failure(*first, a.Annotations[first.ID])
		}
	}
	b.visible[reasonSlot] = reason
	b.add(family.RunFailures, 1)
	b.job = 0
	return reason
}

// addPath counts where the attempt's time went. The samples of a job open that job.
func (b *builder) addPath(path []Stretch) {
	if !b.wants(family.RunCriticalPath) {
		return
	}
	for _, s := range path {
		b.job = s.Job.ID
		b.visible[jobNameSlot], b.visible[phaseSlot] = clean(s.Job.Name), s.Phase
		b.add(family.RunCriticalPath, s.Time.Seconds())
	}
	b.job = 0
}

// unlisted is how many jobs GitHub counts but did not list.
func unlisted(a githubapi.Attempt) int {
	if a.TotalCount >= githubapi.MaxJobsCount {
		return min(max(a.TotalCount-len(a.Jobs), 0), 1)
	}
	return max(a.TotalCount-len(a.Jobs), 0)
}

func later(x, y time.Time) time.Time {
	if y.After(x) {
		return y
	}
	return x
}

func unixSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1e3 }
