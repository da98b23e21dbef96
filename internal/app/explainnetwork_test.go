package app

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"github_workflow_exporter/internal/config"
)

func TestNetworkErrorsNameWhatToLookAt(t *testing.T) {
	c := config.Default()
	c.GitHub.APIURL = "https://ghes.test/api/v3"
	refused := errors.New("connect: connection refused")
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"unknown host": {
			&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "ghes.test", IsNotFound: true}},
			"there is no host ghes.test; look at github.api_url, or at HTTPS_PROXY if it is the name of a proxy",
		},
		"proxy": {
			fmt.Errorf("Get: %w", &net.OpError{Op: "proxyconnect", Net: "tcp", Err: refused}),
			"the proxy cannot be used, look at HTTPS_PROXY and NO_PROXY: connect: connection refused",
		},
		"a resolver in trouble": {&net.DNSError{Err: "server misbehaving", Name: "ghes.test"}, "lookup ghes.test: server misbehaving"},
		"anything else":         {refused, "connect: connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			got := explainNetwork(c)(test.err)
			if got.Error() != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if !errors.Is(got, test.err) {
				t.Error("what lies beneath is gone")
			}
		})
	}
}
