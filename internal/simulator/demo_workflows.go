package simulator

// The workflows of DemoProfile: jobs of seconds and of minutes, on hosted runners of three kinds, on pools of
// self-hosted ones, on one-job runners; matrices, a reusable workflow (its jobs are called caller / job), approvals.

func demoCheckout() StepTemplate { return quick("Run actions/checkout@v5", 1, 3) }

func demoCI(failRate float64) WorkflowPlan {
	build := func(label string, seconds [2]int, variants ...string) JobTemplate {
		return JobTemplate{
			Name: "build", Variants: variants, Labels: []string{label}, Seconds: seconds, Queue: [2]int{1, 6}, FailRate: failRate / 4, CheckRuns: 1,
			Steps: []StepTemplate{
				demoCheckout(), quick("Run actions/setup-go@v6", 4, 9), work("Build", 5), work("Test", 4), quick("Run actions/upload-artifact@v5", 1, 3),
			},
		}
	}
	return WorkflowPlan{
		Name: "CI", Path: ".github/workflows/ci.yml", Share: 5, Events: []string{"push", "push", "pull_request"},
		Jobs: []JobTemplate{
			build("ubuntu-latest", [2]int{80, 180}, "linux, 1.25", "linux, 1.26"),
			build("windows-latest", [2]int{120, 220}, "windows, 1.26"),
			{
				Name: "integration", Needs: []string{"build"}, Labels: []string{"self-hosted", "Linux"}, Runner: SelfHosted, PoolSize: 8,
				Seconds: [2]int{40, 100}, Queue: [2]int{3, 50}, FailRate: failRate,
				Steps: []StepTemplate{demoCheckout(), quick("Start services", 8, 18), work("Run integration tests", 1)},
			},
			{
				Name: "coverage", Needs: []string{"integration"}, SkipRate: 0.2, Labels: []string{"ubuntu-latest"}, Seconds: [2]int{6, 18}, Queue: [2]int{1, 4},
				Steps: []StepTemplate{quick("Run actions/download-artifact@v5", 1, 3), work("Report coverage", 1)},
			},
			{
				Name: "notify", Needs: []string{"integration"}, Always: true, Labels: []string{"ubuntu-latest"}, Seconds: [2]int{2, 5}, Queue: [2]int{1, 4},
				Steps: []StepTemplate{work("Send message", 1)},
			},
		},
	}
}

func demoLint() WorkflowPlan {
	return WorkflowPlan{
		Name: "Lint", Path: ".github/workflows/lint.yml", Share: 4, Events: []string{"push", "pull_request"},
		Jobs: []JobTemplate{
			{
				Name: "lint", Labels: []string{"ubuntu-latest"}, Seconds: [2]int{25, 70}, Queue: [2]int{1, 4}, FailRate: 0.15, CheckRuns: 1,
				Steps: []StepTemplate{demoCheckout(), quick("Run actions/setup-go@v6", 4, 9), work("Run golangci-lint", 1)},
			},
			{
				Name: "spelling", Labels: []string{"ubuntu-latest"}, Seconds: [2]int{6, 14}, Queue: [2]int{1, 4}, FailRate: 0.03,
				Steps: []StepTemplate{demoCheckout(), work("Check spelling", 1)},
			},
		},
	}
}

func demoNightly() WorkflowPlan {
	return WorkflowPlan{
		Name: "Nightly", Path: ".github/workflows/nightly.yml", Share: 1, Events: []string{"schedule"},
		Jobs: []JobTemplate{
			{
				Name: "image", Variants: []string{"amd64", "arm64"}, Labels: []string{"arc-runner-set"}, Runner: ScaleSet,
				Seconds: [2]int{50, 150}, Queue: [2]int{3, 30}, FailRate: 0.08,
				Steps: []StepTemplate{demoCheckout(), quick("Run docker/setup-buildx-action@v3", 3, 8), work("Build image", 5), work("Push image", 2)},
			},
			{
				Name: "benchmark", Needs: []string{"image"}, Labels: []string{"self-hosted", "gpu"}, Runner: EC2,
				Seconds: [2]int{40, 110}, Queue: [2]int{10, 80}, FailRate: 0.05,
				Steps: []StepTemplate{demoCheckout(), work("Run benchmarks", 6), work("Compare with main", 1)},
			},
		},
	}
}

func demoDeploy() WorkflowPlan {
	deploy := func(name, needs string, hold, wait [2]int, failRate float64) JobTemplate {
		return JobTemplate{
			Name: name, Needs: []string{needs}, Labels: []string{"self-hosted", "deploy"}, Runner: SelfHosted, Pool: "deploy", PoolSize: 3,
			Seconds: [2]int{15, 45}, Queue: [2]int{1, 10}, Hold: hold, Wait: wait, FailRate: failRate,
			Steps: []StepTemplate{quick("Log in to the cluster", 1, 3), work("Roll out", 3), work("Smoke test", 2)},
		}
	}
	return WorkflowPlan{
		Name: "Deploy", Path: ".github/workflows/deploy.yml", Share: 2, Events: []string{"push", "workflow_dispatch"},
		Jobs: []JobTemplate{
			{
				Name: "release / build", Labels: []string{"ubuntu-latest"}, Seconds: [2]int{30, 80}, Queue: [2]int{1, 5}, FailRate: 0.03,
				Steps: []StepTemplate{demoCheckout(), quick("Run actions/setup-node@v6", 3, 7), work("Build bundle", 4), work("Sign", 1)},
			},
			deploy("release / staging", "release / build", [2]int{0, 90}, [2]int{}, 0.05), // one deployment at a time
			deploy("release / production", "release / staging", [2]int{}, [2]int{10, 120}, 0.04),
		},
	}
}

func demoRelease() WorkflowPlan {
	pack := func(platform, label string, queue [2]int) JobTemplate {
		return JobTemplate{
			Name: "package", Variants: []string{platform}, Labels: []string{label}, Seconds: [2]int{90, 200}, Queue: queue, FailRate: 0.1,
			Steps: []StepTemplate{demoCheckout(), quick("Install dependencies", 12, 30), work("Build archive", 1), quick("Sign", 2, 5)},
		}
	}
	return WorkflowPlan{
		Name: "Release", Path: ".github/workflows/release.yml", Share: 1, Events: []string{"release", "workflow_dispatch"},
		Jobs: []JobTemplate{
			pack("ios", "macos-latest", [2]int{5, 60}),
			pack("android", "ubuntu-latest-8-cores", [2]int{2, 15}),
			{
				Name: "publish", Needs: []string{"package"}, Labels: []string{"ubuntu-latest"}, Seconds: [2]int{8, 25}, Queue: [2]int{1, 4}, FailRate: 0.05,
				Steps: []StepTemplate{work("Upload to the store", 1)},
			},
		},
	}
}
