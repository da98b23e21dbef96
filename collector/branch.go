package collector

import (
	"hash/fnv"

	"github_workflow_exporter/collector/ledger"
	"github_workflow_exporter/collector/observe"
	"github_workflow_exporter/githubapi"
)

// workflowKey is under which workflow a run's branch is remembered: its id, or where the server does not tell it a number
// made of its name, below 0, where no id is.
func workflowKey(run githubapi.Run, name string) int64 {
	if run.WorkflowID != 0 {
		return run.WorkflowID
	}
	h := fnv.New64a()
	h.Write([]byte(name)) // never fails
	return -int64(h.Sum64()>>1) - 1
}

func branch(s ledger.BranchState) observe.Branch {
	b := observe.Branch{Behind: observe.Verdict(s.Behind)}
	for _, v := range s.Runs {
		b.Runs = append(b.Runs, observe.Verdict(v))
	}
	return b
}

func branchState(b observe.BranchClosing) ledger.BranchState {
	s := ledger.BranchState{
		Behind: ledger.Verdict(b.Next.Behind), Ended: b.Ended, SinceLabels: b.RedSince, FailuresLabels: b.Failures,
	}
	for _, v := range b.Next.Runs {
		s.Runs = append(s.Runs, ledger.Verdict(v))
	}
	if streak := b.Next.Streak(); len(streak) > 0 {
		s.RedSince, s.Failures = streak[0].Ended, len(streak)
	}
	return s
}
