package githubapi

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// list asks for one page of a list that has at most maxItems entries; 0 = any number.
func list[T any](ctx context.Context, c *Client, endpoint, path string, query url.Values, p PageRequest, maxItems int,
	decode func(context.Context, []byte, span) ([]T, int, error)) (Page[T], error) {
	target, read, err := c.target(path, query, p)
	if err != nil {
		return Page[T]{}, badRequest(endpoint, err)
	}
	var page Page[T]
	q := call{endpoint: endpoint, url: target, tag: p.Tag}
	q.decode = func(ctx context.Context, body []byte, a answer) (err error) {
		page.Items, page.TotalCount, err = decode(ctx, body, spanAt(c.now(), a.header))
		return err
	}
	a, err := c.do(ctx, q)
	switch {
	case errors.Is(err, ErrNotModified):
		return Page[T]{Tag: p.Tag, Date: plausibleDate(a.header, c.now()), SSO: parseSSO(a.header)}, err
	case err != nil:
		return Page[T]{}, err
	}
	page.Tag = a.tag(target)
	page.Date = plausibleDate(a.header, c.now())
	page.SSO = parseSSO(a.header)
	if link := nextLink(a.header.Values("Link")); link != "" {
		next := c.base.sealNext(a.url, link, path, read.add(len(page.Items), target, a.url), maxItems)
		if page.Next = next; strings.HasPrefix(next, "#") {
			page.Next = redact(next, a.token)
		}
	}
	return page, nil
}

// one asks for a single object.
func one[T any](ctx context.Context, c *Client, endpoint, path string, tag Tag, kind entry[T]) (T, Tag, error) {
	var zero, item T
	target, err := c.base.join(path, nil)
	if err != nil {
		return zero, Tag{}, badRequest(endpoint, err)
	}
	q := call{endpoint: endpoint, url: target, tag: tag}
	q.decode = func(ctx context.Context, body []byte, a answer) (err error) {
		item, err = decodeOne(ctx, body, kind, spanAt(c.now(), a.header))
		return err
	}
	a, err := c.do(ctx, q)
	switch {
	case errors.Is(err, ErrNotModified):
		return zero, tag, err
	case err != nil:
		return zero, Tag{}, err
	}
	return item, a.tag(target), nil
}

// badRequest names the endpoint of a question that was not asked.
func badRequest(endpoint string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		e.Endpoint = endpoint
		return e
	}
	return fmt.Errorf("%s: %w", endpoint, err)
}

// needPositive refuses ids and attempt numbers that cannot be.
func needPositive(what string, n int64) error {
	if n <= 0 {
		return fmt.Errorf("%s %d: must be 1 or more", what, n)
	}
	return nil
}
