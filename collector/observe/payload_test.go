package observe

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/githubapi"
)

// fiveDays is the longest a self-hosted job may take; hosted ones end after six hours.
const fiveDays = 5 * 24 * 3600

// TestRecordedJobs observes every job of the recorded answers: whatever they hold, nothing odd may come out.
func TestRecordedJobs(t *testing.T) {
	dir := filepath.FromSlash("../../../shared/payloads/rest")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		if os.Getenv("REQUIRE_SHARED") == "1" {
			t.Fatalf("no recorded answers in %s", dir)
		}
		t.Skipf("no recorded answers in %s", dir)
	}
	reasons := map[string]int{}
	executed := 0
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			for _, a := range recordedAttempts(t, name) {
				o := New(Options{})
				for _, j := range o.Jobs(repo, a, WorkflowName(a, ""), Known{}, true) {
					if j.Omitted == "" {
						executed++
					} else {
						reasons[j.Omitted]++
					}
					for _, r := range j.Discards {
						reasons[r]++
					}
					checkSane(t, j.Samples)
				}
				checkSane(t, o.Close(repo, a, WorkflowName(a, ""), Known{}).Samples)
			}
		})
	}
	t.Logf("%d executions, reasons %v", executed, reasons)
	if executed < 40 || reasons[CheckRun] == 0 || reasons[StepsMissing] == 0 {
		t.Errorf("%d executions with reasons %v: the recordings hold more than that", executed, reasons)
	}
}

func recordedAttempts(t *testing.T, name string) []githubapi.Attempt {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Exchanges []struct {
			Response struct {
				Body json.RawMessage `json:"body"`
			} `json:"response"`
		} `json:"exchanges"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	var attempts []githubapi.Attempt
	var run githubapi.Run
	for _, e := range file.Exchanges {
		var body struct {
			TotalCount int              `json:"total_count"`
			Jobs       []githubapi.Job  `json:"jobs"`
			RunStarted time.Time        `json:"run_started_at"`
			Steps      []githubapi.Step `json:"steps"`
		}
		if json.Unmarshal(e.Response.Body, &body) != nil {
			continue // an answer of another shape
		}
		switch {
		case !body.RunStarted.IsZero():
			if err := json.Unmarshal(e.Response.Body, &run); err != nil {
				t.Fatal(err)
			}
		case len(body.Steps) > 0:
			var j githubapi.Job
			if err := json.Unmarshal(e.Response.Body, &j); err != nil {
				t.Fatal(err)
			}
			attempts = append(attempts, githubapi.Attempt{Run: run, Number: 1, Jobs: []githubapi.Job{j}, TotalCount: 1})
		case len(body.Jobs) > 0:
			attempts = append(attempts, githubapi.Attempt{Run: run, Number: run.Number(), Jobs: body.Jobs, TotalCount: body.TotalCount})
		}
	}
	return attempts
}

func checkSane(t *testing.T, samples []Sample) {
	t.Helper()
	for _, s := range samples {
		f := family.Get(s.Family)
		if len(s.Values) != len(f.Labels) {
			t.Errorf("%s has %d label values: %q", f.Name, len(s.Values), s.Values)
		}
		switch {
		case f.Kind == family.Counter && strings.Contains(f.Name, "_seconds_") && (s.Value < 0 || s.Value > fiveDays):
			t.Errorf("%s adds %v s", f.Name, s.Value)
		case s.Family == family.JobCost && (s.Value < 0 || s.Value > 100):
			t.Errorf("%s adds %v", f.Name, s.Value)
		case f.Kind == family.Counter && s.Value != 1 && s.Family != family.JobCost && !strings.Contains(f.Name, "_seconds_"):
			t.Errorf("%s counts %v", f.Name, s.Value)
		case f.Kind == family.Histogram && (s.Value < 0 || s.Value > fiveDays):
			t.Errorf("%s %q observes %v s", f.Name, s.Values, s.Value)
		case f.Kind == family.Gauge && (s.Value < 1.5e9 || s.Value > 2e9):
			t.Errorf("%s is %v", f.Name, s.Value)
		}
	}
}
