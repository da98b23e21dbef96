package web

import (
	"errors"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// The bounds of one answer and of one request.
const (
	// progressWithin is for how long an answer may stand still: its client then takes nothing, and would hold the memory and
	// the place of others.
	progressWithin = 10 * time.Second
	// answerWithin is the whole of an answer, moving or not. Prometheus gives up a scrape long before.
	answerWithin = 2 * time.Minute
	// pieceSize is what has to be taken within progressWithin. A family with many histograms is one write of megabytes, which
	// a slow but moving client could not take in that time.
	pieceSize = 32 << 10
	// maxBody of a request: none of ours has one, and none is read, but for deliveries.
	maxBody = 64 << 10
	// cutSaidEvery bounds the lines about cut answers: anybody who reaches the port can cause them.
	cutSaidEvery = time.Minute
)

// answers gives each answer a deadline that moves on as long as its client takes something, and ends it where it does not:
// by panicking with http.ErrAbortHandler, since handlers go on after failed writes.
type answers struct {
	handler         http.Handler
	logger          log.Logger
	progress, whole time.Duration
	said            atomic.Int64 // when an answer that was cut was logged, Unix nanoseconds
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	limit := int64(maxBody)
	if h, ok := a.handler.(receiver); ok && r.URL.Path == h.path {
		limit = maxDelivery
	}
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close") // else it would be read to its end
		http.Error(w, "the request's body is too large", http.StatusRequestEntityTooLarge)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	begun := time.Now()
	answer := answerOf(r.Context())
	defer answer.connection.serve()()
	progress := &progressWriter{ResponseWriter: w, control: http.NewResponseController(w), answers: a, answer: answer, remote: r.RemoteAddr, end: begun.Add(a.whole)}
	progress.deadline(progress.end) // nothing may stand still yet: what takes time now is ours
	a.handler.ServeHTTP(progress, r.WithContext(withAnswer(r.Context(), answer)))
}

// progressWriter moves the deadline on before each piece that it writes.
type progressWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	answers *answers
	answer  *answer
	remote  string
	end     time.Time // of the whole answer
	set     time.Time // when the deadline was moved last
	failed  error
}

func (w *progressWriter) Write(b []byte) (written int, err error) {
	if w.failed != nil { // written to while the handler is being ended
		return 0, w.failed
	}
	for {
		piece := b[written:min(written+pieceSize, len(b))]
		now := time.Now()
		// HTTP/2 takes a deadline through the connection's one loop: not for each piece.
		if now.Sub(w.set) > w.answers.progress/10 {
			w.set = now
			w.deadline(earlier(now.Add(w.answers.progress), w.end))
		}
		w.answer.begin(now)
		n, err := w.ResponseWriter.Write(piece)
		w.answer.end()
		written += n
		if err != nil {
			w.failed = err
			w.answers.cut(w, err)
			panic(http.ErrAbortHandler)
		}
		if written == len(b) {
			return written, nil
		}
	}
}

// Unwrap is for http.ResponseController.
func (w *progressWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// deadline is not possible where there is no connection, as in tests.
func (w *progressWriter) deadline(t time.Time) { _ = w.control.SetWriteDeadline(t) }

// cut logs why an answer ended early.
func (a *answers) cut(w *progressWriter, err error) {
	evicted := w.answer.evicted.Load()
	if !evicted && !errors.Is(err, os.ErrDeadlineExceeded) {
		level.Debug(a.logger).Log("msg", "a client hung up", "remote", w.remote, "err", err)
		return
	}
	now := time.Now()
	last := a.said.Load()
	if now.UnixNano()-last < int64(cutSaidEvery) || !a.said.CompareAndSwap(last, now.UnixNano()) {
		return
	}
	reason := "it took nothing for " + a.progress.String()
	switch {
	case evicted:
		reason = "it took nothing for " + stuckAfter.String() + " while others waited for its place"
	case !now.Before(w.end):
		reason = "it did not take the whole in " + a.whole.String()
	}
	level.Warn(a.logger).Log("msg", "an answer was cut, for its client is too slow", "remote", w.remote, "err", reason)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
