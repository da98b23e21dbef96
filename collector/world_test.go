package collector

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/ledger"
	"github_workflow_exporter/collector/observe"
)

// worldStart is when the repository of these tests was first seen, and its since.
var worldStart = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// world is a ledger with one repository and a clock that is set by hand.
type world struct {
	t      testing.TB
	dir    string
	ledger *ledger.Ledger
	clock  time.Time
	next   int64
}

const worldRepository = 7

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), clock: worldStart}
	w.open()
	w.commit(ledger.Batch{Account: &ledger.Account{ID: worldRepository, Name: "octo-org/octo-repo", Since: worldStart}})
	t.Cleanup(func() { w.ledger.Close() })
	return w
}

func (w *world) open() {
	w.t.Helper()
	l, err := ledger.Open(ledger.Options{Dir: w.dir, Host: "https://api.github.com", Now: w.now})
	if err != nil {
		w.t.Fatal(err)
	}
	w.ledger = l
}

func (w *world) reopen() {
	w.t.Helper()
	if err := w.ledger.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

// crash goes on with a copy of the ledger's file as it is while the ledger is open.
func (w *world) crash() {
	w.t.Helper()
	dir := w.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(w.dir)); err != nil {
		w.t.Fatal(err)
	}
	if err := w.ledger.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.dir = dir
	w.open()
}

func (w *world) now() time.Time { return w.clock }

// swept ends the first sweep: what is born later is not baseline.
func (w *world) swept() {
	w.t.Helper()
	w.commit(ledger.Batch{Account: &ledger.Account{ID: worldRepository, Name: "octo-org/octo-repo", Since: worldStart, Swept: true}})
}

func (w *world) commit(b ledger.Batch) {
	w.t.Helper()
	b.Repository = worldRepository
	if _, err := w.ledger.Commit(w.t.Context(), b); err != nil {
		w.t.Fatal(err)
	}
}

// record commits samples as those of one new execution.
func (w *world) record(in ...observe.Sample) {
	w.t.Helper()
	w.next++
	e := ledger.Entry{Run: w.next, ID: w.next, Attempt: 1}
	for _, s := range in {
		e.Samples = append(e.Samples, ledger.Sample{Family: s.Family, Values: s.Values, Value: s.Value,
			Exemplar: &ledger.Exemplar{RunID: s.RunID, JobID: s.JobID, At: s.At}})
	}
	w.commit(ledger.Batch{Entries: []ledger.Entry{e}})
}

// reveal does what the program does from time to time.
func (w *world) reveal(initialZero time.Duration) {
	w.t.Helper()
	if _, err := w.ledger.Reveal(w.t.Context(), initialZero); err != nil {
		w.t.Fatal(err)
	}
}

// exposition shows the world with everything on.
func (w *world) exposition(edit ...func(*ExpositionOptions)) *Exposition {
	o := ExpositionOptions{NativeHistograms: true, Exemplars: true}
	for _, e := range edit {
		e(&o)
	}
	return NewExposition(w.ledger, nil, o)
}

// sampleOf makes a sample of a family whose labels are their own names, but for those given by name.
func sampleOf(id family.ID, value float64, labels map[string]string) observe.Sample {
	s := observe.Sample{Family: id, Value: value, At: worldStart.Add(time.Hour), RunID: 11, JobID: 101}
	for _, l := range family.Get(id).Labels {
		v, ok := labels[l]
		if !ok {
			v = l
		}
		s.Values = append(s.Values, v)
	}
	return s
}

func jobNamed(name string) map[string]string { return map[string]string{family.JobName: name} }

// fill records a small world that has every family, odd label values, and observations of all sizes.
func (w *world) fill() {
	w.t.Helper()
	success := map[string]string{family.Conclusion: "success", family.Repository: "octo-org/octo-repo"}
	odd := map[string]string{
		family.Conclusion: "failure", family.Repository: "octo-org/octo-repo", family.JobName: "build (\"a\\b\",\n1)",
		family.Label: "", family.Runner: "", family.Branch: "other", family.StepName: "Prüfen 😀", family.Workflow: "CI",
	}
	for id := range family.BranchRedSince {
		f := family.Get(id)
		switch f.Kind {
		case family.Counter:
			w.record(sampleOf(id, 1, success), sampleOf(id, 1, success), sampleOf(id, 1, odd))
		case family.Gauge:
			w.record(sampleOf(id, 1772362800, success), sampleOf(id, 1772362860.5, odd))
		case family.Histogram:
			w.record(sampleOf(id, 0, success), sampleOf(id, 12, success), sampleOf(id, 12.345, success), sampleOf(id, 500000, success), sampleOf(id, 61, odd))
		}
	}
}

// liveValues is a LiveSource.
type liveValues []LiveValue

func (l liveValues) Live() []LiveValue { return l }

func someLive() liveValues {
	values := func(label, status string) []string { return []string{"octo-org/octo-repo", "CI", label, status} }
	branch := []string{"octo-org/octo-repo", "CI", "main"}
	return liveValues{
		{Family: family.BranchRedSince, Values: branch, Value: 1772355600},
		{Family: family.BranchConsecutiveFailures, Values: branch, Value: 3},
		{Family: family.JobsNow, Values: values("ubuntu-latest", "queued"), Value: 3},
		{Family: family.JobsNow, Values: values("arm64", "in_progress"), Value: 1},
		{Family: family.OldestJob, Values: values("ubuntu-latest", "queued"), Value: 1772359200},
		{Family: family.OldestJob, Values: values("arm64", "in_progress"), Value: 1772359260},
	}
}

// manyJobs are the label values of a series of the job duration family, as a fleet has them.
func manyJobs(i int) []string {
	return []string{
		fmt.Sprintf("octo-org/service-%03d", i/500), fmt.Sprintf("Continuous integration %d", i/100%5),
		fmt.Sprintf("build and test (%d)", i%100/2), "GitHub Actions", "ubuntu-latest", []string{"success", "failure"}[i%2],
	}
}

// observations of one series: durations that spread over some buckets.
func observations(i, n int) []float64 {
	r := rand.New(rand.NewPCG(1, uint64(i)))
	out := make([]float64, n)
	typical := math.Exp(r.Float64()*6 + 2) // 7 s to 50 min
	for k := range out {
		out[k] = math.Round(typical * math.Exp(r.NormFloat64()*0.5))
	}
	return out
}
