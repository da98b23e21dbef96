// Command render draws the dashboards of deploy/grafana from the answers of a real Prometheus into PNGs, so that people
// can be shown, and can check, what there is to see. It runs every panel's own queries; only the drawing is not Grafana's.
//
//	go run ./render -prometheus http://localhost:9090 -out ../../deploy/screenshots
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github_workflow_exporter/tools/dashboards/grafana"
)

//go:embed page.html page.css format.js charts.js values.js page.js
var page embed.FS

// The page's own measures, as in page.js.
const (
	pageWidth  = 1500
	unitHeight = 34
	headHeight = 70
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

type options struct {
	prometheus, chromium, dashboards, out string
	window, compare, choose               string
	back                                  time.Duration
	keep                                  bool
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	flags := flag.NewFlagSet("render", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.prometheus, "prometheus", "http://localhost:9090", "address of the Prometheus")
	flags.StringVar(&o.chromium, "chromium", "chromium", "the browser")
	flags.StringVar(&o.dashboards, "dashboards", "../../deploy/grafana/dashboards", "where the dashboards are")
	flags.StringVar(&o.out, "out", "../../deploy/screenshots", "where to write")
	flags.StringVar(&o.window, "window", "2m", "value of the variable window")
	flags.StringVar(&o.compare, "compare", "10m", "value of the variable compare")
	flags.StringVar(&o.choose, "choose", "", "further variables: DASHBOARD:NAME=REGEX, separated by semicolons")
	flags.DurationVar(&o.back, "range", time.Hour, "the time shown")
	flags.BoolVar(&o.keep, "serve", false, "serve the page until interrupted instead of drawing")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if err := render(ctx, o, stdout); err != nil {
		fmt.Fprintln(stderr, "render:", err)
		return 1
	}
	return 0
}

func render(ctx context.Context, o options, stdout io.Writer) error {
	target, err := url.Parse(o.prometheus)
	if err != nil {
		return fmt.Errorf("address of the Prometheus: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(o.dashboards, "*.json"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no dashboards in %s", o.dashboards)
	}
	address, stop, err := serve(ctx, target, o.dashboards)
	if err != nil {
		return err
	}
	defer stop()
	if o.keep {
		fmt.Fprintf(stdout, "%s/?%s\n", address, parameters(o, "overview"))
		<-ctx.Done()
		return ctx.Err()
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil { //nolint:gosec // pictures for the documentation
		return fmt.Errorf("making the directory: %w", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		height, err := heightOf(file)
		if err != nil {
			return err
		}
		out := filepath.Join(o.out, name+".png")
		if err := shoot(ctx, o.chromium, address+"/?"+parameters(o, name), out, height); err != nil {
			return fmt.Errorf("drawing %s: %w", name, err)
		}
		size, err := shrink(out)
		if err != nil {
			return fmt.Errorf("compressing %s: %w", out, err)
		}
		fmt.Fprintf(stdout, "%s: %d x %d, %d KB\n", out, pageWidth, height, size/1024)
	}
	return nil
}

// parameters are what page.js reads, with the choices made for a dashboard.
func parameters(o options, dashboard string) string {
	v := url.Values{"dashboard": {dashboard}, "range": {strconv.Itoa(int(o.back.Seconds()))}, "window": {o.window}, "compare": {o.compare}}
	for choice := range strings.SplitSeq(o.choose, ";") {
		if of, assignment, ok := strings.Cut(choice, ":"); ok && of == dashboard {
			name, value, _ := strings.Cut(assignment, "=")
			v.Set(name, value)
		}
	}
	return v.Encode()
}

// serve offers the page, the dashboards and the Prometheus under one address, so that the browser needs no leave to ask.
func serve(ctx context.Context, prometheus *url.URL, dashboards string) (address string, stop func(), err error) {
	mux := http.NewServeMux()
	mux.Handle("GET /api/", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(prometheus) }})
	mux.Handle("GET /dashboards/", http.StripPrefix("/dashboards/", http.FileServer(http.Dir(dashboards))))
	mux.Handle("GET /", http.FileServerFS(page))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, page, "page.html") })
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("serving the page: %w", err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }() // ends with Close
	return "http://" + l.Addr().String(), func() { _ = server.Close() }, nil
}

func heightOf(file string) (int, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("reading a dashboard: %w", err)
	}
	d, err := grafana.Decode(b)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	bottom := 0
	for _, p := range d.Panels {
		bottom = max(bottom, p.GridPos.Y+p.GridPos.H)
	}
	return headHeight + bottom*unitHeight + 10, nil
}

// shoot draws a page in a browser without a window. Virtual time lets it wait for the answers and no longer.
func shoot(ctx context.Context, chromium, address, out string, height int) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	profile, err := os.MkdirTemp("", "render-")
	if err != nil {
		return fmt.Errorf("making a profile for the browser: %w", err)
	}
	defer os.RemoveAll(profile)
	absolute, err := filepath.Abs(out)
	if err != nil {
		return fmt.Errorf("finding %s: %w", out, err)
	}
	//nolint:gosec // the browser is the one that was asked for
	c := exec.CommandContext(ctx, chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--hide-scrollbars", "--force-color-profile=srgb",
		"--user-data-dir="+profile, fmt.Sprintf("--window-size=%d,%d", pageWidth, height), "--virtual-time-budget=60000", "--screenshot="+absolute, address)
	if message, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, message)
	}
	if info, err := os.Stat(absolute); err != nil || info.Size() == 0 {
		return errors.New("the browser wrote no picture")
	}
	return nil
}
