package prom

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

const alertmanagerConfig = deployDir + "/alertmanager/alertmanager.yml"

func TestAlertmanagerRoutes(t *testing.T) {
	amtool := tool(t, "AMTOOL", "alertmanager", "amtool")
	run(t, ".", amtool, "check-config", alertmanagerConfig)
	for _, c := range []struct{ alert, severity, receiver string }{
		{"GitHubWorkflowExporterDown", "critical", "urgent"},
		{"GitHubWorkflowQueueTimeHigh", "warning", "default"},
		{"GitHubWorkflowStepDurationRegressed", "info", "daily"},
		{"SomethingElse", "critical", "default"},
	} {
		run(t, ".", amtool, "config", "routes", "test", "--config.file="+alertmanagerConfig, "--verify.receivers="+c.receiver,
			"alertname="+c.alert, "severity="+c.severity, "job=github_workflow_exporter")
	}
	// Every name in the inhibition is an alert's.
	b, err := os.ReadFile(alertmanagerConfig)
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, r := range rulesIn(t, "alerts.yml") {
		known = append(known, r.Alert)
	}
	for _, name := range matchedNames(string(b)) {
		if !slices.Contains(known, name) {
			t.Errorf("alertmanager.yml names %s, which is no alert", name)
		}
	}
}

// matchedNames returns the alert names in matchers, with A(B|C)|D written out.
func matchedNames(text string) []string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		for _, part := range strings.Split(line, "alertname")[1:] {
			value, ok := strings.CutPrefix(strings.TrimLeft(part, "=~!"), `"`)
			if !ok {
				continue
			}
			value, _, _ = strings.Cut(value, `"`)
			for value != "" {
				prefix, rest, _ := strings.Cut(value, "(")
				middle, tail, _ := strings.Cut(rest, ")")
				for _, m := range strings.Split(middle, "|") {
					out = append(out, prefix+m)
				}
				value = strings.TrimPrefix(tail, "|")
			}
		}
	}
	return slices.DeleteFunc(out, func(name string) bool { return strings.ContainsAny(name, ".+*") })
}

// TestInhibition posts alerts to a real Alertmanager and asks which of them it keeps quiet.
func TestInhibition(t *testing.T) {
	binary := tool(t, "ALERTMANAGER", "alertmanager", "alertmanager")
	address := startAlertmanager(t, binary)
	const job, other = "github_workflow_exporter", "github_workflow_exporter_2"
	alert := func(name string, pairs ...string) map[string]string {
		labels := map[string]string{"alertname": "GitHubWorkflow" + name, "job": job, "severity": "warning"}
		for i := 0; i < len(pairs); i += 2 {
			labels[pairs[i]] = pairs[i+1]
		}
		return labels
	}
	for _, c := range []struct {
		name   string
		source map[string]string
		quiet  []map[string]string
		loud   []map[string]string
	}{
		{
			"exporter down", alert("ExporterDown", "severity", "critical", "instance", "a"),
			[]map[string]string{
				alert("FailureRatioHigh", "repository", "o/r", "workflow", "CI", "severity", "critical"),
				alert("ExporterRepositoryStale", "repository", "o/r"), alert("NoJobsFinished", "repository", "o/r"),
			},
			[]map[string]string{alert("NoJobsFinished", "repository", "o/r", "job", other), {"alertname": "SomethingElse", "job": job, "severity": "warning"}},
		},
		{
			"token rejected", alert("ExporterTokenRejected", "severity", "critical", "instance", "a"),
			[]map[string]string{
				alert("ExporterGitHubUnreachable", "severity", "critical", "instance", "a"), alert("ExporterRepositoryStale", "repository", "o/r"),
				alert("ExporterRepositoriesFailing", "instance", "a"), alert("JobsNotTaken", "label", "linux", "severity", "critical"),
				alert("ScheduleMissed", "repository", "o/r", "workflow", "Nightly"),
			},
			[]map[string]string{alert("ExporterTokenExpiresSoon", "instance", "a"), alert("FailureRatioHigh", "repository", "o/r", "workflow", "CI")},
		},
		{
			"one repository is stale", alert("ExporterRepositoryStale", "repository", "o/r"),
			[]map[string]string{alert("JobRunningTooLong", "repository", "o/r", "workflow", "CI", "label", "linux"), alert("NoJobsFinished", "repository", "o/r")},
			[]map[string]string{alert("NoJobsFinished", "repository", "o/s"), alert("JobDurationRegressed", "repository", "o/r", "workflow", "CI", "job_name", "build")},
		},
		{
			"no runner", alert("JobsNotTaken", "label", "gpu", "severity", "critical"),
			[]map[string]string{alert("JobQueuedTooLong", "label", "gpu", "repository", "o/r", "workflow", "CI")},
			[]map[string]string{alert("JobQueuedTooLong", "label", "linux", "repository", "o/r", "workflow", "CI")},
		},
		{
			"urgent and not", alert("FailureRatioHigh", "severity", "critical", "repository", "o/r", "workflow", "CI"),
			[]map[string]string{alert("FailureRatioHigh", "repository", "o/r", "workflow", "CI")},
			[]map[string]string{alert("FailureRatioHigh", "repository", "o/r", "workflow", "Lint"), alert("JobDurationRegressed", "repository", "o/r", "workflow", "CI", "job_name", "build")},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := slices.Concat([]map[string]string{c.source}, c.quiet, c.loud)
			post(t, address, all, time.Hour)
			// The alerts are looked at one after another: what is to be quiet becomes so when its source has been seen.
			missing := func(got map[string]bool) bool {
				return len(got) < len(all) || slices.ContainsFunc(c.quiet, func(labels map[string]string) bool { return !got[key(labels)] })
			}
			var got map[string]bool
			deadline := time.Now().Add(20 * time.Second)
			for got = inhibited(t, address); missing(got) && time.Now().Before(deadline); got = inhibited(t, address) {
				pause(t, 50*time.Millisecond)
			}
			for _, labels := range c.quiet {
				if !got[key(labels)] {
					t.Errorf("%v is not inhibited", labels)
				}
			}
			for _, labels := range append(c.loud, c.source) {
				if quiet, known := got[key(labels)]; quiet || !known {
					t.Errorf("%v is inhibited or not there", labels)
				}
			}
			post(t, address, all, -time.Second) // resolved
			for len(inhibited(t, address)) > 0 && time.Now().Before(deadline) {
				pause(t, 50*time.Millisecond)
			}
		})
	}
}

// startAlertmanager starts one on loopback, without peers, that ends with the test.
func startAlertmanager(t *testing.T, binary string) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var log bytes.Buffer
	command := exec.CommandContext(ctx, binary, "--config.file="+alertmanagerConfig, "--storage.path="+t.TempDir(),
		"--web.listen-address="+address, "--cluster.listen-address=", "--log.level=warn")
	command.Stdout, command.Stderr = &log, &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = command.Wait() // killed
		if t.Failed() {
			t.Logf("Alertmanager said:\n%s", log.String())
		}
	})
	deadline := time.Now().Add(30 * time.Second)
	for {
		if _, err := fetch(t, http.MethodGet, "http://"+address+"/-/ready", nil); err == nil {
			return address
		} else if time.Now().After(deadline) {
			t.Fatalf("Alertmanager is not ready: %v", err)
		}
		pause(t, 50*time.Millisecond)
	}
}

func post(t *testing.T, address string, alerts []map[string]string, lasts time.Duration) {
	t.Helper()
	type alert struct {
		Labels   map[string]string `json:"labels"`
		StartsAt time.Time         `json:"startsAt"`
		EndsAt   time.Time         `json:"endsAt"`
	}
	var body []alert
	for _, labels := range alerts {
		body = append(body, alert{labels, time.Now().Add(-time.Minute), time.Now().Add(lasts)})
	}
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fetch(t, http.MethodPost, "http://"+address+"/api/v2/alerts", b); err != nil {
		t.Fatal(err)
	}
}

// inhibited returns the alerts there are, and whether they are inhibited.
func inhibited(t *testing.T, address string) map[string]bool {
	t.Helper()
	b, err := fetch(t, http.MethodGet, "http://"+address+"/api/v2/alerts", nil)
	if err != nil {
		t.Fatal(err)
	}
	var answer []struct {
		Labels map[string]string `json:"labels"`
		Status struct {
			State       string   `json:"state"`
			InhibitedBy []string `json:"inhibitedBy"`
		} `json:"status"`
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, a := range answer {
		if a.Status.State == "unprocessed" {
			continue // no group has looked at it yet
		}
		out[key(a.Labels)] = len(a.Status.InhibitedBy) > 0
	}
	return out
}

func key(labels map[string]string) string {
	var s strings.Builder
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(&s, "%s=%q ", name, labels[name])
	}
	return s.String()
}

func fetch(t *testing.T, method, url string, body []byte) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	b, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %.200s", method, url, answer.Status, b)
	}
	return b, err
}

// pause lets another process go on; there is no clock here that could be turned.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
}
