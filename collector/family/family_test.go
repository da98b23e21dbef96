package family

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	metricName := regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
	seen := map[string]bool{}
	for i, f := range All() {
		if f.ID != ID(i) || Get(f.ID).Name != f.Name {
			t.Errorf("%s: has ID %d at place %d", f.Name, f.ID, i)
		}
		if got, ok := ByName(f.Name); !ok || got.ID != f.ID {
			t.Errorf("%s: not found by its name", f.Name)
		}
		if seen[f.Name] || !metricName.MatchString(f.Name) || !strings.HasPrefix(f.Name, "github_workflow_") {
			t.Errorf("%s: not a name of its own in the legacy character set under our prefix", f.Name)
		}
		seen[f.Name] = true
		if (f.Kind == Counter) != strings.HasSuffix(f.Name, "_total") {
			t.Errorf("%s: _total is for counters, and for all of them", f.Name)
		}
		if f.Help == "" || !strings.HasSuffix(f.Help, ".") {
			t.Errorf("%s: help must be a sentence", f.Name)
		}
		for _, label := range f.Labels {
			// job and instance are what Prometheus itself calls targets.
			if !metricName.MatchString(label) || label == "job" || label == "instance" || label == "le" {
				t.Errorf("%s: label %s", f.Name, label)
			}
		}
		if f.Labels[0] != Repository || slices.Compact(slices.Sorted(slices.Values(f.Labels)))[0] == "" {
			t.Errorf("%s: labels %v", f.Name, f.Labels)
		}
	}
	if len(seen) != 22 {
		t.Errorf("%d families", len(seen))
	}
}

func TestHistogramsHaveBoundsAndAGroup(t *testing.T) {
	for _, f := range All() {
		grouped := f.Kind == Histogram && f.ID != BranchRecovery // whose bounds are fixed
		if (f.Kind == Histogram) != (len(f.Buckets) > 0) || grouped != slices.Contains(BucketGroups(), f.BucketGroup) {
			t.Errorf("%s: buckets %v of group %q", f.Name, f.Buckets, f.BucketGroup)
			continue
		}
		for i, bound := range f.Buckets {
			if bound <= 0 || math.IsInf(bound, 0) || i > 0 && bound <= f.Buckets[i-1] {
				t.Errorf("%s: bound %v after %v", f.Name, bound, f.Buckets[:i])
			}
		}
		if f.Kind == Histogram && f.Buckets[len(f.Buckets)-1] < 86400 {
			t.Errorf("%s: bounds must reach a day", f.Name)
		}
	}
}

func TestAllIsTheCallersOwn(t *testing.T) {
	All()[0].Name = "changed"
	if Get(0).Name == "changed" {
		t.Error("the table can be changed from outside")
	}
}

func TestByNameOfAnother(t *testing.T) {
	if f, ok := ByName("up"); ok {
		t.Errorf("found %v", f)
	}
}
