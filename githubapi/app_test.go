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
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// testKey is made once: that takes a while.
var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func writeKey(t *testing.T, key *rsa.PrivateKey) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.pem")
	raw := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// appServer is GitHub as an App meets it, with a clock that may be apart from the local one.
type appServer struct {
	key   *rsa.PublicKey
	ahead time.Duration // of the local clock
	life  time.Duration // of tokens

	mu        sync.Mutex
	asked     []string
	issued    int
	permitted string // the last question for a token
	refuse    func() (status int, message string)
	delay     time.Duration // of an answer to a question for a token
	etag      func(token string) string
	ends      map[string]time.Time
}

func (s *appServer) now() time.Time { return time.Now().Add(s.ahead).UTC() }

func (s *appServer) RoundTrip(r *http.Request) (*http.Response, error) {
	var question []byte
	if r.Body != nil {
		question, _ = io.ReadAll(r.Body)
	}
	header := http.Header{"Date": {s.now().Format(http.TimeFormat)}}
	answer := func(status int, body string) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	delay := s.delay
	s.mu.Unlock()
	if strings.HasPrefix(r.URL.Path, "/app") {
		if err := s.verify(token); err != nil {
			return answer(401, fmt.Sprintf(`{"message":%q}`, err))
		}
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/access_tokens"):
		time.Sleep(delay)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.refuse != nil {
			if status, message := s.refuse(); status != 0 {
				return answer(status, fmt.Sprintf(`{"message":%q}`, message))
			}
		}
		s.issued++
		s.permitted = string(question)
		token := fmt.Sprintf("ghs_12345_%d.eyJ.%s", s.issued, strings.Repeat("x-y", 200))
		s.ends[token] = s.now().Add(s.life)
		return answer(201, fmt.Sprintf(`{"token":%q,"expires_at":%q,"permissions":{"actions":"read"}}`, token, s.ends[token].Format(time.RFC3339)))
	case r.URL.Path == "/app/installations":
		return answer(200, `[{"id":7,"account":{"login":"octo-org","type":"Organization"},"suspended_at":null,"permissions":{"actions":"read","metadata":"read"}},
			{"id":8,"account":{"login":"mona","type":"User"},"suspended_at":"2026-01-01T00:00:00Z","permissions":{}},
			{"id":9,"account":{"slug":"an-enterprise"}}]`)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if end, known := s.ends[token]; !known || !s.now().Before(end) {
		return answer(401, `{"message":"Bad credentials"}`)
	}
	if s.etag != nil {
		header.Set("Etag", s.etag(token))
		if r.Header.Get("If-None-Match") == s.etag(token) {
			return answer(304, "")
		}
	}
	return answer(200, `{"total_count":1,"repositories":[{"id":1,"full_name":"octo-org/app"}]}`)
}

// verify judges a JWT as GitHub does.
func (s *appServer) verify(token string) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return errors.New("A JSON web token could not be decoded")
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || rsa.VerifyPKCS1v15(s.key, crypto.SHA256, sum[:], signature) != nil {
		return errors.New("A JSON web token could not be decoded")
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		IssuedAt json.Number `json:"iat"`
		Expires  json.Number `json:"exp"`
		Issuer   string      `json:"iss"`
	}
	if err != nil || json.Unmarshal(raw, &claims) != nil || claims.Issuer != "Iv1.test" {
		return errors.New("'Issuer' claim ('iss') must be an Integer")
	}
	iat, err1 := claims.IssuedAt.Int64()
	exp, err2 := claims.Expires.Int64()
	now := s.now().Unix()
	switch {
	case err1 != nil || iat > now:
		return errors.New("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
	case err2 != nil || exp <= now:
		return errors.New("'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires")
	case exp > now+600:
		return errors.New("'Expiration time' claim ('exp') is too far in the future")
	}
	return nil
}

func newAppServer(life time.Duration) *appServer {
	return &appServer{key: &testKey().PublicKey, life: life, ends: map[string]time.Time{}}
}

func (s *appServer) app(t *testing.T, observe func(Observation)) *App {
	t.Helper()
	c, err := New(Options{BaseURL: "https://api.github.test", Transport: s, Observe: observe, MaxConcurrent: 2})
	if err != nil {
		t.Fatal(err)
	}
	return NewApp(c, "Iv1.test", writeKey(t, testKey()))
}

var octoOrg = Installation{ID: 7, Login: "octo-org"}

func TestAppOnClocksThatAreOff(t *testing.T) {
	for _, ahead := range []time.Duration{0, 2 * time.Minute, -2 * time.Minute, 26 * time.Hour, -26 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			server := newAppServer(time.Hour)
			server.ahead = ahead
			app := server.app(t, nil)
			page, err := app.Installations(t.Context(), PageRequest{})
			if err != nil || len(page.Items) != 2 {
				t.Fatalf("%s: %v, %v", ahead, page.Items, err)
			}
			if got := page.Items[0]; got.ID != 7 || got.Login != "octo-org" || got.User || got.Suspended || !got.May("actions") || got.May("checks") {
				t.Errorf("%+v", got)
			}
			if got := page.Items[1]; !got.User || !got.Suspended {
				t.Errorf("%+v", got)
			}
			if n := len(server.asked); n > 2 {
				t.Errorf("%s: %d requests for one answer", ahead, n)
			}
			client := app.Installation(octoOrg, InstallationOptions{Permissions: map[string]string{"actions": "read"}})
			for range 30 { // over a day: nothing is refused any more
				server.asked = nil
				if repos, err := client.InstallationRepositories(t.Context(), PageRequest{}); err != nil || len(repos.Items) != 1 {
					t.Fatalf("%s: %v", ahead, err)
				}
				time.Sleep(50 * time.Minute)
			}
			if server.permitted != `{"permissions":{"actions":"read"}}` {
				t.Errorf("asked for %s", server.permitted)
			}
		})
	}
}

func TestInstallationTokenIsRenewedOnceAndEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAppServer(time.Hour)
		server.delay = 3 * time.Second
		client := server.app(t, nil).Installation(octoOrg, InstallationOptions{})
		refused := 0
		ask := func() {
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					if _, err := client.InstallationRepositories(t.Context(), PageRequest{}); err != nil {
						t.Error(err)
						refused++
					}
				})
			}
			all.Wait()
		}
		ask()
		if server.issued != 1 {
			t.Errorf("%d tokens for the first questions, want 1", server.issued)
		}
		time.Sleep(54 * time.Minute)
		ask()
		if server.issued != 1 {
			t.Errorf("%d tokens before one is due", server.issued)
		}
		time.Sleep(2 * time.Minute)
		before := time.Now()
		ask()
		if server.issued != 2 {
			t.Errorf("%d tokens, want one renewal before the end", server.issued)
		}
		if took := time.Since(before); took > server.delay {
			t.Errorf("took %s", took)
		}
		for token := range server.ends { // refused though it lasts: one new one for all
			server.ends[token] = time.Time{}
		}
		ask()
		if server.issued != 3 {
			t.Errorf("%d tokens after a refusal, want 3", server.issued)
		}
	})
}

func TestInstallationTokensOfSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAppServer(5 * time.Second)
		client := server.app(t, nil).Installation(octoOrg, InstallationOptions{})
		const seconds = 120
		for range seconds {
			if _, err := client.InstallationRepositories(t.Context(), PageRequest{}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if server.issued > seconds/2 {
			t.Errorf("%d tokens in %d s", server.issued, seconds)
		}
	})
}

// TestInstallationRefused: what is wrong is told as what it is, without a storm of requests, and mends itself.
func TestInstallationRefused(t *testing.T) {
	for name, test := range map[string]struct {
		status  int
		message string
		kind    Kind
	}{
		"suspended":    {403, "This installation has been suspended", KindUnauthorized},
		"removed":      {404, "Not Found", KindUnauthorized},
		"not accepted": {422, "The permissions requested are not granted", KindUnauthorized},
		"no answer":    {502, "Server Error", KindNetwork},
		"limited":      {429, "API rate limit exceeded", KindNetwork},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newAppServer(time.Hour)
				client := server.app(t, nil).Installation(octoOrg, InstallationOptions{})
				server.refuse = func() (int, string) { return test.status, test.message }
				for range 600 {
					_, err := client.InstallationRepositories(t.Context(), PageRequest{})
					var e *Error
					if !errors.As(err, &e) || e.Kind != test.kind || !strings.Contains(err.Error(), "octo-org") || !strings.Contains(err.Error(), test.message) || !errors.Is(err, ErrNoToken) {
						t.Fatalf("%v", err)
					}
					time.Sleep(time.Second)
				}
				if n := len(server.asked); n > 12 {
					t.Errorf("%d requests in ten minutes", n)
				}
				server.refuse = nil
				time.Sleep(tokenRetryMost)
				if _, err := client.InstallationRepositories(t.Context(), PageRequest{}); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestInstallationOutlastsAFailedRenewal: a token is used to its end.
func TestInstallationOutlastsAFailedRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAppServer(time.Hour)
		client := server.app(t, nil).Installation(octoOrg, InstallationOptions{})
		ask := func() error {
			_, err := client.InstallationRepositories(t.Context(), PageRequest{})
			return err
		}
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		server.refuse = func() (int, string) { return 502, "" }
		time.Sleep(58 * time.Minute)
		if err := ask(); err != nil {
			t.Errorf("the token lasts for two minutes: %v", err)
		}
		time.Sleep(3 * time.Minute)
		if err := ask(); !IsKind(err, KindNetwork) {
			t.Errorf("%v", err)
		}
	})
}

// TestETagsOverTokenRenewal: the old tag is tried with the new token, and seen whether the server knew it.
func TestETagsOverTokenRenewal(t *testing.T) {
	for _, bound := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			server := newAppServer(time.Hour)
			server.etag = func(token string) string {
				if bound {
					return `"` + token[:12] + `"`
				}
				return `"same"`
			}
			var renewed []int
			client := server.app(t, func(o Observation) {
				if o.Renewed {
					renewed = append(renewed, o.Code)
				}
			}).Installation(octoOrg, InstallationOptions{})
			page, err := client.InstallationRepositories(t.Context(), PageRequest{})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Hour)
			_, err = client.InstallationRepositories(t.Context(), PageRequest{Tag: page.Tag})
			if want := map[bool]int{false: 304, true: 200}[bound]; len(renewed) != 1 || renewed[0] != want || (err == nil) != bound {
				t.Errorf("bound %t: %v, %v", bound, renewed, err)
			}
		})
	}
}

func TestAppKeyIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAppServer(time.Hour)
		c, err := New(Options{BaseURL: "https://api.github.test", Transport: server})
		if err != nil {
			t.Fatal(err)
		}
		old, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		path := writeKey(t, old)
		app := NewApp(c, "Iv1.test", path)
		if _, err := app.Installations(t.Context(), PageRequest{}); !IsKind(err, KindUnauthorized) || !strings.Contains(err.Error(), path) {
			t.Errorf("%v does not name the file", err)
		}
		raw, err := x509.MarshalPKCS8PrivateKey(testKey())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := app.Installations(t.Context(), PageRequest{}); err != nil {
			t.Errorf("after the key was changed: %v", err)
		}
		if text := fmt.Sprintf("%v %+v %#v", app.client.tokens, app.client.tokens, app.client.tokens); strings.Contains(text, "eyJ") {
			t.Errorf("shows a token: %s", text)
		}
	})
}

func TestKeysThatAreNone(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip(err) // a library that makes none
	}
	for _, raw := range [][]byte{
		nil, []byte("ghp_token"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{1}}),
		pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte{1}}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}}),
		pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(small)}),
	} {
		if err := CheckKey(raw); err == nil {
			t.Errorf("%q taken for a key", raw)
		}
	}
}

func TestIssuedTokensThatAreNone(t *testing.T) {
	for _, body := range []string{
		``, `[]`, `{}`, `{"token":"ghs_x"}`, `{"token":7,"expires_at":"2026-01-01T00:00:00Z"}`, `{"token":"ghs secret","expires_at":"2026-01-01T00:00:00Z"}`,
		`{"token":"` + strings.Repeat("x", maxTokenFile+1) + `","expires_at":"2026-01-01T00:00:00Z"}`,
	} {
		_, err := decodeIssued(t.Context(), []byte(body))
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.40s: %v", body, err)
		}
	}
}

func FuzzIssuedToken(f *testing.F) {
	f.Add([]byte(`{"token":"ghs_x","expires_at":"2026-01-01T00:00:00Z","permissions":{"actions":"read"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := decodeIssued(context.Background(), body)
		if err == nil && (checkToken(got.value) != nil || got.end.IsZero() || !bytes.Contains(body, []byte(got.value))) {
			t.Errorf("%q", got.value)
		}
	})
}

// TestRecordedApps reads what github.com really answered to Apps.
func TestRecordedApps(t *testing.T) {
	read := map[string]int{}
	for _, name := range []string{"app-installation-of-org", "app-installation-of-repo", "app-token-create", "installation-repositories"} {
		raw, err := os.ReadFile(filepath.Join(recordings, name+".json"))
		if err != nil && os.Getenv("REQUIRE_SHARED") == "1" {
			t.Fatal(err)
		}
		if err != nil {
			t.Skip(err)
		}
		var rec recording
		if err := json.Unmarshal(raw, &rec); err != nil {
			t.Fatal(err)
		}
		for _, x := range rec.Exchanges {
			path, body := x.Request.Path, x.Response.Body
			date, _ := http.ParseTime(x.Response.Headers["Date"])
			switch s := spanAt(date, http.Header{}); {
			case x.Response.Status >= 300:
			case strings.HasSuffix(path, "/access_tokens"):
				read["token"]++
				if got, err := decodeIssued(t.Context(), body); err != nil || got.value == "" || got.end.IsZero() {
					t.Errorf("%s: %v", path, err)
				}
			case strings.HasSuffix(path, "/installation"):
				read["installation"]++
				got, err := decodeOne(t.Context(), body, installationEntry(), s)
				if err != nil || got.ID == 0 || got.Login == "" || got.Suspended {
					t.Errorf("%s: %+v, %v", path, got, err)
				}
				if len(got.Permissions) > 0 {
					read["permissions"]++
				}
			case strings.HasPrefix(path, "/installation/repositories"):
				read["repositories"]++
				got, total, err := decodeList(t.Context(), body, "repositories", repositoryEntry(), s)
				if err != nil || len(got) == 0 || total != len(got) {
					t.Errorf("%s: %+v, %v", path, got, err)
				}
			case path == "/app":
				read["app"]++
				if got, err := decodeOne(t.Context(), body, appEntry(), s); err != nil || got.id == 0 {
					t.Errorf("%s: %+v, %v", path, got, err)
				}
			}
		}
	}
	for _, what := range []string{"token", "installation", "permissions", "repositories", "app"} {
		if read[what] == 0 {
			t.Errorf("no recording was read of: %s", what)
		}
	}
}
