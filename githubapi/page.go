package githubapi

import (
	"encoding/base64"
	"errors"
	"fmt"
	"hash/fnv"
	"net/url"
	"slices"
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
	// Next addresses the following page; "" on the last. Whether it may be followed is decided when it is used.
	Next string
	// Tag for asking the same again; zero if the answer had no usable ETag.
	Tag Tag
	// Date of the answer by the server's clock; zero if it had none, or one that cannot be.
	Date time.Time
	// SSO tells whether the list leaves out organizations that the token is not authorized for, also on ErrNotModified.
	SSO SSO
}

// target gives the URL of the page and the fingerprints of those read before it.
func (c *Client) target(path string, query url.Values, p PageRequest) (*url.URL, []string, error) {
	if p.Next != "" {
		return c.openNext(p.Next)
	}
	if p.PerPage < 0 {
		return nil, nil, fmt.Errorf("%d per page: must be 1 to %d", p.PerPage, maxPerPage)
	}
	if p.PerPage == 0 || p.PerPage > maxPerPage {
		p.PerPage = maxPerPage
	}
	query.Set("per_page", fmt.Sprint(p.PerPage))
	u, err := c.base.join(path, query)
	return u, nil, err
}

// sealNext makes Page.Next of a link: the URL and, in place of the fragment, which is never sent, fingerprints of all
// pages read so far. A list that leads back to itself is thus recognised without state in the client.
func sealNext(from *url.URL, link string, visited []string) string {
	if link == "" {
		return ""
	}
	u, err := resolve(from, link)
	if err != nil {
		return "#" // openNext refuses it; "" would pass for the end of the list
	}
	return u.String() + "#" + strings.Join(visited, ".")
}

// openNext takes Page.Next apart and refuses what the token must not be sent to and what was read already.
func (c *Client) openNext(next string) (*url.URL, []string, error) {
	raw, marks, _ := strings.Cut(next, "#")
	u, err := url.Parse(raw)
	if err != nil || raw == "" {
		return nil, nil, &Error{Kind: KindRedirect, Err: errors.New("refusing to follow the next link: not a URL")}
	}
	if err := c.base.admit(u); err != nil {
		return nil, nil, &Error{Kind: KindRedirect, Err: fmt.Errorf("next link: %w", err)}
	}
	visited := strings.Split(marks, ".")
	if slices.Contains(visited, fingerprint(u)) {
		return nil, nil, &Error{Kind: KindRedirect, path: c.base.below(u),
			Err: errors.New("refusing to follow the next link: it leads back to a page read already")}
	}
	return u, visited, nil
}

// fingerprint of a URL in eleven characters; a chance collision within one list is one in 2^64 per pair of pages.
func fingerprint(u *url.URL) string {
	h := fnv.New64a()
	h.Write([]byte(u.String()))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
