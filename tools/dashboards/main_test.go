package main

import (
	"bytes"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/tools/dashboards/boards"
	"github_workflow_exporter/tools/dashboards/grafana"
)

var update = flag.Bool("update", false, "write the dashboards instead of comparing")

// TestDashboardsAreUpToDate holds the files to the code. The files are what people import and review.
func TestDashboardsAreUpToDate(t *testing.T) {
	for _, kept := range []struct {
		dir      string
		generate []string
		all      []grafana.Dashboard
	}{
		{dashboardsDir, []string{"generate"}, boards.All(false)},
		{demoDir, []string{"generate", "-demo"}, boards.Demo(boards.All(false))},
	} {
		if *update {
			if code := run(t.Context(), kept.generate, t.Output(), t.Output()); code != 0 {
				t.Fatal("generate failed")
			}
		}
		files, err := filepath.Glob(filepath.Join(kept.dir, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) != len(kept.all) {
			t.Errorf("%d files in %s, %d dashboards in code: %v", len(files), kept.dir, len(kept.all), files)
		}
		for _, d := range kept.all {
			want, err := grafana.Encode(d)
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(kept.dir, boards.FileName(d)))
			if err != nil {
				t.Error(err)
				continue
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s in %s is not what the code says: run go test . -update in tools/dashboards", boards.FileName(d), kept.dir)
			}
		}
	}
}

// TestDemoOpensAtARangeWithData: the demo's dashboards show the last half hour in windows of a minute; those for everybody
// a day. They ask the same and are called the same, so that links lead from one to the other.
func TestDemoOpensAtARangeWithData(t *testing.T) {
	usual := boards.All(false)
	for i, d := range boards.Demo(boards.All(false)) {
		if d.Time.From != "now-30m" || usual[i].Time.From != "now-24h" || d.UID != usual[i].UID {
			t.Errorf("%s opens at %s, %s at %s", d.UID, d.Time.From, usual[i].UID, usual[i].Time.From)
		}
		if !reflect.DeepEqual(usual[i].Panels, d.Panels) {
			t.Errorf("%s: other panels than usually", d.UID)
		}
		if err := grafana.Lint(d); err != nil {
			t.Error(err)
		}
		for _, v := range d.Templating.List {
			switch v.Name {
			case "window":
				// A thirtieth of half an hour: a minute, in which the demo's Prometheus scrapes twelve times.
				if !v.Auto || v.AutoCount != 30 || v.AutoMin != "1m" {
					t.Errorf("%s: window %+v", d.UID, v)
				}
			case "compare":
				if string(v.Current.Value) != `"5m"` {
					t.Errorf("%s: compared with %s", d.UID, v.Current.Value)
				}
			}
		}
	}
}

// TestFilesPassTheSchema reads the files as they are: strictly, and with every rule of Lint.
func TestFilesPassTheSchema(t *testing.T) {
	all, err := load(dashboardsDir)
	if err != nil {
		t.Fatal(err)
	}
	uids := map[string]bool{}
	for _, d := range all {
		if uids[d.UID] {
			t.Errorf("uid %s twice", d.UID)
		}
		uids[d.UID] = true
		if err := grafana.Lint(d); err != nil {
			t.Error(err)
		}
	}
	for _, d := range all {
		b, err := grafana.Encode(d)
		if err != nil {
			t.Fatal(err)
		}
		for rest := string(b); ; {
			i := strings.Index(rest, `"/d/`)
			if i < 0 {
				break
			}
			rest = rest[i+len(`"/d/`):]
			if uid, _, _ := strings.Cut(rest, "?"); !uids[uid] {
				t.Errorf("%s links to %q, which is none of the dashboards", d.UID, uid)
			}
		}
	}
}

func TestNativeFormPassesTheSchema(t *testing.T) {
	for _, d := range boards.All(true) {
		if err := grafana.Lint(d); err != nil {
			t.Error(err)
		}
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				if strings.Contains(q.Expr, "_bucket") && !strings.Contains(q.Expr, "github_workflow_exporter_") {
					t.Errorf("%s: %s: %s is classic", d.UID, p.Title, q.Expr)
				}
			}
		}
	}
}

// TestEveryFamilyIsShown: a family that no dashboard shows is not worth its series.
func TestEveryFamilyIsShown(t *testing.T) {
	var exprs strings.Builder
	for _, d := range boards.All(false) {
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				exprs.WriteString(q.Expr + "\n")
			}
		}
	}
	for _, f := range family.All() {
		if !strings.Contains(exprs.String(), f.Name) {
			t.Errorf("%s is on no dashboard", f.Name)
		}
	}
}

func TestLint(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(d *grafana.Dashboard)
		want  string
	}{
		{"nothing", func(*grafana.Dashboard) {}, ""},
		{"overlap", func(d *grafana.Dashboard) { d.Panels[2].GridPos = d.Panels[1].GridPos }, "overlaps panel 2"},
		{"outside", func(d *grafana.Dashboard) { d.Panels[1].GridPos.W = 25 }, "outside the grid"},
		{"id twice", func(d *grafana.Dashboard) { d.Panels[2].ID = d.Panels[1].ID }, "unique"},
		{"no unit", func(d *grafana.Dashboard) { d.Panels[1].FieldConfig.Defaults.Unit = "" }, "the unit is not set"},
		{"no description", func(d *grafana.Dashboard) { d.Panels[1].Description = "" }, "the description is empty"},
		{"no legend", func(d *grafana.Dashboard) { d.Panels[1].Targets[0].LegendFormat = "" }, "legendFormat must be set"},
		{"fixed data source", func(d *grafana.Dashboard) { d.Panels[1].Targets[0].Datasource.UID = "abc" }, "data source must be"},
		{"unknown variable", func(d *grafana.Dashboard) { d.Panels[1].Targets[0].Expr += ` + x{a="$nowhere"}` }, `variable "nowhere" is not declared`},
		{"unused variable", func(d *grafana.Dashboard) {
			d.Templating.List = append(d.Templating.List, grafana.Variable{Name: "idle", Label: "i", Description: "i"})
		}, "variable idle is not used"},
		{"descending thresholds", func(d *grafana.Dashboard) {
			s := d.Panels[1].FieldConfig.Defaults.Thresholds.Steps
			s[1].Value, s[2].Value = s[2].Value, s[1].Value
		}, "does not ascend"},
		{"two references alike", func(d *grafana.Dashboard) {
			d.Panels[1].Targets = append(d.Panels[1].Targets, d.Panels[1].Targets[0])
		}, "unique"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := boards.All(false)[0]
			test.spoil(&d)
			err := grafana.Lint(d)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestDecodeRefusesUnknownFields(t *testing.T) {
	if _, err := grafana.Decode([]byte(`{"uid": "a", "pannels": []}`)); err == nil || !strings.Contains(err.Error(), "pannels") {
		t.Errorf("got %v, want an error that names the field", err)
	}
}

func TestCheck(t *testing.T) {
	const instant, overTime = `{"status":"success","data":{"result":[{"metric":{},"value":[1,"1"]}]}}`, `{"status":"success","data":{"result":[{"metric":{},"values":[[1,"NaN"],[2,"1"]]}]}}`
	answer := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query().Get("query"); regexp.MustCompile(`\$\{?[a-z_]`).MatchString(q) { // $1 is label_replace's
			t.Errorf("a variable is left in %s", q)
		}
		switch {
		case answer != "":
			w.Write([]byte(answer))
		case strings.HasSuffix(r.URL.Path, "/query_range"):
			w.Write([]byte(overTime))
		default:
			w.Write([]byte(instant))
		}
	}))
	defer server.Close()
	var out bytes.Buffer
	if code := run(t.Context(), []string{"check", "-prometheus", server.URL}, &out, &out); code != 0 {
		t.Errorf("with data everywhere: %s", out.String())
	}
	answer = `{"status":"success","data":{"result":[{"metric":{},"value":[1,"NaN"]}]}}`
	out.Reset()
	if code := run(t.Context(), []string{"check", "-prometheus", server.URL}, &out, &out); code == 0 || !strings.Contains(out.String(), "Runs that succeeded: query A: no data") {
		t.Errorf("without data: code %d, %s", code, out.String())
	}
	answer = `{"status":"error","error":"parse error"}`
	out.Reset()
	if code := run(t.Context(), []string{"check", "-prometheus", server.URL}, &out, &out); code == 0 || !strings.Contains(out.String(), "parse error") {
		t.Errorf("with an error: code %d, %s", code, out.String())
	}
}
