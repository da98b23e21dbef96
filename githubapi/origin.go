package githubapi

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// origin is the one place the token may be sent to: scheme, host and base path of the configured API.
type origin struct {
	scheme string
	host   string // as configured, for the requests
	path   string // escaped, without trailing slash; "" on github.com
}

// parseBase validates the configured URL. Its errors do not repeat the URL, which might hold a password.
func parseBase(raw string) (origin, error) {
	if raw == "" {
		return origin{}, errors.New("empty, expected something like https://api.github.com or https://HOST/api/v3")
	}
	u, err := url.Parse(raw)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return origin{}, fmt.Errorf("not a URL: %w", err)
	}
	switch {
	case u.User != nil:
		return origin{}, errors.New("must not hold a user or password, the token has its own place")
	case u.Scheme != "https" && u.Scheme != "http":
		return origin{}, fmt.Errorf("scheme %q, expected https (or http): https://api.github.com or https://HOST/api/v3", u.Scheme)
	case u.Hostname() == "":
		return origin{}, errors.New("no host in it, expected something like https://api.github.com or https://HOST/api/v3")
	case u.RawQuery != "" || u.ForceQuery:
		return origin{}, errors.New("must not have a query (?…)")
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return origin{}, errors.New("must not have a fragment (#…)")
	case hasDots(u.Path):
		return origin{}, errors.New("path must not have . or .. in it")
	}
	return origin{scheme: u.Scheme, host: u.Host, path: strings.TrimRight(u.EscapedPath(), "/")}, nil
}

// join makes the URL of a path below the base. The path begins with a slash and is escaped already.
func (o origin) join(path string, query url.Values) (*url.URL, error) {
	u, err := url.Parse(o.scheme + "://" + o.host + o.path + path)
	if err != nil {
		return nil, err
	}
	u.RawQuery = query.Encode()
	return u, nil
}

// below gives the part of the path under the base, for error texts.
func (o origin) below(u *url.URL) string { return strings.TrimPrefix(u.EscapedPath(), o.path) }

// admit tells why a URL the server named must not be followed with the token; nil if it may.
func (o origin) admit(u *url.URL) error {
	switch {
	case u.Scheme != o.scheme || canonicalHost(u) != canonicalHost(&url.URL{Scheme: o.scheme, Host: o.host}):
		return fmt.Errorf("refusing to follow to %s://%s: the configured API is %s://%s", u.Scheme, u.Host, o.scheme, o.host)
	case u.User != nil || u.Opaque != "":
		return errors.New("refusing to follow to a URL with user information or without path")
	case !strings.HasPrefix(u.EscapedPath(), o.path+"/"), hasDots(u.Path):
		return fmt.Errorf("refusing to follow to %s: not below the configured base path %s/", u.EscapedPath(), o.path)
	}
	return nil
}

// canonicalHost is in lower case with the port written out.
func canonicalHost(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}

// hasDots tells whether a decoded path has segments a server could climb by.
func hasDots(path string) bool {
	for _, segment := range strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// repoPath is "/repos/owner/name", escaped.
func repoPath(repo string) (string, error) {
	owner, name, ok := strings.Cut(repo, "/")
	if !ok || !plainSegment(owner) || !plainSegment(name) {
		return "", fmt.Errorf("repository %q: expected owner/name, such as octo-org/octo-repo", cleanText(repo))
	}
	return "/repos/" + url.PathEscape(owner) + "/" + url.PathEscape(name), nil
}

// validName tells whether a repository can be called so: what a server says becomes the path that is asked.
func validName(repo string) bool {
	_, err := repoPath(repo)
	return err == nil
}

// accountPath is prefix + name + suffix for an organization or user, escaped.
func accountPath(prefix, name, suffix string) (string, error) {
	if !plainSegment(name) {
		return "", fmt.Errorf("account %q: expected the name of an organization or user", cleanText(name))
	}
	return prefix + url.PathEscape(name) + suffix, nil
}

// plainSegment tells whether s can be a name in a path. GitHub allows less; what it does not know is a 404.
func plainSegment(s string) bool {
	if s == "" || s == "." || s == ".." {
		return false
	}
	for _, r := range s {
		if r <= ' ' || r == 0x7f || r == '/' || r == '\\' {
			return false
		}
	}
	return true
}
