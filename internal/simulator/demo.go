package simulator

import "time"

// DemoProfile is a small believable organization, octo-demo, fit for watching in real time: short jobs, something every
// few seconds, re-runs, flaky and failing jobs. Its world begins an hour before now and forgets what ended three hours
// ago, so that it can be left on. Seed, Now and BasePath may be changed before New.
func DemoProfile(now func() time.Time) Options {
	if now == nil {
		now = time.Now
	}
	rates := ConformingRates()
	rates.RerunDelay = 20 * time.Minute
	rates.PathNames = 0
	rates.NeverFinished = 0 // one would keep its run open for an hour
	repo := func(name string, perHour float64, workflows ...WorkflowPlan) RepositoryPlan {
		return RepositoryPlan{Name: "octo-demo/" + name, RunsPerDay: 24 * perHour, Workflows: workflows, Rates: &rates}
	}
	return Options{
		Stretches: demoStretches(),
		Seed:      1, Start: now().Add(-time.Hour), Now: now, PrimaryLimit: 5000, MaxQueue: time.Hour, Forget: 3 * time.Hour, Token: "demo",
		Repositories: []RepositoryPlan{
			repo("storefront", 100, demoCI(0.06), demoLint(), demoDeploy()),
			repo("payments", 70, demoCI(0.12), demoDeploy(), demoNightly()),
			repo("search", 50, demoCI(0.08), demoLint(), demoNightly()),
			repo("mobile-app", 50, demoCI(0.2), demoRelease()),
			repo("infrastructure", 30, demoLint(), demoDeploy(), demoNightly()),
		},
	}
}

// demoStretches are the bad times of a week: every two hours jobs take four times as long for ten minutes, and later the
// self-hosted runners stop for six, so that a queue builds up. The first begin half an hour and fifty minutes after now.
func demoStretches() []Stretch {
	var out []Stretch
	for begin := time.Hour; begin < 7*24*time.Hour; begin += 2 * time.Hour {
		out = append(out,
			Stretch{After: begin + 30*time.Minute, Length: 10 * time.Minute, SlowDay: true},
			Stretch{After: begin + 50*time.Minute, Length: 6 * time.Minute, StoppedRunners: true})
	}
	return out
}

func demoCI(failRate float64) WorkflowPlan {
	return WorkflowPlan{
		Name: "CI", Path: ".github/workflows/ci.yml", Share: 5, Events: []string{"push", "push", "pull_request"},
		Jobs: []JobTemplate{
			{
				Name: "build", Variants: []string{"linux, 1.25", "linux, 1.26", "windows, 1.26"},
				Labels: []string{"ubuntu-latest"}, Seconds: [2]int{8, 45}, Queue: [2]int{1, 6}, FailRate: failRate / 4, CheckRuns: 1,
				Steps: []string{"Run actions/checkout@v5", "Run actions/setup-go@v6", "Build", "Test"},
			},
			{
				Name: "integration", Needs: []string{"build"}, Labels: []string{"self-hosted", "Linux"}, Runner: SelfHosted,
				Seconds: [2]int{10, 60}, Queue: [2]int{0, 25}, FailRate: failRate,
				Steps: []string{"Run actions/checkout@v5", "Start services", "Run integration tests"},
			},
			{Name: "coverage", Needs: []string{"integration"}, SkipRate: 0.2, Labels: []string{"ubuntu-latest"}, Seconds: [2]int{3, 10}, Queue: [2]int{1, 4}},
			{Name: "notify", Needs: []string{"integration"}, Always: true, Labels: []string{"ubuntu-latest"}, Seconds: [2]int{1, 3}, Queue: [2]int{1, 4}},
		},
	}
}

func demoLint() WorkflowPlan {
	return WorkflowPlan{
		Name: "Lint", Path: ".github/workflows/lint.yml", Share: 4, Events: []string{"push", "pull_request"},
		Jobs: []JobTemplate{
			{Name: "lint", Labels: []string{"ubuntu-latest"}, Seconds: [2]int{5, 20}, Queue: [2]int{1, 4}, FailRate: 0.15, CheckRuns: 1, Steps: []string{"Run actions/checkout@v5", "Run golangci-lint"}},
			{Name: "spelling", Labels: []string{"ubuntu-latest"}, Seconds: [2]int{2, 6}, Queue: [2]int{1, 4}, FailRate: 0.03},
		},
	}
}

func demoNightly() WorkflowPlan {
	return WorkflowPlan{
		Name: "Nightly", Path: ".github/workflows/nightly.yml", Share: 1, Events: []string{"schedule"},
		Jobs: []JobTemplate{
			{Name: "image", Variants: []string{"amd64", "arm64"}, Labels: []string{"arc-runner-set"}, Runner: ScaleSet, Seconds: [2]int{20, 60}, Queue: [2]int{3, 30}, FailRate: 0.08},
			{Name: "benchmark", Needs: []string{"image"}, Labels: []string{"self-hosted", "gpu"}, Runner: EC2, Seconds: [2]int{20, 60}, Queue: [2]int{5, 60}, FailRate: 0.05},
		},
	}
}

func demoDeploy() WorkflowPlan {
	return WorkflowPlan{
		Name: "Deploy", Path: ".github/workflows/deploy.yml", Share: 2, Events: []string{"push", "workflow_dispatch"},
		Jobs: []JobTemplate{
			{Name: "release / build", Labels: []string{"ubuntu-latest"}, Seconds: [2]int{8, 30}, Queue: [2]int{1, 5}, FailRate: 0.03},
			{Name: "release / staging", Needs: []string{"release / build"}, Labels: []string{"self-hosted", "deploy"}, Runner: SelfHosted, Seconds: [2]int{5, 25}, Queue: [2]int{1, 10}, FailRate: 0.05},
			{Name: "release / production", Needs: []string{"release / staging"}, Labels: []string{"self-hosted", "deploy"}, Runner: SelfHosted, Seconds: [2]int{5, 25}, Queue: [2]int{1, 10}, Wait: [2]int{10, 120}, FailRate: 0.04},
		},
	}
}

func demoRelease() WorkflowPlan {
	return WorkflowPlan{
		Name: "Release", Path: ".github/workflows/release.yml", Share: 1, Events: []string{"release", "workflow_dispatch"},
		Jobs: []JobTemplate{
			{Name: "package", Variants: []string{"ios", "android"}, Labels: []string{"macos-latest"}, Seconds: [2]int{20, 60}, Queue: [2]int{3, 40}, FailRate: 0.1},
			{Name: "publish", Needs: []string{"package"}, Labels: []string{"ubuntu-latest"}, Seconds: [2]int{3, 12}, Queue: [2]int{1, 4}, FailRate: 0.05},
		},
	}
}
