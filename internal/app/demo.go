package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/go-kit/log"
	toolkit "github.com/prometheus/exporter-toolkit/web"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
	"github_workflow_exporter/internal/web"
)

// DemoAddress is where the demo listens if not told otherwise: it is a show for who started it.
const DemoAddress = "127.0.0.1:9887"

const (
	demoOrganization = "octo-demo"
	demoBasePath     = "" // of the shape of github.com, where prices hold
)

// DemoOptions say how to run the demo.
type DemoOptions struct {
	Web            *toolkit.FlagConfig
	TelemetryPath  string
	Lifecycle      bool
	ControlAddress string // "" for none
	StoragePath    string // of the ledger, which stays; "" for a temporary one
	Logger         Logger
	Out            io.Writer // told where to look
}

// Demo runs a simulated GitHub on loopback and the exporter on it, until ctx is done or a signal comes. It needs no
// network and no file.
func Demo(ctx context.Context, o DemoOptions) (err error) {
	storage, err := demoStorage(o.StoragePath)
	if err != nil {
		return fmt.Errorf("making a place for the demo's ledger: %w", err)
	}
	if o.StoragePath == "" {
		defer os.RemoveAll(storage)
	}
	world := simulator.DemoProfile(time.Now)
	world.BasePath, world.Token, world.PrimaryLimit = demoBasePath, "", 15000
	github, err := simulator.New(world)
	if err != nil {
		return fmt.Errorf("making the simulated GitHub: %w", err)
	}
	api, err := listenHTTP("127.0.0.1:0", github, o.Logger.WithoutCaller)
	if err != nil {
		return fmt.Errorf("starting the simulated GitHub: %w", err)
	}
	defer api.Close()
	apiURL := "http://" + api.Addr + demoBasePath
	control := ""
	if o.ControlAddress != "" {
		server, err := listenHTTP(o.ControlAddress, web.SameOrigin(github.Control()), o.Logger.WithoutCaller)
		if err != nil {
			return fmt.Errorf("serving the demo's switches (--demo.control-address): %w", err)
		}
		defer server.Close()
		control = "http://" + server.Addr + "/"
	}
	return Serve(ctx, ServeOptions{
		Load: func() (*config.Config, error) { return demoConfig(apiURL, storage) },
		Web:  o.Web, TelemetryPath: o.TelemetryPath, Lifecycle: o.Lifecycle, Logger: o.Logger,
		Listening: func(scheme string, addresses []string) {
			sayWhereToLook(o, scheme, addresses, apiURL, control, storage)
		},
	})
}

// demoStorage makes a place for the ledger: the directory itself while it is empty, else a new one in it. Each start has
// one of its own, for a ledger belongs to one GitHub, and the demo's is another each time.
func demoStorage(dir string) (string, error) {
	if dir == "" {
		return os.MkdirTemp("", "github_workflow_exporter-demo-")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	present, err := os.ReadDir(dir)
	if err != nil || len(present) == 0 {
		return dir, err
	}
	return os.MkdirTemp(dir, "demo-")
}

// demoConfig is quick enough to see counters move within a minute.
func demoConfig(apiURL, storage string) (*config.Config, error) {
	c := config.Default()
	c.GitHub.APIURL = apiURL
	organization := config.Owner{Name: demoOrganization}
	organization.SetDefaults()
	c.Targets.Organizations = []config.Owner{organization}
	c.Poll.Interval = config.Duration(5 * time.Second)
	c.Poll.MaxInterval = config.Duration(15 * time.Second)
	c.Poll.Lookback = config.Duration(20 * time.Minute)
	c.Poll.DiscoveryInterval = config.Duration(30 * time.Second)
	c.Metrics.InitialZero = config.Duration(15 * time.Second)
	c.Storage.Path = storage
	return c, c.Validate()
}

// sayWhereToLook tells a new user what there is to see.
func sayWhereToLook(o DemoOptions, scheme string, addresses []string, apiURL, control, storage string) {
	fmt.Fprintf(o.Out, "\nA simulated GitHub with the organization %s runs at %s, and the exporter polls it.\n\n", demoOrganization, apiURL)
	for _, a := range addresses {
		base := scheme + "://" + reachable(a)
		fmt.Fprintf(o.Out, "  Metrics:       %s%s   (counters move within a minute)\n", base, o.TelemetryPath)
		fmt.Fprintf(o.Out, "  Landing page:  %s/\n", base)
		fmt.Fprintf(o.Out, "  Try:           curl -s %s%s | grep github_workflow_job_conclusions_total\n", base, o.TelemetryPath)
	}
	if control != "" {
		fmt.Fprintf(o.Out, "  Faults:        curl -s %s   lists them; curl -X POST '%sfaults/failing_workflow?on=true' switches one on\n", control, control)
	} else {
		fmt.Fprintf(o.Out, "  Faults:        start with --demo.control-address=127.0.0.1:9888 to switch faults on and off\n")
	}
	if o.StoragePath != "" {
		fmt.Fprintf(o.Out, "  Ledger:        %s   (this one stays; each start of the demo makes another)\n", storage)
	}
	fmt.Fprintf(o.Out, "\nCtrl-C ends it.\n\n")
}

// reachable turns a wildcard address into one that can be opened from here.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// listenHTTP serves a handler at an address; the server's Addr is the real one.
func listenHTTP(address string, handler http.Handler, logger log.Logger) (*http.Server, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	server := web.NewHTTPServer(handler, logger)
	server.Addr = l.Addr().String()
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			l.Close()
		}
	}()
	return server, nil
}
