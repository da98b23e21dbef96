package app

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

const hookSecret = "It's a Secret to Everybody"

// hooked receives deliveries under hookSecret.
func hooked(t *testing.T) func(*config.Config) {
	file := filepath.Join(t.TempDir(), "webhook")
	if err := os.WriteFile(file, []byte(hookSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(c *config.Config) { c.Webhook.SecretFile = file }
}

// signed is the request of a delivery.
func signed(url, event string, body []byte, secret string) *http.Request {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	r := httptest.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	r.RequestURI = ""
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return r
}

// deliver posts a delivery and returns the status.
func (w *world) deliver(event string, body []byte, secret string) int {
	w.Helper()
	answer := httptest.NewRecorder()
	w.exporter.Deliveries().ServeHTTP(answer, signed("/webhook", event, body, secret))
	return answer.Code
}

// deliver does so over the network; 0 where it is not answered.
func (p *process) deliver(event string, body []byte, secret string) int {
	p.Helper()
	answer, err := p.client.Do(signed(p.url+"/webhook", event, body, secret).WithContext(p.Context()))
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// hook is how a webhook delivers.
type hook struct {
	lost, twice float64       // shares
	late        time.Duration // at most, each for itself: they come in any order
	forged      float64       // a share of them once more, by somebody who does not know the secret
	gap         [2]time.Duration
}

// run delivers what happens until the world's time is over, and calls each second.
func (w *world) hook(h hook, length time.Duration, each func()) {
	random := rand.New(rand.NewPCG(1, 2))
	type waiting struct {
		at time.Time
		simulator.Delivery
	}
	begin := time.Now()
	var queue []waiting
	for from := begin; time.Since(begin) < length; {
		time.Sleep(2 * time.Second)
		now := time.Now()
		for _, d := range w.github.Deliveries(from, now) {
			for random.Float64() < h.twice {
				queue = append(queue, waiting{now.Add(time.Duration(random.Float64() * float64(h.late))), d})
			}
			if since := d.At.Sub(begin); random.Float64() < h.lost || since >= h.gap[0] && since < h.gap[1] {
				continue
			}
			queue = append(queue, waiting{now.Add(time.Duration(random.Float64() * float64(h.late))), d})
		}
		from = now
		kept := queue[:0]
		for _, q := range queue {
			if q.at.After(now) {
				kept = append(kept, q)
				continue
			}
			if random.Float64() < h.forged {
				if code := w.deliver(q.Event, q.Body, "a guess"); code != http.StatusUnauthorized {
					w.Errorf("a forged delivery was answered %d", code)
				}
			}
			if code := w.deliver(q.Event, q.Body, hookSecret); code != http.StatusAccepted {
				w.Errorf("a delivery was answered %d", code)
			}
		}
		queue = kept
		each()
	}
}

// completeRates are those of repositories whose jobs say all there is to say in the end: others are waited for, whoever tells of
// them.
func completeRates() *simulator.Rates {
	rates := simulator.ConformingRates()
	rates.DeadRunner, rates.StepsGone, rates.NeverFinished = 0, 0, 0
	return &rates
}

// TestWebhookOfADay: a webhook that tells all makes each look worth its request, and one that does not costs some time, never
// a count.
func TestWebhookOfADay(t *testing.T) {
	for _, test := range []struct {
		name string
		hook hook
		most float64       // times the floor
		half time.Duration // of the attempts are closed within it
		late time.Duration // and 95 of 100 within this: some say not all at first, and are read twice
	}{
		{"all is told", hook{}, 1.1, 10 * time.Second, 30 * time.Second},
		{"late, twice and forged", hook{late: 20 * time.Second, twice: .1, forged: .05}, 1.15, 20 * time.Second, 45 * time.Second},
		{"one in twenty is lost, and half an hour", hook{lost: .05, gap: [2]time.Duration{2 * time.Hour, 150 * time.Minute}}, 1.5, 20 * time.Second, time.Hour}, // poll.hinted_interval
	} {
		if raceDetector && test.hook.lost == 0 && test.hook.twice == 0 {
			continue // the others have all that it has
		}
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				repositories := simulator.Repositories(3, 60)
				for i := range repositories {
					repositories[i].Rates = completeRates()
				}
				on := hooked(t)
				w := newWorld(t, simulator.Options{Seed: 7, PrimaryLimit: 5000, Repositories: repositories}, func(c *config.Config) {
					on(c)
					c.Poll.Live = false
				})
				time.Sleep(12 * time.Hour)
				w.start()
				defer w.stop()
				w.hook(hook{}, 3*time.Hour, func() {})
				w.github.ResetRequests()
				begin := time.Now()
				closed := w.watchClosings(begin)
				length := 12 * time.Hour
				if raceDetector {
					length = 6 * time.Hour
				}
				w.hook(test.hook, length, closed.look)
				r := w.github.Requests()
				floor := w.floor(begin, time.Now())
				ratio := float64(r.Counted) / float64(floor)
				lags := closed.ascending()
				t.Logf("%d counted requests, floor %d: %.2f times; by endpoint %v; attempts closed after p50 %s p95 %s max %s; %+v",
					r.Counted, floor, ratio, r.CountedByEndpoint, quantile(lags, .5), quantile(lags, .95), quantile(lags, 1), w.exporter.hints.Figures())
				if ratio > test.most {
					t.Errorf("%.2f times the floor, want at most %.2f", ratio, test.most)
				}
				if half := quantile(lags, .5); half > test.half {
					t.Errorf("half of the attempts are closed after %s, want %s", half, test.half)
				}
				if late := quantile(lags, .95); late > test.late {
					t.Errorf("95 of 100 attempts are closed after %s, want %s", late, test.late)
				}
				w.settle()
				w.matchesTruth()
			})
		})
	}
}

// TestWebhookShowsWhatGoesOn: what is delivered of jobs shows before anything is read, and nothing is counted by it.
func TestWebhookShowsWhatGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Repositories: simulator.Repositories(1, 0)}, hooked(t))
		w.start()
		defer w.stop()
		time.Sleep(time.Hour) // so that nobody looks soon
		w.add(simulator.MatrixRun("Matrix", 40, time.Now()))
		w.github.Faults().Set("pages", simulator.Fault{Kind: simulator.ServerError, Endpoint: "attempt_jobs"}) // nothing is read of jobs
		from := time.Now()
		time.Sleep(10 * time.Second)
		for _, d := range w.github.Deliveries(from.Add(-time.Second), time.Now()) {
			if code := w.deliver(d.Event, d.Body, hookSecret); code != http.StatusAccepted {
				t.Errorf("a delivery was answered %d", code)
			}
		}
		synctest.Wait()
		counted := w.counted()
		if n := total(counted.Gauges[jobsNow]); n != 40 {
			t.Errorf("%v jobs shown of 40: %v", n, counted.Gauges)
		}
		w.github.Faults().ClearAll()
		if n := total(counted.Counters[jobConclusions]); n != 0 {
			t.Errorf("%v counted: deliveries count nothing", n)
		}
		time.Sleep(3 * time.Hour)
		if left := w.counted().Gauges[jobsNow]; len(left) > 0 {
			t.Errorf("still shown: %v", left)
		}
	})
}

// TestWebhookTellsOfReRuns: the list shows a re-run of an old run nowhere near its front; a delivery names it.
func TestWebhookTellsOfReRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leftOut, err := config.NewGlob(".github/workflows/left-out.yml")
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, simulator.Options{Repositories: simulator.Repositories(1, 0)}, hooked(t), func(c *config.Config) {
			c.Targets.Workflows.Exclude = []config.Glob{leftOut}
		})
		old := w.add(success(time.Now()))
		for range 250 {
			w.add(success(time.Now().Add(time.Minute)))
		}
		time.Sleep(time.Hour)
		w.start()
		defer w.stop()
		time.Sleep(time.Hour)
		before := total(w.counted().Counters[runConclusions])
		deliver := func(from time.Time) {
			for _, d := range w.github.Deliveries(from, time.Now()) {
				if code := w.deliver(d.Event, d.Body, hookSecret); code != http.StatusAccepted {
					t.Errorf("a delivery was answered %d", code)
				}
			}
		}
		from := time.Now()
		again := success(from).Attempts[0]
		w.addAttempt(old, again)
		left := success(from)
		left.Workflow, left.Path = "Left out", ".github/workflows/left-out.yml"
		w.add(left)
		time.Sleep(2 * time.Minute)
		deliver(from.Add(-time.Second))
		time.Sleep(10 * time.Second)
		if n := total(w.counted().Counters[runConclusions]); n != before+1 {
			t.Errorf("%v runs counted after %v and one re-run of an old one", n, before)
		}
		deliver(from.Add(-time.Second)) // once more
		time.Sleep(time.Minute)
		if n := total(w.counted().Counters[runConclusions]); n != before+1 {
			t.Errorf("%v runs counted after %v and one re-run that was told of twice", n, before)
		}
		w.shows(0, namespace+"_open_runs")
	})
}
