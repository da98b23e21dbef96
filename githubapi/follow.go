package githubapi

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Where a server sends the client on, by a next link or a redirect. Servers write such URLs as they think they are
// reached: with their public host and base path, although the client asks through a proxy that has another of either. So
// only path and query of such a URL are used, at the configured scheme, host and base path; scheme, host, user information and
// fragment say nothing. What keeps that safe is that the path has to be the one asked for, or its form with a number:
// the token goes where it went before, to ask what was asked before.

// maxURL bounds a link or location in bytes.
const maxURL = 8 << 10

var errNoURL = errors.New("refusing to follow: not a URL")

// resolve reads a Location or Link target, relative to where it was found. The fragment is dropped.
func resolve(from *url.URL, target string) (*url.URL, error) {
	ref, err := url.Parse(target)
	if err != nil || target == "" || len(target) > maxURL {
		return nil, errNoURL // the parser's error repeats the text, which may be signed: leave it out
	}
	u := from.ResolveReference(ref)
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// adopt gives the URL at which the API is asked for what target names: asked is the path, below the base, of the question, and
// from where the answer with the target came from.
func (o origin) adopt(from *url.URL, target, asked string) (*url.URL, error) {
	u, err := resolve(from, target)
	if err != nil {
		return nil, err
	}
	if ref, err := url.Parse(target); err != nil || ref.Opaque != "" || u.Opaque != "" || hasDots(ref.Path) ||
		u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("refusing to follow to %s: no plain path below %s/", cleanText(u.EscapedPath()), o.path)
	}
	path, ok := "", false
	if path = u.EscapedPath(); path == from.EscapedPath() {
		ok = true
	} else if path, ok = samePath(path, asked); ok {
		path = o.path + path
	}
	if !ok {
		return nil, fmt.Errorf("refusing to follow to %s: not what was asked for, %s%s", cleanText(u.EscapedPath()), o.path, cleanText(asked))
	}
	to, err := url.Parse(o.scheme + "://" + o.host + path)
	if err != nil {
		return nil, errNoURL
	}
	to.RawQuery = u.RawQuery
	return to, nil
}

// samePath finds at the end of a path what asks the same as asked does: the same path, or GitHub's form of it with the number
// of the repository, organization or user in place of the name. In front of it may be any base path.
func samePath(path, asked string) (string, bool) {
	if n := len(path) - len(asked); n >= 0 && strings.EqualFold(path[n:], asked) {
		return asked, true
	}
	for _, form := range []struct {
		named    string
		segments int
		numbered string
	}{{"/repos/", 2, "/repositories/"}, {"/orgs/", 1, "/organizations/"}, {"/users/", 1, "/user/"}} {
		name, ok := strings.CutPrefix(asked, form.named)
		if !ok {
			continue
		}
		tail := "" // of asked, behind the name
		if parts := strings.SplitN(name, "/", form.segments+1); len(parts) > form.segments {
			tail = "/" + parts[form.segments]
		}
		head, ok := strings.CutSuffix(path, tail)
		i := strings.LastIndexByte(head, '/')
		if !ok || i < 0 || !digits(head[i+1:]) || !strings.HasSuffix(head[:i+1], form.numbered) {
			return "", false
		}
		return form.numbered + head[i+1:] + tail, true
	}
	return "", false
}

// digits tells whether s is a number as ids are.
func digits(s string) bool {
	return s != "" && len(s) <= 19 && strings.Trim(s, "0123456789") == ""
}
