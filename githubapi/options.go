package githubapi

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"
)

// Defaults of Options.
const (
	DefaultAPIVersion    = "2022-11-28"
	DefaultUserAgent     = "github_workflow_exporter"
	DefaultTimeout       = 30 * time.Second
	DefaultMaxConcurrent = 8
	DefaultMaxBodyBytes  = 16 << 20 // a page of 100 runs has about 1.5 MB, one of 100 jobs with 100 steps 2 MB
)

// maxHeaders bounds the headers of an answer in bytes; GitHub's are about 5 KB.
const maxHeaders = 256 << 10

// Options configure a Client. Only BaseURL is required.
type Options struct {
	// BaseURL is the API's root: "https://api.github.com", or "https://HOST/api/v3" of a GitHub Enterprise Server.
	// http or https, any path, no query, fragment or user information.
	BaseURL string
	// Token is asked before every request; nil asks anonymously.
	Token TokenSource
	// APIVersion goes into X-GitHub-Api-Version; "" = DefaultAPIVersion. When the server refuses it, the client asks
	// without the header from then on, see Client.APIVersionRejected.
	APIVersion string
	// UserAgent; GitHub refuses requests without one. "" = DefaultUserAgent.
	UserAgent string
	// Timeout of one request including its body; 0 = DefaultTimeout.
	Timeout time.Duration
	// MaxConcurrent requests at a time; 0 = DefaultMaxConcurrent.
	MaxConcurrent int
	// MaxBodyBytes of one answer after decompression; 0 = DefaultMaxBodyBytes. Log downloads are streamed and not bound.
	MaxBodyBytes int64
	// RootCAs replaces the system's certificate authorities; CAFile (PEM) is added to whichever of the two is used.
	RootCAs *x509.CertPool
	CAFile  string
	// Transport replaces the default one, a clone of http.DefaultTransport with the proxy from the environment. It must
	// not follow redirects or cache. Not together with RootCAs or CAFile.
	Transport http.RoundTripper
	// Observe is called after every HTTP exchange (so for every hop of a redirect), concurrently; nil = nobody watches.
	Observe func(Observation)
	// Explain words an error of the network for who runs the program, such as what to configure for a certificate that is
	// not trusted; it is given what the transport returned and returns an error that wraps it. nil = as it is.
	Explain func(error) error
	// Now is the clock; nil = time.Now.
	Now func() time.Time
}

// Observation tells of one HTTP exchange.
type Observation struct {
	Endpoint string        // bounded name, such as "list_runs"
	Code     int           // HTTP status; 0 = no answer
	Duration time.Duration // until the body was read
	Kind     Kind          // KindNone if it went well (200, a followed redirect, 304)
	// RetryAfter is what this answer asked to wait, whatever its status, also a 200 and a followed redirect; 0 = nothing.
	RetryAfter time.Duration
	// Renewed tells that the question was conditional on an answer to an earlier token of the same installation. GitHub binds
	// ETags to tokens: with a 304 it knew it still, with a 200 the renewal cost this request.
	Renewed bool
	Limit   *Limit // the rate limit this answer told of; nil = none, normal on GitHub Enterprise Server
}

// New makes a Client. It sends nothing.
func New(o Options) (*Client, error) {
	base, err := parseBase(o.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("API URL: %w", err)
	}
	switch {
	case o.Timeout < 0:
		return nil, fmt.Errorf("timeout %s: must be more than 0", o.Timeout)
	case o.MaxConcurrent < 0:
		return nil, fmt.Errorf("%d concurrent requests: must be at least 1", o.MaxConcurrent)
	case o.MaxBodyBytes < 0:
		return nil, fmt.Errorf("body limit of %d bytes: must be more than 0", o.MaxBodyBytes)
	case !headerSafe(o.APIVersion) || !headerSafe(o.UserAgent):
		return nil, errors.New("API version and user agent: only printable ASCII can be sent")
	}
	c := &Client{
		base:       base,
		tokens:     o.Token,
		apiVersion: orDefault(o.APIVersion, DefaultAPIVersion),
		userAgent:  orDefault(o.UserAgent, DefaultUserAgent),
		timeout:    orDefault(o.Timeout, DefaultTimeout),
		maxBody:    orDefault(o.MaxBodyBytes, DefaultMaxBodyBytes),
		buffers:    &sync.Pool{},
		slots:      make(chan struct{}, orDefault(o.MaxConcurrent, DefaultMaxConcurrent)),
		observe:    o.Observe,
		explain:    o.Explain,
		now:        o.Now,
	}
	if c.now == nil {
		c.now = time.Now
	}
	c.fetches, _ = o.Token.(fetcher)
	if c.transport, err = transport(o, cap(c.slots)); err != nil {
		return nil, err
	}
	return c, nil
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// transport is the given one or a clone of the default one.
func transport(o Options, concurrent int) (http.RoundTripper, error) {
	if o.Transport != nil {
		if o.RootCAs != nil || o.CAFile != "" {
			return nil, errors.New("certificate authorities cannot be set on a transport of one's own")
		}
		return o.Transport, nil
	}
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		t = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	}
	t = t.Clone()
	t.MaxResponseHeaderBytes = maxHeaders
	t.MaxIdleConnsPerHost = concurrent // the default of 2 would close and open connections all the time
	pool, err := certificates(o)
	if err != nil {
		return nil, err
	}
	if pool != nil {
		if t.TLSClientConfig == nil {
			t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		t.TLSClientConfig.RootCAs = pool
	}
	return t, nil
}

// certificates is nil for the system's own.
func certificates(o Options) (*x509.CertPool, error) {
	if o.CAFile == "" {
		return o.RootCAs, nil
	}
	pem, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, fmt.Errorf("reading the CA file: %w", err)
	}
	pool := o.RootCAs
	if pool != nil {
		pool = pool.Clone()
	} else if pool, err = x509.SystemCertPool(); err != nil {
		pool = x509.NewCertPool() // no system pool (minimal images): the file's alone
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("CA file %s: no PEM certificate in it (expected -----BEGIN CERTIFICATE-----)", o.CAFile)
	}
	return pool, nil
}

// headerSafe tells whether s can be a header's value: printable ASCII without surrounding blanks.
func headerSafe(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return s == "" || s[0] != ' ' && s[len(s)-1] != ' '
}
