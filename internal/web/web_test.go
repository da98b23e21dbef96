package web

import (
	"bytes"
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
	"syscall"
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

// healthy checks that a server answers.
func healthy(t *testing.T, address string) {
	t.Helper()
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

func TestServer(t *testing.T) {
	s, err := Listen(flags("", "127.0.0.1:0", "127.0.0.1:0"), handler(t, Options{}), log.NewNopLogger(), slog.LevelInfo)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	for _, address := range s.Addresses() {
		healthy(t, address)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Errorf("serving ended with %v", err)
	}
}

// TestErrorLogLevels: a client that only knocks, as probes of the port do, is worth no line; all else is.
func TestErrorLogLevels(t *testing.T) {
	for line, want := range map[string]string{
		"http: TLS handshake error from 127.0.0.1:38978: EOF\n":                             `level=debug msg="http: TLS handshake error from 127.0.0.1:38978: EOF"` + "\n",
		"http: Accept error: accept tcp: too many open files; retrying in 5ms\n":            `level=warn msg="http: Accept error: accept tcp: too many open files; retrying in 5ms"` + "\n",
		"http: panic serving 127.0.0.1:38978: out of range\ngoroutine 7 [running]:\nmain\n": `level=warn msg="http: panic serving 127.0.0.1:38978: out of range\ngoroutine 7 [running]:\nmain"` + "\n",
	} {
		var said bytes.Buffer
		if n, err := NewLineLog(log.NewLogfmtLogger(&said)).Write([]byte(line)); n != len(line) || err != nil {
			t.Errorf("wrote %d bytes, %v", n, err)
		}
		if said.String() != want {
			t.Errorf("said %s, want %s", &said, want)
		}
	}
}

// TestShutdownClosesWhatStaysOpen: a client that sends nothing, or half a request, is no failure of ours.
func TestShutdownClosesWhatStaysOpen(t *testing.T) {
	for name, sent := range map[string]string{"no request": "", "half a request": "GET /metrics HTTP/1.1\r\nHost: "} {
		t.Run(name, func(t *testing.T) {
			var said bytes.Buffer
			s, err := Listen(flags("", "127.0.0.1:0"), handler(t, Options{}), log.NewLogfmtLogger(&said), slog.LevelWarn)
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan error, 1)
			go func() { served <- s.Serve() }()
			client, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Addresses()[0])
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if _, err := io.WriteString(client, sent); err != nil {
				t.Fatal(err)
			}
			healthy(t, s.Addresses()[0]) // connections are taken in order, so that one is taken too
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			if err := s.Shutdown(ended); err != nil {
				t.Error(err)
			}
			if err := <-served; err != nil {
				t.Errorf("serving ended with %v", err)
			}
			if _, err := io.ReadAll(client); err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the connection ended with %v", err)
			}
			if !strings.Contains(said.String(), "level=warn") {
				t.Errorf("no warning: %s", &said)
			}
		})
	}
}

func TestScheme(t *testing.T) {
	dir := t.TempDir()
	for name, test := range map[string]struct{ text, want string }{
		"tls":        {"tls_server_config: {cert_file: c.pem, key_file: k.pem, min_version: TLS13, cipher_suites: [TLS_AES_128_GCM_SHA256]}\n", "https"},
		"no tls":     {"tls_server_config: {min_version: TLS13}\nbasic_auth_users: {prometheus: hash}\n", "http"},
		"not a file": {"", "http"},
	} {
		file := filepath.Join(dir, name)
		if test.text != "" {
			if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := (&Server{flags: flags(file)}).Scheme(); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestListenNamesWhatIsWrongWithAnAddress(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy := taken.Addr().String()
	for address, want := range map[string]string{
		busy:              "listening on " + busy + ": listen tcp " + busy + ": bind: address already in use; end what listens there, or choose another --web.listen-address",
		"9887":            `--web.listen-address must be HOST:PORT or :PORT such as :9887, not "9887"`,
		"localhost":       `--web.listen-address must be HOST:PORT or :PORT such as :9887, not "localhost"`,
		"127.0.0.1:99999": "listening on 127.0.0.1:99999 (--web.listen-address): listen tcp: address 99999: invalid port",
	} {
		if _, err := Listen(flags("", "127.0.0.1:0", address), handler(t, Options{}), log.NewNopLogger(), slog.LevelInfo); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
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
