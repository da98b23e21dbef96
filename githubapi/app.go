package githubapi

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"
)

// App is a GitHub App that asks for itself: who installed it, for tokens to ask for them, and for its webhook's deliveries.
// It is safe for concurrent use.
type App struct {
	client *Client
	id     string
}

// NewApp makes an App of the API that a client asks; the client's own credential is not used. id is the App's client id, or
// its App id (GitHub Enterprise Server before 3.14 knows no other). keyFile holds its private key in PEM, and is read again
// when it changes. Nothing is sent.
func NewApp(c *Client, id, keyFile string) *App {
	tokens := &appToken{id: id, file: watchedFile{what: "private key file", path: keyFile, most: maxKeyFile, now: time.Now}}
	a := &App{client: c.as(tokens), id: id}
	tokens.now = a.client.ServerTime
	return a
}

// Client asks as the App itself, which few endpoints allow.
func (a *App) Client() *Client { return a.client }

const (
	maxKeyFile = 64 << 10
	// GitHub refuses a JWT that was issued in the future or ends in more than ten minutes, both by its own clock.
	jwtBefore = time.Minute
	jwtLife   = 9 * time.Minute
	// jwtUse is how long one is used. A new one costs a signature, and the ETags of what was read with the old one.
	jwtUse = 8 * time.Minute
)

// appToken makes the App's JWTs: RS256 over its id and the time, by the server's clock as far as answers have told it.
// https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
type appToken struct {
	id  string
	now func() time.Time // the server's

	mu         sync.Mutex
	file       watchedFile
	pem        []byte // that key was read from
	key        *rsa.PrivateKey
	value      string
	generation uint64
	issued     time.Time
}

// Token signs a new one where the last is too old, or was made by a clock that turned out to be wrong.
func (t *appToken) Token() (string, uint64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	raw, err := t.file.read()
	if err != nil {
		return "", 0, err
	}
	if t.key == nil || !bytes.Equal(raw, t.pem) {
		if t.key, err = parseKey(raw); err != nil {
			t.file.forget()
			return "", 0, fmt.Errorf("private key file %s: %w", t.file.path, err)
		}
		t.pem, t.value = bytes.Clone(raw), ""
	}
	now := t.now().Truncate(time.Second)
	if age := now.Sub(t.issued); t.value != "" && age >= -jwtBefore/2 && age < jwtUse {
		return t.value, t.generation, nil
	}
	value, err := signJWT(t.id, t.key, now)
	if err != nil {
		return "", 0, err
	}
	if value != t.value {
		t.value = value
		t.generation++
	}
	t.issued = now
	return t.value, t.generation, nil
}

// Invalidate makes the next Token sign anew, with the key as it is in the file and the time as it is known now.
func (t *appToken) Invalidate() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.file.forget()
	t.issued = time.Time{}
}

// String is how errors name it.
func (t *appToken) String() string {
	return "key of " + t.file.path + " as GitHub App " + cleanText(t.id)
}

// GoString keeps the key out of %#v too.
func (t *appToken) GoString() string { return t.String() }

// signJWT makes a JWT. iat and exp are whole numbers, as GitHub wants them.
func signJWT(id string, key *rsa.PrivateKey, now time.Time) (string, error) {
	claims, err := json.Marshal(struct {
		IssuedAt int64  `json:"iat"`
		Expires  int64  `json:"exp"`
		Issuer   string `json:"iss"`
	}{now.Add(-jwtBefore).Unix(), now.Add(jwtLife).Unix(), id})
	if err != nil {
		return "", fmt.Errorf("making a JWT: %w", err)
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("signing a JWT: %w", err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// ErrNoKey is beneath the error of a private key file that holds none.
var ErrNoKey = errors.New("no RSA private key in PEM form in it (expected -----BEGIN RSA PRIVATE KEY-----, as GitHub gives it)")

// CheckKey tells whether raw is a private key that an App can use.
func CheckKey(raw []byte) error {
	_, err := parseKey(raw)
	return err
}

// parseKey reads what GitHub gives (PKCS #1), and what other programs make of it (PKCS #8).
func parseKey(raw []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, ErrNoKey
	}
	var key *rsa.PrivateKey
	switch block.Type {
	case "RSA PRIVATE KEY":
		parsed, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("the RSA private key in it is damaged")
		}
		key = parsed
	case "PRIVATE KEY":
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("the private key in it is damaged")
		}
		if key, _ = parsed.(*rsa.PrivateKey); key == nil {
			return nil, ErrNoKey
		}
	default:
		return nil, ErrNoKey
	}
	if key.N.BitLen() < 2048 {
		return nil, fmt.Errorf("the RSA key in it has %d bits, GitHub's have 2048", key.N.BitLen())
	}
	return key, nil
}

// Installation is one account that installed an App.
type Installation struct {
	ID          int64
	Login       string // of the account
	User        bool   // the account is a user's
	Suspended   bool
	Permissions map[string]string // as the account has accepted them, such as actions: read
}

// May tells whether the account has accepted a permission to read.
func (i Installation) May(permission string) bool {
	switch i.Permissions[permission] {
	case "read", "write", "admin":
		return true
	}
	return false
}

// Installations lists who installed the App (GET /app/installations).
func (a *App) Installations(ctx context.Context, p PageRequest) (Page[Installation], error) {
	return list(ctx, a.client, "list_installations", "/app/installations", url.Values{}, p, 0, decodeInstallations)
}

// InstallationRepositories lists what the installation whose client this is may see (GET /installation/repositories).
func (c *Client) InstallationRepositories(ctx context.Context, p PageRequest) (Page[Repository], error) {
	return list(ctx, c, "list_installation_repositories", "/installation/repositories", url.Values{}, p, 0,
		func(ctx context.Context, body []byte, s span) ([]Repository, int, error) {
			return decodeList(ctx, body, "repositories", repositoryEntry(), s)
		})
}

func decodeInstallations(ctx context.Context, body []byte, s span) ([]Installation, int, error) {
	return decodeList(ctx, body, "", installationEntry(), s)
}

// maxPermissions bounds what is kept of one installation; GitHub knows about a hundred.
const maxPermissions = 500

// installationEntry leaves out installations of enterprises, which own no repositories and so have no login.
func installationEntry() entry[Installation] {
	return entry[Installation]{
		read: readInstallation,
		id: func(i *Installation) int64 {
			if i.Login == "" {
				return 0
			}
			return i.ID
		},
		bad:   func(int64, uint64) (Installation, bool) { return Installation{}, false },
		bound: sound[Installation],
	}
}

func readInstallation(r *reader, i *Installation) {
	r.members("entry", func(key []byte) {
		switch string(key) {
		case "id":
			r.must("id", r.whole(&i.ID))
		case "account":
			r.members("account", func(key []byte) {
				switch string(key) {
				case "login":
					r.must("login", r.text(&i.Login))
				case "type":
					kind := ""
					r.text(&kind)
					i.User = kind == "User"
				default:
					r.skip()
				}
			})
		case "suspended_at":
			at := ""
			r.text(&at)
			i.Suspended = at != ""
		case "permissions":
			i.Permissions = map[string]string{}
			r.members("permissions", func(key []byte) {
				name, access := string(key), ""
				r.text(&access)
				if len(i.Permissions) < maxPermissions {
					i.Permissions[name] = access
				}
			})
		default:
			r.skip()
		}
	})
}

// Events gives what the App's webhook subscribes to, such as EventRun (GET /app).
// https://docs.github.com/rest/apps/apps#get-the-authenticated-app
func (a *App) Events(ctx context.Context) ([]string, error) {
	itself, _, err := one(ctx, a.client, "get_app", "/app", Tag{}, appEntry())
	return itself.events, err
}

// maxEvents bounds what is kept; GitHub knows about seventy.
const maxEvents = 200

type appItself struct {
	id     int64
	events []string
}

func appEntry() entry[appItself] {
	return entry[appItself]{
		read: func(r *reader, i *appItself) {
			r.members("entry", func(key []byte) {
				switch string(key) {
				case "id":
					r.must("id", r.whole(&i.id))
				case "events":
					r.elements("events", func() {
						event := ""
						r.text(&event)
						if len(i.events) < maxEvents {
							i.events = append(i.events, event)
						}
					})
				default:
					r.skip()
				}
			})
		},
		id:    func(i *appItself) int64 { return i.id },
		bound: sound[appItself],
	}
}
