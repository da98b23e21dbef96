package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github_workflow_exporter/internal/config"
)

// checkSet holds the pod to what it must be and must not be allowed.
func checkSet(t *testing.T, o objects, help string) {
	t.Helper()
	set := o.sets[0]
	if set.Spec.Replicas == nil || *set.Spec.Replicas != 1 {
		t.Error("replicas must be 1: the ledger has one writer")
	}
	pod := set.Spec.Template.Spec
	if s := pod.SecurityContext; s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.SeccompProfile == nil {
		t.Error("the pod may run as root or without a seccomp profile")
	}
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Error("the pod gets a token for the API server")
	}
	c := pod.Containers[0]
	s := c.SecurityContext
	if s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation ||
		s.Capabilities == nil || len(s.Capabilities.Drop) != 1 || s.Capabilities.Drop[0] != "ALL" {
		t.Error("the container has more rights than it needs")
	}
	for probe, path := range map[*corev1.Probe]string{c.StartupProbe: "/-/healthy", c.LivenessProbe: "/-/healthy", c.ReadinessProbe: "/-/ready"} {
		switch {
		case probe == nil:
			t.Errorf("there is no probe of %s", path)
		case probe.HTTPGet != nil && probe.HTTPGet.Path == path && probe.HTTPGet.Port.StrVal == c.Ports[0].Name:
		case probe.TCPSocket != nil && probe.TCPSocket.Port.StrVal == c.Ports[0].Name:
		default:
			t.Errorf("a probe asks for %+v, not for %s", probe.ProbeHandler, path)
		}
	}
	if c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
		t.Error("no memory is requested or limited")
	}
	for _, arg := range c.Args {
		if name, _, _ := strings.Cut(arg, "="); !strings.Contains(help, name) {
			t.Errorf("the program has no flag %s", name)
		}
	}
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
	}
	for _, v := range set.Spec.VolumeClaimTemplates {
		volumes[v.Name] = true
		if set.Spec.PersistentVolumeClaimRetentionPolicy.WhenDeleted != appsv1.RetainPersistentVolumeClaimRetentionPolicyType {
			t.Error("the ledger is deleted with the release")
		}
	}
	for _, m := range c.VolumeMounts {
		if !volumes[m.Name] {
			t.Errorf("volume %s is mounted and not there", m.Name)
		}
	}
	for key, value := range set.Spec.Selector.MatchLabels {
		if set.Spec.Template.Labels[key] != value || o.services[0].Spec.Selector[key] != value {
			t.Errorf("selectors and labels differ in %s", key)
		}
	}
}

// checkConfig loads the configuration as the exporter would.
func checkConfig(t *testing.T, o objects) {
	t.Helper()
	for _, m := range o.maps {
		text, ok := m.Data["config.yml"]
		if !ok {
			continue
		}
		file := filepath.Join(t.TempDir(), "config.yml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(file)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		secret := ""
		for _, v := range o.sets[0].Spec.Template.Spec.Volumes {
			if v.Projected == nil {
				continue
			}
			for _, source := range v.Projected.Sources {
				if source.Secret != nil && strings.HasPrefix(source.Secret.Items[0].Path, "secret/") {
					secret = "/etc/github_workflow_exporter/" + source.Secret.Items[0].Path
				}
			}
		}
		if c.GitHub.TokenFile != secret {
			t.Errorf("the configuration reads its token from %q, it is mounted at %q", c.GitHub.TokenFile, secret)
		}
		return
	}
	t.Error("no config.yml")
}

// runbook is where the runbook is in the values below ci/ that say so.
const runbook = "https://wiki.example.com/runbook"

// checkNeighbours checks what is made for Prometheus, Grafana and the network.
func checkNeighbours(t *testing.T, o objects) {
	t.Helper()
	port := o.services[0].Spec.Ports[0].Name
	for _, m := range o.monitors {
		if m.Spec.Endpoints[0].Port != port {
			t.Errorf("the monitor scrapes port %q, the service's is %q", m.Spec.Endpoints[0].Port, port)
		}
		for key, value := range m.Spec.Selector.MatchLabels {
			if o.services[0].Labels[key] != value {
				t.Errorf("the monitor does not select the service: %s", key)
			}
		}
		relabeled, dropped := false, false
		for _, r := range m.Spec.Endpoints[0].RelabelConfigs {
			relabeled = relabeled || r.TargetLabel == "job" && r.Replacement != nil && *r.Replacement == "github_workflow_exporter"
			dropped = dropped || r.Action == "labeldrop" && r.Regex == "endpoint"
		}
		if !relabeled {
			t.Error("the alerts select job github_workflow_exporter, which the monitor does not set")
		}
		if !dropped {
			t.Error("the operator's label endpoint displaces the exporter's own, by which dashboards group")
		}
	}
	for _, r := range o.rules {
		alerts, records := 0, 0
		for _, g := range r.Spec.Groups {
			for _, rule := range g.Rules {
				if rule.Alert != "" {
					alerts++
					if url, ok := rule.Annotations["runbook_url"]; ok && url != runbook+"#"+strings.ToLower(rule.Alert) {
						t.Errorf("%s: the runbook is at %s, which is not its section of %s", rule.Alert, url, runbook)
					}
				} else {
					records++
				}
			}
		}
		if alerts == 0 || records == 0 {
			t.Errorf("%d alerts, %d recording rules", alerts, records)
		}
	}
	for _, m := range o.maps {
		for name, text := range m.Data {
			if !strings.HasSuffix(name, ".json") {
				continue
			}
			original := strings.TrimPrefix(name, "github-workflow-exporter-")
			if want := read(t, in("grafana", "dashboards", original)); strings.TrimSpace(text) != strings.TrimSpace(string(want)) {
				t.Errorf("dashboard %s was changed by rendering", name)
			}
		}
	}
	for _, p := range o.policies {
		if p.Spec.Ingress[0].Ports[0].Port.StrVal != o.sets[0].Spec.Template.Spec.Containers[0].Ports[0].Name {
			t.Error("the network policy opens another port")
		}
	}
}
