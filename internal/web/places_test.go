package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
)

// TestStuckClientsLockNobodyOut: over real connections, twelve clients that never read their answers, and one that does.
func TestStuckClientsLockNobodyOut(t *testing.T) {
	dir := t.TempDir()
	_, pool := certificate(t, dir)
	secure := filepath.Join(dir, "web.yml")
	write(t, secure, "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n")
	plain := filepath.Join(dir, "http1.yml")
	write(t, plain, "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\nhttp_server_config: {http2: false}\n")
	for name, test := range map[string]struct {
		config string
		proto  string
		from   string // the good client's address
	}{
		"plain": {"", "HTTP/1.1", "127.0.0.1"}, "TLS": {plain, "HTTP/1.1", "127.0.0.1"}, "HTTP/2": {secure, "HTTP/2.0", "127.0.0.1"},
		"another address": {"", "HTTP/1.1", "127.0.0.2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			places := NewPlaces()
			places.stuck = 100 * time.Millisecond
			begun := make(chan struct{}, 100)
			s, err := Listen(flags(test.config, "127.0.0.1:0"), places.Limit(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				begun <- struct{}{}
				w.Write(large)
			})), log.NewNopLogger(), slog.LevelError)
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan error, 1)
			go func() { served <- s.Serve() }()
			defer func() { // whoever is stuck is closed at once
				ended, cancel := context.WithCancel(t.Context())
				cancel()
				if err := s.Shutdown(ended); err != nil {
					t.Error(err)
				}
				if err := <-served; err != nil {
					t.Error(err)
				}
			}()
			client := func(from string) *http.Transport {
				dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
				return &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true, DisableCompression: true}
			}
			url := "http://" + s.Addresses()[0]
			if test.config != "" {
				url = "https://" + s.Addresses()[0]
			}
			for range 12 {
				c := client("127.0.0.1")
				defer c.CloseIdleConnections()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
				if err != nil {
					t.Fatal(err)
				}
				go c.RoundTrip(r) // the transport reads some, and then no more
			}
			for range places.each {
				<-begun
			}
			c := client(test.from)
			defer c.CloseIdleConnections()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := c.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			n, err := io.Copy(io.Discard, resp.Body)
			if resp.StatusCode != http.StatusOK || n != int64(len(large)) || err != nil || resp.Proto != test.proto {
				t.Errorf("%s by %s, %d bytes, %v", resp.Status, resp.Proto, n, err)
			}
		})
	}
}

// TestPlaces: who gets one, and who is sent away.
func TestPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPlaces()
		take := func(client string) (*answer, bool, time.Duration) {
			a, begun := &answer{}, time.Now()
			ok := p.take(t.Context(), a, client)
			return a, ok, time.Since(begun)
		}
		var first []*answer
		for range clientPlaces {
			a, ok, _ := take("one")
			if !ok {
				t.Fatal("no place although there are some")
			}
			a.begin(time.Now())
			first = append(first, a)
		}
		if _, ok, took := take("two"); !ok || took > 0 {
			t.Errorf("another client got %v after %s, while one had all it may have", ok, took)
		}
		// What makes progress keeps its place; who comes waits for as long as a scrape can, and is told to come again.
		stop := make(chan struct{})
		go func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(stuckAfter / 2):
					for _, a := range first {
						a.begin(time.Now())
					}
				}
			}
		}()
		if _, ok, took := take("one"); ok || took != waitForPlace {
			t.Errorf("a client of many places got another: %v after %s", ok, took)
		}
		close(stop)
		synctest.Wait()
		// The one that stands still for longest goes.
		go func() {
			for !first[3].evicted.Load() {
				time.Sleep(time.Millisecond)
			}
			p.give(first[3])
		}()
		for i, a := range first {
			a.begin(time.Now().Add(time.Duration(i) * time.Millisecond))
		}
		first[3].begin(time.Now().Add(-time.Millisecond))
		if _, ok, took := take("one"); !ok || took > stuckAfter {
			t.Errorf("the place of one that stands still was given: %v after %s", ok, took)
		}
		if len(p.waiting) != 0 || len(p.held) != clientPlaces+1 || p.of["one"] != clientPlaces {
			t.Errorf("%d wait, %d places are held, %v", len(p.waiting), len(p.held), p.of)
		}
	})
}

// TestWhoHoldsFewestIsNext: clients that give their places back and come again at once keep nobody else out, nor do
// connections with many requests each those of the same client with one.
func TestWhoHoldsFewestIsNext(t *testing.T) {
	for name, test := range map[string]struct {
		clients []string // by turns
		from    string   // the good one's client
	}{"another client": {[]string{"one", "two"}, "three"}, "another connection": {[]string{"one"}, "one"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := NewPlaces()
				ctx, stop := context.WithCancel(t.Context())
				var all sync.WaitGroup
				defer all.Wait()
				defer stop()
				connections := make([]connection, 2*(mostWaiters+totalPlaces)/30+1)
				for i := range 2 * (mostWaiters + totalPlaces) {
					all.Go(func() {
						for ctx.Err() == nil {
							a := &answer{connection: &connections[i/30]}
							if !p.take(ctx, a, test.clients[i%len(test.clients)]) {
								time.Sleep(100 * time.Millisecond)
								continue
							}
							time.Sleep(stuckAfter - time.Millisecond) // before it is evicted
							p.give(a)
						}
					})
				}
				time.Sleep(2*waitForPlace + time.Millisecond)
				for i := range 3 {
					a, begun := &answer{connection: &connection{}}, time.Now()
					if !p.take(ctx, a, test.from) {
						t.Fatalf("sent away after %s", time.Since(begun))
					}
					if took := time.Since(begun); took >= stuckAfter {
						t.Errorf("place %d after %s, though some were given back within %s", i, took, stuckAfter)
					}
					p.give(a)
				}
				p.mu.Lock()
				defer p.mu.Unlock()
				if len(p.waiting) > mostWaiters {
					t.Errorf("%d wait", len(p.waiting))
				}
			})
		})
	}
}

// TestNoPlaceAtAll: the answer says when to come again, and who waits is bounded.
func TestNoPlaceAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPlaces()
		p.total = 0
		h := p.Limit(http.NotFoundHandler())
		late := make(chan int, mostWaiters)
		for range mostWaiters {
			go func() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
				late <- w.Code
			}()
		}
		synctest.Wait()
		begun := time.Now()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || time.Since(begun) > 0 {
			t.Errorf("%d after %s, %v", w.Code, time.Since(begun), w.Header())
		}
		for range mostWaiters {
			if code := <-late; code != http.StatusServiceUnavailable {
				t.Errorf("%d", code)
			}
		}
		if took := time.Since(begun); took != waitForPlace {
			t.Errorf("sent away after %s", took)
		}
	})
}

// TestConnectionsAreBounded: one more closes the one that has waited longest, of who has most; none that is being answered.
func TestConnectionsAreBounded(t *testing.T) {
	said, release := make(chan struct{}), make(chan struct{})
	server := newHTTPServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		said <- struct{}{}
		<-release
	}), log.NewNopLogger())
	newConnections(4).hold(server)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	defer func() {
		server.Close()
		<-served
	}()
	dial := func(from string) net.Conn {
		t.Helper()
		conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	closed := func(c net.Conn) {
		t.Helper()
		if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Errorf("read %d bytes, %v", n, err)
		}
	}
	other := dial("127.0.0.2") // the oldest, but its client has no other
	busy := dial("127.0.0.1")
	if _, err := io.WriteString(busy, get); err != nil {
		t.Fatal(err)
	}
	<-said
	second, third := dial("127.0.0.1"), dial("127.0.0.1")
	fourth, fifth := dial("127.0.0.1"), dial("127.0.0.1")
	closed(second)
	closed(third)
	close(release)
	go io.WriteString(other, get)
	<-said
	for name, conn := range map[string]net.Conn{"busy": busy, "other": other} {
		var head bytes.Buffer
		if _, err := io.CopyN(&head, conn, 15); err != nil || !strings.HasPrefix(head.String(), "HTTP/1.1 200 OK") {
			t.Errorf("%s: %s, %v", name, &head, err)
		}
	}
	fourth.Close()
	fifth.Close()
}

func TestClientOf(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:40000": "192.0.2.7", "[::ffff:192.0.2.7]:1": "192.0.2.7", "[2001:db8:1:2:3:4:5:6]:9": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:9": "fe80::1", "vm(3):1024": "vm(3):1024", "@": "@", "": "",
	} {
		if got := clientOf(remote); got != want {
			t.Errorf("%s is %s, want %s", remote, got, want)
		}
	}
}

// TestSameOrigin: a page of another site cannot change anything, with or without a password.
func TestSameOrigin(t *testing.T) {
	h := handler(t, Options{Reload: func() error { return nil }, Lifecycle: true})
	for name, test := range map[string]struct {
		method, path string
		header       [2]string
		code         int
		body         string
	}{
		"curl":                    {"POST", "/-/reload", [2]string{}, 200, "reloaded"},
		"a page of ours":          {"POST", "/-/reload", [2]string{"Sec-Fetch-Site", "same-origin"}, 200, "reloaded"},
		"another site":            {"POST", "/-/reload", [2]string{"Sec-Fetch-Site", "cross-site"}, 403, "a page of another site"},
		"another host beside us":  {"POST", "/-/reload", [2]string{"Sec-Fetch-Site", "same-site"}, 403, "curl -X POST"},
		"an old browser, another": {"POST", "/-/reload", [2]string{"Origin", "https://evil.example"}, 403, ""},
		"an old browser, ours":    {"POST", "/-/reload", [2]string{"Origin", "http://example.com"}, 200, "reloaded"},
		"reading from elsewhere":  {"GET", "/metrics", [2]string{"Sec-Fetch-Site", "cross-site"}, 200, "up 1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(test.method, test.path, nil)
			if test.header[0] != "" {
				r.Header.Set(test.header[0], test.header[1])
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != test.code || !strings.Contains(w.Body.String(), test.body) {
				t.Errorf("%d %s, want %d with %q", w.Code, w.Body, test.code, test.body)
			}
		})
	}
}
