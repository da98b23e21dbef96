package simulator

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// AppPlan is a GitHub App that the simulated GitHub knows.
type AppPlan struct {
	ID        string         // client id or App id: what its JWTs have to be issued by
	Key       *rsa.PublicKey // what they are verified with
	TokenLife time.Duration  // of installation tokens; 0 is an hour
	Installed []InstallationPlan

	NoHook         bool          // it has no webhook, and so no log of deliveries
	JobEvents      bool          // its webhook is sent jobs too, not only runs
	DeliveryLag    time.Duration // after which a delivery is in the log
	DeliveriesLost float64       // share of them that is never made
}

// InstallationPlan is an account that has installed the App.
type InstallationPlan struct {
	Login       string
	User        bool
	Permissions map[string]string // nil: actions, checks and metadata to read
}

// apps is what the server remembers of the App.
type apps struct {
	plan          AppPlan
	installations []*installation
	tokens        map[string]*issued
	sequence      int
	silent        bool // nothing is delivered
}

type installation struct {
	InstallationPlan
	id        int64
	suspended time.Time
}

// issued is a token of an installation.
type issued struct {
	to    *installation
	until time.Time
}

const firstInstallation = 5_000_000

// Install adds an installation of the App, or changes what it permits.
func (g *GitHub) Install(p InstallationPlan) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.install(p)
}

func (g *GitHub) install(p InstallationPlan) {
	if p.Permissions == nil {
		p.Permissions = map[string]string{"actions": "read", "checks": "read", "metadata": "read"}
	}
	if i := g.apps.find(p.Login); i != nil {
		i.InstallationPlan = p
		return
	}
	g.apps.sequence++
	g.apps.installations = append(g.apps.installations, &installation{InstallationPlan: p, id: firstInstallation + int64(g.apps.sequence)})
}

// Uninstall removes an installation; its tokens are refused from now on.
func (g *GitHub) Uninstall(login string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	gone := g.apps.find(login)
	g.apps.installations = slices.DeleteFunc(g.apps.installations, func(i *installation) bool { return i == gone })
	g.apps.revoke(gone)
}

// Suspend suspends an installation, or ends that.
func (g *GitHub) Suspend(login string, suspended bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := g.apps.find(login)
	if i == nil {
		return
	}
	i.suspended = time.Time{}
	if suspended {
		i.suspended = g.now()
		g.apps.revoke(i)
	}
}

func (a *apps) find(login string) *installation {
	for _, i := range a.installations {
		if strings.EqualFold(i.Login, login) {
			return i
		}
	}
	return nil
}

func (a *apps) revoke(i *installation) {
	for _, t := range a.tokens {
		if t.to == i {
			t.until = time.Time{}
		}
	}
}

// purse is whose limits a request counts against: those of an installation outlast its tokens.
func (g *GitHub) purse(token string) string {
	switch t := g.apps.tokens[token]; {
	case t != nil:
		return "installation/" + t.to.Login
	case g.apps.plan.Key != nil && strings.Count(token, ".") == 2:
		return "app"
	}
	return token
}

// admit judges who asks, where there is an App; nil: go on.
func (g *GitHub) admit(q *request) *answer {
	if g.apps.plan.Key == nil {
		return nil
	}
	now := q.at
	if skew, ok := q.hits[ClockSkew]; ok {
		now = now.Add(skew.Delay)
	}
	switch q.endpoint {
	case endpointInstallations, endpointAccessTokens, endpointApp, endpointAppDeliveries, endpointRateLimit:
		if q.endpoint == endpointRateLimit && q.purse != "app" {
			break
		}
		if problem := g.apps.plan.judge(q.token, now); problem != "" {
			return failure(http.StatusUnauthorized, problem, docsURL)
		}
		return nil
	}
	t := g.apps.tokens[q.token]
	if t == nil {
		if len(g.tokens) > 0 && g.tokens[q.token] {
			return nil
		}
		return failure(http.StatusUnauthorized, "Bad credentials", docsURL)
	}
	if !q.at.Before(t.until) {
		return failure(http.StatusUnauthorized, "Bad credentials", docsURL)
	}
	q.installation = t.to
	if q.repo != nil && !strings.EqualFold(q.repo.owner(), t.to.Login) {
		return notFound()
	}
	return nil
}

// judge verifies a JWT by the server's time; "": it is right.
func (p AppPlan) judge(token string, now time.Time) string {
	const undecodable = "A JSON web token could not be decoded"
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return undecodable
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || rsa.VerifyPKCS1v15(p.Key, crypto.SHA256, sum[:], signature) != nil {
		return undecodable
	}
	var claims struct {
		Iat, Exp *int64
		Iss      string
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	switch {
	case err != nil || json.Unmarshal(body, &claims) != nil || claims.Iat == nil || claims.Exp == nil:
		return undecodable
	case claims.Iss != p.ID:
		return "Integration not found"
	case *claims.Iat > now.Unix():
		return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
	case *claims.Exp > now.Add(10*time.Minute).Unix():
		return "'Expiration time' claim ('exp') is too far in the future"
	case *claims.Exp <= now.Unix():
		return "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
	}
	return ""
}

// listInstallations answers GET /app/installations.
func (g *GitHub) listInstallations(q *request) *answer {
	all := g.apps.installations
	from, to := q.cut(len(all))
	p := q.place
	a := &answer{status: http.StatusOK, header: http.Header{}}
	a.body = arrayBody(nil, to-from, func(b []byte, n int) []byte {
		i := all[from+n]
		o := newObject(b)
		o.num("id", i.id)
		o.raw("account", accountJSON(p, i.Login, i.User))
		o.str("access_tokens_url", p.api+"/app/installations/"+i64(i.id)+"/access_tokens")
		o.str("repositories_url", p.api+"/installation/repositories")
		o.str("html_url", p.html+"/settings/installations/"+i64(i.id))
		o.num("app_id", 12345)
		o.num("target_id", accountID(i.Login))
		o.str("target_type", map[bool]string{true: "User", false: "Organization"}[i.User])
		o.raw("permissions", permissionsJSON(i.Permissions))
		o.strings("events", nil)
		o.str("app_slug", "workflow-exporter")
		o.str("repository_selection", "all")
		o.time("created_at", g.opts.Start)
		o.time("updated_at", g.opts.Start)
		o.null("single_file_name")
		o.null("suspended_by")
		o.timeOrNull("suspended_at", i.suspended, !i.suspended.IsZero())
		return o.end()
	})
	if link := q.link("/app/installations", len(all)); link != "" {
		a.header.Set("Link", link)
	}
	return a
}

// issueToken answers POST /app/installations/{id}/access_tokens.
func (g *GitHub) issueToken(q *request) *answer {
	at := slices.IndexFunc(g.apps.installations, func(i *installation) bool { return i.id == q.id })
	if at < 0 {
		return notFound()
	}
	i := g.apps.installations[at]
	if !i.suspended.IsZero() {
		return failure(http.StatusForbidden, "This installation has been suspended", docsURL)
	}
	var asked struct {
		Permissions map[string]string `json:"permissions"`
	}
	if len(q.body) > 0 && json.Unmarshal(q.body, &asked) != nil {
		return failure(http.StatusBadRequest, "Problems parsing JSON", docsURL)
	}
	for name, access := range asked.Permissions {
		if i.Permissions[name] == "" || access != "read" && i.Permissions[name] != access {
			return failure(http.StatusUnprocessableEntity, "The permissions requested are not granted to this installation.", docsURL)
		}
	}
	life := g.apps.plan.TokenLife
	if life == 0 {
		life = time.Hour
	}
	if g.apps.tokens == nil {
		g.apps.tokens = map[string]*issued{}
	}
	// As long as those that github.com gives since 2026-04.
	token := fmt.Sprintf("ghs_12345_%s.%s.%d-%s", "eyJhbGciOiJSUzI1NiJ9", strings.Repeat("c2lt", 60), len(g.apps.tokens), i.Login)
	until := q.at.Add(life).Truncate(time.Second)
	g.apps.tokens[token] = &issued{to: i, until: until}
	if skew, ok := q.hits[ClockSkew]; ok {
		until = until.Add(skew.Delay)
	}
	o := newObject(nil)
	o.str("token", token)
	o.time("expires_at", until)
	o.raw("permissions", permissionsJSON(i.Permissions))
	o.str("repository_selection", "all")
	return &answer{status: http.StatusCreated, header: http.Header{}, body: o.end(), noTag: true}
}

func permissionsJSON(permissions map[string]string) []byte {
	b, _ := json.Marshal(permissions) // strings always can
	return b
}

// installationRepositories answers GET /installation/repositories.
func (g *GitHub) installationRepositories(q *request) *answer {
	if q.installation == nil {
		return failure(http.StatusForbidden, "You must authenticate with an installation access token in order to list repositories for an installation.", docsURL)
	}
	var all []*repository
	for _, r := range g.repos {
		if !r.born.After(q.at) && strings.EqualFold(r.owner(), q.installation.Login) {
			all = append(all, r)
		}
	}
	all, _ = listed(all)
	from, to := q.cut(len(all))
	p, list := q.place, all[from:to]
	a := found([]byte("installation "+i64(g.version)+" "+itoa(len(all))+" "+itoa(from)), func() []byte {
		return listBody(len(all), "repositories", len(list), func(b []byte, i int) []byte { return append(b, repositoryJSON(p, list[i], true)...) })
	})
	if link := q.link("/installation/repositories", len(all)); link != "" {
		a.header.Set("Link", link)
	}
	return a
}

// appItself answers GET /app.
func (g *GitHub) appItself(q *request) *answer {
	p := q.place
	events := []string{"workflow_run"}
	if g.apps.plan.JobEvents {
		events = append(events, "workflow_job")
	}
	o := newObject(nil)
	o.num("id", 12345)
	o.str("slug", "workflow-exporter")
	o.str("node_id", nodeID("A", 12345))
	o.str("client_id", g.apps.plan.ID)
	o.raw("owner", accountJSON(p, "octo-org", false))
	o.str("name", "Workflow exporter")
	o.null("description")
	o.str("external_url", p.html)
	o.str("html_url", p.html+"/apps/workflow-exporter")
	o.time("created_at", g.opts.Start)
	o.time("updated_at", g.opts.Start)
	o.raw("permissions", permissionsJSON(map[string]string{"actions": "read", "checks": "read", "metadata": "read"}))
	o.strings("events", events)
	o.num("installations_count", int64(len(g.apps.installations)))
	return &answer{status: http.StatusOK, header: http.Header{}, body: o.end()}
}
