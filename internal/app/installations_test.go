package app

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

const installationsShown = namespace + "_installations"

// appKey is made once: that takes a while.
var appKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// accounts are those with repositories in the worlds of installed.
var accounts = []string{"octo-org", "hexa-org", "mona"}

// installed is a world of three accounts with two repositories each, that a GitHub App watches where it is installed.
func installed(t *testing.T, perDay float64, rates *simulator.Rates, o simulator.Options, at []simulator.InstallationPlan, change ...func(*config.Config)) *world {
	t.Helper()
	o.App.Installed = at
	for _, account := range accounts {
		for n := range 2 {
			o.Repositories = append(o.Repositories, simulator.RepositoryPlan{
				Name: fmt.Sprintf("%s/service-%d", account, n+1), User: account == "mona", RunsPerDay: perDay, Rates: rates,
			})
		}
	}
	if o.PrimaryLimit == 0 {
		o.PrimaryLimit = 5000
	}
	asApp := throughApp(t, &o.App)
	return newWorld(t, o, append([]func(*config.Config){asApp}, change...)...)
}

// throughApp has a GitHub App known to GitHub, and gives the configuration that asks as it.
func throughApp(t *testing.T, plan *simulator.AppPlan) func(*config.Config) {
	t.Helper()
	plan.ID, plan.Key = "Iv1.test", &appKey().PublicKey
	path := filepath.Join(t.TempDir(), "app.pem")
	raw := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(appKey())})
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return func(c *config.Config) {
		c.GitHub.App = config.App{ClientID: "Iv1.test", PrivateKeyFile: path}
		c.Targets.Organizations = nil
	}
}

// appYAML is a configuration that watches through an App at an address that URL stands for, with a webhook, and makes the plan
// that App's.
func appYAML(t *testing.T, plan *simulator.AppPlan) string {
	t.Helper()
	c := config.Default()
	throughApp(t, plan)(c)
	hooked(t)(c)
	return "github: {api_url: URL, app: {client_id: " + c.GitHub.App.ClientID + ", private_key_file: " + c.GitHub.App.PrivateKeyFile +
		"}}\nwebhook: {secret_file: " + c.Webhook.SecretFile + "}\npoll: {interval: 1s, lookback: 240h}\n"
}

func everywhere() []simulator.InstallationPlan {
	return []simulator.InstallationPlan{{Login: "octo-org"}, {Login: "hexa-org"}, {Login: "mona", User: true}}
}

// watches tells which repositories have been polled.
func (w *world) watches() []string {
	names := map[string]bool{}
	for _, m := range w.scrape()[lastSuccess].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == "repository" {
				names[l.GetValue()] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (w *world) watchesOf(logins ...string) {
	w.Helper()
	var want []string
	for _, login := range logins {
		want = append(want, login+"/service-1", login+"/service-2")
	}
	slices.Sort(want)
	if got := w.watches(); !slices.Equal(got, want) {
		w.Errorf("watches %v, want %v", got, want)
	}
}

func says(t *testing.T, said *lines, text string) {
	t.Helper()
	if !said.has(text) {
		t.Errorf("no line with %q in\n%s", text, said.text())
	}
}

// TestAppDay: a day over three installations, with tokens that end all the time and a clock that is off, counts what happened.
func TestAppDay(t *testing.T) {
	for name, test := range map[string]struct {
		skew, life time.Duration
	}{
		"plain":                {0, 0},
		"a clock that is slow": {2 * time.Minute, 0},
		"a clock that is fast": {-2 * time.Minute, 0},
		"tokens of a minute":   {0, time.Minute},
		"tokens of seconds":    {0, 7 * time.Second},
	} {
		if raceDetector && test.life != 7*time.Second && test.skew >= 0 {
			continue // the others have all that it has
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := installed(t, 30, nil, simulator.Options{Seed: 11, End: time.Now().Add(10 * time.Hour), App: simulator.AppPlan{TokenLife: test.life}}, everywhere())
				if test.skew != 0 {
					w.github.Faults().Set("skew", simulator.Fault{Kind: simulator.ClockSkew, Delay: test.skew})
				}
				time.Sleep(3 * time.Hour)
				w.start()
				defer func() { w.stop() }()
				time.Sleep(2 * time.Hour)
				w.mustReload(func(*config.Config) {})
				time.Sleep(5 * time.Hour)
				w.restart()
				time.Sleep(8 * time.Hour) // what goes on comes to its end
				w.matchesTruth()
				w.watchesOf(accounts...)
				w.shows(3, installationsShown, "state", "active")
				s := w.scrape()
				for _, account := range accounts {
					if got := s.value(namespace+"_api_rate_limit", "credential", "installation/"+account, "resource", "core"); got != 5000 {
						t.Errorf("limit of %s: %v", account, got)
					}
				}
				if n := w.github.Requests().ByStatus[401]; n > 6 {
					t.Errorf("%d requests refused", n)
				}
			})
		})
	}
}

// TestAppInstallationsComeAndGo: what happens to one installation is nothing to the others, is said, and comes right by itself.
func TestAppInstallationsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plans := everywhere()[:2]
		plans[1].Permissions = map[string]string{"metadata": "read"} // actions not accepted yet
		w := installed(t, 0, nil, simulator.Options{}, plans)
		said := w.listen()
		w.start()
		defer func() { w.stop() }()
		time.Sleep(5 * time.Minute)
		w.watchesOf("octo-org")
		w.shows(1, installationsShown, "state", "not_permitted")
		says(t, said, "Actions: read")

		w.github.Install(simulator.InstallationPlan{Login: "hexa-org"}) // accepted
		w.github.Install(simulator.InstallationPlan{Login: "mona", User: true})
		if err := w.github.AddRepository(simulator.RepositoryPlan{Name: "octo-org/service-3"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Minute)
		if got := len(w.watches()); got != 7 {
			t.Errorf("%d repositories within a discovery interval, want 7: %v", got, w.watches())
		}
		w.shows(3, installationsShown, "state", "active")

		id := w.add(success(time.Now()))
		w.github.Suspend("octo-org", true)
		w.github.ResetRequests()
		time.Sleep(2 * time.Hour)
		w.shows(1, installationsShown, "state", "suspended")
		w.shows(3, repositories, "state", "failing")
		w.shows(4, repositories, "state", "watched")
		if n := w.github.Requests().ByEndpoint["access_tokens"]; n > 20 {
			t.Errorf("%d requests for tokens in two hours", n)
		}
		if n := w.counted().Counters[runConclusions]; len(n) != 0 {
			t.Errorf("counted while suspended: %v", n)
		}
		w.github.Suspend("octo-org", false)
		time.Sleep(15 * time.Minute)
		w.shows(7, repositories, "state", "watched")
		if len(w.counted().Counters[runConclusions]) != 1 {
			t.Errorf("run %d was not counted after the suspension", id)
		}

		w.github.Uninstall("hexa-org")
		time.Sleep(15 * time.Minute)
		w.shows(5, repositories, "state", "watched")
		w.shows(0, repositories, "state", "failing")
		for _, name := range w.watches() {
			if strings.HasPrefix(name, "hexa-org/") {
				t.Errorf("%s is still shown", name)
			}
		}
		w.matchesTruth()
	})
}

// TestAppBudgets: an installation whose limit is used up waits alone.
func TestAppBudgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := installed(t, 0, nil, simulator.Options{PrimaryLimit: 300}, everywhere()[:2])
		w.start()
		defer func() { w.stop() }()
		time.Sleep(5 * time.Minute)
		w.github.Spend("installation/hexa-org", 300)
		for _, repo := range []string{"octo-org/service-1", "hexa-org/service-1"} {
			if _, err := w.github.AddRun(repo, success(time.Now())); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(15 * time.Minute)
		if got := fmt.Sprint(w.counted().Counters[runConclusions]); !strings.Contains(got, "octo-org") || strings.Contains(got, "hexa-org") {
			t.Errorf("octo-org has a budget and hexa-org has none: %v", w.counted().Counters[runConclusions])
		}
		time.Sleep(2 * time.Hour)
		w.matchesTruth()
	})
}

// TestAppTargets: the configuration narrows what is watched, and says what it cannot have.
func TestAppTargets(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*config.Config)
		want   []string
		says   string
	}{
		"installations named": {func(c *config.Config) { c.GitHub.App.Installations = []string{"Octo-Org", "elsewhere"} }, []string{"octo-org/service-1", "octo-org/service-2"}, "elsewhere"},
		"a repository":        {func(c *config.Config) { c.Targets.Repositories = []string{"hexa-org/service-2"} }, []string{"hexa-org/service-2"}, ""},
		"an organization": {func(c *config.Config) {
			o := config.Owner{Name: "hexa-org"}
			o.SetDefaults()
			c.Targets.Organizations = []config.Owner{o}
		}, []string{"hexa-org/service-1", "hexa-org/service-2"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := installed(t, 0, nil, simulator.Options{}, everywhere(), test.change)
				said := w.listen()
				w.start()
				defer func() { w.stop() }()
				time.Sleep(5 * time.Minute)
				if got := w.watches(); !slices.Equal(got, test.want) {
					t.Errorf("watches %v, want %v", got, test.want)
				}
				if test.says != "" {
					says(t, said, test.says)
				}
			})
		})
	}
}

// TestAppRefused: while the App itself is refused nothing is watched that is not known yet; a mended key is enough.
func TestAppRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := installed(t, 0, nil, simulator.Options{}, everywhere())
		right, err := os.ReadFile(w.config.GitHub.App.PrivateKeyFile)
		if err != nil {
			t.Fatal(err)
		}
		other, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		wrong := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(other)})
		write := func(raw []byte) {
			if err := os.WriteFile(w.config.GitHub.App.PrivateKeyFile, raw, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(wrong)
		said := w.listen()
		w.start()
		defer func() { w.stop() }()
		time.Sleep(time.Hour)
		says(t, said, "installations of the GitHub App cannot be listed")
		w.shows(0, namespace+"_up")
		if n := w.github.Requests().Total; n > 60 {
			t.Errorf("%d requests in an hour of refusals", n)
		}
		write(right)
		time.Sleep(20 * time.Minute)
		w.watchesOf(accounts...)
	})
}

// TestAppCheck: each installation says for itself how it is.
func TestAppCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plans := everywhere()
		plans[0].Permissions = map[string]string{"actions": "read", "metadata": "read"}
		plans[1].Permissions = map[string]string{"metadata": "read"}
		w := installed(t, 0, nil, simulator.Options{}, plans, func(c *config.Config) {
			c.GitHub.App.Installations = []string{"octo-org", "hexa-org", "mona", "elsewhere"}
		})
		w.github.Suspend("mona", true)
		report, err := w.checked()
		if err == nil || err.Error() != "3 of the checks failed" {
			t.Errorf("%v", err)
		}
		for _, line := range []string{
			"ok    http://ghes.test/api/v3 knows GitHub App Iv1.test; it is installed at 3 accounts\n",
			"ok    http://ghes.test/api/v3 answers as installation/octo-org; 5000 of 5000 requests left until ",
			"note  installation/octo-org: it has not accepted Checks: read",
			"note  log of deliveries of the GitHub App: it is empty",
			"ok    organization octo-org: 2 repositories, 2 of them to be watched\n",
			"FAIL  installation/hexa-org: not_permitted: an owner of the account has to accept the App's permission Actions: read",
			"FAIL  installation/mona: suspended: an owner of the account has to lift the suspension",
			"FAIL  elsewhere: the GitHub App is not installed there",
		} {
			if !strings.Contains(report, line) {
				t.Errorf("no line %q in\n%s", line, report)
			}
		}
		if err := os.WriteFile(w.config.GitHub.App.PrivateKeyFile, []byte("none"), 0o600); err != nil {
			t.Fatal(err)
		}
		if report, err = w.checked(); err == nil || !strings.Contains(report, w.config.GitHub.App.PrivateKeyFile+": no RSA private key") {
			t.Errorf("%v\n%s", err, report)
		}
	})
}

// TestDeliveryLogOfADay: the log of deliveries tells as a webhook does, and what it loses costs some time, never a count.
func TestDeliveryLogOfADay(t *testing.T) {
	for _, test := range []struct {
		name string
		app  simulator.AppPlan
		gap  bool
		most float64
		late time.Duration // 95 of 100 attempts are closed within it
	}{
		{"all is told", simulator.AppPlan{DeliveryLag: 10 * time.Second}, false, 1.25, time.Minute},
		{"one in twenty is lost, and half an hour", simulator.AppPlan{DeliveryLag: 10 * time.Second, DeliveriesLost: .05}, true, 1.6, time.Hour},
	} {
		if raceDetector && !test.gap {
			continue // the other has all that it has
		}
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := installed(t, 60, completeRates(), simulator.Options{Seed: 7, PrimaryLimit: 5000, App: test.app}, everywhere(), func(c *config.Config) {
					c.Poll.Live, c.Hints.GraphQL = false, config.Off
				})
				time.Sleep(12 * time.Hour)
				w.start()
				defer func() { w.stop() }()
				time.Sleep(3 * time.Hour)
				w.shows(1, namespace+"_hint_trusted", "source", "deliveries")
				w.github.ResetRequests()
				begin := time.Now()
				closed := w.watchClosings(begin)
				end := begin.Add(6 * time.Hour)
				for time.Now().Before(end) {
					time.Sleep(10 * time.Second)
					closed.look()
					if passed := time.Since(begin); test.gap && (passed == 2*time.Hour || passed == 150*time.Minute) {
						w.github.StopDeliveries(passed == 2*time.Hour)
					}
				}
				r := w.github.Requests()
				own := 0 // of the App's own limit
				for _, endpoint := range []string{"app_deliveries", "installations", "access_tokens"} {
					own += r.CountedByEndpoint[endpoint]
				}
				floor := w.floor(begin, time.Now())
				ratio := float64(r.Counted-own) / float64(floor)
				lags := closed.ascending()
				t.Logf("%d counted requests, floor %d: %.2f times, and %d of the App's own limit; by endpoint %v; attempts closed after p50 %s p95 %s max %s; %+v",
					r.Counted-own, floor, ratio, own, r.CountedByEndpoint, quantile(lags, .5), quantile(lags, .95), quantile(lags, 1), w.exporter.hints.Figures())
				if ratio > test.most {
					t.Errorf("%.2f times the floor, want at most %.2f", ratio, test.most)
				}
				if late := quantile(lags, .95); late > test.late {
					t.Errorf("95 of 100 attempts are closed after %s, want %s", late, test.late)
				}
				w.restart()
				w.settle()
				truth, counted := w.github.Truth(simulator.TruthQuery{Since: w.since}), w.counted()
				withoutRecoveries(truth, counted)
				w.compare(truth, counted)
			})
		})
	}
}

// TestOrganizationHook: the log of an organization's webhook tells a token too, and check tries it.
func TestOrganizationHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Repositories: simulator.Repositories(1, 0)}, func(c *config.Config) {
			c.Hints.OrganizationHooks = []config.OrganizationHook{{Organization: "octo-org", ID: simulator.OrganizationHook}, {Organization: "octo-org", ID: 1}}
		})
		w.start()
		defer func() { w.stop() }()
		time.Sleep(2 * time.Hour) // so that nobody looks soon
		w.add(simulator.SimpleRun("CI", time.Now(), time.Minute, "success"))
		time.Sleep(time.Minute + 40*time.Second)
		w.matchesTruth()
		w.shows(1, namespace+"_hints_total", "source", "deliveries", "outcome", "useful")
		report, err := w.checked()
		if err == nil || !strings.Contains(report, "ok    log of deliveries of webhook octo-org: the last one was ") ||
			!strings.Contains(report, "FAIL  log of deliveries of webhook 1 of octo-org: list_hook_deliveries: ") {
			t.Errorf("%v\n%s", err, report)
		}
	})
}
