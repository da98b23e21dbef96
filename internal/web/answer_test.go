package web

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
)

// writing answers with so many bytes in one write, as the protobuf of a large family is, and tells how that ended.
func writing(n int) (h http.Handler, ended <-chan any) {
	how := make(chan any, 1)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		defer func() {
			p := recover()
			how <- p
			if p != nil {
				panic(p)
			}
		}()
		w.Write(large[:n])
	}), how
}

const get = "GET / HTTP/1.1\r\nHost: example\r\n\r\n"

// protocols are the ways to get an answer, each giving the body of the answer to a GET.
func protocols(t *testing.T) map[string]func(*testing.T, *http.Server) io.Reader {
	t.Helper()
	pair, pool := certificate(t, "")
	secure := func(protocols ...string) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, NextProtos: protocols, ServerName: "example", MinVersion: tls.VersionTLS13}
	}
	request := func(t *testing.T, conn net.Conn) io.Reader {
		t.Helper()
		t.Cleanup(func() { conn.Close() })
		return ask(t, conn, get).Body
	}
	return map[string]func(*testing.T, *http.Server) io.Reader{
		"plain": func(t *testing.T, s *http.Server) io.Reader {
			conn, _ := inMemory(t, s, nil).dial(t.Context(), "", "")
			return request(t, conn)
		},
		"TLS": func(t *testing.T, s *http.Server) io.Reader {
			conn, _ := inMemory(t, s, secure("http/1.1")).dial(t.Context(), "", "")
			return request(t, tls.Client(conn, secure("http/1.1")))
		},
		"HTTP/2": func(t *testing.T, s *http.Server) io.Reader {
			transport := &http.Transport{
				DialContext: inMemory(t, s, secure("h2")).dial, TLSClientConfig: secure("h2"), ForceAttemptHTTP2: true,
				HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10, MaxReceiveBufferPerConnection: 64 << 10},
			}
			t.Cleanup(transport.CloseIdleConnections)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example/", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := transport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { resp.Body.Close() })
			if resp.ProtoMajor != 2 {
				t.Fatalf("the answer came by %s", resp.Proto)
			}
			return resp.Body
		},
	}
}

// TestSlowClientIsServed: a client that takes something now and then gets the whole answer, however long it is.
func TestSlowClientIsServed(t *testing.T) {
	const size = 300_000
	for name, open := range protocols(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, ended := writing(size)
				body := open(t, newHTTPServer(h, log.NewNopLogger()))
				begun := time.Now()
				for left := size; left > 0; left -= 32 << 10 {
					if _, err := io.CopyN(io.Discard, body, int64(min(left, 32<<10))); err != nil {
						t.Fatalf("%d bytes before the end: %v", left, err)
					}
					time.Sleep(8 * time.Second)
				}
				if how := <-ended; how != nil {
					t.Errorf("the answer ended with %v", how)
				}
				if took := time.Since(begun); took < time.Minute {
					t.Errorf("took %s: nothing was slow", took)
				}
			})
		})
	}
}

// TestStuckClientIsCut: after ten seconds without progress, with one line in the log.
func TestStuckClientIsCut(t *testing.T) {
	for name, open := range protocols(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var said bytes.Buffer
				h, ended := writing(2 << 20)
				body := open(t, newHTTPServer(h, log.NewLogfmtLogger(&said)))
				begun := time.Now()
				if _, err := io.CopyN(io.Discard, body, 70_000); err != nil {
					t.Fatal(err)
				}
				how := <-ended
				if err, ok := how.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
					t.Errorf("the handler ended with %v", how)
				}
				// Closing, TLS tries for five seconds more to say goodbye.
				if took := time.Since(begun); took < 9*time.Second || took > 16*time.Second {
					t.Errorf("cut after %s", took)
				}
				if n, err := io.Copy(io.Discard, body); err == nil {
					t.Errorf("the client was given %d bytes more and a good end", n)
				}
				if lines := strings.Count(said.String(), "\n"); lines != 1 || !strings.Contains(said.String(), `level=warn msg="an answer was cut, for its client is too slow"`) {
					t.Errorf("said %s", &said)
				}
			})
		})
	}
}

// TestAnswerHasAnEnd: taking a little again and again does not hold a place for ever.
func TestAnswerHasAnEnd(t *testing.T) {
	for name, open := range protocols(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, ended := writing(len(large))
				body := open(t, newHTTPServer(h, log.NewNopLogger()))
				begun := time.Now()
				for {
					if _, err := io.CopyN(io.Discard, body, 32<<10); err != nil {
						break
					}
					time.Sleep(8 * time.Second)
				}
				<-ended
				if took := time.Since(begun); took < answerWithin-10*time.Second || took > answerWithin+20*time.Second {
					t.Errorf("cut after %s", took)
				}
			})
		})
	}
}

// TestSlowWorkIsNotCut: time that the handler takes before it writes is not the client's.
func TestSlowWorkIsNotCut(t *testing.T) {
	for name, open := range protocols(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := open(t, newHTTPServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					time.Sleep(progressWithin + 5*time.Second)
					io.WriteString(w, "done")
				}), log.NewNopLogger()))
				if text, err := io.ReadAll(body); err != nil || string(text) != "done" {
					t.Errorf("%q, %v", text, err)
				}
			})
		})
	}
}

// TestRequestsAreBounded: what a client sends, and for how long.
func TestRequestsAreBounded(t *testing.T) {
	for name, test := range map[string]struct {
		request string
		status  string // "" for none at all
		within  time.Duration
	}{
		"whole":               {get, "200 OK", 0},
		"slow headers":        {"GET / HTTP/1.1\r\nHost: exam", "", 10 * time.Second},
		"nothing":             {"", "", 10 * time.Second},
		"long headers":        {"GET / HTTP/1.1\r\nHost: example\r\nCookie: " + strings.Repeat("x", 40<<10) + "\r\n\r\n", "431 Request Header Fields Too Large", time.Second},
		"long body":           {"POST / HTTP/1.1\r\nHost: example\r\nContent-Length: 100000\r\n\r\n", "413 Request Entity Too Large", 31 * time.Second},
		"body that is absent": {"POST / HTTP/1.1\r\nHost: example\r\nContent-Length: 1000\r\n\r\n", "200 OK", 31 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newHTTPServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), log.NewNopLogger())
				conn, _ := inMemory(t, server, nil).dial(t.Context(), "", "")
				defer conn.Close()
				begun := time.Now()
				go io.WriteString(conn, test.request)
				in := bufio.NewReader(conn)
				status := ""
				if resp, err := http.ReadResponse(in, nil); err == nil {
					status = resp.Status
				}
				if status != test.status {
					t.Errorf("answered %q, want %q", status, test.status)
				}
				if test.within == 0 {
					return
				}
				in.WriteTo(io.Discard)
				if took := time.Since(begun); took > test.within {
					t.Errorf("the connection lasted %s, want %s at most", took, test.within)
				}
			})
		})
	}
}
