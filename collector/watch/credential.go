package watch

import (
	"context"

	"github_workflow_exporter/collector/discover"
	"github_workflow_exporter/githubapi"
)

// Credential is what is asked with, and what for: a token, or one installation of an App.
type Credential struct {
	Name   string // as a label: token, anonymous, installation/LOGIN
	Client *githubapi.Client
	// Targets are those that are watched with it.
	Targets Targets
	// Held is why nothing can be asked with it now.
	Held Held
}

// Held is why nothing can be asked with a credential, as a label; empty if nothing is in the way.
type Held string

// What can be in the way of an installation.
const (
	NotHeld      Held = ""
	Suspended    Held = "suspended"
	NotPermitted Held = "not_permitted"
)

const (
	stateActive    = "active" // of an installation that is not held
	installationIs = "installation/"
)

// InstallationName names the credential of an account's installation.
func InstallationName(login string) string { return installationIs + login }

// Targets are what is watched with one credential.
type Targets struct {
	Repositories   []string // owner/name
	Organizations  []discover.Owner
	Users          []discover.Owner
	OfInstallation bool // an owner's repositories are those that the installation sees
}

// Advice says what to do about it.
func (h Held) Advice() string {
	switch h {
	case Suspended:
		return "an owner of the account has to lift the suspension, in its settings under GitHub Apps"
	case NotPermitted:
		return "an owner of the account has to accept the App's permission Actions: read, in its settings under GitHub Apps"
	}
	return ""
}

// Credentials tells what can be asked with. What it names is started, held and ended alone.
type Credentials interface {
	// List gives all there are now. With an error those known go on.
	List(ctx context.Context) ([]Credential, error)
	// Lasting tells that the list never changes.
	Lasting() bool
}

// OneCredential is the list of a single one.
type OneCredential Credential

// List gives it.
func (c OneCredential) List(context.Context) ([]Credential, error) {
	return []Credential{Credential(c)}, nil
}

// Lasting is true.
func (OneCredential) Lasting() bool { return true }
