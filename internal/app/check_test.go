package app

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

// checked runs the check command on a world and returns what it reports.
func (w *world) checked() (report string, err error) {
	var out strings.Builder
	err = Check(w.Context(), w.config, &out, w.transport)
	return out.String(), err
}

func TestCheck(t *testing.T) {
	none := func(*world) {}
	fault := func(f simulator.Fault) func(*world) { return func(w *world) { w.github.Faults().Set("fault", f) } }
	for name, test := range map[string]struct {
		options simulator.Options
		config  func(*config.Config)
		trouble func(*world)
		failed  string   // of the error; "" for none
		says    []string // lines that begin so
	}{
		"all well": {
			options: simulator.Options{PrimaryLimit: 5000, TokenExpiration: time.Date(2000, 3, 1, 0, 0, 0, 0, time.UTC)},
			trouble: none,
			says: []string{
				"ok    configuration: valid\n", "ok    http://ghes.test/api/v3 answers as token; 5000 of 5000 requests left until 2000-01-01T04:00:00Z\n",
				"ok    organization octo-org: 2 repositories, 2 of them to be watched\n",
				"ok    repository octo-org/service-1: 3 runs\n", "ok    repository octo-org/service-2: 0 runs\n", "note  the token expires on 2000-03-01T00:00:00Z\n",
			},
		},
		"an enterprise server without limits": {
			options: simulator.Options{EnterpriseVersion: "3.14.2", APIVersions: []string{"2021-01-01"}}, trouble: none,
			says: []string{
				"ok    http://ghes.test/api/v3 answers; rate limits are off", "ok    GitHub Enterprise Server 3.14.2\n",
				"note  the server does not know API version 2022-11-28; it is asked without one\n",
			},
		},
		"a renamed repository": {
			config:  named(service),
			trouble: func(w *world) { _ = w.github.RenameRepository(service, "octo-org/new") },
			says:    []string{"note  repository octo-org/service-1 is called octo-org/new now\n", "ok    repository octo-org/new: 3 runs\n"},
		},
		"clocks apart": {
			trouble: fault(simulator.Fault{Kind: simulator.ClockSkew, Delay: 5 * time.Minute}),
			says:    []string{"note  the clocks are 5m0s apart"},
		},
		"a repository that is known by its runs only": {
			config: named(service), trouble: fault(simulator.Fault{Kind: simulator.NotFound, Endpoint: "repository"}),
			says: []string{
				"note  repository octo-org/service-1 cannot be read itself, it is known by its runs: get_repository: GET /repos/octo-org/service-1: 404 Not Found",
				"ok    repository octo-org/service-1: 3 runs\n",
			},
		},
		"single sign-on": {
			trouble: func(w *world) { w.see("octo-org/service-2", simulator.HiddenSSO) }, failed: "1 of the checks failed",
			says: []string{
				"FAIL  organization octo-org: its list is partial, 1 repositories are shown: what organizations of these ids own is left out: 4242; authorize the token for the single sign-on of them\n",
				"ok    repository octo-org/service-1: 3 runs\n",
			},
		},
		"single sign-on of a repository": {
			config: named(service), trouble: func(w *world) { w.see(service, simulator.HiddenSSO) }, failed: "1 of the checks failed",
			says: []string{"FAIL  repository octo-org/service-1: get_repository: GET /repos/octo-org/service-1: 403 Forbidden: Resource protected by organization SAML enforcement"},
		},
		"no such repository": {
			config: named("octo-org/typo", service), trouble: none, failed: "1 of the checks failed",
			says: []string{"FAIL  repository octo-org/typo: get_repository: GET /repos/octo-org/typo: 404 Not Found", "ok    repository octo-org/service-1: 3 runs\n"},
		},
		"no such organization": {
			trouble: fault(simulator.Fault{Kind: simulator.NotFound, Endpoint: "org_repos"}), failed: "1 of the checks failed",
			says: []string{"FAIL  organization octo-org: list_org_repositories: GET /orgs/octo-org/repos: 404 Not Found"},
		},
		"no rights on one repository": {
			trouble: fault(simulator.Fault{Kind: simulator.Forbidden, Repository: service}), failed: "1 of the checks failed",
			says: []string{"FAIL  repository octo-org/service-1: list_runs: GET /repos/octo-org/service-1/actions/runs: 403 Forbidden: Resource not accessible by personal access token (accepted permissions: actions=read)\n", "ok    repository octo-org/service-2: 0 runs\n"},
		},
		"a token that is refused": {
			options: simulator.Options{Token: "another"}, trouble: none, failed: "2 of the checks failed",
			says: []string{
				"FAIL  http://ghes.test/api/v3: get_rate_limit: GET /rate_limit: 401 Unauthorized: Bad credentials (accepted permissions: actions=read): asked with the token of environment variable GITHUB_TOKEN\n",
				"FAIL  organization octo-org: ",
			},
		},
		"no token file": {
			config: func(c *config.Config) { c.GitHub.TokenFile = "/no/such/token" }, trouble: none, failed: "1 of the checks failed",
			says: []string{"FAIL  token file /no/such/token: no such file; create it or set github.token_file\n"},
		},
		"no answer": {
			trouble: fault(simulator.Fault{Kind: simulator.Reset}), failed: "2 of the checks failed",
			says: []string{"FAIL  http://ghes.test/api/v3: get_rate_limit: GET /rate_limit: no answer"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(config.TokenVariable, secret)
			synctest.Test(t, func(t *testing.T) {
				test.options.Repositories = simulator.Repositories(2, 0)
				w := newWorld(t, test.options, func(c *config.Config) { c.GitHub.TokenFromEnv = true })
				if test.config != nil {
					test.config(w.config)
				}
				for range 3 {
					w.add(success(time.Now()))
				}
				time.Sleep(3 * time.Hour)
				test.trouble(w)
				report, err := w.checked()
				if test.failed == "" && err != nil || test.failed != "" && (err == nil || err.Error() != test.failed) {
					t.Errorf("error %v, want %q", err, test.failed)
				}
				for _, want := range test.says {
					if !strings.Contains("\n"+report, "\n"+want) {
						t.Errorf("no line that begins with %q", want)
					}
				}
				if bad := strings.Count(report, "FAIL"); (bad > 0) != (test.failed != "") {
					t.Errorf("%d lines with FAIL", bad)
				}
				if strings.Contains(report, secret) {
					t.Error("the token is shown")
				}
				if t.Failed() {
					t.Log(report)
				}
			})
		})
	}
}

// TestCheckKeepsTheReserve: a check of many repositories stops where the exporter would, and does not blame repositories
// for a limit.
func TestCheckKeepsTheReserve(t *testing.T) {
	for name, test := range map[string]struct {
		repositories int
		options      simulator.Options
		reserve      float64
		trouble      func(*world)
		left         int    // of the limit
		failed       string // the error; "" for none
		says         []string
	}{
		"more repositories than requests": {
			repositories: 70, options: simulator.Options{PrimaryLimit: 60}, reserve: 0.1, left: 6,
			says: []string{
				"ok    organization octo-org: 70 repositories, 70 of them to be watched\n",
				"note  18 repositories not tried: what is left of the rate limit, 6 of 60 requests until 2000-01-01T01:00:00Z, is the reserve (github.rate_limit_reserve)\n",
			},
		},
		"no reserve": {
			repositories: 70, options: simulator.Options{PrimaryLimit: 60}, left: 0,
			says: []string{"note  12 repositories not tried: nothing is left of the rate limit of 60 requests until 2000-01-01T01:00:00Z\n"},
		},
		"others use the token": {
			repositories: 20, options: simulator.Options{PrimaryLimit: 1000}, reserve: 0.1, left: 100,
			trouble: func(w *world) { w.github.Spend("", 890) },
			says:    []string{"note  12 repositories not tried: what is left of the rate limit, 100 of 1000 requests"},
		},
		"enough for all": {repositories: 70, options: simulator.Options{PrimaryLimit: 80}, reserve: 0.1, left: 8},
		"used up": {
			repositories: 3, options: simulator.Options{PrimaryLimit: 60}, left: 0,
			trouble: func(w *world) { w.github.Spend("", 60) }, failed: "1 of the checks failed",
			says: []string{"FAIL  no repository tried: nothing is left of the rate limit of 60 requests until 2000-01-01T01:00:00Z\n"},
		},
		"a limit that was not foretold": {
			repositories: 3, trouble: func(w *world) {
				w.github.Faults().Set("limit", simulator.Fault{Kind: simulator.SecondarySeconds, Repository: "octo-org/service-2"})
			},
			says: []string{
				"ok    repository octo-org/service-1: 0 runs\n",
				"note  2 repositories not tried: list_runs: GET /repos/octo-org/service-2/actions/runs: 403 Forbidden, secondary rate limit, retry after 1m0s",
			},
		},
		"while a list is read": {
			repositories: 250, options: simulator.Options{PrimaryLimit: 60}, reserve: 0.1, left: 6,
			trouble: func(w *world) { w.github.Spend("", 51) }, failed: "1 of the checks failed",
			says: []string{
				"note  organization octo-org: not listed to its end, 200 repositories so far\n",
				"FAIL  no repository tried: what is left of the rate limit, 6 of 60 requests",
			},
		},
		"named ones come first": {
			repositories: 70, options: simulator.Options{PrimaryLimit: 60}, reserve: 0.1, left: 6,
			trouble: func(w *world) { w.config.Targets.Repositories = []string{"octo-org/Service-69", "octo-org/service-70"} },
			says: []string{
				"ok    repository octo-org/service-69: 0 runs\n", "ok    repository octo-org/service-70: 0 runs\n", "note  20 repositories not tried: ",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.options.Repositories = simulator.Repositories(test.repositories, 0)
				w := newWorld(t, test.options, func(c *config.Config) { c.GitHub.RateLimitReserve = test.reserve })
				if test.trouble != nil {
					test.trouble(w)
				}
				begun := time.Now()
				report, err := w.checked()
				if test.failed == "" && err != nil || test.failed != "" && (err == nil || err.Error() != test.failed) {
					t.Errorf("error %v, want %q", err, test.failed)
				}
				for _, want := range test.says {
					if !strings.Contains("\n"+report, "\n"+want) {
						t.Errorf("no line that begins with %q", want)
					}
				}
				if left, _ := w.github.Remaining(""); left != test.left {
					t.Errorf("%d requests are left, want %d", left, test.left)
				}
				if n, took := w.github.Requests().Total, time.Since(begun); float64(n-20) > 10*took.Seconds() { // as polling does, bursts aside
					t.Errorf("%d requests in %s", n, took)
				}
				if t.Failed() {
					t.Log(report)
				}
			})
		})
	}
}

// TestCheckByTheProgram: exit codes, and that nothing is written.
func TestCheckByTheProgram(t *testing.T) {
	t.Parallel()
	github, api := loopback(t, pastWorld(1, 0))
	p := newPlace(t, watching(api))
	command := []string{"check", "--config.file=" + p.config}
	code, stdout, stderr := run(t, nil, command...)
	if code != 0 || stderr != "" || !holds(stdout, []string{"configuration: valid", "organization octo-org: 3 repositories", "repository octo-org/c:"}) {
		t.Errorf("exit code %d:\n%s%s", code, stdout, stderr)
	}
	github.Faults().Set("denied", simulator.Fault{Kind: simulator.Forbidden, Repository: "octo-org/b"})
	code, stdout, stderr = run(t, nil, command...)
	if code != 1 || strings.Count(stdout, "FAIL") != 1 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "1 of the checks failed") {
		t.Errorf("exit code %d:\n%s%s", code, stdout, stderr)
	}
	p.write(p.config, watching(api)+"metrics: {series_limit: 0}\n")
	refused(t, command, "config.yml:4", "metrics.series_limit")
	refused(t, []string{"ledger", "check", "--config.file=" + p.config}, "config.yml:4") // no ledger was made, nor looked for
}
