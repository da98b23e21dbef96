package githubapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Client asks one GitHub API with one credential. It is safe for concurrent use.
type Client struct {
	base       origin
	tokens     TokenSource
	apiVersion string
	userAgent  string
	timeout    time.Duration
	maxBody    int64
	transport  http.RoundTripper
	observe    func(Observation)
	explain    func(error) error
	now        func() time.Time

	slots           chan struct{} // one per request under way
	buffers         *sync.Pool    // *[]byte
	fetches         fetcher       // tokens, if it is one; else nil
	versionRejected atomic.Bool
	state           state
}

// maxHops is how many redirects one request may take.
const maxHops = 5

// call is one question, which may take several exchanges to be answered.
type call struct {
	endpoint string
	url      *url.URL
	tag      Tag
	decode   func(ctx context.Context, body []byte, a answer) error // of a 200; its error becomes KindBody
	location bool                                                   // the answer wanted is a 302 and its Location
	body     []byte                                                 // of a POST; nil: it is a GET
	created  bool                                                   // the answer wanted is a 201, not a 200
}

// wanted is the status of an answer that is decoded.
func (q call) wanted() int {
	if q.created {
		return http.StatusCreated
	}
	return http.StatusOK
}

func (q call) method() string {
	if q.body != nil {
		return http.MethodPost
	}
	return http.MethodGet
}

// answer is what is kept of a response.
type answer struct {
	status      int
	header      http.Header
	url         *url.URL // where it came from, after redirects
	generation  uint64   // of the token it was asked with
	token       string   // the token itself, to keep it out of errors
	conditional bool     // If-None-Match was sent
	renewed     bool     // … with what an earlier token was answered
	versioned   bool     // X-GitHub-Api-Version was sent
}

// tag is for asking the same again.
func (a answer) tag(asked *url.URL) Tag {
	etag := a.header.Get("Etag")
	if !validETag(etag) {
		return Tag{}
	}
	return Tag{etag: etag, url: asked.String(), generation: a.generation}
}

// APIVersionRejected tells whether the server refused the configured API version, so that the client now asks without.
func (c *Client) APIVersionRejected() bool { return c.versionRejected.Load() }

// as makes a client of the same API with another credential. Both together keep to one maximum of concurrent requests.
func (c *Client) as(tokens TokenSource) *Client {
	other := &Client{
		base: c.base, tokens: tokens, apiVersion: c.apiVersion, userAgent: c.userAgent, timeout: c.timeout, maxBody: c.maxBody,
		transport: c.transport, observe: c.observe, explain: c.explain, now: c.now, slots: c.slots, buffers: c.buffers,
	}
	other.fetches, _ = tokens.(fetcher)
	other.state.lasting = other.fetches != nil
	return other
}

// CloseIdleConnections closes what the client keeps open for reuse. Requests under way are not touched.
func (c *Client) CloseIdleConnections() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// do asks, following redirects within the configured API by hand, and asks once more with a renewed token after 401 and
// without the version header where the version is refused.
func (c *Client) do(ctx context.Context, q call) (answer, error) {
	target := q.url
	hops, renewed := 0, false
	for {
		a, err := c.exchange(ctx, q, target)
		var e *Error
		if !errors.As(err, &e) {
			return a, err
		}
		switch {
		case e.Kind == KindVersion && a.versioned:
			c.versionRejected.Store(true) // from now on nothing is versioned, so this happens once per request
		case e.Kind == KindUnauthorized && a.status == http.StatusUnauthorized && !renewed && c.renew(ctx, a.generation):
			renewed = true
		case e.Kind == KindRedirect && followable(a.status) && q.body == nil:
			if target, err = c.hop(q, a, hops); err != nil {
				e.Err = err
				return a, c.fail(q, a.url, a.token, e)
			}
			hops++
		default:
			return a, err
		}
	}
}

// renew looks for a new token after the one of the given generation was refused.
func (c *Client) renew(ctx context.Context, refused uint64) bool {
	if c.tokens == nil {
		return false
	}
	if c.fetches != nil {
		if _, generation, err := c.tokens.Token(); err == nil && generation != refused {
			return true // somebody else has had a new one meanwhile
		}
	}
	source, ok := c.tokens.(invalidator)
	if ok {
		source.Invalidate()
	}
	if c.fetches != nil && c.fetches.Fetch(ctx) != nil {
		return false
	}
	_, generation, err := c.tokens.Token()
	if err == nil && generation != refused {
		return true
	}
	if ok {
		source.Invalidate() // still the refused one: the next request looks again
	}
	return false
}

// hop gives where a redirect leads, if the token may be sent there: anywhere below the configured base, and where the server
// names itself otherwise, to what was asked for in the form with a number, as renamed repositories are told.
func (c *Client) hop(q call, a answer, hops int) (*url.URL, error) {
	if hops == maxHops {
		return nil, fmt.Errorf("refusing to follow more than %d redirects", maxHops)
	}
	u, err := resolve(a.url, a.header.Get("Location"))
	if err != nil {
		return nil, err
	}
	refused := c.base.admit(u)
	if refused == nil {
		return u, nil
	}
	// To ask the very same again would go in a circle: then the address in the configuration is what has to be mended.
	if own, err := c.base.adopt(a.url, a.header.Get("Location"), c.base.below(q.url)); err == nil && own.String() != a.url.String() {
		return own, nil
	}
	return nil, refused
}

// fail completes an error with what was asked and keeps the token out of it, should the server have repeated it.
func (c *Client) fail(q call, u *url.URL, token string, e *Error) *Error {
	e.Endpoint, e.method = q.endpoint, q.method()
	if e.path == "" {
		e.path = redact(c.base.below(u), token)
	}
	e.Message, e.Permissions = redact(e.Message, token), redact(e.Permissions, token)
	if e.Err != nil && token != "" {
		if text := e.Err.Error(); redact(text, token) != text {
			e.Err = errors.New(cleanText(redact(text, token)))
		}
	}
	return e
}
