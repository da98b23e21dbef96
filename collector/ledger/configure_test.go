package ledger

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"github_workflow_exporter/collector/family"
)

func layouts(bounds ...float64) map[family.ID][]float64 {
	return map[family.ID][]float64{family.JobDuration: bounds}
}

// reconfigure is tried in both ways: by a reload, and by opening with the new options.
var reconfigure = map[string]func(t *testing.T, l *Ledger, o Options) (*Ledger, []string){
	"reload": func(t *testing.T, l *Ledger, o Options) (*Ledger, []string) {
		w, err := l.Configure(o.Layouts, o.Disabled, o.SeriesLimit)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(w, l.Warnings()) {
			t.Errorf("Warnings() = %q, Configure returned %q", l.Warnings(), w)
		}
		before := dump(t, l)
		o.Layouts, o.Disabled = maps.Clone(o.Layouts), maps.Clone(o.Disabled)
		l = reopen(t, l, o)
		same(t, "reopened after a reload", before, dump(t, l))
		if len(l.Warnings()) != 0 {
			t.Errorf("reopening warns again: %q", l.Warnings())
		}
		return l, w
	},
	"reopen": func(t *testing.T, l *Ledger, o Options) (*Ledger, []string) {
		l = reopen(t, l, o)
		return l, l.Warnings()
	},
}

func TestLayouts(t *testing.T) {
	values := []float64{0, 1, 3, 5, 7, 10, 30, 60, 100}
	for how, configure := range reconfigure {
		for _, c := range []struct {
			name     string
			from, to []float64
			warning  string
			restart  bool
		}{
			{"the same", []float64{1, 5, 10, 60}, []float64{1, 5, 10, 60}, "", false},
			{"fewer", []float64{1, 5, 10, 60}, []float64{5, 60}, "has fewer buckets: its 2 series were folded and go on", false},
			{"one", []float64{1, 5, 10, 60}, []float64{10}, "folded", false},
			{"more", []float64{1, 5}, []float64{1, 5, 10}, "has other buckets: its 2 series restart at 0", true},
			{"others", []float64{1, 5}, []float64{2, 5}, "restart at 0", true},
			{"from the default", nil, []float64{1, 60}, "folded", false},
			{"to the default", []float64{1, 5}, nil, "restart at 0", true},
		} {
			t.Run(how+"/"+c.name, func(t *testing.T) {
				ck := newClock()
				o := ck.options(fastDir(t))
				o.Layouts = layouts(c.from...)
				l := open(t, o)
				for i, v := range values {
					commitBatch(t, l, entries(entry(int64(i+1), duration("a", v), duration("b", v), conclusion("a", "success"))))
				}
				old := find(t, l, family.JobDuration, "a")
				oldState := old.State()
				oldList := l.Series(family.JobDuration)
				ck.pass(time.Hour)

				o.Layouts = layouts(c.to...)
				l, warnings := configure(t, l, o)
				if got := strings.Join(warnings, "\n"); c.warning == "" && got != "" || !strings.Contains(got, c.warning) {
					t.Errorf("warnings %q, want one with %q", warnings, c.warning)
				}
				bounds := c.to
				if bounds == nil {
					bounds = family.Get(family.JobDuration).Buckets
				}
				s := find(t, l, family.JobDuration, "a")
				if diff := cmp.Diff(bounds, s.Bounds()); diff != "" {
					t.Errorf("bounds:\n%s", diff)
				}
				want := newState(bounds)
				want.Updated = start
				if !c.restart {
					for _, v := range values {
						want.observe(bounds, v, nil)
					}
				}
				got := *s.State()
				got.Exemplars = nil
				if diff := cmp.Diff(want, &got); diff != "" {
					t.Errorf("state (-want +got):\n%s", diff)
				}
				if created := s.Created; c.restart != created.Equal(ck.now()) || c.restart != s.Born.Equal(ck.now()) || c.restart == s.Baseline {
					t.Errorf("born %v, created %v, baseline %v, restart %v", s.Born, created, s.Baseline, c.restart)
				}
				if s.ID != old.ID || l.Count(family.JobDuration) != 2 {
					t.Errorf("id %d, was %d; %d series", s.ID, old.ID, l.Count(family.JobDuration))
				}
				// Whoever still holds the old list sees the old layout whole.
				if old.State() != oldState || len(oldState.Buckets) != len(old.Bounds())+1 || oldList[0] != old {
					t.Error("a snapshot taken before has changed")
				}
				// Other families are left alone, and both go on.
				commitBatch(t, l, entries(entry(100, duration("a", 7), conclusion("a", "success"))))
				if got, before := find(t, l, family.JobDuration, "a").State().Count, want.Count; got != before+1 {
					t.Errorf("goes on at %d after %d", got, before)
				}
				if got := find(t, l, family.JobConclusions, "a").State().Value; got != float64(len(values)+1) {
					t.Errorf("another family: %g", got)
				}
				if _, err := checkClosed(t, l); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// checkClosed closes a ledger and checks it.
func checkClosed(t *testing.T, l *Ledger) (Report, error) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return Check(l.dir)
}

func TestFoldDropsExemplarsOnly(t *testing.T) {
	o := newClock().options(fastDir(t))
	l := open(t, o)
	s := duration("a", 3)
	s.Exemplar = &Exemplar{RunID: 1}
	commitBatch(t, l, entries(entry(1, s)))
	if _, err := l.Configure(layouts(1, 5), nil, 0); err != nil {
		t.Fatal(err)
	}
	commitBatch(t, l, entries(entry(2, s)))
	if e := find(t, l, family.JobDuration, "a").State().Exemplars; len(e) != 3 || e[1] == nil {
		t.Errorf("exemplars %v", e)
	}
}

func TestDisabledFamilies(t *testing.T) {
	for how, configure := range reconfigure {
		t.Run(how, func(t *testing.T) {
			c := newClock()
			o := c.options(fastDir(t))
			o.SeriesLimit = 5
			l := open(t, o)
			samples := []Sample{duration("a", 5), conclusion("a", "success"), lastCompletion("success", 100)}
			commitBatch(t, l, entries(entry(1, samples...)))

			o.Disabled = map[family.ID]bool{family.JobDuration: true, family.RunLastCompletion: true}
			l, warnings := configure(t, l, o)
			if len(warnings) != 0 {
				t.Errorf("disabling warns: %q", warnings)
			}
			c.pass(time.Hour)
			r := commitBatch(t, l, entries(entry(2, append(samples, duration("new", 1))...)))
			if len(r.Changed) != 1 || len(r.Recorded) != 1 {
				t.Errorf("with families disabled %+v", r)
			}
			for _, f := range []family.ID{family.JobDuration, family.RunLastCompletion} {
				if len(l.Series(f)) != 0 || l.Count(f) != 0 {
					t.Errorf("%s is disabled and shown", family.Get(f).Name)
				}
			}
			// Other buckets while disabled change nothing yet.
			o.Layouts = layouts(2, 20)
			if l, warnings = configure(t, l, o); len(warnings) != 0 {
				t.Errorf("a layout of a disabled family warns: %q", warnings)
			}

			c.pass(time.Hour)
			o.Disabled = nil
			l, warnings = configure(t, l, o)
			want := []string{
				"github_workflow_job_duration_seconds is enabled again: its 1 series restart at 0",
				"github_workflow_run_last_completion_timestamp_seconds is enabled again: its 1 series were dropped",
			}
			if diff := cmp.Diff(want, warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			s := find(t, l, family.JobDuration, "a")
			if s.State().Count != 0 || s.State().Sum != 0 || !s.Created.Equal(c.now()) || len(s.Bounds()) != 2 {
				t.Errorf("enabled again: %+v %+v", s, s.State())
			}
			// A gauge at 0 would be a time at which nothing happened.
			if n := len(l.Series(family.RunLastCompletion)); n != 0 {
				t.Errorf("%d gauges left", n)
			}
			commitBatch(t, l, entries(entry(3, samples...)))
			if got := find(t, l, family.JobDuration, "a").State().Count; got != 1 {
				t.Errorf("count %d", got)
			}
			if got := find(t, l, family.RunLastCompletion, "success").State().Value; got != 100 {
				t.Errorf("gauge %g", got)
			}
			if got := find(t, l, family.JobConclusions, "a").State().Value; got != 3 {
				t.Errorf("the family that was never disabled: %g", got)
			}
			if _, err := checkClosed(t, l); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestOtherLabels: a family whose labels differ in this version starts anew instead of mixing them.
func TestOtherLabels(t *testing.T) {
	o := newClock().options(fastDir(t))
	l := open(t, o)
	commitBatch(t, l, entries(entry(1, duration("a", 5), conclusion("a", "success"))))
	err := l.db.Update(func(tx *bolt.Tx) error {
		f := family.Get(family.JobConclusions)
		rec := familyRecord{Number: l.families[f.ID].number, Kind: byte(f.Kind), Labels: append([]string{"old"}, f.Labels[1:]...)}
		return put(tx, familyTable, []byte(f.Name), appendFamily(begin(), rec))
	})
	if err != nil {
		t.Fatal(err)
	}
	l = reopen(t, l, o)
	if w := l.Warnings(); len(w) != 1 || !strings.Contains(w[0], "job_conclusions_total has other labels in this version: its 1 series were dropped") {
		t.Errorf("warnings %q", w)
	}
	if len(l.Series(family.JobConclusions)) != 0 || len(l.Series(family.JobDuration)) != 1 {
		t.Error("not exactly that family was dropped")
	}
	commitBatch(t, l, entries(entry(2, conclusion("a", "success"))))
	if l = reopen(t, l, o); len(l.Warnings()) != 0 || find(t, l, family.JobConclusions, "a").State().Value != 1 {
		t.Errorf("afterwards: %q", l.Warnings())
	}
}

func TestRefusedConfiguration(t *testing.T) {
	o := newClock().options(fastDir(t))
	l := open(t, o)
	commitBatch(t, l, entries(entry(1, duration("a", 5))))
	before := dump(t, l)
	for _, c := range []struct {
		name    string
		layouts map[family.ID][]float64
		limit   int
		want    string
	}{
		{"descending", layouts(5, 1), 0, "buckets of github_workflow_job_duration_seconds: bound 2, 1, is not above"},
		{"twice", layouts(1, 1), 0, "is not above"},
		{"infinite", layouts(1, math.Inf(1)), 0, "+Inf is added by itself"},
		{"not a number", layouts(math.NaN()), 0, "bounds are finite"},
		{"no family", map[family.ID][]float64{99: {1}}, 0, "no family 99"},
		{"negative limit", nil, -1, "limit -1"},
	} {
		if _, err := l.Configure(c.layouts, nil, c.limit); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
		}
		bad := o
		bad.Dir, bad.Layouts, bad.SeriesLimit = fastDir(t), c.layouts, c.limit
		if _, err := Open(bad); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Open: %v, want an error with %q", c.name, err, c.want)
		}
	}
	same(t, "refused configurations changed the ledger", before, dump(t, l))
}
