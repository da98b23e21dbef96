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
					l.set(repository, int64(i+1), []observe.Sample{{Family: f.ID, Values: values, Value: 1}})
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
