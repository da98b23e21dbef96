package simulator

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"strings"
)

// answer is what goes back.
type answer struct {
	status int // 0: the connection is broken
	header http.Header
	// key stands for the body in the ETag, so that an unchanged body need not be rendered; nil: the body itself.
	key     []byte
	render  func() []byte
	body    []byte
	noTag   bool
	cut     bool
	counted bool // by the primary limit
	entries int  // runs or jobs on it, also where it has not changed: GitHub makes the page to know that
}

func failure(status int, message, docs string) *answer {
	o := newObject(nil)
	o.str("message", message)
	o.str("documentation_url", docs)
	o.str("status", itoa(status))
	return &answer{status: status, header: http.Header{}, body: o.end(), noTag: true}
}

func notFound() *answer { return failure(http.StatusNotFound, "Not Found", docsURL) }

// found is a 200 with a body rendered only if it is needed; equal keys mean equal bodies.
func found(key []byte, render func() []byte) *answer {
	return &answer{status: http.StatusOK, header: http.Header{}, key: key, render: render}
}

// settle tags the answer, turns it into a 304 if the caller has it already, and renders it otherwise.
func (a *answer) settle(q *request) {
	if a.status != http.StatusOK || a.noTag {
		return
	}
	if a.key == nil && a.render != nil {
		a.body, a.render = a.render(), nil
	}
	h := sha256.New()
	for _, part := range [][]byte{[]byte(q.token), []byte(q.place.api), []byte(q.http.URL.RequestURI()), a.key, a.body} {
		h.Write(part)
		h.Write([]byte{0})
	}
	tag := `"` + hex.EncodeToString(h.Sum(nil)) + `"`
	for _, known := range strings.Split(q.http.Header.Get("If-None-Match"), ",") {
		if known = strings.TrimSpace(known); strings.TrimPrefix(known, "W/") == tag {
			a.status, a.body, a.render = http.StatusNotModified, nil, nil
			a.header.Set("Etag", tag) // the same digits without W/
			return
		}
	}
	a.header.Set("Etag", "W/"+tag)
	if a.render != nil {
		a.body, a.render = a.render(), nil
	}
}

// write sends the answer. No lock is held.
func (a *answer) write(w http.ResponseWriter, r *http.Request) {
	if a.status == 0 {
		breakConnection(w)
		return
	}
	h := w.Header()
	for k, v := range a.header {
		h[k] = v
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json; charset=utf-8")
	}
	body := a.body
	if len(body) > 0 && acceptsGzip(r) {
		body = zip(body)
		h.Set("Content-Encoding", "gzip")
	}
	if a.status != http.StatusNotModified {
		h.Set("Content-Length", itoa(len(body)))
	}
	w.WriteHeader(a.status)
	if a.cut {
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) // net/http's way to break a connection after part of the body
	}
	_, _ = w.Write(body) // the client may have gone
}

func breakConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if errors.Is(err, http.ErrNotSupported) || conn == nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset, not an orderly end
	}
	_ = conn.Close()
}

func acceptsGzip(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
}

func zip(body []byte) []byte {
	var b strings.Builder
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // the level is valid
	_, _ = z.Write(body)
	_ = z.Close()
	return []byte(b.String())
}
