package app

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

const (
	up       = namespace + "_up"
	failures = namespace + "_poll_failures_total"
	secret   = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"
)

// listen keeps what the program logs from the next start on.
func (w *world) listen() *lines {
	said := &lines{}
	logger, err := NewLogger(said, "logfmt", "debug")
	if err != nil {
		w.Fatal(err)
	}
	w.logger = logger.Logger
	return said
}

// scrape reads the handler's answer.
func (w *world) scrape() scrape {
	w.Helper()
	answer := httptest.NewRecorder()
	w.exporter.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		w.Fatalf("/metrics answers %d: %s", answer.Code, answer.Body)
	}
	s, err := parseScrape(answer.Body.String())
	if err != nil {
		w.Fatal(err)
	}
	return s
}

// shows checks one value of /metrics.
func (w *world) shows(want float64, name string, labels ...string) {
	w.Helper()
	if got := w.scrape().value(name, labels...); got != want {
		w.Errorf("%s %s is %v, want %v", name, labels, got, want)
	}
}

// failed checks that failures are counted for a repository and reason, and that they were said once.
func (w *world) failed(said *lines, repository, reason string, texts ...string) {
	w.Helper()
	if n := w.scrape().value(failures, "repository", repository, "reason", reason); n < 1 {
		w.Errorf("no failure counted of %s for %s", repository, reason)
	}
	if texts = append(texts, "level=warn", repository, "reason="+reason); !said.has(texts...) {
		w.Errorf("no line with %q in\n%s", texts, said.text())
	}
	if n := strings.Count(said.text(), "level=warn"); n > 10 {
		w.Errorf("%d warnings, want each trouble said once:\n%s", n, said.text())
	}
	if strings.Contains(said.text(), secret) {
		w.Errorf("the token was logged:\n%s", said.text())
	}
}

// soon is how quickly a mended token has to be noticed; eventually the same for what GitHub alone can mend.
const (
	soon       = 30 * time.Second
	eventually = 20 * time.Minute // poll.max_interval is 15
)

// mended waits and checks that all is well then, and that nothing was lost.
func (w *world) mended(within time.Duration) {
	w.Helper()
	time.Sleep(within)
	w.shows(1, up)
	w.shows(0, namespace+"_repositories", "state", "failing")
	w.settle()
	w.matchesTruth()
	if n := total(w.counted().Counters[jobConclusions]); n == 0 {
		w.Error("nothing was counted")
	}
}

// secured is a GitHub that wants a token, and a configuration that reads it from a file, which need not be there.
func secured(t *testing.T) (w *world, file string) {
	file = filepath.Join(t.TempDir(), "token")
	w = newWorld(t, simulator.Options{Seed: 3, Token: secret, Repositories: simulator.Repositories(2, 48)},
		func(c *config.Config) { c.GitHub.TokenFile = file })
	return w, file
}

func writeToken(t *testing.T, file, token string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTokenThatCannotBeUsed(t *testing.T) {
	for name, test := range map[string]struct {
		token string // "" for no file
		says  string
	}{
		"no file":       {"", "no such file"},
		"empty file":    {"\n", "is empty; write the token into it"},
		"two tokens":    {secret + "\n" + secret, "must hold one token and nothing else"},
		"another token": {"ghp_another", "asked with the token file"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, file := secured(t)
				if test.token != "" {
					writeToken(t, file, test.token)
				}
				said := w.listen()
				w.start()
				defer func() { w.stop() }()
				time.Sleep(time.Hour)
				if name == "another token" { // GitHub's word, for each target
					w.failed(said, "octo-org", "unauthorized", file, test.says)
				} else if !said.has("level=error", "no token", file, test.says) || strings.Count(said.text(), `err="token file`) != 1 {
					t.Errorf("want one line with %q in\n%s", test.says, said.text())
				}
				w.shows(0, up)
				if n := w.github.Requests().Total; n > 60 {
					t.Errorf("%d requests in an hour without a token", n)
				}
				writeToken(t, file, secret)
				time.Sleep(soon)
				if !said.has("level=info", "target can be read again") {
					t.Errorf("the end of the trouble was not said:\n%s", said.text())
				}
				w.mended(0)
			})
		})
	}
}

func TestTokenThatExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, file := secured(t)
		writeToken(t, file, secret)
		said := w.listen()
		w.start()
		defer func() { w.stop() }()
		time.Sleep(2 * time.Hour)
		w.shows(1, up)

		w.github.SetTokens("ghp_the_next")
		time.Sleep(2 * time.Hour)
		w.shows(0, up)
		w.shows(2, namespace+"_repositories", "state", "failing")
		for _, repository := range []string{"octo-org/service-1", "octo-org/service-2"} { // the one asked and the one not asked
			if n := w.scrape().value(failures, "repository", repository, "reason", "unauthorized"); n < 1 {
				t.Errorf("no failure counted of %s", repository)
			}
		}
		if texts := []string{"level=warn", "octo-org/service-", "reason=unauthorized", "401", file}; !said.has(texts...) {
			t.Errorf("no line with %q in\n%s", texts, said.text())
		}
		writeToken(t, file, "ghp_the_next")
		time.Sleep(soon)
		w.shows(1, up)
		w.shows(0, namespace+"_repositories", "state", "failing")

		// The same token is taken again: nothing here can tell, but the next try.
		w.github.Faults().Set("revoked", simulator.Fault{Kind: simulator.Unauthorized})
		time.Sleep(2 * time.Hour)
		w.shows(0, up)
		w.github.Faults().ClearAll()
		w.mended(eventually)
	})
}

// A token that is refused is refused for every repository: it is tried slowly, however many there are, said once, and seen
// also when GitHub locks out who goes on trying.
func TestTokenThatIsRefusedIsTriedSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "token")
		repositories := longer(20, 100)
		w := newWorld(t, simulator.Options{Seed: 3, Token: secret, Repositories: simulator.Repositories(repositories, 1)},
			func(c *config.Config) { c.GitHub.TokenFile = file })
		var refused atomic.Int32
		w.transport = tampering{w.transport, func(answer *http.Response, body string) string {
			if answer.StatusCode == http.StatusUnauthorized && refused.Add(1) > 10 {
				answer.StatusCode = http.StatusForbidden
				return `{"message":"Maximum number of login attempts exceeded. Please try again later."}`
			}
			return body
		}}
		writeToken(t, file, secret)
		said := w.listen()
		w.start()
		defer func() { w.stop() }()
		time.Sleep(2 * time.Hour)
		w.github.SetTokens("ghp_the_next")
		for range 3 {
			refused.Store(8)
			time.Sleep(time.Hour)
			if n := refused.Load() - 8; n < 3 || n > 9+9+4 { // eight visits and the discovery may be under way together and ask /rate_limit, then four an hour
				t.Errorf("%d requests with a refused token in an hour", n)
			}
			w.shows(0, up)
			w.shows(float64(repositories), namespace+"_repositories", "state", "failing")
		}
		if n := strings.Count(said.text(), "level=warn"); n > 12 {
			t.Errorf("%d warnings of one trouble", n)
		}
		writeToken(t, file, "ghp_the_next")
		time.Sleep(2 * time.Minute)
		w.shows(1, up)
		w.shows(0, namespace+"_repositories", "state", "failing")
	})
}

func TestTokenOfTheEnvironment(t *testing.T) {
	for name, test := range map[string]struct{ token, says string }{
		"refused": {secret, "asked with the token of environment variable GITHUB_TOKEN"},
		"none":    {"", "asked without a token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(config.TokenVariable, test.token)
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, simulator.Options{Token: "another", Repositories: simulator.Repositories(1, 24)},
					func(c *config.Config) { c.GitHub.TokenFromEnv = test.token != "" })
				said := w.listen()
				w.start()
				defer w.stop()
				time.Sleep(time.Minute)
				w.failed(said, "octo-org", "unauthorized", "401", test.says)
				w.shows(0, up)
			})
		})
	}
}

// A token without rights on one repository: GitHub tells which permission is missing, the others go on.
func TestRepositoryWithoutRights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, file := secured(t)
		writeToken(t, file, secret)
		w.github.Faults().Set("denied", simulator.Fault{Kind: simulator.Forbidden, Repository: service})
		said := w.listen()
		w.start()
		defer func() { w.stop() }()
		time.Sleep(3 * time.Hour)
		w.failed(said, service, "forbidden", "403", "Resource not accessible", "accepted permissions: actions=read")
		w.shows(1, up)
		w.shows(1, namespace+"_repositories", "state", "failing")
		w.shows(1, namespace+"_repositories", "state", "watched")
		s := w.scrape()
		if s.value(failures, "repository", "octo-org/service-2", "reason", "forbidden") != -1 {
			t.Error("the other repository fails too")
		}
		if at := s.value(namespace+"_poll_last_success_timestamp_seconds", "repository", "octo-org/service-2"); time.Since(time.Unix(int64(at), 0)) > eventually {
			t.Error("the other repository is not polled any more")
		}
		w.github.Faults().ClearAll()
		w.mended(eventually)
	})
}

func TestOrganizationThatCannotBeListed(t *testing.T) {
	for reason, kind := range map[string]simulator.Kind{"forbidden": simulator.Forbidden, "not_found": simulator.NotFound} {
		t.Run(reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, file := secured(t)
				writeToken(t, file, secret)
				w.github.Faults().Set("denied", simulator.Fault{Kind: kind, Endpoint: "org_repos"})
				said := w.listen()
				w.start()
				defer func() { w.stop() }()
				time.Sleep(3 * time.Hour)
				w.failed(said, "octo-org", reason, `target="organization octo-org"`, "/orgs/octo-org/repos", "accepted permissions")
				w.shows(1, up)
				w.shows(0, namespace+"_repositories", "state", "watched")
				w.github.Faults().ClearAll()
				time.Sleep(eventually)
				w.shows(2, namespace+"_repositories", "state", "watched")

				// Once known, its repositories go on being watched.
				w.github.Faults().Set("denied", simulator.Fault{Kind: kind, Endpoint: "org_repos"})
				time.Sleep(3 * time.Hour)
				w.shows(2, namespace+"_repositories", "state", "watched")
				w.mended(0)
			})
		})
	}
}

func TestGitHubDownAtTheStart(t *testing.T) {
	for reason, fault := range map[string]simulator.Fault{
		"network": {Kind: simulator.Reset},
		"server":  {Kind: simulator.ServerError, Status: 503},
		"body":    {Kind: simulator.HTML},
	} {
		t.Run(reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, file := secured(t)
				writeToken(t, file, secret)
				w.github.Faults().Set("down", fault)
				said := w.listen()
				w.start()
				defer func() { w.stop() }()
				time.Sleep(5 * time.Hour)
				w.failed(said, "octo-org", reason)
				w.shows(0, up)
				w.github.Faults().ClearAll()
				w.mended(eventually)
			})
		})
	}
}

// Only GitHub's times count: with a local clock minutes off, totals are the same, and what counts begins at the same time.
func TestClocksApart(t *testing.T) {
	for name, skew := range map[string]time.Duration{"ahead": 7 * time.Minute, "behind": -7 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := handmade(t, func(c *config.Config) {
					c.Poll.Interval = config.Duration(10 * time.Minute)
					c.Poll.Lookback = config.Duration(time.Hour)
				})
				const every = 7*time.Minute + 30*time.Second
				for i := range 80 {
					start := time.Now().Add(time.Duration(i) * every)
					run := w.add(success(start))
					if i%5 == 0 {
						w.addAttempt(run, success(start.Add(every)).Attempts[0])
					}
				}
				time.Sleep(3 * time.Hour)
				w.github.Faults().Set("skew", simulator.Fault{Kind: simulator.ClockSkew, Delay: skew})
				began := time.Now()
				w.start()
				defer func() { w.stop() }()
				time.Sleep(4 * time.Hour)
				if got := w.scrape().value(namespace + "_clock_skew_seconds"); got < skew.Seconds()-2 || got > skew.Seconds()+2 {
					t.Errorf("a skew of %v s is shown, want %v", got, skew.Seconds())
				}
				if since, want := w.since(service), began.Add(skew-time.Hour); since.Sub(want).Abs() > 2*time.Second {
					t.Errorf("counts since %s, want %s by GitHub's clock", since, want)
				}
				w.restart()
				time.Sleep(4 * time.Hour)
				w.matchesTruth()
				if n := total(w.counted().Counters[runConclusions]); n < 60 {
					t.Errorf("only %v runs were counted", n)
				}
			})
		})
	}
}
