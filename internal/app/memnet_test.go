package app

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
)

// memoryNet is a network of pipes: unlike loopback, waiting on it lets a driven clock advance.
type memoryNet struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (m *memoryNet) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}

func (m *memoryNet) Close() error {
	m.once.Do(func() { close(m.done) })
	return nil
}

func (m *memoryNet) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

func (m *memoryNet) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case m.conns <- server:
		return client, nil
	case <-m.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serveInMemory serves a handler and returns the transport that reaches it under any name.
func serveInMemory(t *testing.T, handler http.Handler) http.RoundTripper {
	t.Helper()
	m := &memoryNet{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: handler}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		server.Serve(m)
	}()
	transport := &http.Transport{DialContext: m.dial, MaxIdleConnsPerHost: 16}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		<-ended
	})
	return uncompressed{transport}
}

// uncompressed asks for plain answers: most of the tests' time would go into packing and unpacking, which the client has
// tests of its own for.
type uncompressed struct{ http.RoundTripper }

func (u uncompressed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept-Encoding", "identity")
	return u.RoundTripper.RoundTrip(r)
}
