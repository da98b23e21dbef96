package githubapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSSO(t *testing.T) {
	const link = "https://github.com/orgs/octo-org/sso?authorization_request=AZSCs3cr3t"
	for _, tt := range []struct {
		value, org string
		want       SSO
	}{
		{"", "", SSO{}},
		{"required; url=" + link, "octo-org", SSO{Required: true, URL: link}},
		{"Required ;URL = " + link, "octo-org", SSO{Required: true, URL: link}},
		{"required", "", SSO{Required: true}},
		{"required; url=javascript:alert(1)", "", SSO{Required: true}},
		{"required; url=https://u:p@github.com/orgs/a/sso", "", SSO{Required: true}},
		{"required; url=https://h/orgs/a%0ab/sso", "", SSO{Required: true, URL: "https://h/orgs/a%0ab/sso"}},
		{"required; url=https://ghes.example/enterprises/e/sso", "", SSO{Required: true, URL: "https://ghes.example/enterprises/e/sso"}},
		{"partial-results; organizations=21955855,20582480", "", SSO{Partial: true, Organizations: []int64{21955855, 20582480}}},
		{"partial-results; organizations= 5 ,x,-1,0,5,99999999999999999999,", "", SSO{Partial: true, Organizations: []int64{5}}},
		{"partial-results", "", SSO{Partial: true}},
		{"something-new; organizations=1; url=" + link, "", SSO{}},
		{";;=,", "", SSO{}},
	} {
		got := parseSSO(headers("X-GitHub-SSO", tt.value))
		if diff := cmp.Diff(tt.want, got); diff != "" || got.Organization() != tt.org || got.IsZero() != (got.Advice() == "") {
			t.Errorf("%q: organization %q, advice %q, %s", tt.value, got.Organization(), got.Advice(), diff)
		}
	}
	many := parseSSO(headers("X-GitHub-SSO", "partial-results; organizations="+strings.Repeat("1", 5)+manyIDs(100_000)))
	if n := len(many.Organizations); n == 0 || n > maxOrganizations {
		t.Errorf("%d organizations", n)
	}
	if long := parseSSO(headers("X-GitHub-SSO", "required; url=https://h/"+strings.Repeat("a", 1<<20))); len(long.URL) > maxSSOHeader {
		t.Errorf("URL of %d bytes", len(long.URL))
	}
}

func manyIDs(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("," + strings.Repeat("1", 1+i%9))
	}
	return b.String()
}

func TestSSOIsHandedOn(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/repos/"):
			w.Header().Set("X-GitHub-SSO", "required; url=https://github.com/orgs/octo-org/sso?authorization_request=s3cr3t")
			write(w, 403, `{"message":"Resource protected by organization SAML enforcement."}`)
			return
		case r.Header.Get("If-None-Match") != "":
			w.Header().Set("X-GitHub-SSO", "partial-results; organizations=1,2")
			w.WriteHeader(304)
			return
		}
		w.Header().Set("X-GitHub-SSO", "partial-results; organizations=1,2")
		w.Header().Set("ETag", `"1"`)
		write(w, 200, `[]`)
	})
	ctx := context.Background()
	_, err := c.Runs(ctx, "o/r", RunFilter{}, PageRequest{})
	e := wantKind(t, err, KindForbidden)
	wantText(t, err, "403 Forbidden: Resource protected by organization SAML enforcement.: authorize the token for the single sign-on of organization octo-org (")
	if !e.SSO.Required || e.SSO.Organization() != "octo-org" || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("%v, %+v", err, e.SSO)
	}
	want := SSO{Partial: true, Organizations: []int64{1, 2}}
	page, err := c.OrganizationRepositories(ctx, "o", PageRequest{})
	if err != nil || !cmp.Equal(page.SSO, want) {
		t.Errorf("%+v, %v", page.SSO, err)
	}
	page, err = c.OrganizationRepositories(ctx, "o", PageRequest{Tag: page.Tag})
	if !errors.Is(err, ErrNotModified) || !cmp.Equal(page.SSO, want) {
		t.Errorf("unchanged: %+v, %v", page.SSO, err)
	}
}
