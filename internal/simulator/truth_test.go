package simulator

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A world of one run in two attempts, every figure worked out by hand.
func TestTruthOfAHandMadeWorld(t *testing.T) {
	g, c := one(t, Options{})
	self := Runner{ID: 4, Name: "i-0816487061695bd61", GroupID: 1, Group: "Default", Folded: "i"}
	build := JobPlan{
		ID: 100, Name: "build", Labels: []string{"self-hosted", "Linux", "bar"}, Runner: self,
		CreatedAt: at(1), StartedAt: at(11), CompletedAt: at(71),
		Steps: []StepPlan{
			{Name: "Set up job", StartedAt: at(10), CompletedAt: at(13)},
			{Name: "make", StartedAt: at(13), CompletedAt: at(12)},
			{Name: "publish", StartedAt: at(14), CompletedAt: at(14), Conclusion: "skipped"},
			{Name: "clean", StartedAt: at(20), CompletedAt: at(15)},
		},
	}
	test := JobPlan{
		ID: 101, Name: "test", Labels: []string{"ubuntu-latest"}, Runner: hostedRunner(7), Conclusion: "failure",
		CreatedAt: at(72), StartedAt: at(80), CompletedAt: at(100),
		Steps: []StepPlan{{Name: "Set up job", StartedAt: at(80), CompletedAt: at(81)}, {Name: "go test", StartedAt: at(81), Unfinished: true}, {Name: "Complete job", Unfinished: true}},
	}
	deploy := JobPlan{ID: 102, Name: "deploy ${{ matrix.env }}", Conclusion: "skipped", CreatedAt: at(101), CompletedAt: at(-5000), FinishedAt: at(101)}
	check := JobPlan{ID: 103, Name: "Test Results", CheckRun: true, CreatedAt: at(99)}

	second := at(200)
	again := JobPlan{ID: 201, Name: "test", Labels: []string{"ubuntu-latest"}, Runner: hostedRunner(8), CreatedAt: at(201), StartedAt: at(205), CompletedAt: at(235)}
	ship := JobPlan{ID: 202, Name: "deploy", Conclusion: "exploded", Runner: hostedRunner(9), NoCreatedAt: true, CreatedAt: at(236), StartedAt: at(240), CompletedAt: at(250),
		Steps: []StepPlan{{Name: "ship", StartedAt: at(240), CompletedAt: at(249)}}}
	add(t, g, "o/r", RunPlan{Workflow: "CI", Event: "push", Attempts: []AttemptPlan{
		{StartedAt: at(0), Jobs: []JobPlan{build, test, deploy, check}},
		{StartedAt: second, Jobs: append(CarryOver([]JobPlan{build}, 1, 2, second, CopyNewID), again, ship)},
	}})
	add(t, g, "o/r", RunPlan{Workflow: "CI", Event: "pull_request", Attempts: []AttemptPlan{{StartedAt: at(300), Conclusion: "startup_failure"}}})
	add(t, g, "o/r", RunPlan{Workflow: "CI", Attempts: []AttemptPlan{{StartedAt: at(390), Jobs: []JobPlan{{Name: "b", CreatedAt: at(391), StartedAt: at(500), CompletedAt: at(600), Runner: self}}}}})
	c.set(at(400))

	const (
		r      = `repository="o/r"`
		wf     = `workflow="CI"`
		self3  = `label="bar,linux,self-hosted",` + r + `,runner="i"`
		hosted = `label="ubuntu-latest",` + r + `,runner="GitHub Actions"`
		plain  = `label="",` + r + `,runner="GitHub Actions"`
		main   = `branch="main",conclusion=`
	)
	step := func(conclusion, job, rest, step string) string {
		return `conclusion="` + conclusion + `",job_name="` + job + `",` + rest + `,step="` + step + `",` + wf
	}
	path := func(job, phase string) string { return `job_name="` + job + `",phase="` + phase + `",` + r + `,` + wf }
	want := Truth{
		Executions: 5, Attempts: 3, OpenAttempts: 1,
		Counters: map[string]map[string]float64{
			jobConclusions: {
				`conclusion="success",job_name="build",` + self3 + `,` + wf:                                          1,
				`conclusion="failure",job_name="test",` + hosted + `,` + wf:                                          1,
				`conclusion="success",job_name="test",` + hosted + `,` + wf:                                          1,
				`conclusion="skipped",job_name="deploy ${{ matrix.env }}",label="",repository="o/r",runner="",` + wf: 1,
				`conclusion="other",job_name="deploy",` + plain + `,` + wf:                                           1,
			},
			stepConclusions: {
				step("success", "build", self3, "Set up job"): 1, step("success", "build", self3, "make"): 1, step("skipped", "build", self3, "publish"): 1,
				step("success", "build", self3, "clean"): 1, step("success", "test", hosted, "Set up job"): 1, step("success", "deploy", plain, "ship"): 1,
			},
			jobFailures: {
				`job_name="deploy",label="",reason="unknown",` + r + `,` + wf:                1,
				`job_name="test",label="ubuntu-latest",reason="runner_lost",` + r + `,` + wf: 1,
			},
			jobFailedSeconds: {
				`job_name="deploy",label="",reason="unknown",` + r + `,` + wf:                10,
				`job_name="test",label="ubuntu-latest",reason="runner_lost",` + r + `,` + wf: 20,
			},
			jobFlakes:       {`job_name="test",label="ubuntu-latest",` + r + `,` + wf: 1},
			jobRerunSeconds: {`job_name="test",label="ubuntu-latest",` + r + `,` + wf: 30, `job_name="deploy",label="",` + r + `,` + wf: 10},
			// Of the hosted runners a public repository pays nothing.
			jobBillable: {`label="bar,linux,self-hosted",` + r + `,sku="self_hosted",` + wf: 60},
			jobCost:     {`label="bar,linux,self-hosted",` + r + `,sku="self_hosted",` + wf: 0},
			criticalPath: {
				path("build", "gap"): 1, path("build", "queue"): 10, path("build", "run"): 60,
				path("test", "gap"): 1 + 1, path("test", "queue"): 8 + 4, path("test", "run"): 20 + 30,
				path("deploy", "gap"): 5, path("deploy", "run"): 10,
			},
			runFailures: {
				`branch="main",event="push",reason="runner_lost",` + r + `,` + wf:               1,
				`branch="other",event="pull_request",reason="invalid_workflow",` + r + `,` + wf: 1,
			},
			runConclusions: {
				main + `"failure",event="push",` + r + `,` + wf:                                    1,
				main + `"success",event="push",` + r + `,` + wf:                                    1,
				`branch="other",conclusion="startup_failure",event="pull_request",` + r + `,` + wf: 1,
			},
		},
		Histograms: map[string]map[string]Distribution{
			jobDuration: {
				`conclusion="success",job_name="build",` + self3 + `,` + wf: {1, 60},
				`conclusion="failure",job_name="test",` + hosted + `,` + wf: {1, 20},
				`conclusion="success",job_name="test",` + hosted + `,` + wf: {1, 30},
				`conclusion="other",job_name="deploy",` + plain + `,` + wf:  {1, 10},
			},
			branchRecovery:   {`branch="main",` + r + `,` + wf: {1, 150}},
			jobQueueDuration: {`held="",` + self3 + `,` + wf: {1, 10}, `held="",` + hosted + `,` + wf: {2, 8 + 4}},
			stepDuration: {
				step("success", "build", self3, "Set up job"): {1, 3}, step("success", "build", self3, "make"): {1, 0},
				step("success", "test", hosted, "Set up job"): {1, 1}, step("success", "deploy", plain, "ship"): {1, 9},
			},
			runDuration: {main + `"failure",event="push",` + r + `,` + wf: {1, 100}, main + `"success",event="push",` + r + `,` + wf: {1, 50}},
		},
		Gauges: map[string]map[string]float64{
			runLastCompletion: {
				main + `"failure",event="push",` + r + `,` + wf:                                    float64(at(100).Unix()),
				main + `"success",event="push",` + r + `,` + wf:                                    float64(at(250).Unix()),
				`branch="other",conclusion="startup_failure",event="pull_request",` + r + `,` + wf: float64(at(300).Unix()),
			},
			branchFailures: {`branch="main",` + r + `,` + wf: 0},

			jobsNow:   {`label="",` + r + `,status="queued",` + wf: 1},
			oldestJob: {`label="",` + r + `,status="queued",` + wf: float64(at(391).Unix())},
		},
		Discards: map[string]int{"carried_over": 1, "check_run": 1, "step_unfinished": 2, "negative_duration": 1, "steps_missing": 1},
	}
	if diff := cmp.Diff(want, g.Truth(TruthQuery{})); diff != "" {
		t.Errorf("truth (-want +got):\n%s", diff)
	}

	late := g.Truth(TruthQuery{Since: func(string) time.Time { return at(200) }})
	if late.OldAttempts != 1 || late.Attempts != 2 || late.Executions != 2 || late.Discards["carried_over"] != 1 || late.Discards["check_run"] != 0 {
		t.Errorf("since the second attempt: %+v", late)
	}
	early := g.Truth(TruthQuery{Until: at(100)})
	if early.Attempts != 0 || early.OpenAttempts != 1 || early.Executions != 0 {
		t.Errorf("until the first attempt's end: %+v", early)
	}
}

func TestQuiet(t *testing.T) {
	g, c := one(t, Options{})
	add(t, g, "o/r", simple(10)) // to 75
	add(t, g, "o/r", simple(60)) // to 125
	stuck := simple(300)
	stuck.Attempts[0].EndedAt = at(400)
	stuck.Attempts[0].Jobs = append(stuck.Attempts[0].Jobs, JobPlan{Name: "stuck", CreatedAt: at(301), Unfinished: true})
	add(t, g, "o/r", stuck)
	c.set(at(1000))
	for second, want := range map[int]bool{5: true, 10: false, 74: false, 80: false, 124: false, 125: true, 299: true, 399: false, 500: false, 4000: true} {
		if got := g.Quiet(at(second)); got != want {
			t.Errorf("second %d: quiet %v", second, got)
		}
	}
	for after, want := range map[int]int{5: 5, 20: 125, 130: 130, 301: 4000} {
		if got, ok := g.NextQuiet(at(after)); !ok || !got.Equal(at(want)) {
			t.Errorf("after %d: %v, %v", after, got.Sub(worldStart), ok)
		}
	}
	if truth := g.Truth(TruthQuery{Until: at(3999)}); truth.OpenAttempts != 1 || truth.Discards["never_finished"] != 0 {
		t.Errorf("before the hour is over: %+v", truth)
	}
	if truth := g.Truth(TruthQuery{Until: at(4000)}); truth.OpenAttempts != 0 || truth.Discards["never_finished"] != 1 || truth.Executions != 3 {
		t.Errorf("after it: %+v", truth)
	}
	open := simple(5000)
	open.Attempts[0].Open = true
	add(t, g, "o/r", open)
	if at, ok := g.NextQuiet(at(5001)); ok {
		t.Errorf("quiet at %v in spite of a run open for ever", at)
	}
}

// A busy world comes to rest, at once or when nothing new is generated.
func TestABusyWorldComesToRest(t *testing.T) {
	begin := worldStart.Add(48 * time.Hour)
	for end, within := range map[time.Time]time.Duration{{}: 5 * 24 * time.Hour, begin: 6 * time.Hour} {
		g, _ := newWorld(t, Options{Seed: 6, End: end, Repositories: Repositories(6, 90)})
		quiet, ok := g.NextQuiet(begin)
		if !ok || quiet.Sub(begin) > within {
			t.Errorf("end %v: quiet after %v, %v", end, quiet.Sub(begin), ok)
		}
		if n := g.Truth(TruthQuery{Until: quiet}).OpenAttempts; n != 0 {
			t.Errorf("%d attempts open in quiet", n)
		}
	}
}

// Each shape of carried-over jobs as a list shows it.
func TestCarriedOverShapes(t *testing.T) {
	for _, tc := range []struct {
		shape    CopyShape
		listed   int
		sameID   bool
		attempt  int
		freshCre bool
	}{
		{CopyNewID, 2, false, 2, true},
		{CopyKeepOld, 2, true, 1, false},
		{CopyKeepNew, 2, true, 2, false},
		{CopyUnlisted, 1, false, 0, false},
	} {
		g, c := one(t, Options{})
		lint := JobPlan{ID: 1, Name: "lint", Runner: hostedRunner(1), CreatedAt: at(1), StartedAt: at(2), CompletedAt: at(9)}
		fail := JobPlan{ID: 2, Name: "test", Conclusion: "failure", Runner: hostedRunner(2), CreatedAt: at(1), StartedAt: at(3), CompletedAt: at(20)}
		again := JobPlan{ID: 3, Name: "test", Runner: hostedRunner(3), CreatedAt: at(102), StartedAt: at(103), CompletedAt: at(120)}
		id := add(t, g, "o/r", RunPlan{Attempts: []AttemptPlan{{StartedAt: at(0), Jobs: []JobPlan{lint, fail}}}})
		if err := g.AddAttempt("o/r", id, AttemptPlan{StartedAt: at(100), Jobs: append(CarryOver([]JobPlan{lint}, 1, 2, at(100), tc.shape), again)}); err != nil {
			t.Fatal(err)
		}
		c.set(at(50))
		path := "/repos/o/r/actions/runs/" + i64(id)
		if r := get(t, g, path+"/attempts/2"); r.StatusCode != 404 {
			t.Errorf("attempt 2 before its time: %d", r.StatusCode)
		}
		c.set(at(130))
		page := decode[jobsPage](t, get(t, g, path+"/attempts/2/jobs"))
		if page.TotalCount != tc.listed || len(page.Jobs) != tc.listed {
			t.Fatalf("shape %d: %d of %d jobs", tc.shape, len(page.Jobs), page.TotalCount)
		}
		if tc.listed == 2 {
			j := page.Jobs[0]
			if (j.ID == 1) != tc.sameID || j.RunAttempt != tc.attempt || j.CreatedAt.After(at(99)) != tc.freshCre || !j.StartedAt.Equal(at(2)) || !j.CompletedAt.Equal(at(9)) {
				t.Errorf("shape %d: %+v", tc.shape, j)
			}
		}
		run, first := decode[listedRun](t, get(t, g, path)), decode[listedRun](t, get(t, g, path+"/attempts/1"))
		second := decode[listedRun](t, get(t, g, path+"/attempts/2"))
		if run.RunAttempt != 2 || !run.CreatedAt.Equal(at(0)) || !run.RunStartedAt.Equal(at(100)) || *run.Conclusion != "success" {
			t.Errorf("run: %+v", run)
		}
		if *first.Conclusion != "failure" || first.RunAttempt != 1 || !first.RunStartedAt.Equal(at(0)) {
			t.Errorf("superseded attempt: %+v", first)
		}
		if !second.CreatedAt.Equal(at(101)) || !second.RunStartedAt.Equal(at(100)) {
			t.Errorf("attempt 2: %+v", second)
		}
		all := decode[jobsPage](t, get(t, g, path+"/jobs?filter=all"))
		newest := decode[jobsPage](t, get(t, g, path+"/jobs"))
		wantAll := 3
		if tc.shape == CopyNewID {
			wantAll = 4
		}
		if newest.TotalCount != tc.listed || all.TotalCount != wantAll {
			t.Errorf("shape %d: filter=latest %d, filter=all %d", tc.shape, newest.TotalCount, all.TotalCount)
		}
	}
}

func TestPlansThatCannotBeAreRefused(t *testing.T) {
	g, _ := one(t, Options{})
	id := add(t, g, "o/r", simple(0))
	for what, p := range map[string]RunPlan{
		"no attempt": {}, "no start": {Attempts: []AttemptPlan{{}}}, "id taken": {ID: id, Attempts: simple(1).Attempts},
		"overlap": {Attempts: []AttemptPlan{simple(0).Attempts[0], simple(60).Attempts[0]}},
	} {
		if _, err := g.AddRun("o/r", p); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	if _, err := g.AddRun("o/none", simple(0)); err == nil {
		t.Error("unknown repository accepted")
	}
	if n := len(g.Runs("o/r")); n != 1 {
		t.Errorf("%d runs after refusals", n)
	}
	for _, o := range []Options{
		{Repositories: []RepositoryPlan{{Name: "x"}}}, {Repositories: []RepositoryPlan{{Name: "a/b"}, {Name: "A/B"}}}, {BasePath: "api"},
		{Repositories: []RepositoryPlan{{Name: "a/b", ID: 3}, {Name: "a/c", ID: 3}}},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("accepted: %+v", o.Repositories)
		}
	}
}

// A renamed repository counts under the name of the time; one added later has no runs of before.
func TestTruthFollowsNames(t *testing.T) {
	g, c := one(t, Options{})
	add(t, g, "o/r", SimpleRun("CI", at(0), time.Minute, "success"))
	add(t, g, "o/r", SimpleRun("CI", at(100), time.Minute, "failure"))
	c.set(at(90))
	if err := g.RenameRepository("o/r", "o/new"); err != nil {
		t.Fatal(err)
	}
	if err := g.AddRepository(RepositoryPlan{Name: "o/late", RunsPerDay: 2000}); err != nil {
		t.Fatal(err)
	}
	c.set(at(1000))
	counts := g.Truth(TruthQuery{}).Counters[jobConclusions]
	for _, labels := range []string{
		`conclusion="success",job_name="build",label="ubuntu-latest",repository="o/r",runner="GitHub Actions",workflow="CI"`,
		`conclusion="failure",job_name="build",label="ubuntu-latest",repository="o/new",runner="GitHub Actions",workflow="CI"`,
	} {
		if counts[labels] != 1 {
			t.Errorf("%s: %v", labels, counts[labels])
		}
	}
	runs := g.Runs("o/late")
	if len(runs) < 5 {
		t.Fatalf("%d runs in the new repository", len(runs))
	}
	if first, ok := g.Run("o/late", runs[0]); !ok || first.CreatedAt.Before(at(90)) {
		t.Errorf("its first run is of %v", first.CreatedAt)
	}
}
