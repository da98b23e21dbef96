package contract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github_workflow_exporter/githubapi"
)

// undescribed are the requests of operations that the cut descriptions do not hold, by method and path below the base.
var undescribed = []string{
	"GET /repos/octo-org/octo-repo",
	"GET /users/octocat/repos",
	"GET /repos/octo-org/octo-repo/actions/workflows/161335",
	"GET /repositories/1296269", // what next links and redirects lead to; described nowhere
}

// object is enough of a run, a job, a repository, the limits and the server's own facts.
const object = `{"id":1,"full_name":"octo-org/octo-repo","resources":{"core":{"limit":5000,"remaining":4999,"used":1,"reset":1772000000}}}`

// recorder is a transport that keeps every request and answers with the least that decodes. Lists get one more page.
type recorder struct {
	requests []*http.Request
}

func (rec *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	rec.requests = append(rec.requests, r)
	status, header, body := http.StatusOK, http.Header{"Content-Type": {"application/json; charset=utf-8"}}, object
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	header.Set("Etag", `W/"0123456789abcdef"`)
	path := r.URL.Path
	switch {
	case strings.HasSuffix(path, "/logs"):
		status = http.StatusFound
		header.Set("Location", "https://logs.example.net/job.txt?sig=x")
	case strings.HasSuffix(path, "/runs"):
		body = `{"total_count":200,"workflow_runs":[]}`
	case strings.HasSuffix(path, "/jobs"):
		body = `{"total_count":200,"jobs":[]}`
	case strings.HasSuffix(path, "/installation/repositories"):
		body = `{"total_count":200,"repositories":[]}`
	case strings.HasSuffix(path, "/repos"), strings.HasSuffix(path, "/annotations"), strings.HasSuffix(path, "/deliveries"):
		body = `[]`
	case strings.HasSuffix(path, "/graphql"):
		body = `{"data":{"nodes":[]}}`
	}
	if query := r.URL.Query(); body != object && r.Method == http.MethodGet && query.Get("page") == "" {
		query.Set("page", "2")
		next := *r.URL
		next.RawQuery = query.Encode()
		header.Set("Link", fmt.Sprintf(`<%s>; rel="next", <%s>; rel="last"`, next.String(), next.String()))
	}
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}, nil
}

// call drives one method of the client.
type call struct {
	method string
	do     func(ctx context.Context, c *githubapi.Client) error
}

// paged asks for a first page and follows it once.
func paged[T any](list func(githubapi.PageRequest) (githubapi.Page[T], error)) error {
	first, err := list(githubapi.PageRequest{PerPage: 100})
	if err != nil {
		return err
	}
	if first.Next == "" {
		return errors.New("the next page was not seen")
	}
	_, err = list(githubapi.PageRequest{PerPage: 100, Next: first.Next})
	return err
}

// calls covers every request the client can send, with all filters and with the values they take.
func calls() []call {
	const repo, run, job = "octo-org/octo-repo", 30433642, 399444496
	runs := func(f githubapi.RunFilter) call {
		return call{"Runs", func(ctx context.Context, c *githubapi.Client) error {
			return paged(func(p githubapi.PageRequest) (githubapi.Page[githubapi.Run], error) { return c.Runs(ctx, repo, f, p) })
		}}
	}
	runJobs := func(filter string) call {
		return call{"RunJobs", func(ctx context.Context, c *githubapi.Client) error {
			return paged(func(p githubapi.PageRequest) (githubapi.Page[githubapi.Job], error) {
				return c.RunJobs(ctx, repo, run, filter, p)
			})
		}}
	}
	all := []call{
		runs(githubapi.RunFilter{}),
		runs(githubapi.RunFilter{
			Event: "push", Branch: "release/1.x", Created: ">=2026-01-01T00:00:00+00:00", Actor: "dependabot[bot]",
			HeadSHA: "acb5820ced9479c074f688cc328bf03f341a511d", Status: "in_progress",
		}),
		runJobs("latest"),
		runJobs("all"),
		{"Run", func(ctx context.Context, c *githubapi.Client) error {
			_, tag, err := c.Run(ctx, repo, run, githubapi.Tag{})
			if err != nil {
				return err
			}
			_, _, err = c.Run(ctx, repo, run, tag)
			return err
		}},
		{"RunAttempt", func(ctx context.Context, c *githubapi.Client) error {
			_, err := c.RunAttempt(ctx, repo, run, 2)
			return err
		}},
		{"AttemptJobs", func(ctx context.Context, c *githubapi.Client) error {
			return paged(func(p githubapi.PageRequest) (githubapi.Page[githubapi.Job], error) {
				return c.AttemptJobs(ctx, repo, run, 2, p)
			})
		}},
		{"Job", func(ctx context.Context, c *githubapi.Client) error {
			_, err := c.Job(ctx, repo, job)
			return err
		}},
		{"JobLogs", func(ctx context.Context, c *githubapi.Client) error {
			_, err := c.JobLogs(ctx, repo, job)
			return err
		}},
		{"DownloadJobLogs", func(ctx context.Context, c *githubapi.Client) error {
			body, err := c.DownloadJobLogs(ctx, repo, job)
			if err != nil {
				return err
			}
			return body.Close()
		}},
		{"JobAnnotations", func(ctx context.Context, c *githubapi.Client) error {
			_, err := c.JobAnnotations(ctx, repo, job)
			return err
		}},
		{"Heads", func(ctx context.Context, c *githubapi.Client) error {
			_, err := c.Heads(ctx, []string{"WFR_kwLO1"})
			return err
		}},
		{"RunStates", func(ctx context.Context, c *githubapi.Client) error {
			_, err := c.RunStates(ctx, []string{"WFR_kwLO1"})
			return err
		}},
		{"Annotations", func(ctx context.Context, c *githubapi.Client) error {
			_, err := c.Annotations(ctx, []string{"CR_kwDO1"}, []string{"CS_kwDO2"})
			return err
		}},
		{"Workflow", func(ctx context.Context, c *githubapi.Client) error {
			_, err := c.Workflow(ctx, repo, 161335)
			return err
		}},
		{"Repository", func(ctx context.Context, c *githubapi.Client) error {
			_, _, err := c.Repository(ctx, repo, githubapi.Tag{})
			return err
		}},
		{"RepositoryByID", func(ctx context.Context, c *githubapi.Client) error {
			_, _, err := c.RepositoryByID(ctx, 1296269, githubapi.Tag{})
			return err
		}},
		{"OrganizationRepositories", func(ctx context.Context, c *githubapi.Client) error {
			return paged(func(p githubapi.PageRequest) (githubapi.Page[githubapi.Repository], error) {
				return c.OrganizationRepositories(ctx, "octo-org", p)
			})
		}},
		{"UserRepositories", func(ctx context.Context, c *githubapi.Client) error {
			return paged(func(p githubapi.PageRequest) (githubapi.Page[githubapi.Repository], error) {
				return c.UserRepositories(ctx, "octocat", p)
			})
		}},
		{"OwnRepositories", func(ctx context.Context, c *githubapi.Client) error {
			return paged(func(p githubapi.PageRequest) (githubapi.Page[githubapi.Repository], error) {
				return c.OwnRepositories(ctx, p)
			})
		}},
		{"RateLimit", func(ctx context.Context, c *githubapi.Client) error {
			_, err := c.RateLimit(ctx)
			return err
		}},
		{"Meta", func(ctx context.Context, c *githubapi.Client) error {
			_, err := c.Meta(ctx)
			return err
		}},
	}
	// Every status the poller may look for.
	for _, status := range []string{"queued", "in_progress", "waiting", "requested", "pending", "completed"} {
		all = append(all, runs(githubapi.RunFilter{Status: status}))
	}
	all = append(all, call{"OrganizationDeliveries", func(ctx context.Context, c *githubapi.Client) error {
		_, err := c.OrganizationDeliveries(ctx, "octo-org", 7, githubapi.PageRequest{})
		return err
	}}, call{"InstallationRepositories", func(ctx context.Context, c *githubapi.Client) error {
		return paged(func(p githubapi.PageRequest) (githubapi.Page[githubapi.Repository], error) {
			return c.InstallationRepositories(ctx, p)
		})
	}})
	return all
}

// TestClientRequests drives every method of the client and holds each request it sends to the descriptions: always to
// the copy for mock servers, and to the unchanged file unless the request uses what that file is known to refuse.
func TestClientRequests(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.name, func(t *testing.T) {
			original, mock, hints := description(t, f.original, f.baseURL), description(t, f.mock, f.baseURL), description(t, f.hints, f.baseURL)
			var allowed, described int
			for _, c := range calls() {
				rec := &recorder{}
				client, err := githubapi.New(githubapi.Options{
					BaseURL: f.baseURL, Token: githubapi.StaticToken("not-a-real-token"), UserAgent: "contract-test", Transport: rec,
				})
				if err != nil {
					t.Fatal(err)
				}
				if err := c.do(t.Context(), client); err != nil {
					t.Errorf("%s: %v", c.method, err)
				}
				if len(rec.requests) == 0 {
					t.Errorf("%s sent no request", c.method)
				}
				for _, r := range rec.requests {
					if strings.HasSuffix(r.URL.Path, "/graphql") { // held to the schema in TestQueries
						checkGraphQL(t, f.graphqlURL, r)
						continue
					}
					if strings.HasSuffix(r.URL.Path, "/annotations") || strings.HasSuffix(r.URL.Path, "/installation/repositories") || strings.HasSuffix(r.URL.Path, "/deliveries") {
						described++
						if err := hints.CheckRequest(t.Context(), r); err != nil {
							t.Errorf("%s: %v", c.method, err)
						}
						continue
					}
					if !strings.HasPrefix(r.URL.String(), f.baseURL+"/") {
						checkForeign(t, c.method, r)
						continue
					}
					checkHeaders(t, c.method, r)
					if slices.Contains(undescribed, r.Method+" "+strings.TrimPrefix(r.URL.Path, original.base)) {
						allowed++
						continue
					}
					described++
					if err := mock.CheckRequest(t.Context(), r); err != nil {
						t.Errorf("%s: %v", c.method, err)
					}
					if r.URL.Query().Has("created") {
						continue // described as one date-time; GitHub takes the search syntax
					}
					if err := original.CheckRequest(t.Context(), r); err != nil {
						t.Errorf("%s: %v", c.method, err)
					}
				}
			}
			if allowed < len(undescribed) {
				t.Errorf("only %d requests were on the list of undescribed ones, want at least %d: shorten the list", allowed, len(undescribed))
			}
			t.Logf("%d requests held to the description, %d to the list of undescribed operations", described, allowed)
		})
	}
}

// checkHeaders checks what GitHub asks of every request and no description says.
func checkHeaders(t *testing.T, method string, r *http.Request) {
	t.Helper()
	for name, want := range map[string]string{
		"Accept":               "application/vnd.github+json",
		"Authorization":        "Bearer not-a-real-token",
		"User-Agent":           "contract-test",
		"X-Github-Api-Version": "2022-11-28",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %s %s: header %s is %q, want %q", method, r.Method, r.URL.Path, name, got, want)
		}
	}
}

// checkForeign checks a request that leaves the API: only a log download may, and never with the token.
func checkForeign(t *testing.T, method string, r *http.Request) {
	t.Helper()
	if method != "DownloadJobLogs" {
		t.Errorf("%s asked another server: %s", method, r.URL)
	}
	if r.Header.Get("Authorization") != "" {
		t.Errorf("%s sent the token to another server: %s", method, r.URL.Host)
	}
}

// TestEveryMethodDriven finds methods of the client that were added without a call here.
func TestEveryMethodDriven(t *testing.T) {
	driven := map[string]bool{}
	for _, c := range calls() {
		driven[c.method] = true
	}
	withContext := reflect.TypeFor[context.Context]()
	client := reflect.TypeFor[*githubapi.Client]()
	for i := range client.NumMethod() {
		m := client.Method(i)
		if m.Type.NumIn() > 1 && m.Type.In(1) == withContext && !driven[m.Name] {
			t.Errorf("githubapi.Client.%s sends requests but calls() does not drive it", m.Name)
		}
	}
}
