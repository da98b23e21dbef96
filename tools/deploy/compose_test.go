package deploy

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"sigs.k8s.io/yaml"

	"github_workflow_exporter/internal/config"
)

// project reads the compose file as docker compose would with these settings, KEY=VALUE, in .env.
func project(t *testing.T, settings ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{in("compose", "compose.yml")}, cli.WithResolvedPaths(true), cli.WithEnv(settings))
	if err != nil {
		t.Fatal(err)
	}
	p, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCompose(t *testing.T) {
	p := project(t)
	pinned := regexp.MustCompile(`^[a-z/]+:v?[0-9]+\.[0-9]+\.[0-9]+$`)
	for _, name := range []string{"github-workflow-exporter", "prometheus", "alertmanager", "grafana"} {
		service, err := p.GetService(name)
		if err != nil {
			t.Fatal(err)
		}
		if service.Build == nil && !pinned.MatchString(service.Image) {
			t.Errorf("%s: the image %s is not pinned", name, service.Image)
		}
		if service.Build != nil {
			if _, err := os.Stat(filepath.Join(service.Build.Context, service.Build.Dockerfile)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s can be reached from other machines", name, port.Published)
			}
		}
		for _, v := range service.Volumes {
			switch v.Type {
			case types.VolumeTypeBind:
				if _, err := os.Stat(v.Source); err != nil || !v.ReadOnly {
					t.Errorf("%s: %s must exist and be mounted read-only: %v", name, v.Source, err)
				}
			case types.VolumeTypeVolume:
				if _, ok := p.Volumes[v.Source]; !ok {
					t.Errorf("%s: volume %s is not declared", name, v.Source)
				}
			default:
				t.Errorf("%s: volume of type %s", name, v.Type)
			}
		}
	}
}

// TestComposeRunsWhatIsTested: rules and routes are tested with the programs that the modules beside this one pin.
func TestComposeRunsWhatIsTested(t *testing.T) {
	p := project(t)
	for name, version := range map[string]*regexp.Regexp{
		// 3.15.0 is the module's v0.315.0.
		"prometheus":   regexp.MustCompile(`(?m)^\tgithub\.com/prometheus/prometheus v0\.(\d)0?(\d+)\.(\d+)\b`),
		"alertmanager": regexp.MustCompile(`(?m)^\tgithub\.com/prometheus/alertmanager v(\d+)\.(\d+)\.(\d+)\b`),
	} {
		pinned := version.FindSubmatch(read(t, filepath.Join(root, "tools", name, "go.mod")))
		if pinned == nil {
			t.Fatalf("tools/%s/go.mod names no version", name)
		}
		service, err := p.GetService(name)
		if err != nil {
			t.Fatal(err)
		}
		if want := "prom/" + name + ":v" + string(bytes.Join(pinned[1:], []byte("."))); service.Image != want {
			t.Errorf("%s is tested, compose runs %s", want, service.Image)
		}
	}
}

// TestComposeExporter: the demo is one line, and without that line the image's own command reads a valid configuration.
func TestComposeExporter(t *testing.T) {
	service, err := project(t).GetService("github-workflow-exporter")
	if err != nil {
		t.Fatal(err)
	}
	if len(service.Command) == 0 || service.Command[0] != "demo" {
		t.Errorf("command %q is not the demo", service.Command)
	}
	lines := 0
	for line := range strings.Lines(string(read(t, in("compose", "compose.yml")))) {
		if strings.Contains(line, "demo,") {
			lines++
		}
	}
	if lines != 1 {
		t.Errorf("the demo takes %d lines, the text promises one", lines)
	}
	help := string(output(t, exporter(t), "help", "demo"))
	for _, arg := range service.Command[1:] {
		if name, _, _ := strings.Cut(arg, "="); !strings.Contains(help, name) {
			t.Errorf("the demo has no flag %s", name)
		}
	}
	// What the image does without a command.
	_, command, ok := strings.Cut(string(read(t, filepath.Join(root, "Dockerfile"))), "\nCMD ")
	if !ok {
		t.Fatal("the Dockerfile has no CMD")
	}
	mounted := false
	for _, v := range service.Volumes {
		mounted = mounted || strings.Contains(command, `"--config.file=`+v.Target+`"`)
		if v.Target == "/data" && !strings.Contains(command, `"--storage.path=/data"`) {
			t.Errorf("the ledger's volume is not where the image keeps it: %s", command)
		}
	}
	if !mounted {
		t.Errorf("the configuration is not mounted where the image reads it: %s", command)
	}
	if _, err := config.Load(in("compose", "config.yml")); err != nil {
		t.Error(err)
	}
}

// prometheusConfig is what the compose file's Prometheus configuration must agree with others about.
type prometheusConfig struct {
	Global        struct{ ScrapeInterval, EvaluationInterval string }
	RuleFiles     []string `json:"rule_files"`
	Alerting      struct{ Alertmanagers []targets }
	ScrapeConfigs []struct {
		JobName string    `json:"job_name"`
		Static  []targets `json:"static_configs"`
	} `json:"scrape_configs"`
}

type targets struct {
	Static  []targets `json:"static_configs"`
	Targets []string
}

func TestComposePrometheus(t *testing.T) {
	p := project(t)
	read := func(path string) prometheusConfig {
		var c prometheusConfig
		if err := yaml.Unmarshal(read(t, path), &c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	ours, theirs := read(in("compose", "prometheus.yml")), read(in("prometheus", "prometheus.yml"))
	var rules []string
	for _, file := range ours.RuleFiles {
		if _, err := os.Stat(in("prometheus", filepath.Base(file))); err != nil || filepath.Dir(file) != "rules" {
			t.Errorf("rule file %s: %v", file, err)
		}
		rules = append(rules, filepath.Base(file))
	}
	if !slices.Equal(rules, theirs.RuleFiles) {
		t.Errorf("rules %q differ from %q in deploy/prometheus", rules, theirs.RuleFiles)
	}
	if len(ours.ScrapeConfigs) != 1 || ours.ScrapeConfigs[0].JobName != theirs.ScrapeConfigs[0].JobName {
		t.Error("the job's name differs from that in deploy/prometheus, by which alerts know the exporter")
	}
	for _, target := range []string{ours.ScrapeConfigs[0].Static[0].Targets[0], ours.Alerting.Alertmanagers[0].Static[0].Targets[0]} {
		host, port, _ := strings.Cut(target, ":")
		service, err := p.GetService(host)
		if err != nil {
			t.Errorf("target %s: %v", target, err)
			continue
		}
		if !slices.ContainsFunc(service.Ports, func(c types.ServicePortConfig) bool { return c.Published == port }) {
			t.Errorf("target %s: the service has no such port", target)
		}
	}
	if _, err := os.Stat(in("alertmanager", "alertmanager.yml")); err != nil {
		t.Errorf("Alertmanager has no configuration to mount: %v", err)
	}
}

func TestGrafanaProvisioning(t *testing.T) {
	p := project(t)
	var sources struct {
		APIVersion  int `json:"apiVersion"`
		Datasources []struct {
			Name, UID, Type, Access, URL string
			IsDefault                    bool `json:"isDefault"`
			JSONData                     struct {
				HTTPMethod   string `json:"httpMethod"`
				TimeInterval string `json:"timeInterval"`
				Exemplars    []struct {
					Name, URL string
					Label     string `json:"urlDisplayLabel"`
				} `json:"exemplarTraceIdDestinations"`
			} `json:"jsonData"`
		}
	}
	strict(t, "data sources", read(t, in("grafana", "provisioning", "datasources", "prometheus.yml")), &sources)
	host := strings.TrimPrefix(sources.Datasources[0].URL, "http://")
	if name, _, _ := strings.Cut(host, ":"); name != "prometheus" {
		t.Errorf("the data source is at %s, which is no service", host)
	}
	if len(sources.Datasources[0].JSONData.Exemplars) != 2 {
		t.Error("exemplars do not lead to GitHub")
	}
	for _, e := range sources.Datasources[0].JSONData.Exemplars {
		// A single $ would be looked for in Grafana's environment at the start, and be gone.
		if bare := regexp.MustCompile(`\$\$\{__data\.fields\.[a-z_]+\}|\$\{GITHUB_URL\}`).ReplaceAllString(e.URL, ""); strings.Contains(bare, "$") {
			t.Errorf("exemplar %s: %s", e.Name, e.URL)
		}
	}
	grafana, err := p.GetService("grafana")
	if err != nil {
		t.Fatal(err)
	}
	if grafana.Environment["GITHUB_URL"] == nil {
		t.Error("GITHUB_URL is not set for Grafana")
	}
	var providers struct {
		APIVersion int `json:"apiVersion"`
		Providers  []struct {
			Name, Folder, Type              string
			DisableDeletion, AllowUIUpdates bool
			UpdateIntervalSeconds           int
			Options                         struct{ Path string }
		}
	}
	strict(t, "dashboard providers", read(t, in("grafana", "provisioning", "dashboards", "github_workflow_exporter.yml")), &providers)
	path := providers.Providers[0].Options.Path
	// Without a word in .env those of the demo are mounted; with it those for everybody.
	for setting, dir := range map[string]string{"": in("compose", "dashboards"), "../grafana/dashboards": in("grafana", "dashboards")} {
		service, err := project(t, "DASHBOARDS="+setting).GetService("grafana")
		if err != nil {
			t.Fatal(err)
		}
		want, err := filepath.Abs(dir)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(service.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == path && v.Source == want }) {
			t.Errorf("DASHBOARDS=%s: %s is not mounted at %s", setting, want, path)
		}
	}
	home := *grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	if _, err := os.Stat(in("grafana", "dashboards", filepath.Base(home))); err != nil || filepath.Dir(home) != path {
		t.Errorf("the home dashboard %s: %v", home, err)
	}
}
