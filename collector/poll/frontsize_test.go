package poll

import (
	"testing"
	"time"

	"github_workflow_exporter/githubapi"
)

func TestFrontSize(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	// list makes the runs of a page, of which the first so many began just now and the one at a place goes on.
	list := func(runs, young, open int) []githubapi.Run {
		page := make([]githubapi.Run, runs)
		for i := range page {
			page[i] = githubapi.Run{Status: "completed", CreatedAt: now.Add(-time.Hour)}
			if i < young {
				page[i].CreatedAt = now
			}
		}
		if open > 0 {
			page[open-1].Status = "in_progress"
		}
		return page
	}
	since := now.Add(-30 * time.Minute)
	var s frontSize
	wants := func(answered, size int) {
		t.Helper()
		if got := s.ask(answered); got != size {
			t.Errorf("%d are asked for of %d, want %d", got, answered, size)
		}
	}
	wants(100, 100)
	wants(50, 50)
	learn := func(runs []githubapi.Run, times int) {
		for range times {
			s.learn(runs, len(runs), since)
		}
	}
	learn(list(100, 3, 0), lessOften-1)
	wants(100, 100)
	learn(list(100, 60, 0), 1) // not in a row
	learn(list(100, 3, 0), lessOften-1)
	wants(100, 100)
	learn(list(100, 3, 0), 1)
	wants(100, 10)
	learn(list(10, 4, 0), 5)
	wants(100, 10)
	learn(list(10, 2, 9), 1) // one goes on that would leave the page
	wants(100, 25)
	s.learn(list(25, 25, 0), 70, since) // more came than a page holds
	wants(100, 100)
	wants(50, 50)
	learn(list(100, 20, 0), lessOften)
	wants(100, 25)
	// A list that is short by itself stays as it is: under another size it would have to be read anew.
	s = frontSize{}
	learn(list(8, 1, 0), 2*lessOften)
	wants(100, 100)
}
