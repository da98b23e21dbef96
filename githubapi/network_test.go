package githubapi

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

// slowBody gives its text after a while, or the context's error if that ends first.
type slowBody struct {
	ctx  context.Context
	wait time.Duration
	rest io.Reader
	once sync.Once
	done func()
}

func (s *slowBody) Read(p []byte) (n int, err error) {
	s.once.Do(func() {
		select {
		case <-time.After(s.wait):
		case <-s.ctx.Done():
			err = s.ctx.Err()
		}
	})
	if err != nil {
		return 0, err
	}
	return s.rest.Read(p)
}

func (s *slowBody) Close() error {
	if s.done != nil {
		s.done()
	}
	return nil
}

func TestTimeout(t *testing.T) {
	for name, transport := range map[string]roundTripper{
		"no answer": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
		"no body": func(r *http.Request) (*http.Response, error) {
			resp := reply(200, "")
			resp.Body = &slowBody{ctx: r.Context(), wait: time.Hour, rest: strings.NewReader("{}")}
			return resp, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen Observation
				c := client(t, "https://h", func(o *Options) {
					o.Transport, o.Timeout, o.Observe = transport, 5*time.Second, func(ob Observation) { seen = ob }
				})
				start := time.Now()
				_, err := c.Meta(context.Background())
				e := wantKind(t, err, KindNetwork)
				wantText(t, err, "timeout", "5s")
				if took := time.Since(start); took != 5*time.Second || seen.Duration != took || seen.Kind != KindNetwork {
					t.Errorf("took %s, observed %+v, %v", took, seen, e)
				}

				// The caller's own context is no failure of the server's.
				for _, want := range []error{context.Canceled, context.DeadlineExceeded} {
					ctx, cancel := context.WithTimeout(context.Background(), time.Second)
					if want == context.Canceled {
						time.AfterFunc(time.Millisecond, cancel)
					}
					_, err = c.Meta(ctx)
					cancel()
					if !errors.Is(err, want) || errors.As(err, &e) || seen.Kind != KindCanceled {
						t.Errorf("got %v, observed %s, want %v", err, seen.Kind, want)
					}
				}
			})
		})
	}
}

func TestConcurrencyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var open, most, sent atomic.Int32
		c := client(t, "https://h", func(o *Options) {
			o.MaxConcurrent = 2
			o.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
				sent.Add(1)
				most.Store(max(most.Load(), open.Add(1)))
				resp := reply(200, "")
				resp.Body = &slowBody{ctx: r.Context(), wait: time.Second, rest: strings.NewReader("{}"), done: func() { open.Add(-1) }}
				return resp, nil
			})
		})
		start := time.Now()
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if _, err := c.Meta(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		// All slots are taken: who waits can still leave, and leaves without having asked.
		ctx, cancel := context.WithCancel(context.Background())
		gone := make(chan error)
		go func() {
			_, err := c.Meta(ctx)
			gone <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want canceled", err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("leaving took %s", took)
		}
		wg.Wait()
		// Two at a time, each until its body is read: three rounds of a second.
		if took := time.Since(start); took != 3*time.Second || most.Load() != 2 || sent.Load() != 6 {
			t.Errorf("took %s, at most %d at a time, %d sent", took, most.Load(), sent.Load())
		}
	})
}

func TestCanceledBeforehand(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { t.Error("asked") })
	for endpoint, err := range everyCall(ctx, c) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", endpoint, err)
		}
		wantText(t, err, endpoint+": context canceled")
	}
}

func TestNoServer(t *testing.T) {
	c, server := serve(t, nil)
	server.Close()
	_, err := c.Meta(context.Background())
	if e := wantKind(t, err, KindNetwork); e.Status != 0 {
		t.Errorf("status %d", e.Status)
	}
	wantText(t, err, "get_meta: GET /meta: no answer: ", "refused")
}

func TestNothingIsLeftRunning(t *testing.T) {
	before := goleak.IgnoreCurrent()
	c, server := serve(t, func(w http.ResponseWriter, r *http.Request) { write(w, 200, "{}") })
	for range 3 {
		if _, err := c.Meta(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	c.CloseIdleConnections()
	server.Close()
	goleak.VerifyNone(t, before)
}

// caFile writes the certificate of a test server.
func caFile(t *testing.T, server *httptest.Server) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(path, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func tlsServer(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != basePath+"/meta" || r.Header.Get("Authorization") != "Bearer "+testToken {
			t.Errorf("asked %s with %q", r.URL, r.Header.Get("Authorization"))
		}
		write(w, 200, `{"installed_version":"3.19.0"}`)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // a refused certificate is what one test wants
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestCertificateAuthorities(t *testing.T) {
	server := tlsServer(t)
	pool := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for name, set := range map[string]func(*Options){
		"pool": func(o *Options) { o.RootCAs = pool },
		"file": func(o *Options) { o.CAFile = caFile(t, server) },
		"both": func(o *Options) { o.RootCAs, o.CAFile = pool, caFile(t, server) },
	} {
		c := client(t, server.URL+basePath, set)
		if meta, err := c.Meta(context.Background()); err != nil || meta.InstalledVersion != "3.19.0" {
			t.Errorf("%s: %v, %v", name, meta, err)
		}
	}
	_, err := client(t, server.URL+basePath).Meta(context.Background())
	wantKind(t, err, KindNetwork)
	wantText(t, err, "certificate")

	junk := filepath.Join(t.TempDir(), "junk.pem")
	writeToken(t, junk, "no certificate")
	_, err = New(Options{BaseURL: "https://h", CAFile: junk})
	wantText(t, err, "CA file", "no PEM certificate")
}

// The environment is read once in a process' life, so the client with the proxy runs in a process of its own.
func TestProxyFromEnvironment(t *testing.T) {
	if base := os.Getenv("GITHUBAPI_TEST_BASE"); base != "" {
		c := client(t, base, func(o *Options) { o.CAFile = os.Getenv("GITHUBAPI_TEST_CA") })
		if meta, err := c.Meta(context.Background()); err != nil || meta.InstalledVersion != "3.19.0" {
			t.Error(meta, err)
		}
		return
	}
	server := tlsServer(t)
	var connected atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" && r.Method == http.MethodConnect {
			t.Error("the proxy was shown the token")
		}
		if r.Method != http.MethodConnect || r.Host != "example.com:443" {
			t.Errorf("the proxy was asked for %s %s", r.Method, r.Host)
			return
		}
		connected.Add(1)
		tunnel(t, w, server.Listener.Addr().String())
	}))
	defer proxy.Close()
	// The test server's certificate is also one for example.com.
	cmd := exec.Command(os.Args[0], "-test.run=^TestProxyFromEnvironment$")
	cmd.Env = append(os.Environ(), "HTTPS_PROXY="+proxy.URL, "https_proxy="+proxy.URL, "NO_PROXY=", "no_proxy=",
		"GITHUBAPI_TEST_BASE=https://example.com"+basePath, "GITHUBAPI_TEST_CA="+caFile(t, server))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if connected.Load() != 1 {
		t.Errorf("%d connections through the proxy, want 1", connected.Load())
	}
}

// tunnel joins a CONNECT request with the target until one side ends.
func tunnel(t *testing.T, w http.ResponseWriter, target string) {
	out, err := net.Dial("tcp", target)
	if err != nil {
		t.Error(err)
		return
	}
	defer out.Close()
	in, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer in.Close()
	io.WriteString(in, "HTTP/1.1 200 OK\r\n\r\n")
	ended := make(chan struct{}, 2)
	go func() { io.Copy(out, in); ended <- struct{}{} }()
	go func() { io.Copy(in, out); ended <- struct{}{} }()
	<-ended
}
