package collector

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/observe"
)

// TestLiveIsShared: a repository with a label set for each of its runs leaves the others theirs, wherever they stand in the
// order of names, and nothing is lost: what has no room is counted together.
func TestLiveIsShared(t *testing.T) {
	const limit = 100
	for _, c := range []struct {
		name string
		sets map[int64]int // by repository
		want map[int64]int
		over float64
	}{
		{"room for all", map[int64]int{1: 60, 2: 20, 3: 20}, map[int64]int{1: 60, 2: 20, 3: 20}, 0},
		{"a flood", map[int64]int{1: 300, 2: 20}, map[int64]int{1: 80, 2: 20}, 220},
		{"a flood between others", map[int64]int{1: 20, 2: 300, 3: 20}, map[int64]int{1: 20, 2: 60, 3: 20}, 240},
		{"three floods", map[int64]int{1: 300, 2: 300, 3: 300, 4: 10}, map[int64]int{1: 30, 2: 30, 3: 30, 4: 10}, 810},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := NewLive(time.Now)
			l.Configure(limit, 0)
			f := family.Get(family.JobsNow)
			at := slices.Index(f.Labels, family.Repository)
			for repository, n := range c.sets {
				for i := range n {
					values := make([]string, len(f.Labels))
					for j := range values {
						values[j] = fmt.Sprint(i)
					}
					values[at] = fmt.Sprint("octo/", repository)
					l.set(repository, int64(i+1), []observe.LiveJob{{ID: 1, Samples: []observe.Sample{{Family: f.ID, Values: values, Value: 1}}}})
				}
			}
			got, over := map[int64]int{}, 0.0
			for _, v := range l.Live() {
				var repository int64
				if _, err := fmt.Sscanf(v.Values[at], "octo/%d", &repository); err != nil {
					over += v.Value
					continue
				}
				got[repository]++
			}
			if diff := cmp.Diff(c.want, got); diff != "" || over != c.over {
				t.Errorf("over the limit %v, want %v; (-want +got):\n%s", over, c.over, diff)
			}
		})
	}
}

// TestDeliveredJobs: deliveries come in any order and pages lag behind them; what is over stays over, and what nobody confirms
// is not shown for ever.
func TestDeliveredJobs(t *testing.T) {
	const repository, run = 1, 7
	now := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	var l *Live
	state := func(id int64, runs bool) []observe.LiveJob {
		status := "queued"
		if runs {
			status = "in_progress"
		}
		values := []string{"octo/app", "CI", fmt.Sprint("label-", id), status}
		return []observe.LiveJob{{ID: id, Runs: runs, Samples: []observe.Sample{{Family: family.JobsNow, Values: values, Value: 1}}}}
	}
	queued := func(id int64) { l.deliver(repository, run, id, state(id, false)) }
	running := func(id int64) { l.deliver(repository, run, id, state(id, true)) }
	over := func(id int64) { l.deliver(repository, run, id, nil) }
	page := func(jobs ...[]observe.LiveJob) { l.set(repository, run, slices.Concat(jobs...)) }
	for name, test := range map[string]struct {
		do   func()
		want []string
	}{
		"in order":                        {func() { queued(1); running(1) }, []string{"1 in_progress"}},
		"out of order":                    {func() { running(1); queued(1) }, []string{"1 in_progress"}},
		"over":                            {func() { queued(1); running(1); over(1) }, nil},
		"over before all":                 {func() { over(1); running(1); queued(1) }, nil},
		"a page confirms":                 {func() { queued(1); page(state(1, false)) }, []string{"1 queued"}},
		"a page lags":                     {func() { running(1); page(state(1, false), state(2, false)) }, []string{"1 in_progress", "2 queued"}},
		"a page does not list it yet":     {func() { queued(1); page() }, []string{"1 queued"}},
		"a page does not list it later":   {func() { queued(1); now = now.Add(deliveredFor + time.Second); page(state(2, false)) }, []string{"2 queued"}},
		"a page knows more":               {func() { queued(1); page(state(1, true)) }, []string{"1 in_progress"}},
		"a page lists what is over":       {func() { over(1); page(state(1, true), state(2, true)) }, []string{"2 in_progress"}},
		"nobody confirms it":              {func() { queued(1); now = now.Add(time.Hour) }, nil},
		"another of the run is delivered": {func() { queued(1); now = now.Add(time.Hour); queued(2) }, []string{"2 queued"}},
		"the run is confirmed":            {func() { queued(1); now = now.Add(time.Hour); l.confirm(repository, run) }, []string{"1 queued"}},
		"the run is over":                 {func() { queued(1); l.forget(repository, run) }, nil},
		"without ids":                     {func() { page(state(0, true), state(0, true)) }, []string{"0 in_progress", "0 in_progress"}},
	} {
		l = NewLive(func() time.Time { return now })
		l.Configure(100, 20*time.Minute)
		test.do()
		var got []string
		for _, v := range l.Live() {
			for range int(v.Value) {
				got = append(got, v.Values[2][len("label-"):]+" "+v.Values[3])
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	l = NewLive(func() time.Time { return now })
	for id := range int64(maxDelivered + 10) {
		over(id + 1)
	}
	if len(l.final) != maxDelivered {
		t.Errorf("of %d jobs it is known that they are over", len(l.final))
	}
	now = now.Add(2 * finalFor)
	over(1_000_000)
	if len(l.final) != 1 {
		t.Errorf("%d are known hours later", len(l.final))
	}
}
