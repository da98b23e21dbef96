package ledger

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github_workflow_exporter/collector/family"
)

// The model's worlds are small so that everything meets everything.
func drawSamples(t *rapid.T) []Sample {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Sample {
		f := family.Get(rapid.SampledFrom([]family.ID{family.JobDuration, family.JobConclusions, family.RunLastCompletion}).Draw(t, "family"))
		values := make([]string, len(f.Labels))
		for i := range values {
			values[i] = "v"
		}
		if f.Kind == family.Gauge {
			values[0] = rapid.SampledFrom([]string{"x", "y", "relabelled"}).Draw(t, "name")
		}
		values[2] = rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "job")
		values[len(values)-1] = rapid.SampledFrom([]string{"success", "failure"}).Draw(t, "conclusion")
		value := 1.0
		if f.Kind != family.Counter {
			value = float64(rapid.IntRange(0, 20).Draw(t, "value"))
		}
		return Sample{Family: f.ID, Values: values, Value: value}
	}), 0, 4).Draw(t, "samples")
}

func drawTime(t *rapid.T, what string) time.Time {
	if n := rapid.IntRange(-1, 40).Draw(t, what); n >= 0 {
		return start.Add(time.Duration(n) * time.Hour)
	}
	return time.Time{}
}

func drawBatch(t *rapid.T, m *model) Batch {
	reasons := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Discard {
		return Discard{Reason: rapid.SampledFrom([]string{"missing_time", "negative_duration"}).Draw(t, "reason"),
			Count: rapid.Uint64Range(0, 9).Draw(t, "count")}
	}), 0, 2)
	b := Batch{Repository: rapid.Int64Range(1, 2).Draw(t, "repository")}
	if _, known := m.accounts[b.Repository]; !known || rapid.Bool().Draw(t, "account") {
		b.Account = &Account{ID: b.Repository, Name: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "name"), Since: start.Add(-time.Hour),
			Swept: rapid.Bool().Draw(t, "swept"), Through: drawTime(t, "through"), Pruned: drawTime(t, "pruned")}
	}
	b.Entries = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Entry {
		e := Entry{Run: rapid.Int64Range(-2, 3).Draw(t, "run"), ID: rapid.Int64Range(-3, 12).Draw(t, "job"),
			Attempt: rapid.IntRange(1, 2).Draw(t, "attempt"), Fingerprint: rapid.Uint64().Draw(t, "fingerprint"),
			Name: rapid.Uint32().Draw(t, "job name"), Failed: rapid.Bool().Draw(t, "failed"), Ended: drawTime(t, "ended"),
			Reason: rapid.SampledFrom([]string{"", "step", "timeout"}).Draw(t, "why")}
		if rapid.IntRange(0, 3).Draw(t, "omit") == 0 {
			e.Omitted = rapid.SampledFrom([]string{"carried_over", "check_run"}).Draw(t, "omitted")
			return e
		}
		e.Discards, e.Samples = reasons.Draw(t, "discards"), drawSamples(t)
		return e
	}), 0, 5).Draw(t, "entries")
	b.Runs = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) RunChange {
		rc := RunChange{Run: rapid.Int64Range(-2, 3).Draw(t, "run"), Created: drawTime(t, "created"), Started: drawTime(t, "started"),
			Open: rapid.Bool().Draw(t, "open")}
		for range rapid.IntRange(0, 2).Draw(t, "closings") {
			rc.Close = append(rc.Close, Closing{Attempt: rapid.IntRange(1, 3).Draw(t, "attempt"), Samples: drawSamples(t),
				Discards: reasons.Draw(t, "discards"), Branch: drawBranch(t)})
		}
		for range rapid.IntRange(0, 2).Draw(t, "held jobs") {
			rc.Held = append(rc.Held, Held{ID: rapid.Int64Range(1, 12).Draw(t, "held"), By: rapid.SampledFrom([]string{"approval", "concurrency"}).Draw(t, "by")})
		}
		return rc
	}), 0, 2).Draw(t, "runs")
	if rapid.Bool().Draw(t, "names") {
		b.WorkflowNames = map[int64]string{rapid.Int64Range(1, 2).Draw(t, "workflow"): rapid.SampledFrom([]string{"p", "q"}).Draw(t, "called")}
	}
	return b
}

func drawBranch(t *rapid.T) *BranchChange {
	if rapid.Bool().Draw(t, "no branch") {
		return nil
	}
	s := BranchState{Failures: rapid.IntRange(0, 1000).Draw(t, "failures"), Ended: stored(start), SinceLabels: []string{"octo/repo", "CI", "main"}}
	for range rapid.IntRange(0, 3).Draw(t, "verdicts") {
		s.Runs = append(s.Runs, Verdict{Run: rapid.Int64().Draw(t, "of run"), Created: drawTime(t, "run created"), Red: rapid.Bool().Draw(t, "red")})
	}
	return &BranchChange{Workflow: 1, Name: rapid.SampledFrom([]string{"main", "release"}).Draw(t, "branch"), State: s}
}

// TestModel does random things to a ledger and to the model and compares them, reopening the file in between.
func TestModel(t *testing.T) {
	root := fastDir(t)
	if err := os.MkdirAll(root, 0o700); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(root, "")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		c := newClock()
		m := &model{clock: c, disabled: map[family.ID]bool{}, bounds: map[family.ID][]float64{}, accounts: map[int64]Account{},
			names: map[string]string{}, runs: map[[2]int64]*modelRun{}, branches: map[branchKey]BranchState{}, totals: map[string]int{}, overflow: map[family.ID]uint64{}}
		for _, f := range family.All() {
			m.bounds[f.ID] = f.Buckets
		}
		o := c.options(dir)
		l, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { l.Close() }()
		drawOptions := func(t *rapid.T) {
			bounds := rapid.SampledFrom([][]float64{nil, {1, 5, 10}, {5}, {1, 10}, {2, 10}}).Draw(t, "bounds")
			o.Layouts = layouts(bounds...)
			o.Disabled = map[family.ID]bool{}
			if rapid.IntRange(0, 3).Draw(t, "disable") == 0 {
				o.Disabled[rapid.SampledFrom([]family.ID{family.JobDuration, family.JobConclusions, family.RunLastCompletion}).Draw(t, "disabled")] = true
			}
			o.SeriesLimit = rapid.SampledFrom([]int{0, 1, 2, 3, 4, 6, 8, 12}).Draw(t, "limit")
			m.configure(o.Layouts, o.Disabled, o.SeriesLimit)
		}
		commit := func(t *rapid.T) {
			b := drawBatch(t, m)
			recorded, closed := m.commit(b)
			r, err := l.Commit(context.Background(), b)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(r.Recorded, recorded) || r.Closed != closed {
				t.Fatalf("Recorded %v, Closed %d, model %v, %d", r.Recorded, r.Closed, recorded, closed)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"commit":  commit,
			"commit2": commit,
			"commit3": commit,
			"pass":    func(t *rapid.T) { c.pass(time.Duration(rapid.IntRange(1, 10).Draw(t, "hours")) * time.Hour) },
			"reopen": func(t *rapid.T) {
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				if rapid.Bool().Draw(t, "with other options") {
					drawOptions(t)
				}
				if l, err = Open(o); err != nil {
					t.Fatal(err)
				}
				m.zero = 0 // until it is told
			},
			"reveal": func(t *rapid.T) {
				zero := time.Duration(rapid.IntRange(0, 15).Draw(t, "zero")) * time.Hour
				m.reveal(zero)
				if _, err := l.Reveal(context.Background(), zero); err != nil {
					t.Fatal(err)
				}
			},
			"configure": func(t *rapid.T) {
				drawOptions(t)
				if _, err := l.Configure(o.Layouts, o.Disabled, o.SeriesLimit); err != nil {
					t.Fatal(err)
				}
			},
			"expire": func(t *rapid.T) {
				ttl, watched := time.Duration(rapid.IntRange(1, 20).Draw(t, "ttl"))*time.Hour, rapid.Int64Range(1, 3).Draw(t, "watched")
				removed, err := l.Expire(context.Background(), c.t, ttl, func(repo int64) bool { return repo == watched })
				if err != nil {
					t.Fatal(err)
				}
				if n := m.expire(ttl, watched); n != len(removed) {
					t.Fatalf("%d expired, model %d", len(removed), n)
				}
			},
			"prune": func(t *rapid.T) {
				repo, before := rapid.Int64Range(1, 2).Draw(t, "repository"), start.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "before"))*time.Hour)
				if _, known := m.accounts[repo]; !known {
					t.Skip("no account")
				}
				n, err := l.Prune(context.Background(), repo, before)
				if err != nil {
					t.Fatal(err)
				}
				if want := m.prune(repo, before); n != want {
					t.Fatalf("%d pruned, model %d", n, want)
				}
			},
			"": func(t *rapid.T) { m.check(t, l) },
		})
	})
}
