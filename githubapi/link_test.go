package githubapi

import (
	"strings"
	"testing"
)

func TestNextLink(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values []string
		want   string
	}{
		{"none", nil, ""},
		{"first page", []string{`<https://h/repositories/1/x?page=2>; rel="next", <https://h/repositories/1/x?page=9>; rel="last"`}, "https://h/repositories/1/x?page=2"},
		{"last page", []string{`<https://h/x?page=8>; rel="prev", <https://h/x?page=1>; rel="first"`}, ""},
		{"next in the middle", []string{`<https://h/x?page=1>; rel="prev",<https://h/x?page=3>;rel="next",<https://h/x?page=9>; rel="last"`}, "https://h/x?page=3"},
		{"two header lines", []string{`<a>; rel="prev"`, `<b>; rel="next"`}, "b"},
		{"unquoted, other case", []string{`<b>; REL=Next`}, "b"},
		{"several relations", []string{`<b>; rel="last next"`}, "b"},
		{"comma and semicolon in the URL", []string{`<https://h/x?a=1,2;3&page=2>; rel="next"`}, "https://h/x?a=1,2;3&page=2"},
		{"comma in a parameter", []string{`<a>; title="a, <c>; rel=\"next\""; rel="prev", <b>; rel="next"`}, "b"},
		{"only the first rel counts", []string{`<a>; rel="prev"; rel="next"`}, ""},
		{"no relation", []string{`<a>`}, ""},
		{"nextish", []string{`<a>; rel="nextish"`}, ""},
		{"no brackets", []string{`https://h/x; rel="next"`}, ""},
		{"open bracket", []string{`<https://h/x; rel="next"`}, ""},
		{"bracket in the URL", []string{`<https://h/a<b>; rel="next"`}, ""},
		{"spaces around the URL", []string{`< https://h/x?page=2 >; rel="next"`}, "https://h/x?page=2"},
		{"open quote", []string{`<a>; rel="next`}, ""},
		{"junk", []string{`,,;=;"`}, ""},
	} {
		if got := nextLink(tt.values); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func FuzzLink(f *testing.F) {
	for _, seed := range []string{
		`<https://h/x?page=2>; rel="next", <https://h/x?page=9>; rel="last"`, `<a>;rel=next`, `<>; rel="next"`, `<a>; x="\"`, `<a`, `< 0<0>;rel="neXt"`, "",
		`<https://elsewhere/api/v3/repositories/1/x?page=2>; rel="next"`, `<//h/base/repos/o/r/x?page=2>; rel=next`, `<../r/x?page=2>; rel=next`,
	} {
		f.Add(seed)
	}
	c, err := New(Options{BaseURL: "https://h/base"})
	if err != nil {
		f.Fatal(err)
	}
	const asked = "/repos/o/r/x"
	from, err := c.base.join(asked, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value string) {
		link := nextLink([]string{value})
		if strings.ContainsAny(link, "<>") || !strings.Contains(value, link) {
			t.Fatalf("%q is no target in %q", link, value)
		}
		next := c.base.sealNext(from, link, asked, trail{}.add(1, from), 0)
		if (next == "") != (link == "") {
			t.Fatalf("link %q became next %q", link, next)
		}
		if next == "" {
			return
		}
		// Whatever is accepted asks the configured API for the same list, and not for the page itself.
		if u, _, err := c.openNext(next); err == nil &&
			(u.Scheme != "https" || u.Host != "h" || u.User != nil || u.String() == from.String() ||
				u.Path != "/base"+asked && !(strings.HasPrefix(u.Path, "/base/repositories/") && strings.HasSuffix(u.Path, "/x") && strings.Count(u.Path, "/") == 4)) {
			t.Fatalf("%q leads to %s", value, u)
		}
	})
}
