package simulator

import (
	"io"
	"net/http"
	"slices"
	"time"
)

// ServeHTTP answers as GitHub's REST API does, as of Options.Now. Connections are broken by hijacking, or by
// panicking with http.ErrAbortHandler where that is not possible.
func (g *GitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body []byte
	if r.Method == http.MethodPost {
		body, _ = io.ReadAll(io.LimitReader(r.Body, 1<<20)) // what is cut off is no question
	}
	g.mu.Lock()
	g.sequence++
	g.limits.flight++
	g.requests.MostAtOnce = max(g.requests.MostAtOnce, g.limits.flight)
	q := g.parse(r)
	q.body = body
	q.sequence = g.sequence
	q.hits = g.faults.draw(q.sequence, q)
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		g.limits.flight--
		g.mu.Unlock()
	}()

	if slow, ok := q.hits[Slow]; ok {
		if err := g.opts.Sleep(r.Context(), slow.Delay); err != nil {
			return // the caller has gone
		}
	}
	g.answer(q).write(w, r)
}

// answer decides what a request gets, in one step against the world as of now.
func (g *GitHub) answer(q *request) *answer {
	g.mu.Lock()
	defer g.mu.Unlock()
	q.at = g.now()
	g.advance(q.at)
	g.forget(q.at)
	a := g.decide(q)
	a.settle(q)
	a.counted = q.endpoint != endpointRateLimit && q.endpoint != endpointLogFile && q.endpoint != endpointGraphQL &&
		!slices.Contains([]int{0, http.StatusNotModified, http.StatusUnauthorized}, a.status)
	if a.counted && g.opts.PrimaryLimit > 0 {
		if win := g.window(q.purse, q.at); win.used < g.opts.PrimaryLimit {
			win.used++
		}
	}
	g.headers(a.header, q)
	g.countRequest(q, a)
	return a
}

// decide goes through the ways of failing in the order in which a real answer meets them.
func (g *GitHub) decide(q *request) *answer {
	if a := q.hits.broken(); a != nil {
		return a
	}
	if q.endpoint == endpointLogFile {
		return g.logFile(q)
	}
	if q.http.Header.Get("User-Agent") == "" {
		a := failure(http.StatusForbidden, "", docsURL)
		a.body = []byte("Request forbidden by administrative rules. Please make sure your request has a User-Agent header.\n")
		a.header.Set("Content-Type", "text/plain; charset=utf-8")
		return a
	}
	if q.http.Method != http.MethodGet && q.http.Method != http.MethodHead && q.endpoint != endpointGraphQL && q.endpoint != endpointAccessTokens {
		return notFound()
	}
	if _, revoked := q.hits[Unauthorized]; revoked || g.apps.plan.Key == nil && len(g.tokens) > 0 && !g.tokens[q.token] {
		return failure(http.StatusUnauthorized, "Bad credentials", docsURL)
	}
	if a := g.admit(q); a != nil {
		return a
	}
	if v := q.http.Header.Get("X-GitHub-Api-Version"); v != "" && !slices.Contains(g.opts.APIVersions, v) {
		return failure(http.StatusBadRequest, "The X-GitHub-Api-Version header value \""+v+"\" is not a supported version.", docsURL+"/overview/api-versions")
	}
	if a := g.limited(q); a != nil && q.endpoint != endpointGraphQL {
		return a
	}
	if _, ok := q.hits[Forbidden]; ok {
		return failure(http.StatusForbidden, "Resource not accessible by personal access token", docsURL)
	}
	if _, ok := q.hits[NotFound]; ok {
		return notFound()
	}
	a := g.route(q)
	_, cut := q.hits[CutBody]
	a.cut = cut && a.status == http.StatusOK
	if a.cut { // never a 304
		a.noTag = true
		if a.render != nil {
			a.body, a.render = a.render(), nil
		}
	}
	return a
}

// broken are the answers that come from in front of the API.
func (h hits) broken() *answer {
	if _, ok := h[Reset]; ok {
		return &answer{header: http.Header{}}
	}
	page := func(status int, body string) *answer {
		a := &answer{status: status, header: http.Header{}, body: []byte(body), noTag: true}
		a.header.Set("Content-Type", "text/html; charset=utf-8")
		return a
	}
	if _, ok := h[HTML]; ok {
		return page(http.StatusOK, "<!DOCTYPE html>\n<html><body><h1>Under maintenance</h1></body></html>\n")
	}
	if _, ok := h[BigPages]; ok {
		return failure(http.StatusBadGateway, "Server Error", docsURL)
	}
	if f, ok := h[ServerError]; ok {
		if f.Status == 0 {
			f.Status = http.StatusBadGateway
		}
		return page(f.Status, "<html><body><h1>Unicorn!</h1></body></html>\n")
	}
	return nil
}

// route answers what the API has at a path.
func (g *GitHub) route(q *request) *answer {
	switch q.endpoint {
	case endpointRateLimit:
		return g.rateLimit(q)
	case endpointMeta:
		return g.meta()
	case endpointOrgRepos, endpointUserRepos, endpointMyRepos:
		return g.repositories(q)
	case endpointGraphQL:
		return g.graphql(q)
	case endpointInstallations:
		return g.listInstallations(q)
	case endpointAccessTokens:
		return g.issueToken(q)
	case endpointApp:
		return g.appItself(q)
	case endpointAppDeliveries:
		if g.apps.plan.NoHook {
			return notFound()
		}
		return g.listDeliveries(q, "/app/hook/deliveries")
	case endpointHookDeliveries:
		if q.id != OrganizationHook {
			return notFound()
		}
		return g.listDeliveries(q, "/orgs/"+q.owner+"/hooks/"+i64(q.id)+"/deliveries")
	case endpointInstallationRepos:
		return g.installationRepositories(q)
	case endpointOther:
		return notFound()
	}
	if q.repo == nil {
		return notFound()
	}
	if a := q.unseen(); a != nil {
		return a
	}
	if q.moved {
		return g.redirect(q)
	}
	switch q.endpoint {
	case endpointRepository:
		r, p := q.repo, q.place
		return found([]byte("repository "+i64(r.id)+" "+i64(r.version)), func() []byte { return wholeRepositoryJSON(p, r) })
	case endpointRuns:
		return g.runs(q)
	case endpointRun, endpointAttempt:
		return g.run(q)
	case endpointAttemptJobs, endpointRunJobs:
		return g.jobs(q)
	case endpointAnnotations:
		return g.annotations(q)
	case endpointJob:
		return g.job(q)
	case endpointWorkflow:
		return workflow(q)
	default:
		return g.jobLogs(q)
	}
}

// redirect answers for a former name with the form of address that never changes.
func (g *GitHub) redirect(q *request) *answer {
	target := q.place.api + "/repositories/" + i64(q.repo.id)
	if q.rest != "" {
		target += "/" + q.rest
	}
	if raw := q.http.URL.RawQuery; raw != "" {
		target += "?" + raw
	}
	o := newObject(nil)
	o.str("message", "Moved Permanently")
	o.str("url", target)
	o.str("documentation_url", docsURL+"/guides/best-practices-for-using-the-rest-api#follow-redirects")
	a := &answer{status: http.StatusMovedPermanently, header: http.Header{}, body: o.end(), noTag: true}
	a.header.Set("Location", target)
	return a
}

func (g *GitHub) meta() *answer {
	o := newObject(nil)
	o.flag("verifiable_password_authentication", false)
	if v := g.opts.EnterpriseVersion; v != "" {
		o.str("installed_version", v)
	}
	return &answer{status: http.StatusOK, header: http.Header{}, body: o.end()}
}

// headers are those of every answer.
func (g *GitHub) headers(h http.Header, q *request) {
	date := q.at
	if skew, ok := q.hits[ClockSkew]; ok {
		date = date.Add(skew.Delay)
	}
	h.Set("Date", date.UTC().Format(http.TimeFormat))
	if q.endpoint == endpointLogFile {
		return
	}
	h.Set("Cache-Control", "private, max-age=60, s-maxage=60")
	h.Set("Vary", "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding, Accept, X-Requested-With")
	h.Set("X-Github-Media-Type", "github.v3; format=json")
	h.Set("X-Github-Request-Id", requestID(uint64(g.opts.Seed), q.sequence))
	h.Set("X-Accepted-Github-Permissions", "actions=read")
	version := q.http.Header.Get("X-GitHub-Api-Version")
	if version == "" {
		version = g.opts.APIVersions[0]
	}
	h.Set("X-Github-Api-Version-Selected", version)
	if v := g.opts.EnterpriseVersion; v != "" {
		h.Set("X-Github-Enterprise-Version", "enterprise-server@"+v)
	}
	if e := g.opts.TokenExpiration; !e.IsZero() && q.token != "" {
		h.Set("Github-Authentication-Token-Expiration", e.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	g.limitHeaders(h, q)
}

func requestID(seed, sequence uint64) string {
	const hex = "0123456789ABCDEF"
	r := source(seed, sequence, 99)
	return word(r, hex, 4) + ":" + word(r, hex, 6) + ":" + word(r, hex, 7) + ":" + word(r, hex, 7) + ":" + word(r, hex, 8)
}

const logLife = time.Minute
