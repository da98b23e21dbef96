package observe

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/relabel"
	"github_workflow_exporter/githubapi"
)

// costs is what a job of a minute bills, "" where it counts in neither family.
func costs(t *testing.T, o Options, public bool, j githubapi.Job) (sku string, dollars float64) {
	t.Helper()
	r := repo
	r.Public = public
	got := New(o).Jobs(r, attempt(1, j), "CI", Known{}, false)[0]
	cost := valuesOf(got.Samples, family.JobCost)
	if billed := valuesOf(got.Samples, family.JobBillableSeconds); len(billed) != len(cost) {
		t.Fatalf("billed %v, cost %v", billed, cost)
	}
	if len(cost) == 0 {
		return "", 0
	}
	return labelOf(t, got.Samples, family.JobCost, family.SKU), cost[0]
}

func runsOn(group string, labels ...string) githubapi.Job {
	return job(func(j *githubapi.Job) { j.Labels, j.RunnerGroupName = labels, group })
}

func TestPriceList(t *testing.T) {
	if _, err := time.Parse(time.DateOnly, PriceListDate); err != nil {
		t.Error(err)
	}
	for _, p := range PriceList() {
		if len(p.Labels) == 0 || p.PerMinute <= 0 {
			t.Errorf("%s: labels %v, price %v", p.SKU, p.Labels, p.PerMinute)
		}
		for _, label := range p.Labels {
			group := "Default Larger Runners"
			if p.Standard {
				group = hostedGroup
			}
			if sku, dollars := costs(t, Options{}, false, runsOn(group, label)); sku != p.SKU || dollars != p.PerMinute {
				t.Errorf("%s: %q at %v, want %s at %v", label, sku, dollars, p.SKU, p.PerMinute)
			}
			want := p.SKU
			if p.Standard {
				want = ""
			}
			if sku, _ := costs(t, Options{}, true, runsOn(group, label)); sku != want {
				t.Errorf("%s on a public repository: %q, want %q", label, sku, want)
			}
			if sku, dollars := costs(t, Options{}, false, runsOn("", label, "self-hosted")); sku != "self_hosted" || dollars != 0 {
				t.Errorf("%s of one's own: %q at %v", label, sku, dollars)
			}
		}
	}
}

func TestPrices(t *testing.T) {
	own := func(label, sku string, price float64) Price {
		re, err := relabel.NewRegexp(label)
		if err != nil {
			t.Fatal(err)
		}
		return Price{re, sku, price}
	}
	mine := Options{Prices: []Price{own("build-(large|huge)", "mine", 0.5), own("a,b", "both", 0.25), own("ubuntu-latest", "agreed", 0.004)}}
	for _, tt := range []struct {
		name    string
		o       Options
		public  bool
		group   string
		labels  []string
		sku     string
		dollars float64
	}{
		{"in capitals", Options{}, false, hostedGroup, []string{"Ubuntu-Latest"}, "linux", 0.006},
		{"one of several labels", Options{}, false, hostedGroup, []string{"other", "windows-2022"}, "windows", 0.010},
		{"no group told", Options{}, false, "", []string{"ubuntu-latest"}, "linux", 0.006},
		{"a runner of one's own that took the name", Options{}, false, "Default", []string{"ubuntu-latest"}, "", 0},
		{"self-hosted", Options{}, false, "Default", []string{"self-hosted", "Linux", "X64"}, "self_hosted", 0},
		{"self-hosted in capitals", Options{}, true, "Default", []string{"Self-Hosted"}, "self_hosted", 0},
		{"a scale set", Options{}, false, "Default", []string{"arc-runner-set"}, "", 0},
		{"looks alike in front", Options{}, false, hostedGroup, []string{"my-ubuntu-latest"}, "", 0},
		{"looks alike behind", Options{}, false, hostedGroup, []string{"ubuntu-latest-gpu-box"}, "", 0},
		{"no such size", Options{}, false, "", []string{"ubuntu-latest-7-cores"}, "", 0},
		{"something behind the size", Options{}, false, "", []string{"ubuntu-22.04-8core-x"}, "", 0},
		{"no labels", Options{}, false, hostedGroup, nil, "", 0},
		{"larger on a public repository", Options{}, true, "Big", []string{"macos-latest-large"}, "macos_l", 0.077},
		{"a price of one's own", mine, false, "Default", []string{"self-hosted", "build-large"}, "mine", 0.5},
		{"on a public repository too", mine, true, hostedGroup, []string{"ubuntu-latest"}, "agreed", 0.004},
		{"for all labels together", mine, false, "", []string{"B", "a"}, "both", 0.25},
		{"not for a part of one", mine, false, "", []string{"build-large-2"}, "", 0},
		{"on a server of one's own", Options{Enterprise: true}, false, hostedGroup, []string{"ubuntu-latest"}, "", 0},
		{"self-hosted there", Options{Enterprise: true}, false, "", []string{"self-hosted"}, "", 0},
		{"a price given there", Options{Enterprise: true, Prices: mine.Prices}, false, "", []string{"self-hosted", "build-huge"}, "mine", 0.5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if sku, dollars := costs(t, tt.o, tt.public, runsOn(tt.group, tt.labels...)); sku != tt.sku || dollars != tt.dollars {
				t.Errorf("%q at %v, want %q at %v", sku, dollars, tt.sku, tt.dollars)
			}
		})
	}
	byRun := attempt(1, job())
	byRun.Run.Repository.Public = true
	if got := New(Options{}).Jobs(repo, byRun, "CI", Known{}, false)[0]; len(valuesOf(got.Samples, family.JobCost)) > 0 {
		t.Error("a repository that the run calls public pays for standard runners")
	}
}

func TestBilledMinutes(t *testing.T) {
	for seconds, want := range map[float64]float64{0: 60, 1: 60, 59: 60, 60: 60, 61: 120, 3600: 3600, 3601: 3660} {
		got := observeJob(t, Options{}, job(func(j *githubapi.Job) { j.CompletedAt = j.StartedAt.Add(time.Duration(seconds) * time.Second) }))
		wantValues(t, got.Samples, family.JobBillableSeconds, want)
		if diff := cmp.Diff([]float64{want / 60 * 0.006}, valuesOf(got.Samples, family.JobCost)); diff != "" {
			t.Errorf("%g s: %s", seconds, diff)
		}
	}
	for name, edit := range map[string]func(*githubapi.Job){
		"never ran": noRunner, "no end": func(j *githubapi.Job) { j.CompletedAt = time.Time{} }, "impossible": func(j *githubapi.Job) { j.CompletedAt = at(0) },
	} {
		if got := observeJob(t, Options{}, job(edit)); len(valuesOf(got.Samples, family.JobBillableSeconds)) > 0 {
			t.Errorf("%s: billed", name)
		}
	}
}
