package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-kit/log"
	toolkit "github.com/prometheus/exporter-toolkit/web"
)

func handler(t *testing.T, o Options) http.Handler {
	t.Helper()
	if o.TelemetryPath == "" {
		o.TelemetryPath = "/metrics"
	}
	if o.Ready == nil {
		o.Ready = func() error { return nil }
	}
	o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "up 1\n") })
	h, err := Handler(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHandler(t *testing.T) {
	loading := errors.New("the ledger is being loaded")
	reload := func() error { return nil }
	for _, test := range []struct {
		name         string
		options      Options
		method, path string
		code         int
		body         string
	}{
		{"metrics", Options{}, "GET", "/metrics", 200, "up 1"},
		{"metrics at another path", Options{TelemetryPath: "/m"}, "GET", "/m", 200, "up 1"},
		{"not at the default one then", Options{TelemetryPath: "/m"}, "GET", "/metrics", 404, ""},
		{"landing page links the metrics", Options{TelemetryPath: "/m"}, "GET", "/", 200, `href="/m"`},
		{"healthy", Options{}, "GET", "/-/healthy", 200, "healthy"},
		{"healthy while loading", Options{Ready: func() error { return loading }}, "GET", "/-/healthy", 200, "healthy"},
		{"ready", Options{}, "GET", "/-/ready", 200, "ready"},
		{"not ready", Options{Ready: func() error { return loading }}, "GET", "/-/ready", 503, loading.Error()},
		{"reload is off by default", Options{Reload: reload}, "POST", "/-/reload", 403, "--web.enable-lifecycle"},
		{"reload", Options{Reload: reload, Lifecycle: true}, "POST", "/-/reload", 200, "reloaded"},
		{"reload by GET", Options{Reload: reload, Lifecycle: true}, "GET", "/-/reload", 405, "POST"},
		{"reload fails", Options{Reload: func() error { return errors.New("line 3") }, Lifecycle: true}, "POST", "/-/reload", 500, "line 3"},
		{"unknown path", Options{}, "GET", "/nothing", 404, ""},
		{"metrics by POST", Options{}, "POST", "/metrics", 405, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			handler(t, test.options).ServeHTTP(w, httptest.NewRequest(test.method, test.path, nil))
			if w.Code != test.code || !strings.Contains(w.Body.String(), test.body) {
				t.Errorf("%d %s, want %d with %q", w.Code, w.Body, test.code, test.body)
			}
		})
	}
}

func TestHandlerRefusesTelemetryPaths(t *testing.T) {
	for _, path := range []string{"", "/", "metrics", "/-/ready", "/-/reload"} {
		if _, err := Handler(Options{TelemetryPath: path}); err == nil || !strings.Contains(err.Error(), "--web.telemetry-path") {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// flags as the command line makes them.
func flags(configFile string, addresses ...string) *toolkit.FlagConfig {
	socket := false
	return &toolkit.FlagConfig{WebListenAddresses: &addresses, WebSystemdSocket: &socket, WebConfigFile: &configFile}
}

func TestServer(t *testing.T) {
	s, err := Listen(flags("", "127.0.0.1:0", "127.0.0.1:0"), handler(t, Options{}), log.NewNopLogger(), slog.LevelInfo)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	for _, address := range s.Addresses() {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/-/healthy", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s answers %s", address, resp.Status)
		}
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Errorf("serving ended with %v", err)
	}
}

func TestListenNamesAnAddressThatIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	_, err = Listen(flags("", "127.0.0.1:0", address), handler(t, Options{}), log.NewNopLogger(), slog.LevelInfo)
	if err == nil || !strings.Contains(err.Error(), address) {
		t.Errorf("got %v, want the address %s named", err, address)
	}
}

func TestListenRefusesABadWebConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(file, []byte("tls_server_config: {cert_file: missing.pem}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Listen(flags(file, "127.0.0.1:0"), handler(t, Options{}), log.NewNopLogger(), slog.LevelInfo)
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v, want the file named", err)
	}
}
