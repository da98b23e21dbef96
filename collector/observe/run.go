package observe

import (
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
func (o *Observer) Close(repo githubapi.Repository, a githubapi.Attempt, workflow string, earlier []Execution) Closing {
	b, class := o.forRun(repo, a, workflow), newClassifier(a, earlier)
	for range unlisted(a) {
		b.discards = append(b.discards, NeverFinished)
	}
	var anyRan, impossible bool
	var lastRan, lastListed time.Time
	for _, j := range a.Jobs {
		switch {
		case j.ID == 0:
			b.discards = append(b.discards, Undecodable)
		case j.Undecodable, !j.Completed(), class.omitted(j) != "":
		default:
			lastListed = later(lastListed, j.CompletedAt)
			if ran(j) {
				anyRan = true
				impossible = impossible || j.ImpossibleTime
				lastRan = later(lastRan, j.CompletedAt)
			}
		}
	}
	end := lastRan
	if end.IsZero() { // a skipped job may be "completed" weeks before its run began
		end = later(lastListed, a.Started())
	}

	b.at = end
	b.visible[conclusionSlot] = conclusion(a.Run.Conclusion)
	b.add(family.RunConclusions, 1)
	if anyRan {
		from := a.Started()
		if a.Run.ImpossibleTime && a.Run.RunStartedAt.IsZero() {
			from = time.Time{} // its creation is the start only where the server tells no other
		}
		b.addDuration(family.RunDuration, from, lastRan, impossible || a.Run.ImpossibleTime)
	}
	if !end.IsZero() {
		b.add(family.RunLastCompletion, unixSeconds(end))
	}
	return Closing{Samples: b.samples, Discards: b.discards}
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
