package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github_workflow_exporter/tools/dashboards/grafana"
)

// check asks a Prometheus every query of every dashboard and fails if a panel has no data, unless its description says
// that it may be empty.
func check(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var (
		address = flags.String("prometheus", "http://localhost:9090", "address of the Prometheus")
		dir     = flags.String("dir", dashboardsDir, "where the dashboards are")
		window  = flags.Duration("window", 2*time.Minute, "value of the variable window")
		back    = flags.Duration("range", 30*time.Minute, "the time shown")
		compare = flags.String("compare", "1m", "value of the variable compare")
	)
	if err := flags.Parse(args); err != nil {
		return err
	}
	dashboards, err := load(*dir)
	if err != nil {
		return err
	}
	values := substitutions(dashboards, map[string]string{
		"window": seconds(*window), "__range": seconds(*back), "compare": *compare, "__rate_interval": seconds(*window), "__interval": seconds(*window),
	})
	var failed []error
	queries := 0
	for _, d := range dashboards {
		for _, p := range d.Panels {
			for _, t := range p.Targets {
				queries++
				n, err := ask(ctx, *address, values.Replace(t.Expr), span(t.Range, *back, *window))
				where := fmt.Sprintf("%s: %s: query %s", d.UID, p.Title, t.RefID)
				switch {
				case err != nil:
					failed = append(failed, fmt.Errorf("%s: %w", where, err))
				case n == 0 && !strings.Contains(p.Description, grafana.MayBeEmpty):
					failed = append(failed, fmt.Errorf("%s: no data: %s", where, values.Replace(t.Expr)))
				case n == 0:
					fmt.Fprintf(stdout, "%s: no data, as its description says it may\n", where)
				}
			}
		}
	}
	fmt.Fprintf(stdout, "%d queries, %d without data or wrong\n", queries, len(failed))
	return errors.Join(failed...)
}

func load(dir string) ([]grafana.Dashboard, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no dashboards in %s", dir)
	}
	var out []grafana.Dashboard
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading a dashboard: %w", err)
		}
		d, err := grafana.Decode(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		out = append(out, d)
	}
	return out, nil
}

// substitutions sets the variables of all dashboards: those given, and everything for the others.
func substitutions(dashboards []grafana.Dashboard, values map[string]string) *strings.Replacer {
	var pairs []string
	for name, value := range values {
		pairs = append(pairs, "$"+name, value, "${"+name+"}", value)
	}
	for _, d := range dashboards {
		for _, v := range d.Templating.List {
			if _, given := values[v.Name]; !given {
				pairs = append(pairs, "${"+v.Name+"}", ".*", "$"+v.Name, ".*")
			}
		}
	}
	return strings.NewReplacer(pairs...)
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) + "s" }

// span is where and how a query looks for data: at the end of the time shown, or in steps all over it.
func span(overTime bool, back, step time.Duration) url.Values {
	if !overTime {
		return nil
	}
	now := time.Now()
	unix := func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
	return url.Values{"start": {unix(now.Add(-back))}, "end": {unix(now)}, "step": {seconds(step)}}
}

// ask returns how many series a query answers with that have a value. NaN is none.
func ask(ctx context.Context, address, expr string, over url.Values) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	path, parameters := "query", url.Values{"query": {expr}}
	if over != nil {
		path = "query_range"
		maps.Copy(parameters, over)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(address, "/")+"/api/v1/"+path+"?"+parameters.Encode(), nil)
	if err != nil {
		return 0, fmt.Errorf("asking Prometheus: %w", err)
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		return 0, fmt.Errorf("asking Prometheus: %w", err)
	}
	defer response.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Value, Histogram   []any
				Values, Histograms [][]any
			}
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return 0, fmt.Errorf("reading Prometheus' answer: %w", err)
	}
	if answer.Status != "success" {
		return 0, fmt.Errorf("%s: %s", answer.Error, expr)
	}
	n := 0
	for _, r := range answer.Data.Result {
		if len(r.Histogram) > 0 || len(r.Histograms) > 0 || slices.ContainsFunc(append(r.Values, r.Value), isNumber) {
			n++
		}
	}
	return n, nil
}

// isNumber tells whether a sample, a pair of time and value, has a value.
func isNumber(sample []any) bool { return len(sample) == 2 && sample[1] != "NaN" }
