package web

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
)

// receiving takes what is signed "right", and tells what came of each.
func receiving(accept func(event string, body []byte) error) (d *Deliveries, results *[]string) {
	var mu sync.Mutex
	results = &[]string{}
	return &Deliveries{
		Verify: func(_ []byte, signature string) bool { return signature == "right" },
		Accept: func(_ context.Context, event string, body []byte) error { return accept(event, body) },
		Result: func(result string) { mu.Lock(); defer mu.Unlock(); *results = append(*results, result) },
	}, results
}

func delivery(event string, body io.Reader) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/webhook", body)
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-Hub-Signature-256", "right")
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	return r
}

func TestDeliveries(t *testing.T) {
	with := func(r *http.Request, header, value string) *http.Request {
		r.Header.Set(header, value)
		return r
	}
	text := func(s string) io.Reader { return strings.NewReader(s) }
	long := func(n int) io.Reader { return bytes.NewReader(make([]byte, n)) }
	for name, test := range map[string]struct {
		request *http.Request
		answer  error
		status  int
		result  string
		says    string
	}{
		"accepted":      {delivery("workflow_run", text("{}")), nil, 202, Accepted, ""},
		"ping":          {delivery("ping", text("{}")), errors.New("not to be called"), 202, Ping, ""},
		"other events":  {delivery("push", text("{}")), ErrIgnored, 202, Ignored, ""},
		"malformed":     {delivery("workflow_run", text("{")), errors.New("no JSON"), 400, Malformed, "no JSON"},
		"too many wait": {delivery("workflow_run", text("{}")), ErrBusy, 503, Full, "wait"},
		"unsigned":      {with(delivery("workflow_run", text("{}")), "X-Hub-Signature-256", ""), errors.New("not to be called"), 401, Unsigned, "X-Hub-Signature-256"},
		"a ping unsigned": {with(delivery("ping", text("{}")), "X-Hub-Signature-256", "wrong"), errors.New("not to be called"), 401, Unsigned,
			"X-Hub-Signature-256"},
		"a form":         {with(delivery("workflow_run", text("payload=")), "Content-Type", "application/x-www-form-urlencoded"), errors.New("not to be called"), 415, Malformed, "application/json"},
		"as big as may":  {delivery("workflow_run", long(maxDelivery)), nil, 202, Accepted, ""},
		"too big":        {delivery("workflow_run", long(maxDelivery+1)), errors.New("not to be called"), 413, TooLarge, "bytes"},
		"without length": {delivery("workflow_run", io.MultiReader(long(maxDelivery), long(1))), errors.New("not to be called"), 413, TooLarge, "bytes"},
		"broken off":     {delivery("workflow_run", iotest.ErrReader(io.ErrUnexpectedEOF)), errors.New("not to be called"), 408, Slow, "in time"},
		"not sent":       {httptest.NewRequest(http.MethodGet, "/webhook", nil), errors.New("not to be called"), 405, "", "POST"},
	} {
		d, results := receiving(func(string, []byte) error { return test.answer })
		w := httptest.NewRecorder()
		d.ServeHTTP(w, test.request)
		var want []string
		if test.result != "" {
			want = []string{test.result}
		}
		if w.Code != test.status || !slices.Equal(*results, want) || !strings.Contains(w.Body.String(), test.says) || (w.Header().Get("Retry-After") != "") != (w.Code == 503) {
			t.Errorf("%s: %d %q, %v, want %d, %v", name, w.Code, w.Body, *results, test.status, want)
		}
		if len(want) > 0 && !slices.Contains(DeliveryResults(), want[0]) {
			t.Errorf("%s is none of the results", want[0])
		}
	}
}

// slowBody comes in when it is let.
type slowBody struct{ let chan struct{} }

func (b slowBody) Read([]byte) (int, error) {
	<-b.let
	return 0, io.EOF
}

// TestDeliveriesAtOnce: one client has no more than its places, all together no more than there are, and afterwards all are free.
func TestDeliveriesAtOnce(t *testing.T) {
	d, results := receiving(func(string, []byte) error { return nil })
	let := make(chan struct{})
	var all sync.WaitGroup
	send := func(client string, body io.Reader) int {
		r := delivery("workflow_run", body)
		r.RemoteAddr = client
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		return w.Code
	}
	entered := func() int { d.mu.Lock(); defer d.mu.Unlock(); return d.receiving }
	for client := range mostReceiving / mostReceivingOf {
		address := "192.0.2." + string(rune('1'+client)) + ":1000"
		for range mostReceivingOf {
			before := entered()
			all.Go(func() { send(address, slowBody{let}) })
			for entered() == before {
				runtime.Gosched()
			}
		}
		if code := send(address, strings.NewReader("{}")); code != 503 {
			t.Errorf("one more of a client that has its share: %d", code)
		}
	}
	if code := send("198.51.100.1:1000", strings.NewReader("{}")); code != 503 {
		t.Errorf("one more than can come in at once: %d", code)
	}
	close(let)
	all.Wait()
	if code := send("192.0.2.1:1000", strings.NewReader("{}")); code != 202 || entered() != 0 || len(d.of) != 0 {
		t.Errorf("%d afterwards, %d are held by %v", code, entered(), d.of)
	}
	full := 0
	for _, r := range *results {
		if r == Full {
			full++
		}
	}
	if full != mostReceiving/mostReceivingOf+1 {
		t.Errorf("%d were full", full)
	}
}

// TestDeliveriesOverTheNetwork: a delivery may be large, but must come in in time, whoever else sends.
func TestDeliveriesOverTheNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, results := receiving(func(string, []byte) error { return nil })
		main, err := Handler(Options{
			TelemetryPath: "/metrics", Metrics: http.NotFoundHandler(), Ready: func() error { return nil }, Webhook: d, WebhookPath: "/hook",
		})
		if err != nil {
			t.Fatal(err)
		}
		for name, handler := range map[string]http.Handler{"among others": main, "alone": Receive("/hook", d)} {
			*results = nil
			p := inMemory(t, newHTTPServer(handler, log.NewNopLogger()), nil)
			send := func(path, body, rest string) string {
				conn, err := p.dial(t.Context(), "", "")
				if err != nil {
					return err.Error()
				}
				defer conn.Close()
				fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: right\r\nContent-Length: %d\r\n\r\n", path, len(body)+len(rest))
				go func() { _, _ = io.WriteString(conn, body) }()
				answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					return err.Error()
				}
				defer answer.Body.Close()
				return answer.Status[:3]
			}
			begun := time.Now()
			for want, got := range map[string]string{
				"202": send("/hook", strings.Repeat(" ", maxDelivery), ""),
				"413": send("/hook", strings.Repeat(" ", maxDelivery+1), ""),
			} {
				if got != want {
					t.Errorf("%s: %s, want %s", name, got, want)
				}
			}
			if got := send("/elsewhere", strings.Repeat(" ", maxBody+1), ""); got != "413" {
				t.Errorf("%s: a large body elsewhere was answered %s", name, got)
			}
			if took := time.Since(begun); took > time.Second {
				t.Errorf("%s: answered after %s", name, took)
			}
			if got := send("/hook", "a part", "never sent"); got != "408" || time.Since(begun) > receiveWithin+time.Second {
				t.Errorf("%s: what does not come in was answered %s after %s", name, got, time.Since(begun))
			}
			if want := []string{Accepted, TooLarge, Slow}; !slices.Equal(*results, want) && !slices.Equal(*results, []string{TooLarge, Accepted, Slow}) && !slices.Equal(*results, []string{Accepted, Slow}) {
				t.Errorf("%s: results %v", name, *results)
			}
		}
	})
}
