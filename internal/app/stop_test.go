package app

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github_workflow_exporter/collector/ledger"
	"github_workflow_exporter/internal/config"
)

// hanging is something that takes its time once it is told to, whatever context it is given.
type hanging struct {
	on      atomic.Bool
	once    sync.Once
	reached chan struct{} // closed when something hangs
	release chan struct{}
}

func newHanging(t *testing.T) *hanging {
	h := &hanging{reached: make(chan struct{}), release: make(chan struct{})}
	t.Cleanup(func() { close(h.release) }) // what was left behind ends, as the check for goroutines wants it
	return h
}

func (h *hanging) hang() {
	if h.on.Load() {
		h.once.Do(func() { close(h.reached) })
		<-h.release
	}
}

type hangingTransport struct {
	http.RoundTripper
	*hanging
}

func (h hangingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	h.hang()
	return h.RoundTripper.RoundTrip(r)
}

type hangingWriter struct {
	io.Writer
	*hanging
}

func (h hangingWriter) Write(b []byte) (int, error) {
	h.hang()
	return h.Writer.Write(b)
}

// TestStopWhateverHangs: a stage that does not stop is named and left, and what was committed is in the ledger.
func TestStopWhateverHangs(t *testing.T) {
	t.Parallel()
	const within = 300 * time.Millisecond
	for name, test := range map[string]struct {
		where string // of what hangs
		says  string
	}{
		"reading":           {"transport", "ending the poller with what it is reading or committing"},
		"the log":           {"log", "polling"},
		"the configuration": {"load", "reading the configuration"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, api := loopback(t, pastWorld(1, 0))
			p := newPlace(t, watching(api)+"metrics: {initial_zero: 0s}\n")
			h := newHanging(t)
			idle := &hanging{}
			at := func(where string) *hanging {
				if where == test.where {
					return h
				}
				return idle
			}
			network := &http.Transport{}
			t.Cleanup(network.CloseIdleConnections)
			logger, err := NewLogger(hangingWriter{io.Discard, at("log")}, "logfmt", "debug")
			if err != nil {
				t.Fatal(err)
			}
			listening := make(chan string, 1)
			addresses, no, empty := []string{"127.0.0.1:0"}, false, ""
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			h.on.Store(test.where == "load")
			ended := make(chan error, 1)
			go func() {
				ended <- Serve(ctx, ServeOptions{
					Load: func() (*config.Config, error) {
						at("load").hang()
						return config.Load(p.config)
					},
					Web:           webFlags(&addresses, &no, &empty),
					TelemetryPath: "/metrics", Logger: logger, stopWithin: within,
					transport: hangingTransport{network, at("transport")},
					Listening: func(_ string, addresses []string) { listening <- addresses[0] },
				})
			}()
			var shown scrape
			if test.where != "load" {
				running := &process{T: t, client: &http.Client{Timeout: patience, Transport: network}, url: "http://" + <-listening, exited: make(chan struct{})}
				shown = running.until("some executions to be recorded", func(s scrape) bool { return s.value(namespace+"_executions_recorded_total") > 10 })
				h.on.Store(true)
			}
			<-h.reached
			begun := time.Now()
			stop()
			err = <-ended
			if took := time.Since(begun); took < within || took > within+10*time.Second { // the machine may be busy
				t.Errorf("ended after %s", took)
			}
			if err == nil || !strings.Contains(err.Error(), "not stopped within "+within.String()+", for "+test.says+" takes too long") || !strings.Contains(err.Error(), "what was committed is kept") {
				t.Errorf("ended with %v", err)
			}
			if test.where != "transport" {
				return // something may be committing still
			}
			// As the next start would find it: this process still holds the file.
			b, err := os.ReadFile(p.ledger())
			if err != nil {
				t.Fatal(err)
			}
			left := t.TempDir()
			p.write(filepath.Join(left, "ledger.db"), string(b))
			report, err := ledger.Check(left)
			if want := shown.value(namespace + "_executions_recorded_total"); err != nil || float64(report.Recorded) < want {
				t.Errorf("%d executions are in the ledger, %v were shown: %v", report.Recorded, want, err)
			}
		})
	}
}
