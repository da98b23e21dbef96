package githubapi

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// maxPerPage is GitHub's limit; the exporter's callers shrink it on 5xx.
const maxPerPage = 100

// Tag is what a conditional request needs: an ETag with the URL and the token generation it belongs to. It is sent only
// where both match, since GitHub binds ETags to the token. The zero Tag asks unconditionally.
//
// Keep a Tag only once what it stood for has been committed: a 304 says "you have it already".
type Tag struct {
	etag       string
	url        string
	generation uint64
}

// IsZero tells whether the Tag stands for nothing.
func (t Tag) IsZero() bool { return t == Tag{} }

// validETag tells whether s is an entity tag, weak (W/"…") or strong ("…"). Anything else is not worth sending back.
func validETag(s string) bool {
	s = strings.TrimPrefix(s, "W/")
	return len(s) >= 2 && len(s) <= 1024 && s[0] == '"' && strings.IndexByte(s[1:], '"') == len(s)-2 && headerSafe(s)
}

// PageRequest asks for one page of a list.
type PageRequest struct {
	// PerPage is 1 to 100; 0 and anything above mean 100. It has no effect on a page addressed by Next.
	PerPage int
	// Next is Page.Next of the page before, "" for the first page. It must not be made or changed by the caller.
	Next string
	// Tag of an earlier answer to the same question, to be answered with ErrNotModified if nothing changed. What that
	// answer held, its Next included, then still stands and is not given again (but for Page.Date and Page.SSO).
	Tag Tag
}

// Page is one page of a list. Lists shift while they are read, so entries can repeat over pages.
type Page[T any] struct {
	Items []T
	// TotalCount is the length of the whole list as GitHub tells it, at most MaxJobsCount of jobs and MaxListCount of others; 0
	// for lists that come without (repositories), and where what it tells is no number or negative.
	TotalCount int
	// Next addresses the following page, at the configured server whatever the link names; "" on the last. A link that is
	// refused (it asks for something else, leads in a circle, or the list has no end) is an error when it is used, for it
	// costs what follows, not this page.
	Next string
	// Tag for asking the same again; zero if the answer had no usable ETag.
	Tag Tag
	// Date of the answer by the server's clock; zero if it had none, or one that cannot be.
	Date time.Time
	// SSO tells whether the list leaves out organizations that the token is not authorized for, also on ErrNotModified.
	SSO SSO
}

// target gives the URL of the page and what is known of those read before it.
func (c *Client) target(path string, query url.Values, p PageRequest) (*url.URL, trail, error) {
	if p.Next != "" {
		return c.openNext(p.Next)
	}
	if p.PerPage < 0 {
		return nil, trail{}, fmt.Errorf("%d per page: must be 1 to %d", p.PerPage, maxPerPage)
	}
	if p.PerPage == 0 || p.PerPage > maxPerPage {
		p.PerPage = maxPerPage
	}
	query.Set("per_page", fmt.Sprint(p.PerPage))
	u, err := c.base.join(path, query)
	return u, trail{}, err
}
