package deploy

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "copy rules and dashboards into the chart instead of comparing")

var chartDir = in("kubernetes", "github-workflow-exporter")

// objects are what a chart renders to, by kind.
type objects struct {
	sets     []appsv1.StatefulSet
	maps     []corev1.ConfigMap
	secrets  []corev1.Secret
	accounts []corev1.ServiceAccount
	services []corev1.Service
	policies []networkingv1.NetworkPolicy
	monitors []monitoringv1.ServiceMonitor
	rules    []monitoringv1.PrometheusRule
}

// helm is the helm of this module's go.mod.
func helm(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(string(output(t, "go", "tool", "-n", "helm")))
}

func render(t *testing.T, helm string, args ...string) objects {
	t.Helper()
	rendered := output(t, helm, append([]string{"template", "release", chartDir, "--namespace", "monitoring"}, args...)...)
	var o objects
	for _, document := range bytes.Split(append([]byte("\n"), rendered...), []byte("\n---\n")) {
		var head struct{ Kind string }
		if err := yaml.Unmarshal(document, &head); err != nil {
			t.Fatalf("%v\n%s", err, document)
		}
		switch head.Kind {
		case "":
		case "StatefulSet":
			o.sets = decoded(t, document, o.sets)
		case "ConfigMap":
			o.maps = decoded(t, document, o.maps)
		case "Secret":
			o.secrets = decoded(t, document, o.secrets)
		case "ServiceAccount":
			o.accounts = decoded(t, document, o.accounts)
		case "Service":
			o.services = decoded(t, document, o.services)
		case "NetworkPolicy":
			o.policies = decoded(t, document, o.policies)
		case "ServiceMonitor":
			o.monitors = decoded(t, document, o.monitors)
		case "PrometheusRule":
			o.rules = decoded(t, document, o.rules)
		default:
			t.Errorf("unexpected kind %q", head.Kind)
		}
	}
	return o
}

func decoded[T any](t *testing.T, document []byte, to []T) []T {
	t.Helper()
	var object T
	strict(t, "rendered object", document, &object)
	return append(to, object)
}

// TestChartHoldsCopies: charts cannot reach outside their directory, so rules and dashboards are copied into it.
func TestChartHoldsCopies(t *testing.T) {
	for from, to := range map[string]string{in("grafana", "dashboards", "*.json"): "dashboards", in("prometheus", "recording*.yml"): "rules", in("prometheus", "alerts*.yml"): "rules"} {
		sources, err := filepath.Glob(from)
		if err != nil || len(sources) == 0 {
			t.Fatalf("nothing is %s: %v", from, err)
		}
		for _, source := range sources {
			want, target := read(t, source), filepath.Join(chartDir, "files", to, filepath.Base(source))
			if *update {
				if err := os.WriteFile(target, want, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := os.ReadFile(target)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s differs from %s: run go test . -update in tools/deploy (%v)", target, source, err)
			}
		}
	}
	copies, err := filepath.Glob(filepath.Join(chartDir, "files", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range copies {
		dir := "prometheus"
		if strings.HasSuffix(file, ".json") {
			dir = filepath.Join("grafana", "dashboards")
		}
		if _, err := os.Stat(in(dir, filepath.Base(file))); err != nil {
			t.Errorf("%s has no original: %v", file, err)
		}
	}
}

// TestChartRenders lints and renders the chart with each of the values below ci/, decodes all objects strictly and holds
// them to each other.
func TestChartRenders(t *testing.T) {
	helm, binary := helm(t), exporter(t)
	help := string(output(t, binary, "--help"))
	combinations, err := filepath.Glob(filepath.Join(chartDir, "ci", "*-values.yaml"))
	if err != nil || len(combinations) < 4 {
		t.Fatalf("combinations of values: %q, %v", combinations, err)
	}
	for _, values := range combinations {
		t.Run(strings.TrimSuffix(filepath.Base(values), "-values.yaml"), func(t *testing.T) {
			output(t, helm, "lint", "--strict", chartDir, "--values", values)
			o := render(t, helm, "--values", values)
			if len(o.sets) != 1 || len(o.services) != 1 {
				t.Fatalf("%d stateful sets, %d services", len(o.sets), len(o.services))
			}
			checkSet(t, o, help)
			checkConfig(t, o)
			checkNeighbours(t, o)
		})
	}
}

// TestChartOffersEverything holds the full combination to having every kind of object.
func TestChartOffersEverything(t *testing.T) {
	o := render(t, helm(t), "--values", filepath.Join(chartDir, "ci", "full-values.yaml"))
	dashboards, err := filepath.Glob(in("grafana", "dashboards", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(o.monitors) != 1 || len(o.rules) != 1 || len(o.policies) != 1 || len(o.accounts) != 1 || len(o.maps) != 1+len(dashboards) {
		t.Errorf("%d monitors, %d rules, %d policies, %d accounts, %d config maps", len(o.monitors), len(o.rules), len(o.policies), len(o.accounts), len(o.maps))
	}
}

// TestChartRunbook: an alert leads to its section of the runbook, or nowhere; there is no address that holds for everybody.
func TestChartRunbook(t *testing.T) {
	helm := helm(t)
	for _, url := range []string{"", runbook} {
		o := render(t, helm, "--values", filepath.Join(chartDir, "ci", "minimal-values.yaml"), "--set", "prometheusRule.enabled=true,prometheusRule.runbookURL="+url)
		links, alerts := 0, 0
		for _, g := range o.rules[0].Spec.Groups {
			for _, rule := range g.Rules {
				if rule.Alert != "" {
					alerts++
				}
				if rule.Annotations["runbook_url"] != "" {
					links++
				}
			}
		}
		if want := map[bool]int{true: alerts}[url != ""]; links != want || alerts == 0 {
			t.Errorf("runbook at %q: %d of %d alerts link to it", url, links, alerts)
		}
		checkNeighbours(t, o)
	}
}

// TestChartHistograms: rules over native histograms record nothing unless these are scraped; the dashboards need the classic ones.
func TestChartHistograms(t *testing.T) {
	helm := helm(t)
	for values, want := range map[string]bool{"native": true, "full": false} {
		spec := render(t, helm, "--values", filepath.Join(chartDir, "ci", values+"-values.yaml")).monitors[0].Spec
		for field, got := range map[string]*bool{"scrapeNativeHistograms": spec.ScrapeNativeHistograms, "scrapeClassicHistograms": spec.ScrapeClassicHistograms} {
			if set := got != nil && *got; set != want {
				t.Errorf("%s values: %s is %t, want %t", values, field, set, want)
			}
		}
	}
}

// TestChartRefuses: mistakes are named before anything reaches the cluster.
func TestChartRefuses(t *testing.T) {
	helm := helm(t)
	const repository = "config.targets.repositories={octo-org/octo-repo},image.repository=registry.example.com/gwe"
	for _, test := range []struct {
		name string
		set  []string
		want string
	}{
		{"nothing to watch", []string{"image.repository=registry.example.com/gwe"}, "config.targets: name at least one"},
		{"no image", []string{"config.targets.repositories={octo-org/octo-repo}"}, "image.repository: name where you pushed the image"},
		{"an image with its digest in the name", []string{"config.targets.repositories={octo-org/octo-repo}", "image.repository=a@sha256:b"}, "repository"},
		{"two tokens", []string{repository, "token.value=a", "token.existingSecret=b"}, "token.value and token.existingSecret are both set"},
		{"unknown value", []string{repository, "replicas=2"}, "replicas"},
		{"unknown target", []string{"config.targets.repos={a/b}"}, "repos"},
		{"own storage path", []string{repository, "config.storage.path=/x"}, "storage"},
		{"wrong size", []string{repository, "persistence.size=big"}, "size"},
		{"wrong form of histograms", []string{repository, "prometheusRule.histograms=both"}, "histograms"},
		{"runbook without a scheme", []string{repository, "prometheusRule.runbookURL=wiki.example.com"}, "runbookURL"},
		{"label of the selector on the pod", []string{repository, `podLabels.app\.kubernetes\.io/name=x`}, "podLabels"},
		{"label of the selector on the service", []string{repository, `service.labels.app\.kubernetes\.io/instance=x`}, "service"},
		{"annotation of the chart", []string{repository, "podAnnotations.checksum/config=x"}, "podAnnotations"},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := []string{"template", "release", chartDir}
			for _, s := range test.set {
				args = append(args, "--set", s)
			}
			if _, stderr, err := execute(t, helm, args...); err == nil || !strings.Contains(string(stderr), test.want) {
				t.Errorf("got %v %s, want an error with %q", err, stderr, test.want)
			}
		})
	}
}

// TestValuesAndSchemaAgree: a value that the schema does not know could not be set, one without default not be found.
func TestValuesAndSchemaAgree(t *testing.T) {
	var values map[string]any
	strict(t, "values.yaml", read(t, filepath.Join(chartDir, "values.yaml")), &values)
	var schema struct {
		Properties map[string]struct{ Properties map[string]any }
	}
	if err := yaml.Unmarshal(read(t, filepath.Join(chartDir, "values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	for key, value := range values {
		of, ok := schema.Properties[key]
		if !ok {
			t.Errorf("%s is not in the schema", key)
		}
		if inner, isMap := value.(map[string]any); isMap && of.Properties != nil {
			for k := range inner {
				if _, ok := of.Properties[k]; !ok {
					t.Errorf("%s.%s is not in the schema", key, k)
				}
			}
		}
	}
	for key, of := range schema.Properties {
		value, ok := values[key]
		if !ok && key != "global" { // helm's own
			t.Errorf("%s is in the schema and has no default", key)
		}
		inner, _ := value.(map[string]any)
		for k, schema := range of.Properties {
			if _, ok := inner[k]; !ok && schema != false && key != "config" { // refused; the exporter's own keys
				t.Errorf("%s.%s is in the schema and has no default", key, k)
			}
		}
	}
}
