package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	dto "github.com/prometheus/client_model/go"

	"github_workflow_exporter/collector"
	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/ledger"
	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

const basePath = "/api/v3"

// githubDotCom as a base path stands for the shape of github.com: none.
const githubDotCom = "-"

// world is a simulated GitHub and the whole program on it, both on one clock.
type world struct {
	*testing.T
	github    *simulator.GitHub
	transport http.RoundTripper
	config    *config.Config
	logger    log.Logger

	exporter *Exporter // nil while it is stopped
	cancel   func()
	ended    chan error
}

// newWorld makes a GitHub and a configuration that watches its organization. Call it within a synctest bubble.
func newWorld(t *testing.T, o simulator.Options, change ...func(*config.Config)) *world {
	t.Helper()
	base := basePath
	if o.BasePath == githubDotCom {
		base = ""
	}
	o.BasePath = base
	o.Start = time.Now()
	o.Now = time.Now
	github, err := simulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, github: github, transport: serveInMemory(t, github), logger: log.NewNopLogger()}
	if testing.Verbose() {
		w.logger = log.With(level.NewFilter(log.NewLogfmtLogger(t.Output()), level.AllowInfo()), "ts", log.DefaultTimestampUTC)
	}
	c := config.Default()
	c.GitHub.APIURL = "http://ghes.test" + base
	c.Failures.Annotations = config.AnnotationsOff
	organization := config.Owner{Name: "octo-org"}
	organization.SetDefaults()
	c.Targets.Organizations = []config.Owner{organization}
	c.Storage.Path = fastDir(t)
	c.Metrics.InitialZero = 0
	for _, f := range change {
		f(c)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	w.config = c
	return w
}

// start starts the exporter.
func (w *world) start() {
	w.Helper()
	e, err := Open(w.config, Options{Logger: w.logger, Transport: w.transport})
	// A process that another test starts has our files until it has become that program, which takes no time of the world's.
	for tries := 0; errors.Is(err, ledger.ErrLocked) && tries < 10_000; tries++ {
		runtime.Gosched()
		e, err = Open(w.config, Options{Logger: w.logger, Transport: w.transport})
	}
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	w.exporter, w.cancel, w.ended = e, cancel, ended
}

// stop stops the exporter in order.
func (w *world) stop() {
	w.Helper()
	w.cancel()
	if err := <-w.ended; err != nil {
		w.Errorf("running: %v", err)
	}
	if err := w.exporter.Close(); err != nil {
		w.Errorf("closing: %v", err)
	}
	w.exporter = nil
}

// restart stops the exporter and starts it again on the same ledger.
func (w *world) restart() {
	w.Helper()
	w.stop()
	w.start()
}

// since is what the exporter's accounts say.
func (w *world) since(repository string) time.Time {
	for _, a := range w.exporter.ledger.Accounts() {
		if strings.EqualFold(a.Name, repository) {
			return a.Since
		}
	}
	return time.Now()
}

// counted is what the exporter exposes, in the form of the truth.
func (w *world) counted() simulator.Truth {
	w.Helper()
	families, done, err := collector.NewGatherer(w.exporter.exposition, w.exporter.registry).Gather()
	if err != nil {
		w.Fatal(err)
	}
	defer done()
	return readTruth(families)
}

// readTruth reads an exposition as the truth is written.
func readTruth(families []*dto.MetricFamily) simulator.Truth {
	t := simulator.Truth{
		Counters:   map[string]map[string]float64{},
		Histograms: map[string]map[string]simulator.Distribution{},
		Gauges:     map[string]map[string]float64{},
		Discards:   map[string]int{},
	}
	for _, mf := range families {
		if _, known := family.ByName(mf.GetName()); !known {
			for _, m := range mf.GetMetric() {
				switch mf.GetName() {
				case "github_workflow_exporter_discarded_total":
					t.Discards[m.GetLabel()[0].GetValue()] = int(m.GetCounter().GetValue())
				case "github_workflow_exporter_executions_recorded_total":
					t.Executions = int(m.GetCounter().GetValue())
				}
			}
			continue
		}
		for _, m := range mf.GetMetric() {
			var pairs []string
			for _, l := range m.GetLabel() {
				pairs = append(pairs, l.GetName(), l.GetValue())
			}
			labels := simulator.Canonical(pairs...)
			switch {
			case m.Counter != nil:
				set(t.Counters, mf.GetName(), labels, m.GetCounter().GetValue())
			case m.Gauge != nil:
				set(t.Gauges, mf.GetName(), labels, m.GetGauge().GetValue())
			case m.Histogram != nil:
				set(t.Histograms, mf.GetName(), labels, simulator.Distribution{
					Count: m.GetHistogram().GetSampleCount(), Sum: m.GetHistogram().GetSampleSum(),
				})
			}
		}
	}
	return t
}

func set[V any](m map[string]map[string]V, name, labels string, value V) {
	if m[name] == nil {
		m[name] = map[string]V{}
	}
	m[name][labels] = value
}

// compare reports where what was counted differs from what happened.
func (w *world) compare(truth, counted simulator.Truth) {
	w.Helper()
	compareFamilies(w.T, truth.Counters, counted.Counters, func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }) // dollars are fractions
	compareFamilies(w.T, truth.Gauges, counted.Gauges, func(a, b float64) bool { return a == b })
	compareFamilies(w.T, truth.Histograms, counted.Histograms, func(a, b simulator.Distribution) bool {
		return a.Count == b.Count && math.Abs(a.Sum-b.Sum) < 1e-6
	})
	for _, reason := range keys(truth.Discards, counted.Discards) {
		if truth.Discards[reason] != counted.Discards[reason] {
			w.Errorf("discarded for %s: %d, truth %d", reason, counted.Discards[reason], truth.Discards[reason])
		}
	}
	if truth.Executions != counted.Executions {
		w.Errorf("%d executions recorded, truth %d", counted.Executions, truth.Executions)
	}
}

func compareFamilies[V any](t *testing.T, truth, counted map[string]map[string]V, equal func(a, b V) bool) {
	t.Helper()
	wrong := 0
	for _, name := range keys(truth, counted) {
		for _, labels := range keys(truth[name], counted[name]) {
			want, happened := truth[name][labels]
			got, shown := counted[name][labels]
			if happened == shown && equal(want, got) {
				continue
			}
			if wrong++; wrong <= 12 {
				t.Errorf("%s{%s}: counted %s, truth %s", name, labels, describe(got, shown), describe(want, happened))
			}
		}
	}
	if wrong > 12 {
		t.Errorf("and %d more series differ", wrong-12)
	}
}

func describe(v any, there bool) string {
	if !there {
		return "nothing"
	}
	return fmt.Sprint(v)
}

func keys[V any](a, b map[string]V) []string {
	all := map[string]bool{}
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// total adds up a family's counters.
func total(m map[string]float64) float64 {
	sum := 0.0
	for _, v := range m {
		sum += v
	}
	return sum
}
