package githubapi

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Meta is what a server tells about itself.
type Meta struct {
	// InstalledVersion of a GitHub Enterprise Server, such as "3.10.4"; "" on github.com.
	InstalledVersion string `json:"installed_version"`
}

// Meta reads GET /meta. On github.com that is long; all but one field is skipped.
func (c *Client) Meta(ctx context.Context) (Meta, error) {
	var meta Meta
	err := c.single(ctx, "get_meta", "/meta", func(ctx context.Context, body []byte, _ answer) error {
		r := newReader(ctx, body)
		r.members("entry", func(key []byte) {
			if string(key) == "installed_version" {
				r.must("installed_version", r.text(&meta.InstalledVersion))
			} else {
				r.skip()
			}
		})
		if err := r.end(); err != nil || r.odd == "" {
			return err
		}
		return fmt.Errorf("%s is not what it should be", r.odd)
	})
	if err != nil {
		return Meta{}, err
	}
	return meta, nil
}

// RateLimit reads GET /rate_limit, which costs nothing, by resource name. ErrNoRateLimit where the server has none.
func (c *Client) RateLimit(ctx context.Context) (map[string]Limit, error) {
	var limits map[string]Limit
	err := c.single(ctx, "get_rate_limit", "/rate_limit", func(ctx context.Context, body []byte, a answer) (err error) {
		limits, err = c.decodeRateLimit(ctx, body, a)
		return err
	})
	var e *Error
	if errors.As(err, &e) && e.Kind == KindNotFound {
		return nil, fmt.Errorf("get_rate_limit: %w", ErrNoRateLimit)
	}
	return limits, err
}

// decodeRateLimit reads resources.*, which is believed more than what headers told: those overtake each other, and may have been
// of another window. The object "rate" beside it is gone in newer API versions.
func (c *Client) decodeRateLimit(ctx context.Context, body []byte, a answer) (map[string]Limit, error) {
	date, now := parseDate(a.header), c.now()
	var limits map[string]Limit
	resets := map[string]int64{}
	r := newReader(ctx, body)
	r.members("entry", func(key []byte) {
		if string(key) != "resources" {
			r.skip()
			return
		}
		r.members("resources", func(key []byte) {
			if limits == nil {
				limits = map[string]Limit{}
			}
			name := string(key[:min(len(key), maxString)])
			if !plainWord(name) || len(limits) == maxResources {
				r.skip()
				return
			}
			limits[name], resets[name] = readLimit(r, name, date, now)
		})
	})
	switch err := r.end(); {
	case err != nil:
		return nil, err
	case r.odd != "":
		return nil, fmt.Errorf("%s is not what it should be", r.odd)
	case limits == nil:
		return nil, errors.New("no resources in it")
	}
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	for name, limit := range limits {
		c.state.believe(limit, strconv.FormatInt(resets[name], 10), a.generation)
	}
	return limits, nil
}

// readLimit gives a limit, and the time of its reset as it was sent.
func readLimit(r *reader, name string, date, now time.Time) (l Limit, reset int64) {
	l.Resource = name
	r.members(name, func(key []byte) {
		switch string(key) {
		case "limit":
			r.must("limit", r.amount(&l.Limit))
		case "remaining":
			r.must("remaining", r.amount(&l.Remaining))
		case "used":
			r.must("used", r.amount(&l.Used))
		case "reset":
			r.must("reset", r.whole(&reset))
		default:
			r.skip()
		}
	})
	l.Limit, l.Remaining, l.Used = max(l.Limit, 0), max(l.Remaining, 0), max(l.Used, 0)
	l.Reset = localReset(reset, date, now)
	return l, reset
}

// single asks for one thing that is neither a list nor conditional.
func (c *Client) single(ctx context.Context, endpoint, path string, decode func(context.Context, []byte, answer) error) error {
	target, err := c.base.join(path, nil)
	if err != nil {
		return badRequest(endpoint, err)
	}
	_, err = c.do(ctx, call{endpoint: endpoint, url: target, decode: decode})
	return err
}
