package observe

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/githubapi"
)

// closed is the closing of a run of the branch: created in that minute, ended in that one.
type closed struct {
	run            int64
	created, ended float64
	how            string // red, green or none
}

func (c closed) verdict() (Verdict, bool) {
	return Verdict{Run: c.run, Created: at(c.created * 60), Ended: at(c.ended * 60), Red: c.how == "red"}, c.how != "none"
}

func TestStreak(t *testing.T) {
	for _, tt := range []struct {
		name      string
		closings  []closed
		failures  int
		since     float64 // the minute, 0 for green
		recovered []float64
	}{
		{"nothing", nil, 0, 0, nil},
		{"green", []closed{{1, 1, 2, "green"}}, 0, 0, nil},
		{"red", []closed{{1, 1, 2, "red"}}, 1, 2, nil},
		{"red twice", []closed{{1, 1, 2, "red"}, {2, 3, 4, "red"}}, 2, 2, nil},
		{"green ends it", []closed{{1, 1, 2, "red"}, {2, 3, 4, "red"}, {3, 5, 6, "green"}}, 0, 0, []float64{2}},
		{"green again", []closed{{1, 1, 2, "red"}, {2, 3, 4, "green"}, {3, 5, 6, "green"}}, 0, 0, []float64{2}},
		{"red anew", []closed{{1, 1, 2, "red"}, {2, 3, 4, "green"}, {3, 5, 6, "red"}}, 1, 6, []float64{2}},
		{"since the end of the first by creation", []closed{{1, 1, 9, "red"}, {2, 3, 4, "red"}}, 2, 9, nil},
		{"in another order", []closed{{2, 3, 4, "red"}, {1, 1, 9, "red"}}, 2, 9, nil},
		{"a red one that ends late", []closed{{2, 3, 4, "green"}, {1, 1, 9, "red"}}, 0, 0, nil},
		{"a green one that ends late", []closed{{1, 1, 2, "red"}, {3, 5, 6, "red"}, {2, 3, 9, "green"}}, 1, 6, nil},
		{"late green before all of them", []closed{{2, 3, 4, "red"}, {1, 1, 9, "green"}}, 1, 4, nil},
		{"what closes after a recovery changes none", []closed{{1, 1, 2, "red"}, {3, 5, 6, "green"}, {2, 3, 9, "red"}}, 0, 0, []float64{2}},
		{"cancelled decides nothing", []closed{{1, 1, 2, "red"}, {2, 3, 4, "none"}, {3, 5, 6, "red"}}, 2, 2, nil},
		{"run again and green", []closed{{1, 1, 2, "red"}, {1, 1, 7, "green"}}, 0, 0, []float64{2}},
		{"run again and red: its later end counts", []closed{{1, 1, 2, "red"}, {2, 3, 4, "red"}, {1, 1, 7, "red"}}, 2, 7, nil},
		{"the first run again and green", []closed{{1, 1, 2, "red"}, {2, 3, 4, "red"}, {1, 1, 7, "green"}}, 1, 4, nil},
		{"the last run again and green", []closed{{1, 1, 2, "red"}, {2, 3, 4, "red"}, {2, 3, 7, "green"}}, 0, 0, []float64{2}},
		{"green run again and red: what was before it is back", []closed{{1, 1, 2, "red"}, {2, 3, 4, "green"}, {2, 3, 8, "red"}}, 2, 2, []float64{2}},
		{"and green once more: recovered twice, for it was red twice", []closed{{1, 1, 2, "red"}, {2, 3, 4, "green"}, {2, 3, 8, "red"}, {3, 9, 10, "green"}}, 0, 0, []float64{2, 2}},
		{"run again and cancelled: taken back", []closed{{1, 1, 2, "red"}, {1, 1, 7, "none"}}, 0, 0, nil},
		{"green run again and cancelled", []closed{{1, 1, 2, "red"}, {2, 3, 4, "green"}, {2, 3, 8, "none"}}, 1, 2, []float64{2}},
		{"created together: by id", []closed{{1, 1, 2, "red"}, {2, 1, 3, "green"}}, 0, 0, []float64{2}},
		{"created together: by id, the other way", []closed{{2, 1, 2, "red"}, {1, 1, 3, "green"}}, 1, 2, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b Branch
			var recovered []float64
			for _, c := range tt.closings {
				var since time.Time
				if b, since = b.Close(c.verdict()); !since.IsZero() {
					recovered = append(recovered, since.Sub(start).Minutes())
				}
			}
			streak := b.Streak()
			since := 0.0
			if len(streak) > 0 {
				since = streak[0].Ended.Sub(start).Minutes()
			}
			if len(streak) != tt.failures || since != tt.since {
				t.Errorf("%d failures since %g, want %d since %g", len(streak), since, tt.failures, tt.since)
			}
			if diff := cmp.Diff(tt.recovered, recovered); diff != "" {
				t.Errorf("recovered from (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStreaksAreBounded(t *testing.T) {
	var b Branch
	for i := range int64(3 * MaxStreak) {
		b, _ = b.Close(closed{i + 1, float64(i), float64(i), "red"}.verdict())
	}
	if s := b.Streak(); len(s) != MaxStreak || s[0].Run != 1 || s[len(s)-1].Run != 3*MaxStreak {
		t.Errorf("%d runs from %d to %d", len(s), s[0].Run, s[len(s)-1].Run)
	}
	b, since := b.Close(closed{9000, 9000, 9001, "green"}.verdict())
	if !since.Equal(at(0)) || len(b.Runs) > history+1 {
		t.Errorf("red since %v, %d runs remembered", since, len(b.Runs))
	}
	for i := range int64(50) {
		b, _ = b.Close(closed{9001 + i, float64(9001 + i), float64(9001 + i), "green"}.verdict())
	}
	if len(b.Runs) != history+1 || b.Behind.Run != 9050-history-1 {
		t.Errorf("%d runs, those up to %d forgotten", len(b.Runs), b.Behind.Run)
	}
	// What is forgotten cannot come back out of order.
	if b, since := b.Close(closed{5, 5, 9999, "red"}.verdict()); len(b.Streak()) != 0 || !since.IsZero() || len(b.Runs) != history+1 {
		t.Errorf("an old run that closes late: %+v", b.Streak())
	}
}

// Whatever is closed in whatever order, the streak is what all closings together make it.
func TestStreakByAllClosings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Branch
		all := map[int64]Verdict{}
		recoveries, greens := 0, 0
		for range rapid.IntRange(0, 40).Draw(t, "closings") {
			run := rapid.Int64Range(1, 12).Draw(t, "run") // never more than are remembered
			c := closed{run, float64(run / 2), float64(rapid.IntRange(0, 50).Draw(t, "ended")), rapid.SampledFrom([]string{"red", "green", "none"}).Draw(t, "how")}
			v, decided := c.verdict()
			var since time.Time
			before := b.Streak()
			b, since = b.Close(v, decided)
			delete(all, run)
			if decided {
				all[run] = v
			}
			if c.how == "green" {
				greens++
			}
			if !since.IsZero() {
				recoveries++
				if len(before) == 0 || !since.Equal(before[0].Ended) || c.how != "green" || len(b.Streak()) != 0 {
					t.Fatalf("%+v recovers from %v since %v", c, before, since)
				}
			}
			var runs []Verdict
			for _, v := range all {
				runs = append(runs, v)
			}
			slices.SortFunc(runs, Verdict.compare)
			want := []Verdict{}
			for _, v := range runs {
				if want = append(want, v); !v.Red {
					want = want[:0]
				}
			}
			if diff := cmp.Diff(want, append([]Verdict{}, b.Streak()...)); diff != "" {
				t.Fatalf("after %+v (-want +got):\n%s", c, diff)
			}
		}
		if recoveries > greens {
			t.Fatalf("%d recoveries by %d successes", recoveries, greens)
		}
	})
}

func TestCloseBranch(t *testing.T) {
	runOf := func(conclusion string, jobs ...githubapi.Job) githubapi.Attempt {
		a := attempt(1, jobs...)
		a.Run.Conclusion = conclusion
		return a
	}
	red := Branch{Runs: []Verdict{{Run: 1, Created: at(-600), Ended: at(-300), Red: true}}}
	later := Branch{Runs: []Verdict{{Run: 1, Created: at(-600), Ended: at(300), Red: true}}}
	for _, tt := range []struct {
		name     string
		attempt  githubapi.Attempt
		was      Branch
		failures int
		recovery []float64
		discards []string
	}{
		{"success", runOf("success", job()), red, 0, []float64{370}, nil},
		{"failure", runOf("failure", job()), red, 2, nil, nil},
		{"timed out", runOf("timed_out", job()), red, 2, nil, nil},
		{"not startable", runOf("startup_failure"), red, 2, nil, nil},
		{"cancelled", runOf("cancelled", job()), red, 1, nil, nil},
		{"skipped", runOf("skipped"), red, 1, nil, nil},
		{"neutral", runOf("neutral", job()), red, 1, nil, nil},
		{"in need of an action", runOf("action_required"), red, 1, nil, nil},
		{"an unknown word", runOf("invented", job()), red, 1, nil, nil},
		{"clocks disagree", runOf("success", job()), later, 0, nil, []string{NegativeDuration}},
		{"a month and a half", runOf("success", job()), Branch{Runs: []Verdict{{Run: 1, Created: at(-4e6), Ended: at(-4e6 + 70), Red: true}}}, 0, []float64{4e6}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := New(Options{}).CloseBranch(repo, tt.attempt, "CI", Known{}, tt.was)
			if n := len(got.Next.Streak()); n != tt.failures {
				t.Errorf("%d failures, want %d", n, tt.failures)
			}
			wantValues(t, got.Samples, family.BranchRecovery, tt.recovery...)
			if diff := cmp.Diff(tt.discards, got.Discards); diff != "" {
				t.Errorf("discards %s", diff)
			}
			want := []string{"octo-org/Octo-Repo", "CI", "main"}
			if !slices.Equal(got.RedSince, want) || !slices.Equal(got.Failures, want) {
				t.Errorf("labels %q and %q", got.RedSince, got.Failures)
			}
		})
	}
	hidden := New(Options{Disabled: map[family.ID]bool{family.BranchRedSince: true, family.BranchRecovery: true}})
	if got := hidden.CloseBranch(repo, runOf("success", job()), "CI", Known{}, later); got.RedSince != nil || got.Failures == nil || got.Samples != nil || got.Discards != nil {
		t.Errorf("disabled: %+v", got)
	}
}

func TestWatchedBranches(t *testing.T) {
	o := New(Options{Branches: func(b string) bool { return b == "release" }})
	for _, tt := range []struct {
		event, branch string
		want          bool
	}{
		{"push", "main", true}, {"schedule", "main", true}, {"push", "release", true}, {"push", "feature", false}, {"push", "", false},
		{"pull_request", "main", false}, {"pull_request_target", "main", false}, {"merge_group", "gh-readonly-queue/main/pr-1", false},
	} {
		name, ok := o.Watched(repo, githubapi.Run{Event: tt.event, HeadBranch: tt.branch})
		if ok != tt.want || ok && name != tt.branch {
			t.Errorf("%s on %q: %q, %v", tt.event, tt.branch, name, ok)
		}
	}
}
