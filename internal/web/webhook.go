package web

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	// maxDelivery is how big a delivery may be: a job with a thousand steps has some hundred kilobytes.
	maxDelivery = 2 << 20
	// receiveWithin is the time for a delivery to come in; GitHub waits ten seconds for the answer.
	receiveWithin = 5 * time.Second
	// mostReceiving bounds how many come in at once, and mostReceivingOf those of one client's address.
	mostReceiving   = 64
	mostReceivingOf = 16
)

// receiver is a handler that takes deliveries at a path: their bodies may be larger than those of other requests.
type receiver struct {
	http.Handler
	path string
}

// Receive returns a handler that takes deliveries at a path and nothing else.
func Receive(path string, deliveries http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(path, deliveries)
	return receiver{mux, path}
}

// Results of deliveries.
const (
	Accepted  = "accepted"
	Ping      = "ping"
	Ignored   = "ignored"   // of another event
	Unsigned  = "unsigned"  // not signed with the secret
	Malformed = "malformed" // signed, and cannot be read
	TooLarge  = "too_large"
	Slow      = "slow" // did not come in in time, or broke off
	Full      = "full" // too many at once, or waiting
)

// DeliveryResults are all of them.
func DeliveryResults() []string {
	return []string{Accepted, Ping, Ignored, Unsigned, Malformed, TooLarge, Slow, Full}
}

// Deliveries receives a webhook's deliveries. Nothing of one is looked at before its signature is right, and what can be held in
// memory is bounded whoever sends it.
type Deliveries struct {
	// Verify tells whether a signature is that of a body.
	Verify func(body []byte, signature string) bool
	// Accept takes a delivery of an event without waiting. ErrBusy, beneath what it returns, says that there is no room for it;
	// ErrIgnored that it is of no use.
	Accept func(ctx context.Context, event string, body []byte) error
	// Result counts what came of each.
	Result func(result string)

	mu        sync.Mutex
	receiving int
	of        map[string]int
}

// ErrBusy and ErrIgnored are what Deliveries.Accept may return.
var (
	ErrBusy    = errors.New("no room for it")
	ErrIgnored = errors.New("of no use")
)

// ServeHTTP answers 202 to what was accepted or is of no use, and says else what is wrong.
func (d *Deliveries) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "deliveries of a webhook come by POST", http.StatusMethodNotAllowed)
		return
	}
	result, status, text := d.receive(w, r)
	d.Result(result)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	if status >= http.StatusBadRequest {
		http.Error(w, text, status)
		return
	}
	w.WriteHeader(status)
}

func (d *Deliveries) receive(w http.ResponseWriter, r *http.Request) (result string, status int, text string) {
	client := clientOf(r.RemoteAddr)
	if !d.enter(client) {
		return Full, http.StatusServiceUnavailable, "too many deliveries at once"
	}
	defer d.leave(client)
	if r.ContentLength > maxDelivery {
		return TooLarge, http.StatusRequestEntityTooLarge, "a delivery has no more than " + strconv.Itoa(maxDelivery) + " bytes"
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(receiveWithin)) // where it cannot be set the server's own holds
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDelivery))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return TooLarge, http.StatusRequestEntityTooLarge, "a delivery has no more than " + strconv.Itoa(maxDelivery) + " bytes"
	case err != nil:
		return Slow, http.StatusRequestTimeout, "the delivery did not come in in time"
	case !d.Verify(body, r.Header.Get("X-Hub-Signature-256")):
		return Unsigned, http.StatusUnauthorized, "X-Hub-Signature-256 is not that of the body under the secret of webhook.secret_file"
	}
	event := r.Header.Get("X-GitHub-Event")
	if event == "ping" {
		return Ping, http.StatusAccepted, ""
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "application/x-www-form-urlencoded" {
		return Malformed, http.StatusUnsupportedMediaType, "set the webhook's content type to application/json"
	}
	switch err := d.Accept(r.Context(), event, body); {
	case errors.Is(err, ErrIgnored):
		return Ignored, http.StatusAccepted, ""
	case errors.Is(err, ErrBusy):
		return Full, http.StatusServiceUnavailable, "too many deliveries wait"
	case err != nil:
		return Malformed, http.StatusBadRequest, err.Error()
	}
	return Accepted, http.StatusAccepted, ""
}

func (d *Deliveries) enter(client string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.receiving >= mostReceiving || d.of[client] >= mostReceivingOf {
		return false
	}
	if d.of == nil {
		d.of = map[string]int{}
	}
	d.receiving++
	d.of[client]++
	return true
}

func (d *Deliveries) leave(client string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.receiving--
	if d.of[client]--; d.of[client] == 0 {
		delete(d.of, client)
	}
}
