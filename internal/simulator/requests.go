package simulator

import "maps"

// The endpoints as counted in Requests.ByEndpoint and named in Fault.Endpoint.
const (
	endpointRepository  = "repository"
	endpointRuns        = "runs"
	endpointRun         = "run"
	endpointAttempt     = "attempt"
	endpointAttemptJobs = "attempt_jobs"
	endpointRunJobs     = "run_jobs"
	endpointJob         = "job"
	endpointJobLogs     = "job_logs"
	endpointWorkflow    = "workflow"
	endpointOrgRepos    = "org_repos"
	endpointUserRepos   = "user_repos"
	endpointMyRepos     = "my_repos"
	endpointRateLimit   = "rate_limit"
	endpointMeta        = "meta"
	endpointLogFile     = "log_file"
	endpointAnnotations = "annotations"
	endpointGraphQL     = "graphql"
	endpointOther       = "other"

	endpointInstallations     = "installations"
	endpointAccessTokens      = "access_tokens"
	endpointInstallationRepos = "installation_repos"
	endpointAppDeliveries     = "app_deliveries"
	endpointApp               = "app"
	endpointHookDeliveries    = "hook_deliveries"
)

// Requests counts what was asked. Repositories are named as they are called at the time.
type Requests struct {
	Total       int `json:"total"`
	Counted     int `json:"counted"`      // by the primary limit: all but 304, 401, /rate_limit and broken connections
	NotModified int `json:"not_modified"` // 304
	Filtered    int `json:"filtered"`     // runs lists with a filter
	MostAtOnce  int `json:"most_at_once"` // concurrent requests at most
	Points      int `json:"points"`       // of GraphQL
	Bytes       int `json:"bytes"`        // of bodies, before they are compressed
	Entries     int `json:"entries"`      // runs and jobs on the pages asked for, those of 304s too: what GitHub's time goes into

	ByEndpoint   map[string]int `json:"by_endpoint"`
	ByStatus     map[int]int    `json:"by_status"` // 0: the connection was broken
	ByRepository map[string]int `json:"by_repository"`
	// These are those of Counted.
	CountedByRepository map[string]int `json:"counted_by_repository"`
	CountedByEndpoint   map[string]int `json:"counted_by_endpoint"`
}

func newRequests() Requests {
	return Requests{
		ByEndpoint: map[string]int{}, ByStatus: map[int]int{}, ByRepository: map[string]int{},
		CountedByRepository: map[string]int{}, CountedByEndpoint: map[string]int{},
	}
}

// Requests returns the counts so far.
func (g *GitHub) Requests() Requests {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.requests
	r.ByEndpoint, r.ByStatus = maps.Clone(r.ByEndpoint), maps.Clone(r.ByStatus)
	r.ByRepository, r.CountedByRepository = maps.Clone(r.ByRepository), maps.Clone(r.CountedByRepository)
	r.CountedByEndpoint = maps.Clone(r.CountedByEndpoint)
	return r
}

// ResetRequests sets the counts to nothing.
func (g *GitHub) ResetRequests() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests = newRequests()
}

func (g *GitHub) countRequest(q *request, a *answer) {
	s := &g.requests
	s.Total++
	s.ByEndpoint[q.endpoint]++
	s.ByStatus[a.status]++
	s.Bytes += len(a.body)
	s.Entries += a.entries
	if q.filtered {
		s.Filtered++
	}
	if a.status == 304 {
		s.NotModified++
	}
	if a.counted {
		s.Counted++
		s.CountedByEndpoint[q.endpoint]++
	}
	if q.repo != nil {
		s.ByRepository[q.repo.name()]++
		if a.counted {
			s.CountedByRepository[q.repo.name()]++
		}
	}
}
