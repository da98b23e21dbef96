package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	stdlog "log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

// TestCheckAdvice: what is not found, or found and hardly meant, is told with what to try.
func TestCheckAdvice(t *testing.T) {
	owner := func(name string) []config.Owner {
		o := config.Owner{Name: name}
		o.SetDefaults()
		return []config.Owner{o}
	}
	for name, test := range map[string]struct {
		targets config.Targets
		token   bool
		api     string // in place of http://ghes.test/api/v3
		says    []string
	}{
		"a user named as an organization": {
			targets: config.Targets{Organizations: owner("octocat")}, token: true,
			says: []string{"; GitHub knows octocat as a user: move it to targets.users\n"},
		},
		"an organization named as a user": {
			targets: config.Targets{Users: owner("octo-org")}, token: true,
			says: []string{
				"ok    user octo-org: 1 repositories, 1 of them to be watched\n",
				"note  user octo-org: GitHub knows octo-org as an organization; as a user only its public repositories are listed: move it to targets.organizations\n",
			},
		},
		"neither": {
			targets: config.Targets{Organizations: owner("octo-typo")}, token: true,
			says: []string{"; there is neither an organization nor a user of that name that this token can see: check the spelling; a private one shows only to a token with access to it\n"},
		},
		"neither, and no token": {
			targets: config.Targets{Organizations: owner("octo-typo")},
			says:    []string{"that who asks without a token can see: check the spelling; a private one shows only to a token with access to it, and none is set (github.token_file or GITHUB_TOKEN)\n"},
		},
		"no such repository": {
			targets: config.Targets{Repositories: []string{"octo-org/typo"}}, token: true,
			says: []string{"; there is none of that name that this token can see: check the spelling; a private repository shows only to a token with access to it\n"},
		},
		"nothing left to watch": {
			targets: config.Targets{Organizations: []config.Owner{{Name: "octo-org", Selector: config.Selector{Include: []config.Glob{}}}}}, token: true,
			says: []string{"note  organization octo-org: include, exclude, archived and forks leave out all of them\n"},
		},
		"another case of letters": {
			targets: config.Targets{Organizations: owner("Octo-ORG"), Repositories: []string{"OCTO-org/Service"}}, token: true,
			says: []string{"ok    organization Octo-ORG: 1 repositories, 1 of them to be watched\n", "ok    repository octo-org/service: 0 runs\n"},
		},
		"the web pages of a server": {
			targets: config.Targets{Organizations: owner("octo-org"), Repositories: []string{"octo-org/service"}}, token: true, api: "http://ghes.test",
			says: []string{"note  is http://ghes.test a GitHub Enterprise Server? Its API is at http://ghes.test/api/v3 (github.api_url)\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(config.TokenVariable, secret)
			synctest.Test(t, func(t *testing.T) {
				plans := []simulator.RepositoryPlan{{Name: "octo-org/service"}, {Name: "octocat/hello", User: true}}
				w := newWorld(t, simulator.Options{Repositories: plans}, func(c *config.Config) { c.GitHub.TokenFromEnv = test.token })
				workflows := w.config.Targets.Workflows
				w.config.Targets = test.targets
				w.config.Targets.Workflows = workflows
				if test.api != "" {
					w.config.GitHub.APIURL = test.api
				}
				report, _ := w.checked()
				for _, want := range test.says {
					if strings.Count(report, want) != 1 {
						t.Errorf("want once: %s", want)
					}
				}
				if t.Failed() {
					t.Log(report)
				}
			})
		})
	}
}

// untrusted serves with a certificate and returns its URL.
func untrusted(t *testing.T, change func(*x509.Certificate)) (url string, pemText string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// TestUntrustedCertificate: check and the log of serve say what is wrong and which key mends it.
func TestUntrustedCertificate(t *testing.T) {
	t.Parallel()
	past := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	future := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	for name, test := range map[string]struct {
		change func(*x509.Certificate)
		trust  string // "own": the certificate itself is ca_file; "other": another is
		says   string
	}{
		"unknown authority": {func(*x509.Certificate) {}, "", "the certificate of 127.0.0.1 is signed by an authority that is not trusted; set github.tls_config.ca_file to the PEM file of that authority"},
		"another authority": {func(*x509.Certificate) {}, "other", "the certificate of 127.0.0.1 is signed by none of the authorities in FILE (github.tls_config.ca_file)"},
		"another host": {func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"github.example.com"} }, "own",
			"the certificate is not for 127.0.0.1 but for github.example.com; use the right host in github.api_url, or a certificate that names it"},
		"expired": {func(c *x509.Certificate) { c.NotAfter = past }, "own",
			"the certificate of 127.0.0.1 expired at " + past.Format(time.RFC3339) + "; it has to be renewed there, unless this machine's clock is wrong"},
		"not yet valid": {func(c *x509.Certificate) { c.NotBefore = future }, "own",
			"the certificate of 127.0.0.1 is not valid before " + future.Format(time.RFC3339) + "; look at this machine's clock"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, own := untrusted(t, test.change)
			p := newPlace(t, "")
			ca := filepath.Join(p.dir, "ca.pem")
			section := ""
			switch test.trust {
			case "own":
				p.write(ca, own)
			case "other":
				_, other := untrusted(t, func(c *x509.Certificate) { c.SerialNumber = big.NewInt(2) })
				p.write(ca, other)
			}
			if test.trust != "" {
				section = ", tls_config: {ca_file: ca.pem}"
			}
			p.write(p.config, "github: {api_url: "+url+section+"}\ntargets: {organizations: [{name: octo-org}]}\n")
			want := strings.ReplaceAll(test.says, "FILE", ca)
			code, stdout, _ := run(t, nil, "check", "--config.file="+p.config)
			if code != 1 || stdout != "ok    configuration: valid\nFAIL  "+want+"\n" {
				t.Errorf("exit code %d, want %s\n%s", code, want, stdout)
			}
			p.serve().says("level=warn", "no answer: "+want)
		})
	}
}

// TestTokenFileTrouble: one line when there is no token, whatever the reason, and one when there is one again.
func TestTokenFileTrouble(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		make func(t *testing.T, path string) error // makes the token file
		says string
	}{
		"missing":    {func(*testing.T, string) error { return nil }, "no such file; create it or set github.token_file"},
		"empty":      {func(_ *testing.T, p string) error { return os.WriteFile(p, []byte(" \n"), 0o600) }, "is empty; write the token into it"},
		"directory":  {func(_ *testing.T, p string) error { return os.Mkdir(p, 0o700) }, "is a directory; github.token_file is the file that holds the token"},
		"binary":     {func(_ *testing.T, p string) error { return os.WriteFile(p, []byte{0x7f, 'E', 'L', 'F', 0, 1}, 0o600) }, "must hold one token and nothing else, without blanks or line breaks in it"},
		"two tokens": {func(_ *testing.T, p string) error { return os.WriteFile(p, []byte("ghp_one\nghp_two\n"), 0o600) }, "must hold one token and nothing else, without blanks or line breaks in it"},
		"unreadable": {func(t *testing.T, p string) error {
			if os.Geteuid() == 0 {
				t.Skip("root may read everything")
			}
			return os.WriteFile(p, []byte("ghp_one"), 0)
		}, "permission denied; let the exporter's user read it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, api := loopback(t, pastWorld(1, 0))
			p := newPlace(t, strings.Replace(watching(api), "}\n", ", token_file: token}\n", 1))
			token := filepath.Join(p.dir, "token")
			if err := test.make(t, token); err != nil {
				t.Fatal(err)
			}
			want := "token file " + token + ": " + test.says
			code, stdout, stderr := run(t, nil, "check", "--config.file="+p.config)
			if code != 1 || stdout != "ok    configuration: valid\nFAIL  "+want+"\n" {
				t.Errorf("exit code %d, want %s\n%s%s", code, want, stdout, stderr)
			}
			running := p.serve()
			running.says("level=error", `msg="no token, so nothing is asked of GitHub until there is one"`, `err="`+want+`"`)
			running.until("the failure to show", func(s scrape) bool {
				return s.value(namespace+"_poll_failures_total", "repository", "octo-org", "reason", "unauthorized") >= 1
			})
			lines := 1
			if name == "missing" { // it comes, and goes again
				p.write(token+".new", "ghp_good\n")
				if err := os.Rename(token+".new", token); err != nil {
					t.Fatal(err)
				}
				running.says("level=info", `msg="there is a token again"`)
				running.until("counters to move", func(s scrape) bool { return s.value(namespace+"_executions_recorded_total") > 0 })
				if err := os.Remove(token); err != nil {
					t.Fatal(err)
				}
				running.until("the failure to show", func(s scrape) bool {
					return s.value(namespace+"_poll_failures_total", "repository", "octo-org/a", "reason", "unauthorized") >= 1
				})
				lines = 2
			}
			running.stop()
			said := running.stderr.text()
			if n := strings.Count(said, "level=error"); n != lines {
				t.Errorf("%d errors, want %d", n, lines)
			}
			if strings.Contains(said, "refused") || strings.Contains(said, "cannot be read, going on") || strings.Contains(said, "polling repository failed") {
				t.Error("what is wrong with the token was said again")
			}
		})
	}
}
