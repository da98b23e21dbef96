package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// deployScale shortens every time in the rules and the routes: an hour of production is a minute of the demo.
	deployScale = 60
	// thresholdScale shortens the thresholds less: the jobs of the demo are not sixty times as short as real ones.
	thresholdScale = 15
)

// TestDeploy runs what is in deploy/ with the real programs over the demo, with the Prometheus that PROMETHEUS3 names if it is
// set, else with TestDemo's: the rules load and have series, every panel of every dashboard has data, and a fault of the
// demo fires its alert, reaches a receiver through Alertmanager, and is resolved when it is over. Beside it a Prometheus 3
// that stores native histograms only does the same with their form of the rules and dashboards.
func TestDeploy(t *testing.T) {
	t.Parallel() // beside TestDemo: both mostly wait
	prometheus3, alertmanager := os.Getenv("PROMETHEUS3"), findAlertmanager(t)
	if prometheus3 == "" && os.Getenv("REQUIRE_E2E") == "1" {
		t.Fatal("PROMETHEUS3 names no Prometheus 3 and REQUIRE_E2E=1")
	}
	prometheus := prometheus3
	if prometheus == "" {
		prometheus = findPrometheus(t)
	}
	binary := buildExporter(t)
	exporter, controls := freeAddress(t), control(freeAddress(t))
	demo := start(t, binary, "demo", "--web.listen-address="+exporter, "--demo.control-address="+string(controls), "--storage.path="+t.TempDir())
	receiver := startReceiver(t)
	manager := startAlertmanager(t, alertmanager, receiver)
	classically := startDeployed(t, prometheus, classic, exporter, manager)
	served := func(t *testing.T, by *server, dashboards string) {
		eventually(t, "every recording rule has series", 6*time.Minute, 5*time.Second, func() string { return idleRules(t, by) })
		eventually(t, "every panel has data", 6*time.Minute, 10*time.Second, func() string {
			demo.running(t)
			return emptyPanels(t, by, dashboards)
		})
	}
	var natively *server // nil without a Prometheus 3
	if prometheus3 != "" {
		natively = startDeployed(t, prometheus3, native, exporter, "")
	}
	t.Run("classic", func(t *testing.T) {
		served(t, classically, filepath.Join("..", "..", "deploy", "grafana", "dashboards"))
	})
	t.Run("native", func(t *testing.T) {
		if natively == nil {
			t.Skip("PROMETHEUS3 names no Prometheus 3")
		}
		served(t, natively, nativeDashboards(t))
		classicOnly, err := natively.query(t.Context(), `{__name__=~"github_workflow_(job|step|run)_.+_bucket"}`, time.Now())
		if err != nil || len(classicOnly) > 0 {
			t.Errorf("classic buckets are stored too (%d, %v): what was asked proves nothing", len(classicOnly), err)
		}
	})
	fault := func(t *testing.T, name, alert string) {
		if receiver.state(alert) == "firing" {
			t.Fatalf("%s fires before its fault", alert)
		}
		if err := controls.fault(t.Context(), name, true); err != nil {
			t.Fatal(err)
		}
		eventually(t, alert+" reached the receiver", 12*time.Minute, time.Second, func() string {
			return unless(receiver.state(alert) == "firing", "not yet")
		})
		if err := controls.fault(t.Context(), name, false); err != nil {
			t.Fatal(err)
		}
		eventually(t, alert+" is resolved", 12*time.Minute, time.Second, func() string {
			return unless(receiver.state(alert) == "resolved", "not yet")
		})
	}
	t.Run("together", func(t *testing.T) { // neither hides the other
		t.Run("failing_workflow", func(t *testing.T) {
			t.Parallel()
			fault(t, "failing_workflow", "GitHubWorkflowFailureRatioHigh")
		})
		t.Run("stopped_runners", func(t *testing.T) {
			t.Parallel()
			fault(t, "stopped_runners", "GitHubWorkflowJobsNotTaken")
		})
	})
	t.Run("dead_token", func(t *testing.T) { fault(t, "dead_token", "GitHubWorkflowExporterTokenRejected") })
}

func unless(done bool, left string) string {
	if done {
		return ""
	}
	return left
}

// findAlertmanager returns the Alertmanager to test with.
func findAlertmanager(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("ALERTMANAGER"), "prometheus-alertmanager", "alertmanager"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	if os.Getenv("REQUIRE_E2E") == "1" {
		t.Fatal("no Alertmanager and REQUIRE_E2E=1")
	}
	t.Skip("no Alertmanager")
	return ""
}

var (
	// A time in a range, an offset, for: or interval:; not one within a name such as increase1h.
	ruleTime = regexp.MustCompile(`(^|[\[\s:(])(\d+)([wdhm])\b`)
	// A threshold in seconds is written as minutes * 60.
	threshold = regexp.MustCompile(`\* 60\b`)
)

// shorten divides the times of a rules file or a routing configuration.
func shorten(text string) string {
	seconds := map[string]int{"w": 7 * 24 * 3600, "d": 24 * 3600, "h": 3600, "m": 60}
	shortened := func(text string) string {
		return ruleTime.ReplaceAllStringFunc(text, func(match string) string {
			m := ruleTime.FindStringSubmatch(match)
			n, _ := strconv.Atoi(m[2])
			return m[1] + strconv.Itoa(max(n*seconds[m[3]]/deployScale, 1)) + "s"
		})
	}
	return threshold.ReplaceAllString(shortened(text), "* "+strconv.Itoa(60/thresholdScale))
}

func TestShorten(t *testing.T) {
	for text, want := range map[string]string{
		"for: 5m":                      "for: 5s",
		"  interval: 1m\n":             "  interval: 1s\n",
		"increase(x[1h])":              "increase(x[60s])",
		"sum_over_time(a:b1h[3d:5m])":  "sum_over_time(a:b1h[4320s:5s])",
		"m:p95_6h offset 1w > 15 * 60": "m:p95_6h offset 10080s > 15 * 4",
		"in the last 6 hours":          "in the last 6 hours",
	} {
		if got := shorten(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func deployed(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{"..", "..", "deploy"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The forms of histograms that deploy/ has rules and dashboards for.
const (
	classic = "classic"
	native  = "native"
)

// startDeployed starts a Prometheus that scrapes one form of the histograms only, with the deployed rules for that form,
// shortened. Without a manager its alerts go nowhere.
func startDeployed(t *testing.T, binary, form, target, manager string) *server {
	t.Helper()
	dir := t.TempDir()
	rules := []string{"recording.yml", "recording." + form + ".yml", "alerts.yml"}
	for _, name := range rules {
		write(t, filepath.Join(dir, name), shorten(deployed(t, "prometheus", name)))
	}
	text := fmt.Sprintf(`global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [%s]
`, strings.Join(rules, ", "))
	if manager != "" {
		text += fmt.Sprintf("alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}\n", manager)
	}
	options := ""
	if form == native {
		options = "scrape_native_histograms: true, "
	}
	text += fmt.Sprintf("scrape_configs: [{job_name: github_workflow_exporter, %sstatic_configs: [{targets: [%q]}]}]\n", options, target)
	return startConfigured(t, binary, dir, text)
}

// idleRules names a recording rule without series, or a rule that cannot be evaluated.
func idleRules(t *testing.T, s *server) string {
	t.Helper()
	var answer struct {
		Groups []struct {
			Rules []struct {
				Name, Type, Health, LastError string
			} `json:"rules"`
		} `json:"groups"`
	}
	if err := s.api(t.Context(), "rules", nil, &answer); err != nil {
		return err.Error()
	}
	var left []string
	recording := 0
	for _, group := range answer.Groups {
		for _, rule := range group.Rules {
			if rule.Health == "err" {
				t.Fatalf("rule %s: %s", rule.Name, rule.LastError)
			}
			if rule.Type != "recording" {
				continue
			}
			recording++
			samples, err := s.query(t.Context(), fmt.Sprintf("last_over_time({__name__=%q}[15m])", rule.Name), time.Now())
			if err != nil || len(samples) == 0 {
				left = append(left, rule.Name)
			}
		}
	}
	if recording == 0 {
		return "no recording rule is loaded"
	}
	return strings.Join(left, ", ")
}

// nativeDashboards generates the dashboards in their native form.
func nativeDashboards(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	generate := exec.CommandContext(t.Context(), "go", "run", ".", "generate", "-native", "-dir="+dir)
	generate.Dir = filepath.Join("..", "dashboards")
	if out, err := generate.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// emptyPanels asks every query of every dashboard in a directory.
func emptyPanels(t *testing.T, s *server, dashboards string) string {
	t.Helper()
	check := exec.CommandContext(t.Context(), "go", "run", ".", "check", "-prometheus=http://"+s.address,
		"-dir="+dashboards, "-range=5m", "-window=1m", "-compare=30s")
	check.Dir = filepath.Join("..", "dashboards")
	if out, err := check.CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return strings.Join(lines[max(len(lines)-12, 0):], "\n")
	}
	return ""
}

// receiver takes what Alertmanager sends.
type receiver struct {
	url string

	mu     sync.Mutex
	states map[string]string
}

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{states: map[string]string{}}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.url = "http://" + listener.Addr().String() + "/"
	hook := &http.Server{Handler: r, ReadHeaderTimeout: time.Second}
	go func() { _ = hook.Serve(listener) }()
	t.Cleanup(func() { _ = hook.Close() })
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	var body struct {
		Alerts []struct {
			Status string            `json:"status"`
			Labels map[string]string `json:"labels"`
		} `json:"alerts"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, request.Body, 1<<20)).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	firing := map[string]bool{}
	for _, a := range body.Alerts {
		firing[a.Labels["alertname"]] = firing[a.Labels["alertname"]] || a.Status == "firing"
	}
	for name, on := range firing {
		r.states[name] = "resolved"
		if on {
			r.states[name] = "firing"
		}
	}
}

func (r *receiver) state(alert string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.states[alert]
}

var hookURL = regexp.MustCompile(`(?m)^(\s*)# webhook_configs: \[\{url: .*\}\]$`)

// startAlertmanager starts an Alertmanager with the deployed routes and inhibitions, shortened, whose receivers are ours.
func startAlertmanager(t *testing.T, binary string, r *receiver) (address string) {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "alertmanager.yml")
	text := hookURL.ReplaceAllString(deployed(t, "alertmanager", "alertmanager.yml"), "${1}webhook_configs: [{url: '"+r.url+"'}]")
	text = regexp.MustCompile(`group_(wait|interval): \S+`).ReplaceAllString(text, "group_$1: 1s")
	write(t, config, shorten(text))
	address = freeAddress(t)
	manager := start(t, binary, "--config.file="+config, "--storage.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--cluster.listen-address=", "--log.level=warn")
	eventually(t, "Alertmanager is ready", time.Minute, 200*time.Millisecond, func() string {
		manager.running(t)
		if _, err := get(t.Context(), "http://"+address+"/-/ready"); err != nil {
			return err.Error()
		}
		return ""
	})
	return address
}

// Every alert that the test fires must exist under the name it has.
func TestDeployedAlertsExist(t *testing.T) {
	rules := deployed(t, "prometheus", "alerts.yml")
	for _, name := range []string{"GitHubWorkflowFailureRatioHigh", "GitHubWorkflowJobsNotTaken", "GitHubWorkflowExporterTokenRejected"} {
		if !slices.Contains(strings.Fields(rules), name) {
			t.Errorf("no alert %s", name)
		}
	}
}
