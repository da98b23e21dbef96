package githubapi

import (
	"encoding/base64"
	"errors"
	"fmt"
	"hash/fnv"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// MaxPages is how many pages of one list are followed. Page.Next of the last one is refused like a link that leads astray, as
// is that of a list of jobs once MaxJobsCount have been read: no attempt is that large, so such a list has no end.
const MaxPages = 10_000

// trail is what is known of the pages of a list that were read, of bounded length, so that a list that leads back to itself
// or has no end is recognised without state in the client. A circle of up to keptPages pages is seen as soon as it
// closes; any other by one page that is remembered longer and longer (at 1, 2, 4, … pages; Brent's way), before it has been
// read three times.
type trail struct {
	pages, items int
	anchor       string   // fingerprint of the page at the last power of two
	recent       []string // fingerprints of the last pages, the oldest first
}

const keptPages = 16

// add notes a page that was read, by each URL it is known by.
func (t trail) add(items int, urls ...*url.URL) trail {
	t.pages++
	t.items += items
	t.recent = slices.Clone(t.recent)
	for _, u := range urls {
		if mark := fingerprint(u); !slices.Contains(t.recent, mark) {
			t.recent = append(t.recent, mark)
		}
	}
	if t.pages&(t.pages-1) == 0 {
		t.anchor = fingerprint(urls[0])
	}
	t.recent = t.recent[max(0, len(t.recent)-keptPages):]
	return t
}

func (t trail) has(u *url.URL) bool {
	mark := fingerprint(u)
	return mark == t.anchor || slices.Contains(t.recent, mark)
}

func (t trail) String() string {
	return strings.Join(append([]string{strconv.Itoa(t.pages), strconv.Itoa(t.items), t.anchor}, t.recent...), ".")
}

// parseTrail gives the zero trail for what is none.
func parseTrail(s string) trail {
	parts := strings.Split(s, ".")
	if len(parts) < 3 {
		return trail{}
	}
	pages, err1 := strconv.Atoi(parts[0])
	items, err2 := strconv.Atoi(parts[1])
	if err1 != nil || err2 != nil {
		return trail{}
	}
	return trail{pages: pages, items: items, anchor: parts[2], recent: parts[3:]}
}

// fingerprint of a URL in eleven characters; a chance collision within one list is one in 2^64 per pair of pages.
func fingerprint(u *url.URL) string {
	h := fnv.New64a()
	h.Write([]byte(u.String()))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// sealNext makes Page.Next of a link: the URL to ask and, in place of the fragment, which is never sent, the trail; or nothing
// and why it is refused. asked is the path of the list below the base, maxItems how many entries it can have at most (0 = any).
func (o origin) sealNext(from *url.URL, link, asked string, t trail, maxItems int) string {
	if link == "" {
		return ""
	}
	u, err := o.adopt(from, link, asked)
	switch {
	case err != nil:
		return "#" + err.Error()
	case t.has(u):
		return "#refusing to follow: it leads back to a page read already"
	case t.pages >= MaxPages:
		return fmt.Sprintf("#refusing to follow: more than %d pages", MaxPages)
	case maxItems > 0 && t.items >= maxItems:
		return fmt.Sprintf("#refusing to follow: the list has more than %d entries", maxItems)
	}
	return u.String() + "#" + t.String()
}

// openNext takes Page.Next apart; what was refused when it was made is an error now that it is used.
func (c *Client) openNext(next string) (*url.URL, trail, error) {
	raw, rest, _ := strings.Cut(next, "#")
	if raw == "" {
		return nil, trail{}, &Error{Kind: KindRedirect, Err: errors.New("next link: " + rest)}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, trail{}, &Error{Kind: KindRedirect, Err: errors.New("next link: refusing to follow: not a URL")}
	}
	if err := c.base.admit(u); err != nil {
		return nil, trail{}, &Error{Kind: KindRedirect, Err: fmt.Errorf("next link: %w", err)}
	}
	return u, parseTrail(rest), nil
}
