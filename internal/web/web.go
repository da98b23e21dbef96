// Package web holds the HTTP edges: the mux with metrics, landing page, health, readiness and reload, and the server
// that listens. It is handed what it shows and calls.
package web

import (
	"fmt"
	"net/http"
	"path"
	"regexp"

	toolkit "github.com/prometheus/exporter-toolkit/web"
)

// Options name what is served.
type Options struct {
	TelemetryPath string // path of Metrics; not "/"
	Metrics       http.Handler
	Version       string
	// Ready returns why the program is not ready, nil if it is.
	Ready func() error
	// Reload loads the configuration anew. It is served as POST /-/reload where Lifecycle is set.
	Reload    func() error
	Lifecycle bool
	// Recorded answers GET /-/recorded: what was counted of a run.
	Recorded http.Handler
	// Webhook receives deliveries at WebhookPath; nil: they are received elsewhere, or not at all.
	Webhook     http.Handler
	WebhookPath string
}

// plainPath is a path without what a request or the mux's patterns would understand in another way.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

// ownPath tells whether a path can be that of the metrics: plain, and not taken by us.
func ownPath(p string) bool {
	switch p {
	case "/-/healthy", "/-/ready", "/-/reload", "/-/recorded":
		return false
	}
	return plainPath.MatchString(p) && path.Clean(p) == p
}

// Handler returns the mux.
func Handler(o Options) (http.Handler, error) {
	if !ownPath(o.TelemetryPath) {
		return nil, fmt.Errorf("--web.telemetry-path must be a path of its own such as /metrics, not %q", o.TelemetryPath)
	}
	landing, err := toolkit.NewLandingPage(toolkit.LandingConfig{
		Name:        "GitHub Workflow Exporter",
		Description: "Prometheus exporter for the runs, jobs and steps of GitHub Actions",
		Version:     o.Version,
		Profiling:   "false",
		Links: []toolkit.LandingLinks{
			{Address: o.TelemetryPath, Text: "Metrics", Description: "what Prometheus scrapes"},
			{Address: "/-/healthy", Text: "Healthy", Description: "the process answers"},
			{Address: "/-/ready", Text: "Ready", Description: "the ledger is loaded"},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("making the landing page: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+o.TelemetryPath, o.Metrics)
	mux.Handle("GET /{$}", landing)
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "healthy")
	})
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) {
		if err := o.Ready(); err != nil {
			http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.HandleFunc("/-/reload", o.reload)
	if o.Recorded != nil {
		mux.Handle("GET /-/recorded", NewPlaces().Limit(o.Recorded))
	}
	if o.Webhook != nil {
		if !ownPath(o.WebhookPath) || o.WebhookPath == o.TelemetryPath {
			return nil, fmt.Errorf("webhook.path must be a path of its own such as /webhook, not %q", o.WebhookPath)
		}
		mux.Handle(o.WebhookPath, o.Webhook)
		return receiver{SameOrigin(mux), o.WebhookPath}, nil
	}
	return SameOrigin(mux), nil
}

// SameOrigin refuses what a page of another site makes a browser send, but for what only reads: a browser that can reach us
// may hold our password. What is no browser says nothing of an origin and is let through.
func SameOrigin(h http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "refused: a page of another site asked for this; ask without a browser, such as with curl -X POST", http.StatusForbidden)
	}))
	return protection.Handler(h)
}

func (o Options) reload(w http.ResponseWriter, r *http.Request) {
	switch {
	case !o.Lifecycle:
		http.Error(w, "reloading over HTTP is off: start with --web.enable-lifecycle, or send SIGHUP", http.StatusForbidden)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "reload takes POST", http.StatusMethodNotAllowed)
	default:
		if err := o.Reload(); err != nil {
			http.Error(w, err.Error()+"\nThe configuration that was loaded before goes on running.", http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, "reloaded")
	}
}
