package simulator

import "time"

// DemoProfile is a small believable organization, octo-demo, fit for watching in real time: jobs of seconds and of
// some minutes, one ending every few seconds, re-runs, flaky and failing jobs, queues. Its world begins an hour before now, is
// the same at every start, whatever the hour, and forgets what ended three hours ago, so that it can be left on. Seed, Now and BasePath may be changed before New.
func DemoProfile(now func() time.Time) Options {
	if now == nil {
		now = time.Now
	}
	rates := ConformingRates()
	rates.RerunDelay = 20 * time.Minute
	rates.PathNames = 0
	rates.NeverFinished = 0 // one would keep its run open for an hour
	// Jobs like these are recorded when their run has ended, and some minutes more. A few of a hundred would be the whole
	// of what the demo says of how fresh it is; their draws stay where they are, so that no other job changes.
	rates.DeadRunner, rates.StepsGone = rates.DeadRunner/10, rates.StepsGone/10
	repo := func(name string, perHour float64, workflows ...WorkflowPlan) RepositoryPlan {
		return RepositoryPlan{Name: "octo-demo/" + name, RunsPerDay: 24 * perHour, Even: true, Workflows: workflows, Rates: &rates}
	}
	private := func(p RepositoryPlan) RepositoryPlan { p.Private = true; return p } // whose runners cost something
	return Options{
		Stretches: demoStretches(),
		Seed:      277, // one whose first minute has all there is to show: TestDemoShowsWithinAMinute
		Start:     now().Add(-time.Hour), Now: now, PrimaryLimit: 5000, MaxQueue: time.Hour, Forget: 3 * time.Hour, Token: "demo",
		Repositories: []RepositoryPlan{
			repo("storefront", 150, demoCI(0.06), demoLint(), demoDeploy()),
			private(repo("payments", 110, demoCI(0.12), demoDeploy(), demoNightly())),
			repo("search", 80, demoCI(0.08), demoLint(), demoNightly()),
			private(repo("mobile-app", 75, demoCI(0.2), demoRelease())),
			repo("infrastructure", 50, demoLint(), demoDeploy(), demoNightly()),
		},
	}
}

// demoStretches are the bad times of a week: every two hours jobs take four times as long for ten minutes, and later the
// self-hosted runners stop for six, so that a queue builds up. The first begin half an hour and fifty minutes after now.
// They also stopped until just before now, so that who begins to look sees what waiting looks like.
func demoStretches() []Stretch {
	out := []Stretch{{After: 56 * time.Minute, Length: 210 * time.Second, StoppedRunners: true}}
	for begin := time.Hour; begin < 7*24*time.Hour; begin += 2 * time.Hour {
		out = append(out,
			Stretch{After: begin + 30*time.Minute, Length: 10 * time.Minute, SlowDay: true},
			Stretch{After: begin + 50*time.Minute, Length: 6 * time.Minute, StoppedRunners: true})
	}
	return out
}
