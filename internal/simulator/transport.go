package simulator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"
)

// Transport returns a round tripper that hands requests to the simulator within the process: no sockets, so that it
// works inside a testing/synctest bubble, whatever host the URL names. Broken connections and cut bodies arrive as the
// errors a real connection gives.
func (g *GitHub) Transport() http.RoundTripper { return memoryTransport{g} }

type memoryTransport struct{ handler http.Handler }

func (m memoryTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	in.RemoteAddr = "127.0.0.1:1"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if _, ok := in.Header["User-Agent"]; !ok { // as net/http does
		in.Header.Set("User-Agent", "Go-http-client/1.1")
	}
	rec := &recorder{header: http.Header{}}
	broken := rec.serve(m.handler, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if broken && rec.status == 0 {
		return nil, fmt.Errorf("read tcp %s: %w", r.URL.Host, syscall.ECONNRESET)
	}
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	var body io.Reader = &rec.body
	if broken {
		body = io.MultiReader(body, brokenReader{})
	}
	length := int64(rec.body.Len())
	if r.Method == http.MethodHead {
		body, length = http.NoBody, 0
	}
	return &http.Response{
		Status: itoa(rec.status) + " " + http.StatusText(rec.status), StatusCode: rec.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: rec.header, Body: io.NopCloser(body), ContentLength: length, Request: r,
	}, nil
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// serve tells whether the handler broke the connection.
func (r *recorder) serve(h http.Handler, in *http.Request) (broken bool) {
	defer func() {
		if v := recover(); v != nil {
			err, ok := v.(error)
			if !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(v) // a mistake in the simulator
			}
			broken = true
		}
	}()
	h.ServeHTTP(r, in)
	return false
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}
