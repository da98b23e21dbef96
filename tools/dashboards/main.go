// Command dashboards writes the Grafana dashboards, and checks them against a Prometheus.
//
//	go run . generate [-native] [-dir DIR]   writes the dashboards (to ../../deploy/grafana/dashboards)
//	go run . generate -demo [-dir DIR]       writes them as they suit the demo (to ../../deploy/compose/dashboards)
//	go run . check -prometheus URL           asks a Prometheus every query: fails if a panel that should show data has none
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github_workflow_exporter/tools/dashboards/boards"
	"github_workflow_exporter/tools/dashboards/grafana"
)

// Where the dashboards are kept, seen from this module: those for everybody, and those of the demo.
const (
	dashboardsDir = "../../deploy/grafana/dashboards"
	demoDir       = "../../deploy/compose/dashboards"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := errors.New("usage: dashboards generate|check [flags]")
	if len(args) > 0 {
		switch args[0] {
		case "generate":
			err = generate(args[1:], stdout, stderr)
		case "check":
			err = check(ctx, args[1:], stdout, stderr)
		}
	}
	if err != nil {
		fmt.Fprintln(stderr, "dashboards:", err)
		return 1
	}
	return 0
}

func generate(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("generate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	native := flags.Bool("native", false, "histogram queries for native histograms")
	demo := flags.Bool("demo", false, "with the time range, windows and comparisons that suit the demo")
	dir := flags.String("dir", "", "where to write; empty: where they are kept")
	if err := flags.Parse(args); err != nil {
		return err
	}
	all, kept := boards.All(*native), dashboardsDir
	if *demo {
		all, kept = boards.Demo(all), demoDir
	}
	if *dir == "" {
		*dir = kept
	}
	for _, d := range all {
		if err := grafana.Lint(d); err != nil {
			return err
		}
		b, err := grafana.Encode(d)
		if err != nil {
			return err
		}
		file := filepath.Join(*dir, boards.FileName(d))
		if err := os.MkdirAll(*dir, 0o755); err != nil { //nolint:gosec // dashboards are no secret
			return fmt.Errorf("making the directory: %w", err)
		}
		if err := os.WriteFile(file, b, 0o644); err != nil { //nolint:gosec // dashboards are no secret
			return fmt.Errorf("writing a dashboard: %w", err)
		}
		fmt.Fprintf(stdout, "%s: %d panels\n", file, len(d.Panels))
	}
	return nil
}
