package githubapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Meta is what a server tells about itself.
type Meta struct {
	// InstalledVersion of a GitHub Enterprise Server, such as "3.10.4"; "" on github.com.
	InstalledVersion string `json:"installed_version"`
}

// Meta reads GET /meta.
func (c *Client) Meta(ctx context.Context) (Meta, error) {
	var meta *Meta
	err := c.single(ctx, "get_meta", "/meta", func(body []byte, _ answer) error {
		if err := json.Unmarshal(body, &meta); err != nil {
			return err
		}
		if meta == nil {
			return errors.New("null")
		}
		return nil
	})
	if err != nil {
		return Meta{}, err
	}
	return *meta, nil
}

// RateLimit reads GET /rate_limit, which costs nothing, by resource name. ErrNoRateLimit where the server has none.
func (c *Client) RateLimit(ctx context.Context) (map[string]Limit, error) {
	var limits map[string]Limit
	err := c.single(ctx, "get_rate_limit", "/rate_limit", func(body []byte, a answer) (err error) {
		limits, err = c.decodeRateLimit(body, a)
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
func (c *Client) decodeRateLimit(body []byte, a answer) (map[string]Limit, error) {
	var page struct {
		Resources map[string]struct {
			Limit     int   `json:"limit"`
			Remaining int   `json:"remaining"`
			Used      int   `json:"used"`
			Reset     int64 `json:"reset"`
		} `json:"resources"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, err
	}
	if page.Resources == nil {
		return nil, errors.New("no resources in it")
	}
	date, now := parseDate(a.header), c.now()
	defer c.state.mu.Unlock()
	c.state.mu.Lock()
	limits := make(map[string]Limit, len(page.Resources))
	for name, l := range page.Resources {
		if plainWord(name) && len(limits) < maxResources {
			limits[name] = Limit{Resource: name, Limit: l.Limit, Remaining: l.Remaining, Used: l.Used,
				Reset: localReset(l.Reset, date, now)}
			c.state.believe(limits[name], strconv.FormatInt(l.Reset, 10), a.generation)
		}
	}
	return limits, nil
}

// single asks for one thing that is neither a list nor conditional.
func (c *Client) single(ctx context.Context, endpoint, path string, decode func([]byte, answer) error) error {
	target, err := c.base.join(path, nil)
	if err != nil {
		return badRequest(endpoint, err)
	}
	_, err = c.do(ctx, call{endpoint: endpoint, url: target, decode: decode})
	return err
}
