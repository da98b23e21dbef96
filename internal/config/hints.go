package config

// Hints says what tells where there may be news, beside the webhook.
type Hints struct {
	// Deliveries is whether a GitHub App's log of deliveries is read.
	Deliveries Switch `yaml:"deliveries"`
	// OrganizationHooks are webhooks of organizations whose logs are read.
	OrganizationHooks []OrganizationHook `yaml:"organization_hooks"`
	// GraphQL is whether it is asked which runs have ended.
	GraphQL Switch `yaml:"graphql"`
}

// OrganizationHook is a webhook of an organization.
type OrganizationHook struct {
	Organization string `yaml:"organization"`
	ID           int    `yaml:"id"`
}

// Switch is whether something is used where it can be.
type Switch string

// The switches.
const (
	Auto Switch = "auto"
	Off  Switch = "off"
)

func (h Hints) check() *Error {
	for _, s := range []struct {
		key string
		is  Switch
	}{{"hints.deliveries", h.Deliveries}, {"hints.graphql", h.GraphQL}} {
		if s.is != Auto && s.is != Off {
			return wrong(s.key, "must be auto or off, not %s", quote(string(s.is)))
		}
	}
	for i, hook := range h.OrganizationHooks {
		at := indexed("hints.organization_hooks", i)
		switch {
		case !ownerName.MatchString(hook.Organization):
			return wrong(at+".organization", "must be a name such as octo-org, not %s%s", quote(hook.Organization), ownerHint(hook.Organization))
		case hook.ID < 1:
			return wrong(at+".id", "must be the number at the end of the webhook's address in the organization's settings, not %d", hook.ID)
		}
		for _, other := range h.OrganizationHooks[:i] {
			if other == hook {
				return wrong(at, "is listed twice; keep one")
			}
		}
	}
	return nil
}
