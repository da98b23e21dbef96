package observe

import (
	"time"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/githubapi"
)

// Close accounts for an attempt as a whole: one conclusion, its duration if a job of it ran, and its end. It names as
// never_finished each job that GitHub counts but never listed, and as undecodable each entry without an id.
//
// The duration is from the attempt's start to the last completion of the jobs it executed. The last completion is
// that same end; where no job ran it is the latest completion of any job executed (skipped ones have one), but not
// before the attempt's start: a run's updated_at moves for reasons of its own and is not the end. With none of these
// there is no last completion.
func (o *Observer) Close(repo githubapi.Repository, a githubapi.Attempt, workflow string, earlier []Execution) Closing {
	b := o.forRun(repo, a, workflow)
	for range a.TotalCount - len(a.Jobs) {
		b.discards = append(b.discards, NeverFinished)
	}
	var anyRan bool
	var lastRan, lastListed time.Time
	for _, j := range a.Jobs {
		switch {
		case j.ID == 0:
			b.discards = append(b.discards, Undecodable)
		case j.Undecodable, !j.Completed(), omitted(j, a, earlier) != "":
		default:
			lastListed = later(lastListed, j.CompletedAt)
			if ran(j) {
				anyRan = true
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
		b.addDuration(family.RunDuration, a.Started(), lastRan)
	}
	if !end.IsZero() {
		b.add(family.RunLastCompletion, unixSeconds(end))
	}
	return Closing{Samples: b.samples, Discards: b.discards}
}

func later(x, y time.Time) time.Time {
	if y.After(x) {
		return y
	}
	return x
}

func unixSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1e3 }
