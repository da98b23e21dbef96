package githubapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// exchange is one request and its answer. The answer is given along with an *Error where there was one.
func (c *Client) exchange(ctx context.Context, q call, target *url.URL) (answer, error) {
	if c.fetches != nil { // before a slot is taken: fetching takes one of its own
		if err := c.fetches.Fetch(ctx); err != nil {
			return answer{}, c.unfetched(ctx, q, target, err)
		}
	}
	if err := c.acquire(ctx); err != nil {
		return answer{}, fmt.Errorf("%s: %w", q.endpoint, err)
	}
	a, o, err := c.exchangeInSlot(ctx, q, target)
	<-c.slots
	if o.Endpoint != "" && c.observe != nil {
		c.observe(o)
	}
	return a, err
}

// unfetched is the error of a question that was not sent, since no token could be had: one that GitHub refuses to give is a
// refusal, and one that cannot be asked for now is no answer.
func (c *Client) unfetched(ctx context.Context, q call, target *url.URL, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", q.endpoint, ctx.Err())
	}
	kind := KindNetwork
	var cause *Error
	if errors.As(err, &cause) && cause.Status >= 400 && cause.Status < 500 && cause.Kind != KindPrimaryLimit && cause.Kind != KindSecondaryLimit {
		kind = KindUnauthorized
	}
	return c.fail(q, target, "", &Error{Kind: kind, Err: fmt.Errorf("%w: %w", ErrNoToken, err)})
}

// acquire waits for a slot.
func (c *Client) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// exchangeInSlot sends, reads and decodes. The observation is zero if nothing was sent.
func (c *Client) exchangeInSlot(ctx context.Context, q call, target *url.URL) (a answer, o Observation, err error) {
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, a, err := c.request(bounded, q, target)
	if err != nil {
		return a, o, c.fail(q, target, "", &Error{Kind: KindUnauthorized, Err: err})
	}
	start := c.now()
	o = Observation{Endpoint: q.endpoint}
	fail := func(e *Error) (answer, Observation, error) {
		o.Kind = e.Kind
		return a, o, c.fail(q, target, a.token, e)
	}

	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		o.Duration = c.now().Sub(start)
		if ctx.Err() != nil {
			o.Kind = KindCanceled
			return a, o, fmt.Errorf("%s: %w", q.endpoint, ctx.Err())
		}
		return fail(&Error{Kind: KindNetwork, Err: c.timedOut(bounded, err)})
	}
	defer resp.Body.Close()
	now := c.now()
	a.status, a.header = resp.StatusCode, resp.Header
	if q.endpoint == graphqlEndpoint {
		withoutForeignLimit(a.header)
	}
	redactHeader(a.header, a.token)
	o.Code, o.Renewed = a.status, a.renewed
	o.RetryAfter, _ = parseRetryAfter(a.header)
	o.Limit = c.state.record(a.header, a.generation, now)

	buffer := c.buffer()
	defer c.release(buffer)
	readErr := c.read(bounded, buffer, resp)
	o.Duration = c.now().Sub(start)
	if ctx.Err() != nil && readErr != nil {
		o.Kind = KindCanceled
		return a, o, fmt.Errorf("%s: %w", q.endpoint, ctx.Err())
	}
	body := *buffer
	switch {
	case a.status == http.StatusNotModified && a.conditional:
		return a, o, ErrNotModified
	case a.status == http.StatusFound && q.location:
		return a, o, nil
	case a.status != q.wanted() || q.decode == nil:
		// Whatever of the body could be read will do: the status says what matters.
		e := classify(a.status, a.header, body, now, a.token)
		if e == nil {
			e = &Error{Kind: KindOther, Status: a.status, Err: errors.New("not an answer to what was asked")}
		}
		if e.Kind == KindUnauthorized {
			e.Err = c.askedWith()
		}
		if e.Kind == KindRedirect && followable(a.status) && q.body == nil {
			return a, o, c.fail(q, target, a.token, e) // no failure yet: do decides whether it is followed
		}
		return fail(e)
	case readErr != nil && bounded.Err() != nil:
		return fail(&Error{Kind: KindNetwork, Status: a.status, Err: c.timedOut(bounded, readErr)})
	case readErr != nil:
		return fail(bodyError(a, readErr))
	}
	switch err := q.decode(bounded, body, a); {
	case err == nil:
		return a, o, nil
	case ctx.Err() != nil:
		o.Kind = KindCanceled
		return a, o, fmt.Errorf("%s: %w", q.endpoint, ctx.Err())
	case bounded.Err() != nil:
		return fail(&Error{Kind: KindNetwork, Status: a.status, Err: timeoutError{c.timeout}})
	default:
		e := bodyError(a, describeBody(err, a.header))
		e.Whole = json.Valid(body)
		return fail(e)
	}
}

// bodyError is an answer with status 200 that is none. A page for people in its place may still ask to wait.
func bodyError(a answer, err error) *Error {
	wait, asked := parseRetryAfter(a.header)
	return &Error{Kind: KindBody, Status: a.status, RetryAfter: wait, RetryAsked: asked, TooLarge: errors.Is(err, errTooLarge), Err: err}
}

// request makes the request and the part of the answer that is known before.
func (c *Client) request(ctx context.Context, q call, target *url.URL) (*http.Request, answer, error) {
	a := answer{url: target}
	header := http.Header{
		"Accept":          {"application/vnd.github+json"},
		"Accept-Encoding": {"gzip"}, // asked for here, so that any transport is served alike: see read
		"User-Agent":      {c.userAgent},
	}
	if c.tokens != nil {
		token, generation, err := c.tokens.Token()
		if err != nil {
			return nil, a, fmt.Errorf("%w: %w", ErrNoToken, err)
		}
		header["Authorization"] = []string{"Bearer " + token}
		a.token, a.generation = token, generation
	}
	c.state.use(a.generation)
	if !c.versionRejected.Load() {
		header["X-Github-Api-Version"] = []string{c.apiVersion}
		a.versioned = true
	}
	if !q.tag.IsZero() && (c.fetches != nil || q.tag.generation == a.generation) && q.tag.url == q.url.String() {
		header["If-None-Match"] = []string{q.tag.etag}
		a.conditional, a.renewed = true, q.tag.generation != a.generation
	}
	req := (&http.Request{
		Method: http.MethodGet, URL: target, Host: target.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if q.body != nil {
		req.Method, req.Body, req.ContentLength = http.MethodPost, io.NopCloser(bytes.NewReader(q.body)), int64(len(q.body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(q.body)), nil }
		header["Content-Type"] = []string{"application/json"}
	}
	return req, a, nil
}

// askedWith says where the token that was refused came from, which is where to mend it.
func (c *Client) askedWith() error {
	if c.tokens == nil {
		return errors.New("asked without a token")
	}
	if named, ok := c.tokens.(fmt.Stringer); ok { // nothing else: printing it another way might show the token
		return fmt.Errorf("asked with the %s", named)
	}
	return nil
}

// timedOut says so if the request's own time was up: the transport's error is then only about the context.
func (c *Client) timedOut(bounded context.Context, err error) error {
	if bounded.Err() != nil {
		return timeoutError{c.timeout}
	}
	if c.explain != nil {
		return c.explain(err)
	}
	return err
}

// timeoutError is told by its method Timeout, as those of package net.
type timeoutError struct{ after time.Duration }

func (e timeoutError) Error() string {
	return fmt.Sprintf("timeout: not answered in full within %s", e.after.Round(time.Millisecond))
}

func (timeoutError) Timeout() bool { return true }
