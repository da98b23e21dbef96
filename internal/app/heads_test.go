package app

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/collector/hint"
	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

// TestGraphQLOfADay: GraphQL tells where runs have ended for next to nothing, and what it does not tell costs some time, never a
// count.
func TestGraphQLOfADay(t *testing.T) {
	for _, test := range []struct {
		name    string
		options simulator.Options
		trouble bool // one answer in twenty fails, and all of half an hour
		live    bool
		most    float64       // times the floor
		half    time.Duration // of the attempts are closed within it
		late    time.Duration // and 95 of 100 within this
		points  [2]int        // that it costs
		trusted bool
	}{
		{name: "all is told", most: 1.3, half: 30 * time.Second, late: time.Minute, points: [2]int{1000, 3000}, trusted: true},
		{name: "one in twenty fails, half an hour, and all that is long", options: simulator.Options{GraphQLNodes: 40}, trouble: true, most: 1.3, half: 30 * time.Second, late: 5 * time.Minute, points: [2]int{1000, 6000}, trusted: true},
		{name: "poll.live", live: true, most: 2.6, half: 30 * time.Second, late: time.Minute, points: [2]int{1000, 3000}, trusted: true},
		{name: "too few points", options: simulator.Options{GraphQLPoints: 40}, most: 1.3, half: 5 * time.Minute, late: 10 * time.Minute, points: [2]int{100, 240}, trusted: true},
		{name: "not for this token", options: simulator.Options{GraphQL: simulator.GraphQLForbidden}, most: 1.45, half: 5 * time.Minute, late: 12 * time.Minute, points: [2]int{1, 20}},
		{name: "not on this server", options: simulator.Options{GraphQL: simulator.GraphQLMissing}, most: 1.45, half: 5 * time.Minute, late: 12 * time.Minute},
	} {
		if raceDetector && !test.trouble {
			continue // that one has all that the others have
		}
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				repositories := simulator.Repositories(3, 60)
				for i := range repositories {
					repositories[i].Rates = completeRates()
				}
				test.options.Seed, test.options.PrimaryLimit, test.options.Repositories = 7, 5000, repositories
				w := newWorld(t, test.options, func(c *config.Config) {
					c.GitHub.TokenFile = someToken(t)
					c.Poll.Live = test.live
				})
				time.Sleep(12 * time.Hour)
				w.start()
				defer func() { w.stop() }()
				time.Sleep(3 * time.Hour)
				w.github.ResetRequests()
				begin := time.Now()
				closed := w.watchClosings(begin)
				for passed := time.Duration(0); passed < 6*time.Hour; passed += 10 * time.Second {
					time.Sleep(10 * time.Second)
					closed.look()
					switch {
					case !test.trouble:
					case passed == time.Hour:
						w.github.Faults().Set("some", simulator.Fault{Kind: simulator.ServerError, Endpoint: "graphql", Probability: .05})
					case passed == 2*time.Hour:
						w.github.Faults().Set("all", simulator.Fault{Kind: simulator.ServerError, Endpoint: "graphql"})
					case passed == 150*time.Minute:
						w.github.Faults().Clear("all")
					}
				}
				r := w.github.Requests()
				floor := w.floor(begin, time.Now())
				ratio := float64(r.Counted) / float64(floor)
				lags := closed.ascending()
				figures := w.exporter.hints.Figures()[hint.GraphQL]
				t.Logf("%d counted requests and %d points, floor %d: %.2f times; by endpoint %v; attempts closed after p50 %s p95 %s max %s; %+v",
					r.Counted, r.Points, floor, ratio, r.CountedByEndpoint, quantile(lags, .5), quantile(lags, .95), quantile(lags, 1), figures)
				if ratio > test.most {
					t.Errorf("%.2f times the floor, want at most %.2f", ratio, test.most)
				}
				if half, late := quantile(lags, .5), quantile(lags, .95); half > test.half || late > test.late {
					t.Errorf("half of the attempts are closed after %s and 95 of 100 after %s, want %s and %s", half, late, test.half, test.late)
				}
				if r.Points < test.points[0] || r.Points > test.points[1] {
					t.Errorf("%d points, want %d to %d", r.Points, test.points[0], test.points[1])
				}
				if figures.Trusted != test.trusted || figures.Missed > 0 && !test.trouble {
					t.Errorf("trusted %t, %d missed", figures.Trusted, figures.Missed)
				}
				w.restart()
				w.settle()
				w.matchesTruth()
			})
		})
	}
}

// TestCheckGraphQL: check says whether GraphQL tells where runs have ended, and that nothing is lost where it does not.
func TestCheckGraphQL(t *testing.T) {
	for name, test := range map[string]struct {
		options simulator.Options
		change  func(*config.Config)
		want    string
	}{
		"told":                 {simulator.Options{}, func(*config.Config) {}, "ok    GraphQL tells where runs have ended; 4999 of 5000 points of its own limit left\n"},
		"a fine-grained token": {simulator.Options{GraphQL: simulator.GraphQLForbidden}, func(*config.Config) {}, "note  GraphQL: token may not read the state of runs, so runs that have ended are found a little later"},
		"no GraphQL":           {simulator.Options{GraphQL: simulator.GraphQLMissing}, func(*config.Config) {}, "note  GraphQL: graphql: POST /api/graphql: 404 Not Found"},
		"off":                  {simulator.Options{}, func(c *config.Config) { c.Hints.GraphQL = config.Off }, ""},
		"without a token":      {simulator.Options{}, func(c *config.Config) { c.GitHub.TokenFile = "" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.options.Repositories = simulator.Repositories(2, 50)
				w := newWorld(t, test.options, func(c *config.Config) {
					c.GitHub.TokenFile = someToken(t)
					test.change(c)
				})
				time.Sleep(12 * time.Hour)
				report, err := w.checked()
				if err != nil || !strings.Contains(report, test.want) || test.want == "" && strings.Contains(report, "GraphQL") {
					t.Errorf("%v, no line %q in\n%s", err, test.want, report)
				}
				if n := w.github.Requests().ByEndpoint["graphql"]; n > 1 {
					t.Errorf("GraphQL was asked %d times", n)
				}
			})
		})
	}
}
