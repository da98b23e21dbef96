package observe

import "github_workflow_exporter/githubapi"

// What held a job back while it waited; values of the label held. Without either it waited for a runner.
const (
	HeldByApproval    = "approval"    // of a person, or a protection rule
	HeldByConcurrency = "concurrency" // another job or run of its concurrency group
)

// Held is what a job was seen held back by.
type Held struct {
	ID int64
	By string
}

// HeldBack lists the jobs of an attempt that are held back as it was read, by id.
func HeldBack(a githubapi.Attempt) []Held {
	var held []Held
	for _, j := range a.Jobs {
		switch {
		case j.ID == 0:
		case j.Status == waiting:
			held = append(held, Held{j.ID, HeldByApproval})
		case j.Status == pending:
			held = append(held, Held{j.ID, HeldByConcurrency})
		}
	}
	return held
}

// heldBy is what a job was seen held back by: an approval, if it ever was, for that is what a person can do something
// about.
func heldBy(held []Held, job int64) string {
	by := ""
	for _, h := range held {
		if h.ID == job && by != HeldByApproval {
			by = h.By
		}
	}
	return by
}
