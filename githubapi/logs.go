package githubapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// JobLogs gives where a job's log can be fetched: the Location of GitHub's 302, not followed. It is signed (a secret),
// valid for about a minute, and must be asked without the token. KindNotFound while the job is not finished or if it
// never had a log, KindGone after the retention.
func (c *Client) JobLogs(ctx context.Context, repo string, id int64) (location string, err error) {
	const endpoint = "get_job_logs"
	path, err := jobPath(repo, id)
	if err != nil {
		return "", badRequest(endpoint, err)
	}
	target, err := c.base.join(path+"/logs", nil)
	if err != nil {
		return "", badRequest(endpoint, err)
	}
	q := call{endpoint: endpoint, url: target, location: true}
	a, err := c.do(ctx, q)
	if err != nil {
		return "", err
	}
	u, err := resolve(a.url, a.header.Get("Location"))
	if err == nil {
		err = c.admitLog(u)
	}
	if err != nil {
		return "", c.fail(q, target, a.token, &Error{Kind: KindRedirect, Status: a.status, Err: err})
	}
	return u.String(), nil
}

// admitLog tells why a log is not fetched from there; the host is free, no token goes there.
func (c *Client) admitLog(u *url.URL) error {
	switch {
	case u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("refusing to follow: not an http or https URL")
	case u.Scheme == "http" && c.base.scheme == "https":
		return fmt.Errorf("refusing to follow from https to http://%s", u.Host)
	}
	return nil
}

// DownloadJobLogs fetches a job's log as plain text. The caller must Close it: until then it counts as one of
// Options.MaxConcurrent. It may be of any length; Options.Timeout bounds each wait for more of it, ctx the whole.
func (c *Client) DownloadJobLogs(ctx context.Context, repo string, id int64) (io.ReadCloser, error) {
	location, err := c.JobLogs(ctx, repo, id)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(location)
	if err != nil {
		return nil, badRequest(downloadEndpoint, errors.New("location is not a URL"))
	}
	if err := c.acquire(ctx); err != nil {
		return nil, badRequest(downloadEndpoint, err)
	}
	body, err := c.download(ctx, u)
	if err != nil {
		<-c.slots
		return nil, err
	}
	return body, nil
}

// download follows to wherever the log is, without ever sending the token.
func (c *Client) download(ctx context.Context, u *url.URL) (io.ReadCloser, error) {
	bounded, cancel := context.WithCancelCause(ctx)
	log := &logBody{cancel: cancel, timeout: c.timeout, release: func() { <-c.slots }}
	log.timer = time.AfterFunc(c.timeout, func() { cancel(errStalled) })
	fail := func(e *Error) (io.ReadCloser, error) {
		log.timer.Stop()
		cancel(nil)
		e.Endpoint = downloadEndpoint
		return nil, e
	}
	for hops := 0; ; hops++ {
		resp, err := c.fetch(bounded, u)
		switch {
		case err != nil && ctx.Err() != nil:
			_, _ = fail(&Error{})
			return nil, fmt.Errorf(downloadEndpoint+": %w", ctx.Err())
		case err != nil && bounded.Err() != nil:
			return fail(&Error{Kind: KindNetwork, Err: errStalled})
		case err != nil:
			return fail(&Error{Kind: KindNetwork, Err: err})
		case resp.StatusCode == http.StatusOK:
			log.timer.Stop() // runs again while the caller waits in Read
			log.body, log.stalled = resp.Body, func() bool { return errors.Is(context.Cause(bounded), errStalled) }
			return log, nil
		}
		message, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		resp.Body.Close()
		e := classify(resp.StatusCode, resp.Header, message, c.now(), "")
		if e == nil {
			e = &Error{Kind: KindOther, Status: resp.StatusCode}
		}
		if !followable(resp.StatusCode) {
			return fail(e)
		}
		if hops == maxHops {
			e.Err = fmt.Errorf("refusing to follow more than %d redirects", maxHops)
			return fail(e)
		}
		if u, err = resolve(u, resp.Header.Get("Location")); err == nil {
			err = c.admitLog(u)
		}
		if err != nil {
			e.Err = err
			return fail(e)
		}
	}
}

// fetch sends one request to a log store. Its limits, clock and API version are not GitHub's, so nothing is recorded.
func (c *Client) fetch(ctx context.Context, u *url.URL) (*http.Response, error) {
	start := c.now()
	req := (&http.Request{
		Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{"User-Agent": {c.userAgent}},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	resp, err := c.transport.RoundTrip(req)
	if c.observe != nil {
		o := Observation{Endpoint: downloadEndpoint, Kind: KindNetwork, Duration: c.now().Sub(start)}
		if err == nil {
			o.Code, o.Kind = resp.StatusCode, KindNone
			if e := classify(resp.StatusCode, resp.Header, nil, c.now(), ""); e != nil && e.Kind != KindRedirect {
				o.Kind = e.Kind
			}
		}
		c.observe(o)
	}
	return resp, err
}

const downloadEndpoint = "download_job_logs"

var errStalled = errors.New("timeout: nothing came for too long")

// logBody gives back its slot when closed and gives up when nothing comes for a timeout.
type logBody struct {
	body    io.ReadCloser
	timer   *time.Timer
	timeout time.Duration
	stalled func() bool
	cancel  context.CancelCauseFunc
	release func()
	once    sync.Once
}

func (l *logBody) Read(p []byte) (int, error) {
	l.timer.Reset(l.timeout)
	n, err := l.body.Read(p)
	l.timer.Stop()
	if err != nil && err != io.EOF && l.stalled() {
		err = &Error{Kind: KindNetwork, Endpoint: downloadEndpoint, Status: http.StatusOK, Err: errStalled}
	}
	return n, err
}

func (l *logBody) Close() error {
	var err error
	l.once.Do(func() {
		l.timer.Stop()
		l.cancel(nil)
		err = l.body.Close()
		l.release()
	})
	return err
}
