package simulator

import "net/http"

// Sight is what a token may see of a repository.
type Sight int

// What a token may see.
const (
	Seen       Sight = iota
	Gone             // lists leave it out, and it answers 404: deleted, or the token lost its permission
	HiddenSSO        // lists leave it out and say that they are partial, and it answers 403: single sign-on
	Unlisted         // lists leave it out, and it answers
	GoneButSSO       // lists leave it out and say that they are partial, and it answers 404
)

const ssoURL = "https://github.example/orgs/octo-org/sso?authorization_request=A1B2"

// See changes what may be seen of a repository.
func (g *GitHub) See(name string, s Sight) error {
	return g.change(name, func(r *repository) error { r.sight = s; return nil })
}

// unseen answers for a repository that may not be seen; nil: it may.
func (q *request) unseen() *answer {
	switch q.repo.sight {
	case Gone, GoneButSSO:
		return notFound()
	case HiddenSSO:
		a := failure(http.StatusForbidden, "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.", docsURL)
		a.header.Set("X-GitHub-SSO", "required; url="+ssoURL)
		return a
	}
	return nil
}

// listed leaves out what may not be seen, and tells whether a list is partial.
func listed(all []*repository) (seen []*repository, partial bool) {
	for _, r := range all {
		switch r.sight {
		case Seen:
			seen = append(seen, r)
		case HiddenSSO, GoneButSSO:
			partial = true
		}
	}
	return seen, partial
}
