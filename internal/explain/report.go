package explain

import (
	"fmt"
	"slices"
	"time"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/observe"
	"github_workflow_exporter/githubapi"
)

// Facts are what was read of a run, and what is known of it.
type Facts struct {
	Repository githubapi.Repository
	Run        githubapi.Run
	Attempts   []githubapi.Attempt // ascending, with their jobs
	Workflow   string              // the label
	Ledger     *Ledger             // nil: nothing is known of what was counted
	Source     string              // where Ledger comes from, or why there is none
	Notes      []string            // what was odd while it was read
}

// Ledger is what a ledger remembers of the run.
type Ledger struct {
	Known      bool      `json:"known"` // the repository is watched
	Since      time.Time `json:"since"`
	Closed     []int     `json:"closed"`
	Executions []Counted `json:"executions"`
	Held       []Held    `json:"held"`
}

// Counted is an execution that was counted.
type Counted struct {
	ID      int64  `json:"id"`
	Attempt int    `json:"attempt"`
	Reason  string `json:"reason,omitempty"`
}

// Held is what a job was seen held back by while it waited.
type Held struct {
	ID int64  `json:"id"`
	By string `json:"by"`
}

// Report is the explanation of a run.
type Report struct {
	URL        string    `json:"url,omitempty"`
	Repository string    `json:"repository"`
	RunID      int64     `json:"run_id"`
	RunNumber  int64     `json:"run_number"`
	Workflow   string    `json:"workflow"`
	Event      string    `json:"event"`
	HeadBranch string    `json:"head_branch"`
	Verdict    string    `json:"verdict"`
	Ledger     string    `json:"ledger"`
	Attempts   []Attempt `json:"attempts"`
	Notes      []string  `json:"notes,omitempty"`
}

// Attempt is the explanation of one attempt.
type Attempt struct {
	Number     int               `json:"number"`
	Status     string            `json:"status"`
	Conclusion string            `json:"conclusion"`
	Started    *time.Time        `json:"started,omitempty"`
	Ended      *time.Time        `json:"ended,omitempty"`
	Seconds    *float64          `json:"seconds,omitempty"`
	Counted    string            `json:"counted"` // yes, no, later, would
	Why        string            `json:"why"`
	Labels     map[string]string `json:"labels,omitempty"`
	Reason     string            `json:"reason,omitempty"`
	Branch     string            `json:"branch,omitempty"` // what it says of a watched branch: red, green or nothing
	Discards   []string          `json:"discards,omitempty"`
	Jobs       []Job             `json:"jobs"`
	Path       []Stretch         `json:"critical_path,omitempty"`
}

// Job is the explanation of one entry of an attempt's list of jobs.
type Job struct {
	ID         int64              `json:"id"`
	Name       string             `json:"name"`
	Status     string             `json:"status"`
	Conclusion string             `json:"conclusion"`
	Started    *time.Time         `json:"started,omitempty"`
	Seconds    *float64           `json:"seconds,omitempty"`
	Queue      *float64           `json:"queue_seconds,omitempty"`
	Abandoned  *float64           `json:"abandoned_seconds,omitempty"`
	Held       string             `json:"held,omitempty"`
	Counted    string             `json:"counted"`
	Why        string             `json:"why,omitempty"`
	Labels     map[string]string  `json:"labels,omitempty"`
	Reason     string             `json:"reason,omitempty"`
	FailedStep string             `json:"failed_step,omitempty"`
	Flake      bool               `json:"flake,omitempty"`
	Rerun      bool               `json:"rerun,omitempty"`
	SKU        string             `json:"sku,omitempty"`
	Billable   float64            `json:"billable_seconds,omitempty"`
	Cost       float64            `json:"cost_usd,omitempty"`
	Path       map[string]float64 `json:"critical_path_seconds,omitempty"`
	Discards   []string           `json:"discards,omitempty"`
	Log        []string           `json:"log,omitempty"`
}

// Stretch is a part of the critical path, the last one first.
type Stretch struct {
	Job     string  `json:"job_name"`
	Phase   string  `json:"phase"`
	Seconds float64 `json:"seconds"`
}

// Whether something is counted.
const (
	Yes   = "yes"
	No    = "no"
	Later = "later"
	Would = "would" // no ledger says whether it was
)

// leftOut says why a job is left out as a whole.
var leftOut = map[string]string{
	observe.CarriedOver:   "carried over: an earlier attempt ran it, this one only lists it again",
	observe.CheckRun:      "no job: a check run that an action published",
	observe.Undecodable:   "its entry cannot be read",
	observe.NeverFinished: "not final although its attempt is over",
}

// whenOver is when a job is counted that still runs.
const whenOver = "when it is over"

// Make explains a run by the rules of an observer. With a job only the attempts and entries of that job are shown.
func Make(o *observe.Observer, f Facts, t Target) Report {
	r := Report{
		Repository: f.Repository.FullName, RunID: f.Run.ID, RunNumber: f.Run.RunNumber, Workflow: f.Workflow, Event: f.Run.Event,
		HeadBranch: f.Run.HeadBranch, Ledger: f.Source, Notes: f.Notes,
	}
	known := observe.Known{}
	if f.Ledger != nil {
		for _, h := range f.Ledger.Held {
			known.Held = append(known.Held, observe.Held(h))
		}
	}
	for _, a := range f.Attempts {
		shown := explainAttempt(o, f, a, &known)
		if t.Attempt != 0 && a.Number != t.Attempt {
			continue
		}
		if t.Job != 0 {
			shown.Jobs = slices.DeleteFunc(shown.Jobs, func(j Job) bool { return j.ID != t.Job })
			if len(shown.Jobs) == 0 {
				continue
			}
		}
		r.Attempts = append(r.Attempts, shown)
	}
	r.Verdict = verdict(r)
	return r
}

// explainAttempt accounts for an attempt as the exporter does, and adds what it executed to what is known for the next.
func explainAttempt(o *observe.Observer, f Facts, a githubapi.Attempt, known *observe.Known) Attempt {
	over := a.Run.Completed()
	out := Attempt{
		Number: a.Number, Status: a.Run.Status, Conclusion: a.Run.Conclusion, Started: moment(a.Started()), Jobs: []Job{},
	}
	early := f.Ledger != nil && f.Ledger.Known && a.Began().Before(f.Ledger.Since)
	accounts := o.Jobs(f.Repository, a, f.Workflow, *known, false)
	var closing observe.Closing
	if over {
		closing = o.Close(f.Repository, a, f.Workflow, *known)
		out.Labels = labelsOf(closing.Samples, family.RunConclusions)
		out.Seconds = valueOf(closing.Samples, family.RunDuration)
		if end := valueOf(closing.Samples, family.RunLastCompletion); end != nil {
			out.Ended = moment(time.Unix(int64(*end), 0))
		}
		out.Reason, out.Discards = closing.Reason, closing.Discards
		if _, watched := o.Watched(f.Repository, a.Run); watched {
			out.Branch = colour(a.Run.Conclusion)
		}
	}
	out.Counted, out.Why = countedAttempt(f, a, early)
	for _, s := range closing.Path {
		out.Path = append(out.Path, Stretch{s.Job.Name, s.Phase, s.Time.Seconds()})
	}
	for _, j := range a.Jobs {
		out.Jobs = append(out.Jobs, explainJob(f, a, j, accounts, closing.Path, early))
	}
	for _, account := range accounts {
		if account.Omitted == "" {
			known.Executions = append(known.Executions, observe.Execution{ID: account.ID, Attempt: a.Number, Fingerprint: account.Fingerprint,
				Name: account.Name, Ended: account.Completed, Failed: account.Failed, Reason: account.Reason})
		}
	}
	return out
}

func countedAttempt(f Facts, a githubapi.Attempt, early bool) (counted, why string) {
	switch {
	case early:
		return No, "it began before " + clock(f.Ledger.Since) + ", since when the repository is counted"
	case f.Ledger != nil && !f.Ledger.Known:
		return No, "the exporter does not know the repository yet"
	case f.Ledger != nil && slices.Contains(f.Ledger.Closed, a.Number):
		return Yes, "closed and counted"
	case !a.Run.Completed():
		return Later, "when it is over and all of its jobs are final"
	case !a.Whole():
		return Later, fmt.Sprintf("when all of its jobs are final: %d of %d are listed; an hour after its end in any case", len(a.Jobs), a.TotalCount)
	case f.Ledger != nil:
		return Later, "at one of the next visits, for it is over"
	}
	return Would, "it is over and final"
}

func explainJob(f Facts, a githubapi.Attempt, j githubapi.Job, accounts []observe.Job, path []observe.Stretch, early bool) Job {
	out := Job{ID: j.ID, Name: j.Name, Status: j.Status, Conclusion: j.Conclusion, Started: moment(j.StartedAt)}
	at := slices.IndexFunc(accounts, func(account observe.Job) bool { return account.ID == j.ID })
	if at < 0 {
		out.Counted, out.Why = Later, whenOver
		if j.Undecodable {
			out.Counted, out.Why = No, leftOut[observe.Undecodable]
		}
		return out
	}
	account := accounts[at]
	if account.Omitted != "" {
		out.Counted, out.Why = No, leftOut[account.Omitted]
		return out
	}
	s := account.Samples
	out.Labels, out.Seconds = labelsOf(s, family.JobConclusions), valueOf(s, family.JobDuration)
	out.Queue, out.Abandoned = valueOf(s, family.JobQueueDuration), valueOf(s, family.JobAbandonedDuration)
	out.Held, out.Reason, out.Flake, out.Discards = account.Held, account.Reason, account.Flake, account.Discards
	out.Rerun = a.Number > 1
	if account.Reason != "" {
		out.FailedStep = failedStep(j)
	}
	if billed := valueOf(s, family.JobBillableSeconds); billed != nil {
		out.Billable, out.SKU = *billed, labelsOf(s, family.JobBillableSeconds)[family.SKU]
	}
	if cost := valueOf(s, family.JobCost); cost != nil {
		out.Cost = *cost
	}
	for _, stretch := range path {
		if stretch.Job.ID == j.ID {
			if out.Path == nil {
				out.Path = map[string]float64{}
			}
			out.Path[stretch.Phase] += stretch.Time.Seconds()
		}
	}
	switch {
	case early:
		out.Counted, out.Why = No, "its attempt began too early"
	case f.Ledger == nil:
		out.Counted = Would
	default:
		out.Counted, out.Why = Later, "at one of the next visits"
		if !f.Ledger.Known {
			out.Counted, out.Why = No, "the repository is not known"
		}
		for _, c := range f.Ledger.Executions {
			if c.ID == j.ID {
				out.Counted, out.Why = Yes, ""
				if c.Reason != "" {
					out.Reason = c.Reason // as it was decided then
				}
			}
		}
	}
	return out
}

// failedStep is the failed step with the lowest number.
func failedStep(j githubapi.Job) string {
	name, number := "", 0
	for _, s := range j.Steps {
		if s.Conclusion == "failure" && (name == "" || s.Number < number) {
			name, number = s.Name, s.Number
		}
	}
	return name
}

func colour(conclusion string) string {
	switch conclusion {
	case "success":
		return "green"
	case "failure", "timed_out", "startup_failure":
		return "red"
	}
	return "nothing"
}

// verdict is the answer in one line.
func verdict(r Report) string {
	if len(r.Attempts) == 0 {
		return "nothing of it is listed"
	}
	counts, jobs := map[string]int{}, map[string]int{}
	for _, a := range r.Attempts {
		counts[a.Counted]++
		for _, j := range a.Jobs {
			jobs[j.Counted]++
		}
	}
	last := r.Attempts[len(r.Attempts)-1]
	switch {
	case counts[Later] > 0:
		return fmt.Sprintf("not counted whole yet: attempt %d comes %s", last.Number, last.Why)
	case counts[Would] > 0:
		return fmt.Sprintf("would be counted: %s with %s", plural(counts[Would], "attempt"), plural(jobs[Would], "job execution"))
	case counts[Yes] == 0:
		return "not counted: " + last.Why
	}
	return fmt.Sprintf("counted: %s with %s", plural(counts[Yes], "attempt"), plural(jobs[Yes], "job execution"))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// labelsOf are the labels of the one sample of a family, without empty ones.
func labelsOf(samples []observe.Sample, id family.ID) map[string]string {
	i := slices.IndexFunc(samples, func(s observe.Sample) bool { return s.Family == id })
	if i < 0 {
		return nil
	}
	labels := map[string]string{}
	for k, name := range family.Get(id).Labels {
		if v := samples[i].Values[k]; v != "" {
			labels[name] = v
		}
	}
	return labels
}

func valueOf(samples []observe.Sample, id family.ID) *float64 {
	for _, s := range samples {
		if s.Family == id {
			return &s.Value
		}
	}
	return nil
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
