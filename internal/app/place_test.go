package app

import (
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	toolkit "github.com/prometheus/exporter-toolkit/web"

	"github_workflow_exporter/internal/simulator"
)

// loopback serves a simulated GitHub on loopback and returns its API's URL.
func loopback(t *testing.T, o simulator.Options) (*simulator.GitHub, string) {
	t.Helper()
	o.BasePath = basePath
	github, err := simulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, served := &http.Server{Handler: github, ReadHeaderTimeout: patience}, make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return github, "http://" + l.Addr().String() + basePath
}

// place is a directory of the program's own with a configuration file in it.
type place struct {
	*testing.T
	dir, config string
}

func newPlace(t *testing.T, yaml string) place {
	t.Helper()
	dir := t.TempDir()
	p := place{t, dir, filepath.Join(dir, "config.yml")}
	p.write(p.config, yaml)
	return p
}

// watching is the configuration that watches the simulated organization of an API, every second.
func watching(apiURL string) string {
	return "github: {api_url: " + apiURL + "}\ntargets: {organizations: [{name: octo-org}]}\npoll: {interval: 1s, lookback: 240h}\n"
}

func (p place) write(path, text string) {
	p.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.Fatal(err)
	}
}

func (p place) data() string   { return filepath.Join(p.dir, "data") }
func (p place) ledger() string { return filepath.Join(p.data(), "ledger.db") }

func (p place) serve(arguments ...string) *process {
	p.Helper()
	return serve(p.T, nil, append([]string{"--config.file=" + p.config}, arguments...)...)
}

// webFlags are the exporter-toolkit's flags as the command line makes them.
func webFlags(addresses *[]string, socket *bool, file *string) *toolkit.FlagConfig {
	return &toolkit.FlagConfig{WebListenAddresses: addresses, WebSystemdSocket: socket, WebConfigFile: file}
}
