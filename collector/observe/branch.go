package observe

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/githubapi"
)

// MaxStreak is how many runs a streak holds at most; what fails beyond that changes nothing that is shown.
const MaxStreak = 1000

// history is how many runs behind the newest success are remembered: should it be taken back by a re-run, they tell what was
// before it.
const history = 16

// Verdict is how a run of a branch ended, by its latest closed attempt.
type Verdict struct {
	Run     int64
	Created time.Time // of the run: by it runs are in order
	Ended   time.Time // of the attempt
	Red     bool      // it failed; otherwise it succeeded
}

func (v Verdict) compare(o Verdict) int {
	return cmp.Or(v.Created.Compare(o.Created), cmp.Compare(v.Run, o.Run))
}

// Branch is what is remembered of the runs of one workflow on one watched branch. Its streak are the failed runs created
// after the newest success, in whatever order they ended.
type Branch struct {
	// Runs that succeeded or failed, in the order of their creation: those of the streak and some before it.
	Runs []Verdict
	// Behind: runs up to this one are not remembered any more, and count no more. Zero where none was forgotten.
	Behind Verdict
}

// Watched tells whether an attempt's branch is one whose runs are followed, and its name.
func (o *Observer) Watched(repo githubapi.Repository, run githubapi.Run) (branch string, ok bool) {
	if run.HeadBranch == "" || strings.HasPrefix(run.Event, "pull_request") {
		return "", false
	}
	if run.HeadBranch != repo.DefaultBranch && (o.branches == nil || !o.branches(run.HeadBranch)) {
		return "", false
	}
	return clean(run.HeadBranch), true
}

// Streak are the failed runs after the newest success.
func (b Branch) Streak() []Verdict {
	at := len(b.Runs)
	for at > 0 && b.Runs[at-1].Red {
		at--
	}
	return b.Runs[at:]
}

// Close returns the branch after an attempt of a run of it was closed. recovered is when the streak began that this run
// ended, zero where it did not: only a success newer than all failed runs does. decided is false where the attempt neither
// succeeded nor failed; then what an earlier attempt of the run had decided is taken back.
func (b Branch) Close(v Verdict, decided bool) (next Branch, recovered time.Time) {
	streak := b.Streak()
	if decided && !v.Red && len(streak) > 0 {
		newest := streak[len(streak)-1]
		if v.compare(newest) >= 0 { // it may be that run itself, in a later attempt
			recovered = streak[0].Ended
		}
	}
	next = Branch{Behind: b.Behind, Runs: slices.Clone(b.Runs)}
	next.Runs = slices.DeleteFunc(next.Runs, func(o Verdict) bool { return o.Run == v.Run })
	if decided && (b.Behind.Run == 0 || v.compare(b.Behind) > 0) {
		at, _ := slices.BinarySearchFunc(next.Runs, v, Verdict.compare)
		next.Runs = slices.Insert(next.Runs, at, v)
	}
	next.trim()
	return next, recovered
}

// trim forgets what is too much. Of a streak without end the first run stays, for since when it lasts is shown.
func (b *Branch) trim() {
	streak := len(b.Streak())
	if over := len(b.Runs) - streak - 1 - history; over > 0 {
		b.Behind = b.Runs[over-1]
		b.Runs = slices.Delete(b.Runs, 0, over)
	}
	if over := streak - MaxStreak; over > 0 {
		first := len(b.Runs) - streak
		b.Runs = slices.Delete(b.Runs, first+1, first+1+over)
	}
}

// BranchClosing is what the closing of an attempt does to a watched branch.
type BranchClosing struct {
	Next Branch
	// RedSince and Failures are the labels under which the two gauges are shown; nil where they are not to be.
	RedSince, Failures []string
	// Samples and Discards are those of a recovery.
	Samples  []Sample
	Discards []string
	Ended    time.Time
}

// CloseBranch accounts for an attempt of a run on a watched branch as far as the branch is concerned.
func (o *Observer) CloseBranch(repo githubapi.Repository, a githubapi.Attempt, workflow string, known Known, was Branch) BranchClosing {
	b := o.forRun(repo, a, workflow)
	end := doneOf(a, newClassifier(a, known.Executions)).end(a)
	if end.IsZero() {
		end = a.Began()
	}
	b.at = end
	v := Verdict{Run: a.Run.ID, Created: a.Run.CreatedAt, Ended: end}
	if v.Created.IsZero() {
		v.Created = a.Began()
	}
	decided := true
	switch a.Run.Conclusion {
	case "success":
	case "failure", "timed_out", "startup_failure":
		v.Red = true
	default:
		decided = false
	}
	c := BranchClosing{Ended: end}
	var since time.Time
	c.Next, since = was.Close(v, decided)
	if !since.IsZero() {
		switch d := end.Sub(since); {
		case !b.wants(family.BranchRecovery):
		case d < -Slack:
			b.discards = append(b.discards, NegativeDuration)
		default: // a branch may be red for longer than anything may run
			b.add(family.BranchRecovery, max(d.Seconds(), 0))
		}
	}
	c.Samples, c.Discards = b.samples, b.discards
	c.RedSince, c.Failures = b.labelsOf(family.BranchRedSince), b.labelsOf(family.BranchConsecutiveFailures)
	return c
}
