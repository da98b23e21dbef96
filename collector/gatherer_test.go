package collector

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github_workflow_exporter/collector/family"
)

func namesOf(families []*dto.MetricFamily) []string {
	var out []string
	for _, mf := range families {
		out = append(out, mf.GetName())
	}
	return out
}

func TestGathererMergesTheRegistrySorted(t *testing.T) {
	w := newWorld(t)
	w.record(sampleOf(family.JobConclusions, 1, nil), sampleOf(family.RunConclusions, 1, nil))
	reg := prometheus.NewRegistry()
	for _, name := range []string{"go_x", "github_workflow_k", "z"} {
		reg.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: "Help."}))
	}
	families, done, err := NewGatherer(w.exposition(), reg).Gather()
	if err != nil {
		t.Fatal(err)
	}
	done()
	want := []string{"github_workflow_job_conclusions_total", "github_workflow_k", "github_workflow_run_conclusions_total", "go_x", "z"}
	if diff := cmp.Diff(want, namesOf(families)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestGathererPassesErrorsWithAllThatCouldBeGathered(t *testing.T) {
	w := newWorld(t)
	w.record(sampleOf(family.JobConclusions, 1, nil))
	broken := errors.New("broken collector")
	reg := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		name := "other"
		return []*dto.MetricFamily{{Name: &name}}, broken
	})
	families, done, err := NewGatherer(w.exposition(), reg).Gather()
	if !errors.Is(err, broken) || done == nil {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff([]string{"github_workflow_job_conclusions_total", "other"}, namesOf(families)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestGathererRefusesAFamilyTwice(t *testing.T) {
	w := newWorld(t)
	w.record(sampleOf(family.JobConclusions, 1, nil))
	e := w.exposition()
	reg := prometheus.NewRegistry()
	reg.MustRegister(e)
	families, _, err := NewGatherer(e, reg).Gather()
	if err == nil || !strings.Contains(err.Error(), "github_workflow_job_conclusions_total") {
		t.Errorf("error %v, want one that names the family", err)
	}
	if len(families) != 1 {
		t.Errorf("families %v, want it once", namesOf(families))
	}
}

func TestLiveGauges(t *testing.T) {
	w := newWorld(t)
	families := NewExposition(w.ledger, someLive(), ExpositionOptions{}).Families()
	want := []string{
		"github_workflow_branch_consecutive_failures", "github_workflow_branch_red_since_timestamp_seconds",
		"github_workflow_jobs", "github_workflow_oldest_job_timestamp_seconds",
	}
	if diff := cmp.Diff(want, namesOf(families)); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	jobs := families[2].Metric
	if len(jobs) != 2 || jobs[0].Gauge.GetValue() != 1 || jobs[1].Gauge.GetValue() != 3 {
		t.Errorf("%v, want arm64 before ubuntu-latest", jobs)
	}
	if f := NewExposition(w.ledger, liveValues(nil), ExpositionOptions{}).Families(); len(f) != 0 {
		t.Errorf("%v of nothing", f)
	}
}

var accepts = map[string]string{
	"text":        "text/plain;version=0.0.4",
	"openmetrics": "application/openmetrics-text;version=1.0.0",
	"protobuf":    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
}

func handler(g prometheus.TransactionalGatherer) http.Handler {
	return promhttp.HandlerForTransactional(g, promhttp.HandlerOpts{EnableOpenMetrics: true, ErrorHandling: promhttp.ContinueOnError})
}

func request(format string, zip bool) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", accepts[format])
	if zip {
		r.Header.Set("Accept-Encoding", "gzip")
	}
	return r
}

// Writers and scrapes in all formats, for the race detector, and every scrape has to be whole.
func TestConcurrentScrapes(t *testing.T) {
	w := newWorld(t)
	w.fill()
	e := NewExposition(w.ledger, someLive(), ExpositionOptions{Exemplars: true, NativeHistograms: true})
	h := handler(NewGatherer(e, prometheus.NewRegistry()))
	reg := prometheus.NewRegistry()
	reg.MustRegister(e)

	var scrapes, writes sync.WaitGroup
	stop := make(chan struct{})
	writes.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			labels := jobNamed(string(rune('a' + i%26)))
			w.record(sampleOf(family.JobDuration, float64(i), labels), sampleOf(family.JobConclusions, 1, labels), sampleOf(family.RunLastCompletion, float64(i), nil))
			if i%20 == 19 {
				if _, err := w.ledger.Expire(t.Context(), worldStart.Add(48*time.Hour), 24*time.Hour, nil); err != nil {
					t.Error(err)
				}
			}
			if i%7 == 0 {
				e.Configure(ExpositionOptions{Exemplars: i%2 == 0, NativeHistograms: i%3 == 0})
			}
		}
	})
	for format := range accepts {
		for _, zip := range []bool{false, true} {
			scrapes.Go(func() {
				for range 10 {
					rec := httptest.NewRecorder()
					h.ServeHTTP(rec, request(format, zip))
					if rec.Code != http.StatusOK || rec.Body.Len() == 0 {
						t.Errorf("%s: status %d, %d bytes", format, rec.Code, rec.Body.Len())
					}
					if zip {
						z, err := gzip.NewReader(rec.Body)
						if err == nil {
							_, err = io.Copy(io.Discard, z)
						}
						if err != nil {
							t.Errorf("%s: %v", format, err)
						}
					}
					if _, err := reg.Gather(); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	scrapes.Wait()
	close(stop)
	writes.Wait()
}

// slowClient takes the first bytes of an answer and then waits.
type slowClient struct {
	*httptest.ResponseRecorder
	started chan struct{}
	proceed chan struct{}
	once    sync.Once
}

func (s *slowClient) Write(b []byte) (int, error) {
	s.once.Do(func() {
		close(s.started)
		<-s.proceed
	})
	return s.ResponseRecorder.Write(b)
}

func TestSlowClientHoldsNothingUp(t *testing.T) {
	w := newWorld(t)
	w.record(sampleOf(family.JobConclusions, 1, jobNamed("a")))
	e := w.exposition()
	h := handler(NewGatherer(e, prometheus.NewRegistry()))
	slow := &slowClient{ResponseRecorder: httptest.NewRecorder(), started: make(chan struct{}), proceed: make(chan struct{})}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		h.ServeHTTP(slow, request("text", false))
	}()
	<-slow.started
	w.record(sampleOf(family.JobConclusions, 1, jobNamed("a")), sampleOf(family.JobConclusions, 1, jobNamed("b")))
	wantShown(t, "while a client is slow", e, family.JobConclusions, map[string]float64{"a": 2, "b": 1})
	close(slow.proceed)
	<-finished
	if body := slow.Body.String(); !strings.Contains(body, `job_name="a"`) || strings.Contains(body, `job_name="b"`) {
		t.Errorf("the slow client got another scrape's answer:\n%s", body)
	}
}
