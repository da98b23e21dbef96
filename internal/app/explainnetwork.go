package app

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github_workflow_exporter/internal/config"
)

// networkError is an error of the network in words for who runs the program.
type networkError struct {
	text string
	err  error
}

func (e *networkError) Error() string { return e.text }
func (e *networkError) Unwrap() error { return e.err }

// explainNetwork returns what says, for what is wrong with a certificate, a host's name or a proxy, whose fault it is and
// which key mends it.
func explainNetwork(c *config.Config) func(error) error {
	host, caFile := c.GitHub.APIURL, c.GitHub.TLSConfig.CAFile
	if u, err := url.Parse(c.GitHub.APIURL); err == nil {
		host = u.Hostname()
	}
	return func(err error) error {
		if text := cmp.Or(proxyTrouble(err), nameTrouble(err), certificateTrouble(err, host, caFile)); text != "" {
			return &networkError{text, err}
		}
		return err
	}
}

// proxyTrouble is empty where the error is not of a proxy: net/http names that operation so.
func proxyTrouble(err error) string {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "proxyconnect" {
		return ""
	}
	return fmt.Sprintf("the proxy cannot be used, look at HTTPS_PROXY and NO_PROXY: %s", op.Err)
}

// nameTrouble is empty where the error is not of a host that nobody knows.
func nameTrouble(err error) string {
	var dns *net.DNSError
	if !errors.As(err, &dns) || !dns.IsNotFound {
		return ""
	}
	return fmt.Sprintf("there is no host %s; look at github.api_url, or at HTTPS_PROXY if it is the name of a proxy", dns.Name)
}

// certificateTrouble is empty where the error is about something else. The texts are short: errors of requests are cut.
func certificateTrouble(err error, host, caFile string) string {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &authority) && caFile != "":
		return fmt.Sprintf("the certificate of %s is signed by none of the authorities in %s (github.tls_config.ca_file)", host, caFile)
	case errors.As(err, &authority):
		return fmt.Sprintf("the certificate of %s is signed by an authority that is not trusted; set github.tls_config.ca_file to the PEM file of that authority", host)
	case errors.As(err, &name):
		return fmt.Sprintf("the certificate is not for %s but for %s; use the right host in github.api_url, or a certificate that names it", host, names(name.Certificate))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if time.Now().Before(invalid.Cert.NotBefore) {
			return fmt.Sprintf("the certificate of %s is not valid before %s; look at this machine's clock", host, invalid.Cert.NotBefore.UTC().Format(time.RFC3339))
		}
		return fmt.Sprintf("the certificate of %s expired at %s; it has to be renewed there, unless this machine's clock is wrong", host, invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
	case errors.As(err, &record):
		return fmt.Sprintf("%s does not speak TLS at this port; look at the scheme and the port of github.api_url", host)
	}
	return ""
}

// names are those a certificate is for, few of them.
func names(c *x509.Certificate) string {
	all := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	const most = 3
	switch {
	case len(all) == 0:
		return "no name at all"
	case len(all) > most:
		return strings.Join(all[:most], ", ") + ", …"
	}
	return strings.Join(all, ", ")
}
