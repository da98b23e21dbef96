package githubapi

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// SSO is what X-GitHub-SSO tells of single sign-on (docs.github.com, "Authenticating with single sign-on"): on a 403 that the
// token must be authorized for an organization, on a 200 that the list leaves out what such organizations own.
// The zero SSO: nothing was said.
type SSO struct {
	// Required: the question is refused until the token is authorized.
	Required bool
	// Partial: the answer leaves out what Organizations own. What is absent from it is not gone.
	Partial bool
	// URL is where the token's owner can authorize it, with a one-time request in its query: show it to nobody but them.
	// "" if none was sent that is an https or http URL.
	URL string
	// Organizations are the numeric ids of the organizations left out, maxOrganizations at most.
	Organizations []int64
}

const (
	maxOrganizations = 100
	maxSSOHeader     = 4 << 10
)

// IsZero tells whether the server said nothing of single sign-on.
func (s SSO) IsZero() bool { return !s.Required && !s.Partial }

// Organization is the name of the organization in URL, "" if there is none that is fit for a log line.
func (s SSO) Organization() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return ""
	}
	_, name, ok := strings.Cut(u.Path, "/orgs/")
	name, _, _ = strings.Cut(name, "/")
	if !ok || !plainWord(strings.ToLower(name)) {
		return ""
	}
	return name
}

// Advice says what to do, in words fit for a log line; "" for the zero SSO.
func (s SSO) Advice() string {
	const how = "authorize the token for the single sign-on of "
	switch name := s.Organization(); {
	case s.Required && name != "":
		return how + "organization " + name + ` (on GitHub: Settings, Developer settings, Personal access tokens, "Configure SSO")`
	case s.Required:
		return how + `the organization (on GitHub: Settings, Developer settings, Personal access tokens, "Configure SSO")`
	case s.Partial && len(s.Organizations) > 0:
		return "what organizations of these ids own is left out: " + joinIDs(s.Organizations) + "; " + how + "them"
	case s.Partial:
		return "some organizations are left out; " + how + "them"
	}
	return ""
}

// joinIDs shows the first few.
func joinIDs(ids []int64) string {
	const shown = 5
	var texts []string
	for _, id := range ids[:min(len(ids), shown)] {
		texts = append(texts, strconv.FormatInt(id, 10))
	}
	if len(ids) > shown {
		texts = append(texts, "…")
	}
	return strings.Join(texts, ", ")
}

// parseSSO reads `required; url=https://…/orgs/NAME/sso?authorization_request=…` and
// `partial-results; organizations=21955855,20582480`. What it does not know it leaves out.
func parseSSO(h http.Header) SSO {
	value := h.Get("X-Github-Sso")
	if len(value) > maxSSOHeader {
		value = value[:maxSSOHeader]
	}
	word, rest, _ := strings.Cut(value, ";")
	var s SSO
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "required":
		s.Required = true
	case "partial-results":
		s.Partial = true
	}
	name, text, _ := strings.Cut(rest, "=")
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "url":
		if u, err := url.Parse(strings.TrimSpace(text)); s.Required && err == nil && u.Host != "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http") {
			s.URL = u.String()
		}
	case "organizations":
		for id := range strings.SplitSeq(text, ",") {
			if n, err := strconv.ParseInt(strings.TrimSpace(id), 10, 64); s.Partial && err == nil && n > 0 && len(s.Organizations) < maxOrganizations &&
				!slices.Contains(s.Organizations, n) {
				s.Organizations = append(s.Organizations, n)
			}
		}
	}
	return s
}
