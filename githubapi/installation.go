package githubapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// InstallationOptions configure the client of an installation.
type InstallationOptions struct {
	// Permissions are what its tokens are narrowed to, such as actions: read; nil: all that were accepted. Asking for one that
	// was not accepted is refused.
	Permissions map[string]string
	// Through sends the requests for tokens, so that they keep to the App's own limits; nil: they go at once.
	Through func(ctx context.Context, send func() error) error
}

// Installation makes a client that asks as one installation. Its token is asked for when it is first needed and renewed
// early, once for everybody who waits. Nothing is sent.
func (a *App) Installation(i Installation, o InstallationOptions) *Client {
	if o.Through == nil {
		o.Through = func(_ context.Context, send func() error) error { return send() }
	}
	return a.client.as(&installationToken{app: a, installation: i, options: o, renewing: make(chan struct{}, 1)})
}

const (
	// A token, which lasts an hour, is renewed when a twelfth of its life is left, at least tokenEarly before its end.
	tokenShare = 12
	tokenEarly = time.Second
	// The waits after a request for a token that failed.
	tokenRetry     = 5 * time.Second
	tokenRetryMost = 5 * time.Minute
)

// installationToken is the token of an installation.
// https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app
type installationToken struct {
	app          *App
	installation Installation
	options      InstallationOptions
	renewing     chan struct{} // held by who asks for a new one

	mu         sync.Mutex
	value      string
	generation uint64
	renew, end time.Time // by the server's clock
	failed     error     // the last request for one; nil: it went well
	failures   int       // in a row
	retry      time.Time // not before, by the server's clock
}

// Token gives the last one.
func (t *installationToken) Token() (string, uint64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.value != "":
		return t.value, t.generation, nil
	case t.failed != nil:
		return "", 0, t.failed
	}
	return "", 0, ErrNoToken
}

// Invalidate says that the token was refused.
func (t *installationToken) Invalidate() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end, t.renew = time.Time{}, time.Time{}
}

// Fetch asks for a new token where there is none that lasts. While one that has not ended is renewed, and where that fails,
// it goes on being used.
func (t *installationToken) Fetch(ctx context.Context) error {
	need, must := t.due()
	if !need {
		return nil
	}
	if must {
		select {
		case t.renewing <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	} else {
		select {
		case t.renewing <- struct{}{}:
		default:
			return nil // somebody else is at it
		}
	}
	defer func() { <-t.renewing }()
	need, must = t.due() // somebody else may have had one meanwhile
	if !need {
		return nil
	}
	if held := t.held(); held != nil {
		if must {
			return held
		}
		return nil
	}
	var got issuedToken
	err := t.options.Through(ctx, func() (err error) {
		got, err = t.app.issue(ctx, t.installation.ID, t.options.Permissions)
		return err
	})
	if err = t.settle(ctx, got, err); must {
		return err
	}
	return nil
}

// due tells whether a new token is needed, and whether nothing can be asked without it.
func (t *installationToken) due() (need, must bool) {
	now := t.app.client.ServerTime()
	t.mu.Lock()
	defer t.mu.Unlock()
	must = t.value == "" || !now.Before(t.end)
	return must || !now.Before(t.renew), must
}

// held is why no token is asked for yet, after a request for one that failed.
func (t *installationToken) held() error {
	now := t.app.client.ServerTime()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed != nil && now.Before(t.retry) {
		return t.failed
	}
	return nil
}

// settle takes in what came of asking for one, and gives the error as it is told.
func (t *installationToken) settle(ctx context.Context, got issuedToken, err error) error {
	now := t.app.client.ServerTime()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err == nil:
		life := got.end.Sub(now)
		t.value, t.failed, t.failures = got.value, nil, 0
		t.generation++
		t.end = got.end.Add(-min(tokenEarly, life/2))
		t.renew = got.end.Add(-max(life/tokenShare, min(2*tokenEarly, life/2)))
		return nil
	case ctx.Err() != nil: // that says nothing
		return err
	default:
		t.failed = fmt.Errorf("the installation of %s gives none: %w", cleanText(t.installation.Login), err)
		wait := min(tokenRetry<<min(t.failures, 8), tokenRetryMost)
		t.failures++
		t.retry = now.Add(wait)
		return t.failed
	}
}

func (t *installationToken) identity() string {
	return "App " + t.app.id + " installation " + strconv.FormatInt(t.installation.ID, 10)
}

// String keeps the value out of anything that is printed.
func (t *installationToken) String() string {
	return "token of the installation of " + cleanText(t.installation.Login)
}

// GoString keeps the value out of %#v too.
func (t *installationToken) GoString() string { return t.String() }

// issuedToken is a new token of an installation.
type issuedToken struct {
	value string
	end   time.Time // by the server's clock
}

// maxTokenLife bounds what is believed of a token's end; GitHub's last an hour.
const maxTokenLife = 24 * time.Hour

// issue asks for a token of an installation.
func (a *App) issue(ctx context.Context, installation int64, permissions map[string]string) (issuedToken, error) {
	const endpoint = "create_installation_token"
	target, err := a.client.base.join("/app/installations/"+strconv.FormatInt(installation, 10)+"/access_tokens", nil)
	if err != nil {
		return issuedToken{}, badRequest(endpoint, err)
	}
	question := map[string]any{}
	if permissions != nil {
		question["permissions"] = permissions
	}
	body, err := json.Marshal(question)
	if err != nil {
		return issuedToken{}, badRequest(endpoint, err)
	}
	var got issuedToken
	q := call{endpoint: endpoint, url: target, body: body, created: true}
	q.decode = func(ctx context.Context, body []byte, _ answer) (err error) {
		got, err = decodeIssued(ctx, body)
		return err
	}
	if _, err := a.client.do(ctx, q); err != nil {
		return issuedToken{}, err
	}
	now := a.client.ServerTime()
	if !got.end.After(now) {
		return issuedToken{}, fmt.Errorf("%s: the token that came had ended already", endpoint)
	}
	if most := now.Add(maxTokenLife); got.end.After(most) {
		got.end = most
	}
	return got, nil
}

// decodeIssued reads {"token": …, "expires_at": …}. Its errors show nothing of what was read.
func decodeIssued(ctx context.Context, body []byte) (issuedToken, error) {
	var got issuedToken
	r := newReader(ctx, body)
	r.members("entry", func(key []byte) {
		switch string(key) {
		case "token":
			r.must("token", r.secret(&got.value))
		case "expires_at":
			r.time(&got.end)
		default:
			r.skip()
		}
	})
	if err := r.end(); err != nil {
		return issuedToken{}, err
	}
	if r.odd != "" || got.end.IsZero() {
		return issuedToken{}, errors.New("no token with its end in it")
	}
	if err := checkToken(got.value); err != nil {
		return issuedToken{}, err
	}
	return got, nil
}

// secret reads a text that is not cut at what others are cut at: tokens that hold a JWT are long.
func (r *reader) secret(into *string) bool {
	if r.next() != '"' {
		r.skip()
		return false
	}
	raw, plain := r.quoted()
	if !plain || len(raw) > maxTokenFile {
		return false
	}
	*into = string(raw)
	return true
}
