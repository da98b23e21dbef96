package githubapi

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestVerifySignature(t *testing.T) {
	const secret, body = "It's a Secret to Everybody", "Hello, World!"
	const good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17" // docs.github.com, "Validating webhook deliveries"
	for name, test := range map[string]struct {
		secret, body, signature string
		want                    bool
	}{
		"as documented":     {secret, body, good, true},
		"capital letters":   {secret, body, "sha256=" + strings.ToUpper(good[7:]), true},
		"another body":      {secret, body + " ", good, false},
		"another secret":    {secret + ".", body, good, false},
		"none":              {secret, body, "", false},
		"no prefix":         {secret, body, good[7:], false},
		"the old one":       {secret, body, "sha1=" + good[7:], false},
		"cut":               {secret, body, good[:60], false},
		"longer":            {secret, body, good + "00", false},
		"no hexadecimal":    {secret, body, "sha256=" + strings.Repeat("x", 64), false},
		"no secret at all":  {"", body, "sha256=39a1bb0ff5d9bbb1ef5a5eb4b0b54cf6f0d5ca1ed0f1d2c6d39ff4f6e5e2f02c", false},
		"nothing but space": {secret, "", " ", false},
	} {
		if got := VerifySignature([]byte(test.secret), []byte(test.body), test.signature); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestParseDelivery(t *testing.T) {
	now := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	const repository = `"repository":{"id":5,"full_name":"octo-org/app","default_branch":"main","private":true}`
	job := `"workflow_job":{"id":71,"run_id":7,"run_attempt":2,"name":"build","status":"queued","created_at":"2026-11-27T09:00:00Z","labels":["linux"]}`
	for name, test := range map[string]struct{ event, body, want string }{
		"run":                     {EventRun, `{"action":"completed",` + repository + `,"workflow_run":{"id":7,"run_attempt":3,"status":"completed"},"installation":{"id":9}}`, ""},
		"job":                     {EventJob, `{"action":"queued",` + repository + `,` + job + `,"installation":{"id":"9"}}`, ""},
		"another event":           {"push\n", `{}`, `"push" is no event of a run or job`},
		"no JSON":                 {EventRun, `payload=%7B%7D`, "no JSON"},
		"cut":                     {EventRun, `{"action":"completed",` + repository, "no JSON"},
		"no object":               {EventRun, `[]`, "no JSON"},
		"no repository":           {EventRun, `{"workflow_run":{"id":7}}`, "it names no repository"},
		"a repository without id": {EventRun, `{"repository":{"full_name":"o/r"},"workflow_run":{"id":7}}`, "it names no repository"},
		"a name that is none":     {EventRun, `{"repository":{"id":1,"full_name":"../.."},"workflow_run":{"id":7}}`, "it names no repository"},
		"no run":                  {EventRun, `{` + repository + `}`, "no id in it"},
		"a run of another kind":   {EventRun, `{` + repository + `,"workflow_run":7}`, "is not what it should be"},
		"no job":                  {EventJob, `{` + repository + `,"workflow_run":{"id":7}}`, "no id in it"},
		"a job without run":       {EventJob, `{` + repository + `,"workflow_job":{"id":71}}`, "no id in it"},
	} {
		d, err := ParseDelivery(t.Context(), test.event, []byte(test.body), now)
		if test.want != "" {
			if err == nil || !strings.Contains(err.Error(), test.want) || d.Event != "" {
				t.Errorf("%s: %+v, %v, want an error with %q", name, d, err, test.want)
			}
			continue
		}
		if err != nil || d.Repository.ID != 5 || d.Run.ID != 7 || d.Run.RunAttempt != d.Run.Number() || d.Installation != 9 {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
		if test.event == EventJob && (d.Job.ID != 71 || d.Run.RunAttempt != 2 || d.Job.Labels[0] != "linux") {
			t.Errorf("%s: %+v", name, d.Job)
		}
	}
}

const deliveries = "../../shared/payloads/webhooks"

// TestRecordedDeliveries: whatever real servers sent over the years is taken.
func TestRecordedDeliveries(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(deliveries, "workflow_*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		if os.Getenv("REQUIRE_SHARED") == "1" {
			t.Fatalf("no recordings in %s", deliveries)
		}
		t.Skipf("no recordings in %s", deliveries)
	}
	for _, file := range files {
		name := filepath.Base(file)
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var wrapped struct {
			Payload json.RawMessage `json:"payload"`
		}
		if err := json.Unmarshal(raw, &wrapped); err == nil && len(wrapped.Payload) > 0 {
			raw = wrapped.Payload
		}
		event, rest, _ := strings.Cut(name, ".")
		action, _, _ := strings.Cut(rest, ".")
		d, err := ParseDelivery(t.Context(), event, raw, time.Now())
		if err != nil || d.Action != action || d.Run.ID == 0 || d.Repository.ID == 0 || event == EventJob && (d.Job.Name == "" || d.Job.Status == "") {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
}

func FuzzDelivery(f *testing.F) {
	f.Add(true, `{"action":"completed","repository":{"id":5,"full_name":"octo-org/app"},"workflow_run":{"id":7,"run_attempt":3,"status":"completed"}}`)
	f.Add(false, `{"action":"queued","repository":{"id":5,"full_name":"octo-org/app"},"workflow_job":{"id":71,"run_id":7,"labels":["a"],"steps":[{"name":"x"}]}}`)
	f.Add(false, `{"repository":null,"workflow_job":{"id":1e3}}`)
	now := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, run bool, body string) {
		event := EventJob
		if run {
			event = EventRun
		}
		d, err := ParseDelivery(context.Background(), event, []byte(body), now)
		if err != nil {
			return
		}
		if d.Run.ID <= 0 || d.Repository.ID <= 0 || !validName(d.Repository.FullName) || len(d.Job.Steps) > maxSteps || len(d.Job.Labels) > maxLabels {
			t.Errorf("%+v", d)
		}
		if !json.Valid([]byte(body)) {
			t.Error("taken, and no JSON")
		}
	})
}
