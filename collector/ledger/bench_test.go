package ledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github_workflow_exporter/collector/family"
)

// benchJob is a finished job of ten steps on a runner that has a price: 25 samples.
func benchJob(workflow, job int, exemplar *Exemplar, r *rand.Rand) []Sample {
	repo, wf, name := fmt.Sprintf("octo-org/repository-%d", workflow/8), fmt.Sprintf("Workflow %d", workflow), fmt.Sprintf("job %d", job)
	values := []string{repo, wf, name, "GitHub Actions", "ubuntu-latest", "success"}
	seconds := func() float64 { return float64(r.IntN(900) + 1) }
	samples := []Sample{
		{Family: family.JobDuration, Values: values, Value: seconds(), Exemplar: exemplar},
		{Family: family.JobQueueDuration, Values: []string{repo, wf, "GitHub Actions", "ubuntu-latest", ""}, Value: seconds(), Exemplar: exemplar},
		{Family: family.JobConclusions, Values: values, Value: 1, Exemplar: exemplar},
		{Family: family.JobBillableSeconds, Values: []string{repo, wf, "ubuntu-latest", "linux"}, Value: 60, Exemplar: exemplar},
		{Family: family.JobCost, Values: []string{repo, wf, "ubuntu-latest", "linux"}, Value: 0.006, Exemplar: exemplar},
	}
	for s := range 10 {
		step := []string{repo, wf, name, fmt.Sprintf("Run step number %d", s), "GitHub Actions", "ubuntu-latest", "success"}
		samples = append(samples,
			Sample{Family: family.StepDuration, Values: step, Value: seconds(), Exemplar: exemplar},
			Sample{Family: family.StepConclusions, Values: step, Value: 1, Exemplar: exemplar})
	}
	return samples
}

// benchLedger has 100,000 series: 1,136 workflows of four jobs.
const benchWorkflows, benchJobs = 1136, 4

func benchLedger(b *testing.B, dir string) *Ledger {
	b.Helper()
	l, err := Open(Options{Dir: dir, Host: "h"})
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	account := &Account{ID: 1, Name: "a/b", Since: time.Unix(1, 0), Swept: true}
	for wf := 0; wf < benchWorkflows; wf += 8 {
		batch := Batch{Repository: 1, Account: account}
		for w := wf; w < wf+8; w++ {
			for j := range benchJobs {
				id := int64(w*benchJobs + j + 1)
				batch.Entries = append(batch.Entries, Entry{Run: int64(w + 1), ID: id, Attempt: 1, Samples: benchJob(w, j, nil, r)})
			}
		}
		if _, err := l.Commit(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	return l
}

// BenchmarkCommit commits batches of 100 jobs of ten steps to a ledger of 100,000 series: skewed, four workflows whose
// series are neighbours; uniform, the worst case, each job of another workflow at random.
func BenchmarkCommit(b *testing.B) {
	for _, kind := range []string{"skewed", "uniform"} {
		b.Run(kind, func(b *testing.B) {
			l := benchLedger(b, b.TempDir())
			defer l.Close()
			r := rand.New(rand.NewPCG(3, 4))
			id := int64(1 << 30)
			for b.Loop() {
				batch := Batch{Repository: 1}
				first := r.IntN(benchWorkflows - 4)
				for j := range 100 {
					wf := first + j%4
					if kind == "uniform" {
						wf = r.IntN(benchWorkflows)
					}
					id++
					batch.Entries = append(batch.Entries, Entry{Run: id / 20, ID: id, Attempt: 1, Fingerprint: uint64(id),
						Name: uint32(id), Ended: time.Unix(1.7e9+id, 0), Samples: benchJob(wf, r.IntN(benchJobs), &Exemplar{RunID: id / 20, JobID: id}, r)})
				}
				if res, err := l.Commit(context.Background(), batch); err != nil || len(res.Recorded) != 100 {
					b.Fatal(res, err)
				}
			}
			b.ReportMetric(100*float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
		})
	}
}

// BenchmarkOpen reopens, with the whole check, a ledger of 100,000 series and a million closed runs of two jobs.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	l := benchLedger(b, dir)
	const runs, chunk = 1_000_000, 20_000
	now := time.Unix(1_790_000_000, 0)
	for at := 0; at < runs; at += chunk {
		batch := Batch{Repository: 1}
		for i := at; i < at+chunk; i++ {
			run := int64(18_000_000_000 + i*37)
			started := now.Add(time.Duration(i) * time.Second)
			batch.Runs = append(batch.Runs, RunChange{Run: run, Created: started, Started: started, Close: []Closing{{Attempt: 1}}})
			for j := range int64(2) {
				batch.Entries = append(batch.Entries, Entry{Run: run, ID: run*3 + j, Attempt: 1, Fingerprint: uint64(run) * 0x9e3779b97f4a7c15})
			}
		}
		if _, err := l.Commit(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	size := l.Size()
	l.Close()
	for b.Loop() {
		l, err := Open(Options{Dir: dir, Host: "h"})
		if err != nil {
			b.Fatal(err)
		}
		l.Close()
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "seconds/open")
	b.ReportMetric(float64(size)/1e6, "MB")
}

// BenchmarkMemory tells what a series costs in memory: fresh from the file, and after some 14 increments
// of each with exemplars.
func BenchmarkMemory(b *testing.B) {
	dir := b.TempDir()
	benchLedger(b, dir).Close()
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	l, err := Open(Options{Dir: dir, Host: "h"})
	if err != nil {
		b.Fatal(err)
	}
	opened := heap()
	n := 0
	for _, f := range family.All() {
		n += len(l.Series(f.ID))
	}
	r := rand.New(rand.NewPCG(3, 4))
	for run := int64(1 << 40); run < 1<<40+600; run++ {
		batch := Batch{Repository: 1}
		for job := range int64(100) {
			batch.Entries = append(batch.Entries, Entry{Run: run, ID: run*100 + job,
				Samples: benchJob(r.IntN(benchWorkflows), r.IntN(benchJobs), &Exemplar{RunID: run, JobID: job}, r)})
		}
		if _, err := l.Commit(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	used := heap()
	for b.Loop() { // nothing is timed here
	}
	b.ReportMetric(float64(n), "series")
	b.ReportMetric(float64(opened-before)/float64(n), "B/series-opened")
	b.ReportMetric(float64(used-before)/float64(n), "B/series-used")
	l.Close()
}
