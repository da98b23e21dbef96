package observe

import (
	"fmt"
	"testing"

	"github_workflow_exporter/collector/relabel"
	"github_workflow_exporter/githubapi"
)

func BenchmarkJobs(b *testing.B) {
	tenSteps := job(func(j *githubapi.Job) {
		j.Labels = []string{"self-hosted", "Linux", "X64"}
		j.RunnerName = "linux-x64-dv8bd-runner-9wvt5"
		j.Steps = nil
		for i := range 10 {
			j.Steps = append(j.Steps, step(fmt.Sprintf("step %d", i), float64(i), float64(i+1)))
		}
	})
	drop := relabel.Default()
	drop.Action, drop.SourceLabels = relabel.Drop, []string{"__event__"}
	drop.Regex, _ = relabel.NewRegexp("release")
	for _, bb := range []struct {
		name string
		o    Options
	}{{"plain", Options{}}, {"relabelled", Options{Relabel: []relabel.Rule{drop}}}} {
		b.Run(bb.name+"/10steps", func(b *testing.B) {
			o, a := New(bb.o), attempt(1, tenSteps)
			b.ReportAllocs()
			for b.Loop() {
				if jobs := o.Jobs(repo, a, "CI", Known{}, false); len(jobs[0].Samples) != 25 {
					b.Fatalf("%d samples", len(jobs[0].Samples))
				}
			}
		})
	}
}
