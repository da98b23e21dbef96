package observe

import (
	"hash/fnv"

	"github_workflow_exporter/githubapi"
)

// flaked tells whether a job that succeeded in a re-run is a flake: the latest execution of the same name in an earlier
// attempt failed or timed out. What was not recorded, as attempts before since, is not known of.
func flaked(a githubapi.Attempt, j githubapi.Job, recorded []Execution) bool {
	if a.Number <= 1 || j.Conclusion != "success" {
		return false
	}
	name := nameSum(j.Name)
	var last Execution
	for _, e := range recorded {
		if e.Name == name && e.Attempt < a.Number && (last.ID == 0 || follows(e, last)) {
			last = e
		}
	}
	return last.Failed
}

// follows tells whether one execution of a name is later than another.
func follows(e, last Execution) bool {
	switch {
	case e.Attempt != last.Attempt:
		return e.Attempt > last.Attempt
	case !e.Ended.Equal(last.Ended):
		return e.Ended.After(last.Ended)
	}
	return e.ID > last.ID
}

// nameSum stands for a job's name. It is stored, so it must not change between releases; 0 is that of none.
func nameSum(name string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(name)) // never fails
	return max(h.Sum32(), 1)
}
