package config

import (
	"encoding/pem"
	"strings"
)

// App is a GitHub App to ask as, in place of a token.
type App struct {
	ClientID string `yaml:"client_id"` // or its App id
	// PrivateKeyFile holds the App's private key in PEM form.
	PrivateKeyFile string `yaml:"private_key_file"`
	// Installations are the accounts whose installations are used; none: all.
	Installations []string `yaml:"installations"`
}

// On tells whether an App asks.
func (a App) On() bool { return a.ClientID != "" }

// Uses tells whether an account's installation is used.
func (a App) Uses(login string) bool {
	return len(a.Installations) == 0 || containsFold(a.Installations, login)
}

func (a App) check(g GitHub) *Error {
	switch {
	case a.ClientID == "" && a.PrivateKeyFile == "" && len(a.Installations) == 0:
		return nil
	case a.ClientID == "":
		return wrong("github.app.client_id", "must be the App's client id or App id, from its settings, for the other keys of github.app are given")
	case strings.ContainsAny(a.ClientID, " \t\r\n\"") || len(a.ClientID) > 100 || strings.Contains(a.ClientID, "PRIVATE KEY"):
		return wrong("github.app.client_id", "must be the App's client id such as Iv23abcdefghij, or its App id, without blanks")
	case a.PrivateKeyFile == "":
		return wrong("github.app.private_key_file", "must be the path of the App's private key, the .pem file that its settings give")
	case strings.Contains(a.PrivateKeyFile, "-----BEGIN"):
		return wrong("github.app.private_key_file", "must be the path of the file that holds the key, not the key itself")
	case g.TokenFile != "":
		return wrong("github.token_file", "cannot be given together with github.app; keep one")
	}
	for i, login := range a.Installations {
		at := indexed("github.app.installations", i)
		if !ownerName.MatchString(login) {
			return wrong(at, "must be the name of an organization or user such as octo-org, not %s%s", quote(login), ownerHint(login))
		}
		if containsFold(a.Installations[:i], login) {
			return wrong(at, "%s is listed twice; keep one", login)
		}
	}
	return nil
}

// checkKey reads the key once, so that one that can never work is found at once.
func (a App) checkKey() error {
	const key = "github.app.private_key_file"
	if !a.On() {
		return nil
	}
	raw, err := readFile(a.PrivateKeyFile)
	if err != nil {
		return wrong(key, "%s cannot be read: %s", mask(a.PrivateKeyFile), err)
	}
	if block, _ := pem.Decode(raw); block == nil || !strings.HasSuffix(block.Type, "PRIVATE KEY") {
		return wrong(key, "%s holds no private key in PEM form (-----BEGIN RSA PRIVATE KEY-----); use the .pem file that the App's settings give", mask(a.PrivateKeyFile))
	}
	return nil
}
