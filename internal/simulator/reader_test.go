package simulator

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// reader counts what it is told over the API by the rules of the design, knowing nothing of the world. It reads
// everything at the end, once: what it lacks for an exporter is all that makes one hard.
type reader struct {
	t     *testing.T
	g     *GitHub
	sum   *tally
	since time.Time
}

type readRun struct {
	ID           int64     `json:"id"`
	Name         string    `json:"name"`
	HeadBranch   string    `json:"head_branch"`
	Event        string    `json:"event"`
	Status       string    `json:"status"`
	Conclusion   string    `json:"conclusion"`
	RunAttempt   int       `json:"run_attempt"`
	WorkflowID   int64     `json:"workflow_id"`
	RunStartedAt time.Time `json:"run_started_at"`
}

type readJob struct {
	ID           int64     `json:"id"`
	Name         string    `json:"name"`
	WorkflowName string    `json:"workflow_name"`
	Status       string    `json:"status"`
	Conclusion   string    `json:"conclusion"`
	CreatedAt    time.Time `json:"created_at"`
	StartedAt    time.Time `json:"started_at"`
	CompletedAt  time.Time `json:"completed_at"`
	RunnerID     int64     `json:"runner_id"`
	RunnerName   string    `json:"runner_name"`
	Labels       []string  `json:"labels"`
	Steps        []struct {
		Name        string    `json:"name"`
		Status      string    `json:"status"`
		Conclusion  string    `json:"conclusion"`
		StartedAt   time.Time `json:"started_at"`
		CompletedAt time.Time `json:"completed_at"`
	} `json:"steps"`
}

var nextLink = regexp.MustCompile(`<([^>]*)>; rel="next"`)

// pages follows Link from a first page on.
func (r *reader) pages(url string, each func(response)) {
	for url != "" {
		a := get(r.t, r.g, url)
		if a.StatusCode != 200 {
			r.t.Fatalf("%s: %d", url, a.StatusCode)
		}
		each(a)
		url = ""
		if m := nextLink.FindStringSubmatch(a.Header.Get("Link")); m != nil {
			url = m[1]
		}
	}
}

func (r *reader) repository(name string) {
	var runs []readRun
	r.pages("/repos/"+name+"/actions/runs?per_page=100", func(a response) {
		runs = append(runs, decode[struct {
			Runs []readRun `json:"workflow_runs"`
		}](r.t, a).Runs...)
	})
	names := map[int64]string{}
	slices.Reverse(runs) // in the order of events, so that workflow names are known
	for _, n := range runs {
		earlier := map[string]bool{}
		for number := 1; number <= n.RunAttempt; number++ {
			path := "/repos/" + name + "/actions/runs/" + i64(n.ID) + "/attempts/" + itoa(number)
			a := decode[readRun](r.t, get(r.t, r.g, path))
			var jobs []readJob
			r.pages(path+"/jobs?per_page=30", func(a response) { jobs = append(jobs, decode[struct{ Jobs []readJob }](r.t, a).Jobs...) })
			if len(jobs) > 0 && jobs[0].WorkflowName != "" {
				names[n.WorkflowID] = jobs[0].WorkflowName
			} else if names[n.WorkflowID] == "" {
				names[n.WorkflowID] = n.Name
			}
			r.attempt(name, names[n.WorkflowID], number, a, jobs, earlier)
		}
	}
}

func (r *reader) attempt(repo, workflow string, number int, a readRun, jobs []readJob, earlier map[string]bool) {
	counts := !a.RunStartedAt.Before(r.since)
	if counts {
		r.sum.t.Attempts++
	} else {
		r.sum.t.OldAttempts++
	}
	ended, ran, fresh := time.Time{}, false, []string{}
	for _, j := range jobs {
		mark := j.Name + j.StartedAt.String() + j.CompletedAt.String() + j.RunnerName
		old := func(t time.Time) bool { return !t.IsZero() && a.RunStartedAt.Sub(t) > 2*time.Second }
		isCopy := number > 1 && (old(j.StartedAt) || old(j.CompletedAt) || !j.CompletedAt.IsZero() && earlier[mark])
		isRun := j.RunnerID != 0 || j.RunnerName != "" || slices.ContainsFunc(j.Steps, func(s struct {
			Name        string    `json:"name"`
			Status      string    `json:"status"`
			Conclusion  string    `json:"conclusion"`
			StartedAt   time.Time `json:"started_at"`
			CompletedAt time.Time `json:"completed_at"`
		}) bool {
			return !s.StartedAt.IsZero() && s.Conclusion != "skipped"
		})
		pseudo := len(j.Labels) == 0 && !isRun && len(j.Steps) == 0 && j.Conclusion != "skipped" && j.Conclusion != "cancelled"
		reason := ""
		switch {
		case j.Status != "completed":
			reason = "never_finished"
		case isCopy:
			reason = "carried_over"
		case pseudo:
			reason = "check_run"
		}
		if reason != "" {
			if counts {
				r.sum.t.Discards[reason]++
			}
			continue
		}
		fresh = append(fresh, mark)
		if counts {
			r.job(repo, workflow, j, isRun)
		}
		if isRun && !ran {
			ended, ran = time.Time{}, true
		}
		if isRun == ran {
			ended = latest(ended, j.CompletedAt)
		}
	}
	for _, mark := range fresh {
		earlier[mark] = true
	}
	if !counts {
		return
	}
	branch := "other"
	if a.HeadBranch == "main" && a.Event != "pull_request" {
		branch = "main"
	}
	labels := Canonical("repository", repo, "workflow", workflow, "event", a.Event, "branch", branch, "conclusion", knownWord(a.Conclusion))
	r.sum.count(runConclusions, labels)
	if ran {
		r.sum.observe(runDuration, labels, a.RunStartedAt, ended)
	}
	orElse(&ended, a.RunStartedAt)
	r.sum.gauge(runLastCompletion, labels, float64(ended.Unix()), newest)
}

var folds = []struct {
	re *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`^GitHub Actions \d+$`), "GitHub Actions"},
	{regexp.MustCompile(`^(.+)-[a-z0-9]{5}-runner-[a-z0-9]{5}$`), "$1"},
	{regexp.MustCompile(`^i-[0-9a-f]{8,17}$`), "ec2"},
}

func (r *reader) job(repo, workflow string, j readJob, ran bool) {
	r.sum.t.Executions++
	for _, f := range folds {
		j.RunnerName = f.re.ReplaceAllString(j.RunnerName, f.to)
	}
	for i := range j.Labels {
		j.Labels[i] = strings.ToLower(j.Labels[i])
	}
	slices.Sort(j.Labels)
	base := []string{"repository", repo, "workflow", workflow, "runner", j.RunnerName, "label", strings.Join(j.Labels, ",")}
	labels := Canonical(append(slices.Clip(base), "job_name", j.Name, "conclusion", knownWord(j.Conclusion))...)
	r.sum.count(jobConclusions, labels)
	if ran {
		r.sum.observe(jobDuration, labels, j.StartedAt, j.CompletedAt)
		if !j.CreatedAt.IsZero() {
			r.sum.observe(jobQueueDuration, Canonical(append(slices.Clip(base), "held", "")...), j.CreatedAt, j.StartedAt)
		}
		if len(j.Steps) == 0 {
			r.sum.t.Discards["steps_missing"]++
		}
	}
	if !ran && j.Conclusion == "cancelled" && !j.CreatedAt.IsZero() {
		labels := Canonical("repository", repo, "workflow", workflow, "label", strings.Join(j.Labels, ","), "held", "")
		r.sum.observe(jobAbandoned, labels, j.CreatedAt, j.CompletedAt)
	}
	for _, s := range j.Steps {
		if s.Conclusion == "" {
			r.sum.t.Discards["step_unfinished"]++
			continue
		}
		labels := Canonical(append(slices.Clip(base), "job_name", j.Name, "step", s.Name, "conclusion", knownWord(s.Conclusion))...)
		r.sum.count(stepConclusions, labels)
		if s.Conclusion != "skipped" {
			r.sum.observe(stepDuration, labels, s.StartedAt, s.CompletedAt)
		}
	}
}

// What the API tells adds up to the truth, whatever `since` is.
func TestTheAPITellsTheTruth(t *testing.T) {
	for seed := range int64(2) {
		repos := append(Repositories(2, 120), RepositoryPlan{Name: "octo-org/old-server", RunsPerDay: 40, OldServer: true})
		g, c := newWorld(t, Options{Seed: 100 + seed, Repositories: repos})
		end, ok := g.NextQuiet(worldStart.Add(48 * time.Hour))
		if !ok {
			t.Fatal("never quiet")
		}
		c.set(end)
		since := worldStart.Add(time.Duration(seed) * (20*time.Hour + 11*time.Second))
		r := &reader{t: t, g: g, sum: newTally(), since: since}
		for _, repo := range g.repos {
			r.repository(repo.name())
		}
		truth := g.Truth(TruthQuery{Since: func(string) time.Time { return since }})
		withoutAnswers(&truth)
		if diff := cmp.Diff(truth, r.sum.t); diff != "" {
			t.Errorf("seed %d, since %v: the truth (-) and what was read (+) differ:\n%s", seed, since, diff)
		}
	}
}

// withoutAnswers leaves out the families that this reader does not count: the whole program is held to them.
func withoutAnswers(t *Truth) {
	for _, family := range []string{
		jobFailures, jobFailedSeconds, runFailures, jobFlakes, jobRerunSeconds, jobBillable, jobCost, criticalPath, branchRedSince, branchFailures,
	} {
		delete(t.Counters, family)
		delete(t.Gauges, family)
	}
	delete(t.Histograms, branchRecovery)
}
