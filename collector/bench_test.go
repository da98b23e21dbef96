package collector

import (
	"fmt"
	"net/http"
	"runtime"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/ledger"
)

const observationsPerSeries = 20

// recordMany fills a ledger with histogram series of so many observations each.
func recordMany(b *testing.B, w *world, series, each int, exemplars bool) {
	b.Helper()
	const chunk = 5000
	for at := 0; at < series; at += chunk {
		e := ledger.Entry{Run: int64(at + 1), ID: int64(at + 1), Attempt: 1}
		for i := at; i < min(at+chunk, series); i++ {
			for k, v := range observations(i, each) {
				s := ledger.Sample{Family: family.JobDuration, Values: manyJobs(i), Value: v}
				if exemplars {
					s.Exemplar = &ledger.Exemplar{RunID: 12890516473 + int64(k), JobID: 35940519233 + int64(i), At: worldStart}
				}
				e.Samples = append(e.Samples, s)
			}
		}
		w.commit(ledger.Batch{Entries: []ledger.Entry{e}})
	}
	if n := len(w.ledger.Series(family.JobDuration)); n != series {
		b.Fatalf("%d series, want %d", n, series)
	}
}

func vecOf(series, each int) *prometheus.HistogramVec {
	f := family.Get(family.JobDuration)
	vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: f.Name, Help: f.Help, Buckets: f.Buckets, NativeHistogramBucketFactor: 1.1,
	}, f.Labels)
	for i := range series {
		o := vec.WithLabelValues(manyJobs(i)...)
		for _, v := range observations(i, each) {
			o.Observe(v)
		}
	}
	return vec
}

func oursOf(b *testing.B, series, each int, exemplars bool) *Exposition {
	w := newWorld(b)
	recordMany(b, w, series, each, exemplars)
	return w.exposition()
}

// sink takes an answer and counts its bytes.
type sink struct {
	header http.Header
	bytes  int64
}

func (s *sink) Header() http.Header { return s.header }
func (s *sink) WriteHeader(int)     {}
func (s *sink) Write(p []byte) (int, error) {
	s.bytes += int64(len(p))
	return len(p), nil
}

// BenchmarkScrape is a whole scrape of histograms, classic and native, ours and those of a HistogramVec that saw the same.
func BenchmarkScrape(b *testing.B) {
	for _, who := range []string{"ours", "vec"} {
		for _, series := range []int{10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%dk", who, series/1000), func(b *testing.B) {
				reg := prometheus.NewRegistry()
				var h http.Handler
				if who == "ours" {
					h = handler(NewGatherer(oursOf(b, series, observationsPerSeries, false), reg))
				} else {
					reg.MustRegister(vecOf(series, observationsPerSeries))
					h = promhttp.HandlerFor(reg, promhttp.HandlerOpts{EnableOpenMetrics: true, ErrorHandling: promhttp.ContinueOnError})
				}
				for _, format := range []string{"text", "openmetrics", "protobuf"} {
					for _, zip := range []bool{false, true} {
						name := format + "/plain"
						if zip {
							name = format + "/gzip"
						}
						b.Run(name, func(b *testing.B) {
							req := request(format, zip)
							h.ServeHTTP(&sink{header: http.Header{}}, req) // what is built once is not counted
							b.ReportAllocs()
							var size int64
							for b.Loop() {
								s := &sink{header: http.Header{}}
								h.ServeHTTP(s, req)
								size = s.bytes
							}
							b.ReportMetric(float64(size), "bytes")
						})
					}
				}
			})
		}
	}
}

// BenchmarkGather is a scrape without its encoding: nothing changed, one series in a hundred did, all have to be built.
func BenchmarkGather(b *testing.B) {
	const series = 10_000
	w := newWorld(b)
	recordMany(b, w, series, observationsPerSeries, false)
	e := w.exposition()
	b.Run("unchanged", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e.Families()
		}
	})
	b.Run("1percent", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			w.next += 1e9
			entry := ledger.Entry{Run: w.next, ID: w.next, Attempt: 1}
			for i := 0; i < series; i += 100 {
				entry.Samples = append(entry.Samples, ledger.Sample{Family: family.JobDuration, Values: manyJobs(i), Value: 60})
			}
			w.commit(ledger.Batch{Entries: []ledger.Entry{entry}})
			b.StartTimer()
			e.Families()
		}
	})
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e.Configure(ExpositionOptions{NativeHistograms: true, Exemplars: true})
			e.Families()
		}
	})
}

// BenchmarkMemory reports the live heap per histogram series, by how many observations it has: of the ledger, of the
// exposition on top of it, and of a HistogramVec without exemplars.
func BenchmarkMemory(b *testing.B) {
	const series = 5_000
	heap := func() float64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	for _, bb := range []struct {
		name      string
		each      int
		exemplars bool
	}{{"20", 20, false}, {"500", 500, false}, {"500/exemplars", 500, true}} {
		b.Run(bb.name, func(b *testing.B) {
			for b.Loop() {
				before := heap()
				e := oursOf(b, series, bb.each, bb.exemplars)
				filled := heap()
				e.Families()
				b.ReportMetric((filled-before)/series, "ledgerB/series")
				b.ReportMetric((heap()-filled)/series, "expositionB/series")
				runtime.KeepAlive(e)
				before = heap()
				vec := vecOf(series, bb.each)
				b.ReportMetric((heap()-before)/series, "vecB/series")
				runtime.KeepAlive(vec)
			}
		})
	}
}
