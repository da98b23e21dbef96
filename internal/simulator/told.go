package simulator

// What the answers have told of jobs, for a truth that depends on it: annotations that were read, and what held a job back
// while it was looked at.
type told struct {
	annotated map[int64]bool // by job id
	runs      map[int64]bool // by run id
	held      map[int64]string
}

func newTold() *told {
	return &told{annotated: map[int64]bool{}, runs: map[int64]bool{}, held: map[int64]string{}}
}

// show notes in which state an answer showed a job.
func (s *told) show(job int64, status string) {
	switch {
	case status == waiting:
		s.held[job] = "approval"
	case status == pending && s.held[job] == "":
		s.held[job] = "concurrency"
	}
}

// forget lets go of a run's jobs once they are added up.
func (s *told) forget(n *run) {
	delete(s.runs, n.plan.ID)
	for i := range n.plan.Attempts {
		for k := range n.plan.Attempts[i].Jobs {
			delete(s.annotated, n.plan.Attempts[i].Jobs[k].ID)
			delete(s.held, n.plan.Attempts[i].Jobs[k].ID)
		}
	}
}

func (s *tally) reads(j *JobPlan) bool { return s.told != nil && s.told.annotated[j.ID] }
func (s *tally) readsRun(n *run) bool  { return s.told != nil && s.told.runs[n.plan.ID] }
func (s *tally) held(j *JobPlan) string {
	if s.told == nil {
		return ""
	}
	return s.told.held[j.ID]
}
