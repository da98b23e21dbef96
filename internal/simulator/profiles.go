package simulator

// DefaultWorkflows is a believable set that meets every odd shape of names, needs, labels and runners.
func DefaultWorkflows() []WorkflowPlan {
	return []WorkflowPlan{
		{
			Name: "CI", Path: ".github/workflows/ci.yml", Share: 5, Events: []string{"push", "pull_request", "pull_request", "merge_group"},
			Jobs: []JobTemplate{
				{
					Name: "build", Variants: []string{"linux, 1.22", "linux, 1.23", "windows, 1.23"},
					Labels: []string{"Ubuntu-latest"}, Seconds: [2]int{40, 400}, Queue: [2]int{1, 20}, FailRate: 0.05, CheckRuns: 2,
					Steps: []StepTemplate{quick("Run actions/checkout@v4", 1, 3), quick("Run actions/setup-go@v5", 4, 9), work("Build", 2), work("Test", 3)},
				},
				{
					Name: "test", Variants: []string{"", "", ""}, SkippedName: "test (${{ matrix.shard }})", Needs: []string{"build"}, Labels: []string{"self-hosted", "Linux", "bar"},
					Runner: SelfHosted, Seconds: [2]int{20, 300}, Queue: [2]int{0, 120}, FailRate: 0.04,
				},
				{Name: "coverage", Needs: []string{"test"}, SkipRate: 0.3, Labels: []string{"ubuntu-latest"}, Seconds: [2]int{5, 30}, Queue: [2]int{1, 5}, CheckRuns: 1},
				{Name: "notify", Needs: []string{"test"}, Always: true, Labels: []string{"ubuntu-latest"}, Seconds: [2]int{1, 4}, Queue: [2]int{1, 5}},
			},
		},
		{
			Name: "Lint", Path: ".github/workflows/lint.yml", Share: 4, Events: []string{"push", "pull_request"},
			Jobs: []JobTemplate{
				{Name: "lint", Labels: []string{"ubuntu-24.04"}, Seconds: [2]int{3, 10}, Queue: [2]int{1, 3}, FailRate: 0.3},
				// Ends last and within a second: after an immediate re-run only its fingerprint tells a copy.
				{Name: "markers", Labels: []string{"ubuntu-24.04"}, Seconds: [2]int{0, 1}, Queue: [2]int{14, 20}},
			},
		},
		{
			Name: "Nightly build", Path: ".github/workflows/nightly.yml", Share: 2, Events: []string{"schedule"},
			Jobs: []JobTemplate{
				{Name: "image", Variants: []string{"amd64", "arm64"}, Labels: []string{"arc-runner-set"}, Runner: ScaleSet, Seconds: [2]int{300, 3000}, Queue: [2]int{5, 300}, FailRate: 0.1},
				{Name: "bench", Needs: []string{"image"}, Labels: []string{"self-hosted", "GPU", "linux"}, Runner: EC2, Seconds: [2]int{600, 4000}, Queue: [2]int{30, 5000}, FailRate: 0.1},
			},
		},
		{
			Name: "Deploy", Path: ".github/workflows/deploy.yml", Share: 2, Events: []string{"workflow_dispatch", "push"},
			Jobs: []JobTemplate{
				{Name: "release / build", Variants: []string{"staging, eu", "staging, us"}, Labels: []string{"ubuntu-latest"}, Seconds: [2]int{30, 120}, Queue: [2]int{1, 10}, FailRate: 0.05},
				{Name: "release / deploy / production", Needs: []string{"release / build"}, Labels: []string{"self-hosted", "deploy"}, Runner: SelfHosted, Seconds: [2]int{20, 200}, Queue: [2]int{1, 30}, Hold: [2]int{0, 400}, Wait: [2]int{20, 1800}, FailRate: 0.08},
			},
		},
		{
			Name: "CodeQL", Path: "dynamic/github-code-scanning/codeql", Share: 1, Events: []string{"dynamic"},
			Jobs: []JobTemplate{
				{Name: "Analyze", Variants: []string{"go", "javascript-typescript"}, Labels: []string{"ubuntu-latest"}, Seconds: [2]int{60, 600}, Queue: [2]int{1, 10}, CheckRuns: 3},
			},
		},
	}
}

// Repositories plans count repositories octo-org/service-1 and on, each with so many runs a day of the default workflows.
func Repositories(count int, runsPerDay float64) []RepositoryPlan {
	var out []RepositoryPlan
	for i := range count {
		out = append(out, RepositoryPlan{Name: "octo-org/service-" + itoa(i+1), RunsPerDay: runsPerDay})
	}
	return out
}
