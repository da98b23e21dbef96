package githubapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestJobLogs(t *testing.T) {
	const signed = "https://pipelines.example/x/signedlogcontent?urlExpires=2021-04-02T10%3A49%3A49Z&urlSignature=s3cr3t%2B"
	for _, tt := range []struct {
		name, location string
		status         int
		want           string
		kind           Kind
	}{
		{"as recorded", signed, 302, signed, KindNone},
		{"not there", "", 404, "", KindNotFound},
		{"after retention", "", 410, "", KindGone},
		{"not a redirect", "", 200, "", KindOther},
		{"no location", "", 302, "", KindRedirect},
		{"broken", "https://h/%zz?s3cr3t", 302, "", KindRedirect},
		{"not for the web", "file:///etc/passwd?s3cr3t", 302, "", KindRedirect},
		{"renamed to elsewhere", "https://elsewhere/?s3cr3t", 301, "", KindRedirect},
	} {
		c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if tt.location != "" {
				w.Header().Set("Location", tt.location)
			}
			w.WriteHeader(tt.status)
		})
		got, err := c.JobLogs(context.Background(), "o/r", 7)
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		if tt.kind == KindNone {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		wantKind(t, err, tt.kind)
		wantText(t, err, "get_job_logs: GET /repos/o/r/actions/jobs/7/logs: ")
		if strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: signature in %s", tt.name, err)
		}
	}
	// A renamed repository first moves within the API, then to the log.
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/repositories/1/logs" {
			w.Header().Set("Location", "/logs/1")
			w.WriteHeader(302)
			return
		}
		w.Header().Set("Location", basePath+"/repositories/1/logs")
		w.WriteHeader(301)
	})
	if got, err := c.JobLogs(context.Background(), "o/r", 7); err != nil || !strings.HasSuffix(got, "/logs/1") || !strings.HasPrefix(got, "http://127") {
		t.Errorf("renamed: %q, %v", got, err)
	}
	https := client(t, "https://h", func(o *Options) {
		o.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			resp := reply(302, "")
			resp.Header.Set("Location", "http://h/log?s3cr3t")
			return resp, nil
		})
	})
	_, err := https.JobLogs(context.Background(), "o/r", 7)
	wantKind(t, err, KindRedirect)
	wantText(t, err, "from https to http://h")
}

func TestDownloadJobLogs(t *testing.T) {
	log := strings.Repeat("line\n", 20_000) // more than MaxBodyBytes
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got, sent := r.Header["Authorization"]; sent {
			t.Errorf("%s: the log store was shown %q", r.URL, got)
		}
		if r.Header.Get("User-Agent") != "github_workflow_exporter" {
			t.Errorf("user agent %q", r.Header.Get("User-Agent"))
		}
		w.Header().Set("Date", "Tue, 03 Nov 2020 10:00:00 GMT")
		w.Header().Set("X-RateLimit-Limit", "1")
		w.Header().Set("X-RateLimit-Remaining", "0")
		switch r.URL.Path {
		case "/good":
			io.WriteString(w, log)
		case "/moved":
			w.Header().Set("Location", "/good?s3cr3t")
			w.WriteHeader(307)
		case "/loop":
			w.Header().Set("Location", "/loop?s3cr3t")
			w.WriteHeader(302)
		case "/odd":
			w.Header().Set("Location", "gopher://h/s3cr3t")
			w.WriteHeader(302)
		case "/unending":
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case "/no-content":
			w.WriteHeader(204)
		default:
			write(w, 404, `<?xml version="1.0"?><Error><Code>BlobNotFound</Code></Error>`)
		}
	}))
	defer store.Close()
	path := "/good"
	codes := map[int]int{}
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", store.URL+path+"?signature=s3cr3t")
		w.WriteHeader(302)
	}, func(o *Options) {
		o.MaxBodyBytes, o.MaxConcurrent = 1000, 1
		o.Observe = func(ob Observation) {
			if ob.Endpoint == "download_job_logs" {
				codes[ob.Code]++
			}
		}
	})
	ctx := context.Background()
	for _, path = range []string{"/good", "/moved"} {
		body, err := c.DownloadJobLogs(ctx, "o/r", 7)
		if err != nil {
			t.Fatal(path, err)
		}
		// The one slot is taken until Close.
		busy, cancel := context.WithTimeout(ctx, time.Millisecond)
		if _, err := c.Meta(busy); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v while the log is read", path, err)
		}
		cancel()
		got, err := io.ReadAll(body)
		if string(got) != log || err != nil {
			t.Errorf("%s: %d bytes of %d, %v", path, len(got), len(log), err)
		}
		body.Close()
		body.Close()
	}
	for at, want := range map[string]Kind{"/missing": KindNotFound, "/loop": KindRedirect, "/odd": KindRedirect, "/no-content": KindOther} {
		path = at
		_, err := c.DownloadJobLogs(ctx, "o/r", 7)
		e := wantKind(t, err, want)
		if e.Endpoint != "download_job_logs" || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v", at, err)
		}
	}
	if codes[200] != 2 || codes[404] != 1 {
		t.Errorf("observed %v", codes)
	}
	// The store's clock and limits are not GitHub's.
	if limits := c.Limits(); len(limits) != 0 {
		t.Errorf("limits %v", limits)
	}
	if skew, _ := c.Skew(); skew.Abs() > time.Hour {
		t.Errorf("skew %s", skew)
	}
	canceled, cancel := context.WithCancel(ctx)
	path = "/unending"
	body, err := c.DownloadJobLogs(canceled, "o/r", 7)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.ReadAll(body); !errors.Is(err, context.Canceled) {
		t.Errorf("read after cancel: %v", err)
	}
	body.Close()
	store.Close()
	_, err = c.DownloadJobLogs(ctx, "o/r", 7)
	wantKind(t, err, KindNetwork)
	if strings.Contains(err.Error(), "s3cr3t") {
		t.Error(err)
	}
}

// A log may take longer than the timeout as long as something comes.
func TestDownloadStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stall time.Duration
		c := client(t, "https://h", func(o *Options) {
			o.Timeout, o.MaxConcurrent = 5*time.Second, 1
			o.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.URL.Host == "h" {
					resp := reply(302, "")
					resp.Header.Set("Location", "https://store/x")
					return resp, nil
				}
				if stall < 0 {
					<-r.Context().Done()
					return nil, r.Context().Err()
				}
				parts := make([]io.Reader, 3)
				for i := range parts {
					parts[i] = &slowBody{ctx: r.Context(), wait: stall, rest: strings.NewReader("x")}
				}
				return respond(200, io.MultiReader(parts...)), nil
			})
		})
		ctx := context.Background()
		stall = 4 * time.Second
		body, err := c.DownloadJobLogs(ctx, "o/r", 7)
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute) // in the bubble's time: the caller may take as long as it likes
		if got, err := io.ReadAll(body); string(got) != "xxx" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		body.Close()

		stall = 6 * time.Second
		if body, err = c.DownloadJobLogs(ctx, "o/r", 7); err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(body)
		wantKind(t, err, KindNetwork)
		wantText(t, err, "download_job_logs", "timeout")
		body.Close()

		stall = -1
		start := time.Now()
		_, err = c.DownloadJobLogs(ctx, "o/r", 7)
		wantKind(t, err, KindNetwork)
		wantText(t, err, "timeout")
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("gave up after %s", took)
		}
		brief, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err = c.DownloadJobLogs(brief, "o/r", 7); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		// Every slot was given back.
		stall = 0
		if body, err = c.DownloadJobLogs(ctx, "o/r", 7); err != nil {
			t.Fatal(err)
		}
		body.Close()
	})
}
