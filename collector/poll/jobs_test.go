package poll

import (
	"strings"
	"testing"
	"time"

	"github_workflow_exporter/githubapi"
)

// However many attempts wait to be closed, and however large they are, what is remembered of them is bounded.
func TestJobsThatAreRememberedAreBounded(t *testing.T) {
	r := newOpenRuns(&site{})
	reader := jobsReader{site: r.site, runs: r}
	steps := make([]githubapi.Step, 1000)
	for i := range steps {
		steps[i].Name = strings.Repeat("s", 1000)
	}
	for id := range int64(100) {
		open := newOpenRun(id+1, nil, time.Time{})
		r.open[open.run.ID] = open
		open.over = reader.keep(jobsRead{attempt: 1, jobs: []githubapi.Job{{ID: id + 1, Steps: steps}}, pages: []jobsPage{{}}})
	}
	whole, bytes := 0, 0
	for _, open := range r.open {
		if open.over.attempt != 1 {
			t.Fatal("it is not remembered that its jobs were read")
		}
		if len(open.over.pages) > 0 {
			whole++
		}
		for _, job := range open.over.jobs {
			bytes += weight(job)
		}
	}
	if whole != 26 || bytes > maxKeptBytes {
		t.Errorf("%d of 100 attempts are remembered, %d bytes, want 26 of them and at most %d bytes", whole, bytes, maxKeptBytes)
	}
}
