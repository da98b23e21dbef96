package docs

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/internal/app"
	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

const ownPrefix = "github_workflow_exporter_"

// scrape runs the program on a simulated GitHub until it has met what makes each of its figures appear, and scrapes it.
func scrape(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	t.Setenv(config.TokenVariable, "")
	dir := t.TempDir()
	secret := filepath.Join(dir, "webhook")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte("demo"), 0o600); err != nil {
		t.Fatal(err)
	}
	var families map[string]*dto.MetricFamily
	synctest.Test(t, func(t *testing.T) {
		world := simulator.DemoProfile(time.Now)
		world.Token = "demo"
		world.TokenExpiration = time.Now().Add(240 * time.Hour)
		github, err := simulator.New(world)
		if err != nil {
			t.Fatal(err)
		}
		c := config.Default()
		c.GitHub.APIURL, c.GitHub.TokenFile = "http://github.test", token
		organization := config.Owner{Name: "octo-demo"}
		organization.SetDefaults()
		c.Targets.Organizations = []config.Owner{organization}
		c.Targets.Repositories = []string{"octo-demo/missing"} // so that something fails
		c.Webhook.SecretFile = secret
		c.Poll.Lookback = config.Duration(10 * time.Minute)
		c.Storage.Path = filepath.Join(dir, "data")
		e, err := app.Open(c, app.Options{Logger: log.NewNopLogger(), Transport: github.Transport()})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- e.Run(ctx) }()
		time.Sleep(4 * time.Minute)
		deliver(t, e, `{"action":"completed","workflow_run":{"id":1},"repository":{"id":1,"full_name":"octo-org/elsewhere"}}`)
		answer := httptest.NewRecorder()
		e.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
		parser := expfmt.NewTextParser(model.LegacyValidation)
		if families, err = parser.TextToMetricFamilies(answer.Body); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return families
}

// deliver has a webhook deliver a run.
func deliver(t *testing.T, e *app.Exporter, body string) {
	t.Helper()
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write([]byte(body))
	r := httptest.NewRequest("POST", "/webhook", strings.NewReader(body))
	r.Header.Set("X-GitHub-Event", "workflow_run")
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	answer := httptest.NewRecorder()
	e.Deliveries().ServeHTTP(answer, r)
	if answer.Code != 202 {
		t.Fatalf("a delivery was answered %d: %s", answer.Code, answer.Body)
	}
	synctest.Wait()
}

func TestREADMEExporterMetrics(t *testing.T) {
	families := scrape(t)
	var rows [][]string
	var own []string
	for name, mf := range families {
		_, data := family.ByName(name)
		switch {
		case data, strings.HasPrefix(name, "go_"), strings.HasPrefix(name, "process_"), strings.HasPrefix(name, "promhttp_"):
			continue
		case !strings.HasPrefix(name, ownPrefix):
			t.Errorf("%s is neither a data family nor one of the exporter's own figures, nor one of go_, process_, promhttp_", name)
			continue
		}
		own = append(own, name)
		rows = append(rows, []string{code(name), strings.ToLower(mf.GetType().String()), code(labelsOf(mf)...), mf.GetHelp()})
	}
	for _, f := range family.All() {
		if families[f.Name] == nil {
			t.Errorf("%s did not appear", f.Name)
		}
	}
	for _, name := range registered(t) {
		if !slices.Contains(own, name) {
			t.Errorf("%s is in the source, but did not appear in the scrape: let the test provoke it", name)
		}
	}
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(strings.Trim(a[0], "`"), strings.Trim(b[0], "`")) })
	checkGenerated(t, "exporter metrics", table([]string{"metric", "type", "labels", "meaning"}, rows))
}

func labelsOf(mf *dto.MetricFamily) []string {
	var names []string
	for _, m := range mf.GetMetric() {
		for _, l := range m.GetLabel() {
			if !slices.Contains(names, l.GetName()) {
				names = append(names, l.GetName())
			}
		}
	}
	slices.Sort(names)
	return names
}

var metricInSource = regexp.MustCompile(`(?:\bName: +|\bdesc\(|namespace ?\+ ?)"_?([a-z][a-z_]+)"`)

// registered finds the names of the exporter's own figures in the source, so that none is forgotten that shows only when
// something special has happened.
func registered(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, room := range []string{"collector", "internal/app"} {
		err := filepath.WalkDir(filepath.Join(root, room), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(source), "client_golang/prometheus\"") {
				return err
			}
			for _, match := range metricInSource.FindAllStringSubmatch(string(source), -1) {
				names = append(names, ownPrefix+match[1])
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(names) < 10 {
		t.Fatalf("only %v were found in the source", names)
	}
	return names
}
