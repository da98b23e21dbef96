package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github_workflow_exporter/internal/simulator"
)

// answers checks one answer of the program: its status and texts in its body.
func (p *process) answers(method, path string, status int, texts ...string) {
	p.Helper()
	if got, body := p.request(method, path); got != status || !holds(body, texts) {
		p.Errorf("%s %s: %d, want %d with %q, got\n%.500s", method, path, got, status, texts, body)
	}
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	_, api := loopback(t, pastWorld(1, 0))
	p := newPlace(t, watching(api))
	plain := p.serve()
	plain.answers("GET", "/-/healthy", 200, "healthy")
	plain.answers("GET", "/-/ready", 200, "ready")
	plain.answers("GET", "/", 200, "<html", "GitHub Workflow Exporter", `href="/metrics"`)
	plain.answers("GET", "/metrics", 200, "# TYPE github_workflow_exporter_up gauge", "github_workflow_exporter_build_info{")
	plain.answers("GET", "/nothing", 404)
	plain.answers("GET", "/-/nothing", 404)
	plain.answers("POST", "/metrics", 405)
	plain.answers("POST", "/-/reload", 403, "--web.enable-lifecycle", "SIGHUP")
	plain.stop()

	moved := p.serve("--web.telemetry-path=/custom/path", "--web.enable-lifecycle", "--log.format=json")
	moved.answers("GET", "/custom/path", 200, "github_workflow_exporter_up")
	moved.answers("GET", "/metrics", 404)
	moved.answers("GET", "/", 200, `href="/custom/path"`)
	moved.answers("GET", "/-/reload", 405, "POST")
	moved.answers("POST", "/-/reload", 200, "reloaded")
	moved.says(`"msg":"configuration reloaded"`)
}

func TestRepositoryByFlagAlone(t *testing.T) {
	t.Parallel()
	// No configuration file means api.github.com, which must not be asked by a test: a proxy that is not there.
	p := newPlace(t, "")
	running := serve(t, []string{"HTTPS_PROXY=http://127.0.0.1:1", "GITHUB_TOKEN=secret-of-the-test"},
		"--github.repository=octo-org/octo-repo", "--storage.path="+p.data())
	running.says("level=warn", "octo-org/octo-repo", "reason=network")
	s := running.until("the failure to show", func(s scrape) bool {
		return s.value("github_workflow_exporter_poll_failures_total", "repository", "octo-org/octo-repo", "reason", "network") >= 1
	})
	if up := s.value("github_workflow_exporter_up"); up != 0 {
		t.Errorf("up is %v without an answer", up)
	}
	running.answers("GET", "/-/ready", 200)
	if said := running.stderr.text(); strings.Contains(said, "caller=logbounds.go:") {
		t.Errorf("every line names the logger as its caller: %s", said)
	}
	if strings.Contains(running.stderr.text(), "secret-of-the-test") {
		t.Error("the token was logged")
	}
}

// logLine is what all lines look like, whoever logs: this program, the toolkit or, without a caller, net/http.
var logLine = regexp.MustCompile(`^ts=20\S+Z level=[a-z]+ (caller=\w+\.go:[0-9]+ )?msg=`)

// The bcrypt hash of the password scrape.
const scrapeHash = "$2a$04$ay/w5eWToe9QWG1Gjso/.u8Q8At5/VMlr.EUFeD7wZIYRZk.6rhOe"

func TestTLSAndBasicAuth(t *testing.T) {
	t.Parallel()
	p := newPlace(t, watching("http://127.0.0.1:1/api/v3"))
	authorities := p.certificate()
	web := filepath.Join(p.dir, "web.yml")
	p.write(web, "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\nbasic_auth_users: {prometheus: "+scrapeHash+"}\n")
	running := start(t, nil, "--config.file="+p.config, "--web.listen-address=127.0.0.1:0", "--web.config.file="+web, "--log.level=debug")
	running.ready("https")
	running.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities}}

	running.answers("GET", "/metrics", 401)
	running.answers("GET", "/-/reload", 401)
	withPassword := strings.Replace(running.url, "https://", "https://prometheus:scrape@", 1)
	running.url = withPassword
	running.answers("GET", "/metrics", 200, "github_workflow_exporter_up")
	running.url = strings.Replace(withPassword, "scrape@", "wrong@", 1)
	running.answers("GET", "/metrics", 401)
	running.url = "http://" + strings.TrimPrefix(running.url[strings.Index(running.url, "@"):], "@")
	running.answers("GET", "/metrics", 400, "HTTPS") // plain HTTP to a TLS port
	running.says("level=debug", "TLS handshake error", "HTTP request to an HTTPS server")
	if code := running.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for line := range strings.Lines(running.stderr.text()) {
		if !logLine.MatchString(line) {
			t.Errorf("a line in another form: %s", line)
		}
	}
}

// certificate writes cert.pem and key.pem for 127.0.0.1 and returns who vouches for it.
func (p place) certificate() *x509.CertPool {
	p.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		p.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		p.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	p.write(filepath.Join(p.dir, "cert.pem"), string(cert))
	p.write(filepath.Join(p.dir, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}

// TestReloadOfTheProcess: by signal and by request, good and bad.
func TestReloadOfTheProcess(t *testing.T) {
	t.Parallel()
	_, api := loopback(t, pastWorld(1, 0))
	good := watching(api)
	p := newPlace(t, good)
	running := p.serve("--web.enable-lifecycle")
	reloads := func(what string, want float64) float64 {
		t.Helper()
		s := running.until(what, func(s scrape) bool { return s.value(namespace+"_config_last_reload_successful") == want })
		return s.value(namespace + "_config_last_reload_success_timestamp_seconds")
	}
	first := reloads("the start to count as a success", 1)

	p.write(p.config, good+"metrics: {series_limit: 0}\n")
	running.signal(syscall.SIGHUP)
	running.says("level=error", "reloading failed, the old configuration goes on", "config.yml:4", "metrics.series_limit")
	if at := reloads("the failure to show", 0); at != first {
		t.Errorf("last success moved from %v to %v by a failure", first, at)
	}
	running.answers("POST", "/-/reload", 500, "config.yml:4", "metrics.series_limit", "goes on running")

	for what, changed := range map[string]string{
		"github.api_url": strings.Replace(good, "127.0.0.1", "localhost", 1),
		"storage.path":   good + "storage: {path: elsewhere}\n",
	} {
		p.write(p.config, changed+"metrics: {series_limit: 77}\n")
		running.answers("POST", "/-/reload", 500, what, "restart needed")
		running.says("level=error", "reloading failed", what, "restart needed")
		if limit := running.scrape().value(namespace+"_series_limit", "family", jobConclusions); limit != 10000 {
			t.Errorf("after a refused reload the series limit is %v: part of it took effect", limit)
		}
	}

	p.write(p.config, good+"metrics: {series_limit: 77}\n")
	running.signal(syscall.SIGHUP)
	running.says("level=info", "configuration reloaded")
	if at := reloads("the success to show", 1); at <= first {
		t.Errorf("last success is %v, was %v", at, first)
	}
	if limit := running.scrape().value(namespace+"_series_limit", "family", jobConclusions); limit != 77 {
		t.Errorf("the series limit is %v after a reload, want 77", limit)
	}
	if code := running.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestStopInOrder stops the program while it records: within ten seconds, with exit code 0, everything shown is in the
// ledger, which is sound, and nothing is counted twice after the next start.
func TestStopInOrder(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			github, api := loopback(t, pastWorld(2, 1))
			// Stopping must not wait for an answer either.
			github.Faults().Set("slow", simulator.Fault{Kind: simulator.Slow, Endpoint: "attempt_jobs", Probability: 0.05, Delay: time.Hour})
			p := newPlace(t, watching(api)+"metrics: {initial_zero: 0s}\n")
			running := p.serve()
			shown := running.until("some executions to be recorded", func(s scrape) bool { return s.value(namespace+"_executions_recorded_total") > 10 })
			running.signal(signal)
			if code := running.exit(10 * time.Second); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			running.says("level=info", "msg=stopped")
			if code, out, _ := run(t, nil, "ledger", "check", "--config.file="+p.config); code != 0 || !strings.Contains(out, "is sound") {
				t.Errorf("ledger check: exit code %d, %s", code, out)
			}
			again := p.serve()
			if wrong := again.scrape().setBack(shown.durable()); wrong != nil {
				t.Errorf("after stopping and starting: %q", wrong)
			}
		})
	}
}

// TestStopDespiteOpenConnections: clients that hold a connection open without a whole request delay the end, but it is an
// end in order all the same.
func TestStopDespiteOpenConnections(t *testing.T) {
	t.Parallel()
	_, api := loopback(t, pastWorld(1, 0))
	running := newPlace(t, watching(api)).serve()
	for _, sent := range []string{"", "GET /metrics HTTP/1.1\r\nHost: "} {
		client, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(running.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if _, err := io.WriteString(client, sent); err != nil {
			t.Fatal(err)
		}
	}
	running.scrape() // connections are taken in order, so that those are taken too
	if code := running.stop(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	running.says("level=warn", "connections", "closed")
	running.says("level=info", "msg=stopped")
}
