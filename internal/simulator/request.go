package simulator

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// request is what was asked, taken apart.
type request struct {
	http     *http.Request
	at       time.Time
	place    place
	target   string // path and query below the base path
	query    url.Values
	endpoint string
	token    string
	purse    string // whose limits it counts against
	repo     *repository
	moved    bool   // asked for by a former name
	rest     string // path below the repository
	owner    string
	run, job int64
	id       int64 // of an installation
	workflow int64
	attempt  int
	perPage  int
	page     int
	filtered bool
	sequence uint64
	hits     hits
	body     []byte // of a POST

	installation *installation // that asks; nil: none
}

func (q *request) listsJobs() bool {
	return q.endpoint == endpointAttemptJobs || q.endpoint == endpointRunJobs
}

// parse takes a request apart. The lock is held.
func (g *GitHub) parse(r *http.Request) *request {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	html := scheme + "://" + r.Host
	q := &request{
		http: r, at: g.now(), place: place{html + g.opts.BasePath, html}, query: r.URL.Query(), endpoint: endpointOther,
		token: bearer(r.Header.Get("Authorization")),
	}
	q.purse = g.purse(q.token)
	q.perPage = min(positive(q.query.Get("per_page"), 30), 100)
	q.page = min(positive(q.query.Get("page"), 1), 1_000_000) // no list is that long
	if r.URL.Path == g.graphqlPath() {
		q.endpoint, q.target = endpointGraphQL, r.URL.Path
		return q
	}
	path, ok := strings.CutPrefix(r.URL.Path, g.opts.BasePath)
	if strings.HasPrefix(r.URL.Path, logPrefix) {
		q.endpoint = endpointLogFile
		return q
	}
	if !ok {
		return q
	}
	q.target = path
	if r.URL.RawQuery != "" {
		q.target += "?" + r.URL.RawQuery
	}
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	switch {
	case path == "/rate_limit":
		q.endpoint = endpointRateLimit
	case path == "/meta":
		q.endpoint = endpointMeta
	case path == "/app/installations":
		q.endpoint = endpointInstallations
	case len(parts) == 4 && parts[0] == "app" && parts[1] == "installations" && parts[3] == "access_tokens":
		q.endpoint, q.id = endpointAccessTokens, number(parts[2])
	case path == "/app":
		q.endpoint = endpointApp
	case len(parts) == 5 && parts[0] == "orgs" && parts[2] == "hooks" && parts[4] == "deliveries":
		q.endpoint, q.owner, q.id = endpointHookDeliveries, parts[1], number(parts[3])
	case path == "/app/hook/deliveries":
		q.endpoint = endpointAppDeliveries
	case path == "/installation/repositories":
		q.endpoint = endpointInstallationRepos
	case path == "/user/repos":
		q.endpoint = endpointMyRepos
	case len(parts) == 3 && parts[2] == "repos" && (parts[0] == "orgs" || parts[0] == "organizations"):
		q.endpoint, q.owner = endpointOrgRepos, parts[1]
	case len(parts) == 3 && parts[2] == "repos" && (parts[0] == "users" || parts[0] == "user"):
		q.endpoint, q.owner = endpointUserRepos, parts[1]
	case len(parts) >= 3 && parts[0] == "repos":
		name := parts[1] + "/" + parts[2]
		q.repo = g.byName[strings.ToLower(name)]
		q.moved = q.repo != nil && !strings.EqualFold(q.repo.name(), name)
		q.parseRest(parts[3:])
	case len(parts) >= 2 && parts[0] == "repositories":
		q.repo = g.byID[number(parts[1])]
		q.parseRest(parts[2:])
	}
	return q
}

// parseRest recognises what is below a repository.
func (q *request) parseRest(p []string) {
	q.rest = strings.Join(p, "/")
	if len(p) == 0 {
		q.endpoint = endpointRepository
		return
	}
	if p[0] == "check-runs" && len(p) == 3 && p[2] == "annotations" {
		q.endpoint, q.job = endpointAnnotations, number(p[1])
		return
	}
	if p[0] != "actions" || len(p) < 2 {
		return
	}
	switch p = p[1:]; {
	case p[0] == "runs" && len(p) == 1:
		q.endpoint = endpointRuns
		q.filtered = filterOf(q.query) != nil
	case p[0] == "runs" && len(p) == 2:
		q.endpoint, q.run = endpointRun, number(p[1])
	case p[0] == "runs" && len(p) == 3 && p[2] == "jobs":
		q.endpoint, q.run = endpointRunJobs, number(p[1])
	case p[0] == "runs" && len(p) == 4 && p[2] == "attempts":
		q.endpoint, q.run, q.attempt = endpointAttempt, number(p[1]), int(number(p[3]))
	case p[0] == "runs" && len(p) == 5 && p[2] == "attempts" && p[4] == "jobs":
		q.endpoint, q.run, q.attempt = endpointAttemptJobs, number(p[1]), int(number(p[3]))
	case p[0] == "workflows" && len(p) == 2:
		q.endpoint, q.workflow = endpointWorkflow, number(p[1])
	case p[0] == "jobs" && len(p) == 2:
		q.endpoint, q.job = endpointJob, number(p[1])
	case p[0] == "jobs" && len(p) == 3 && p[2] == "logs":
		q.endpoint, q.job = endpointJobLogs, number(p[1])
	}
}

func bearer(authorization string) string {
	kind, token, _ := strings.Cut(authorization, " ")
	if strings.EqualFold(kind, "Bearer") || strings.EqualFold(kind, "token") {
		return token
	}
	return ""
}

// number reads an id; 0, which no object has, where it is none.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func positive(s string, otherwise int) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return otherwise
	}
	return n
}
