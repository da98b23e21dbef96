package githubapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

func gzipped(t testing.TB, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBodies(t *testing.T) {
	const good = `{"total_count":1,"workflow_runs":[{"id":1}]}`
	packed := gzipped(t, []byte(good))
	for _, tt := range []struct {
		name     string
		encoding string
		body     []byte
		length   int // said in Content-Length, 0 = right
		text     string
	}{
		{name: "plain", body: []byte(good)},
		{name: "identity", encoding: "identity", body: []byte(good)},
		{name: "gzip", encoding: "gzip", body: packed},
		{name: "GZIP", encoding: "GZIP", body: packed},
		{name: "HTML", body: []byte("<!DOCTYPE html><html>log in</html>"), text: "HTML, not JSON"},
		{name: "empty", text: "cannot be decoded"},
		{name: "cut JSON", body: []byte(good[:20]), text: "cannot be decoded"},
		{name: "cut connection", body: []byte(good[:20]), length: len(good), text: "cut or broken"},
		{name: "cut gzip", encoding: "gzip", body: packed[:len(packed)-9], text: "cut or broken"},
		{name: "false gzip", encoding: "gzip", body: []byte(good), text: "cut or broken"},
		{name: "broken gzip", encoding: "gzip", body: append(packed[:len(packed)-8:len(packed)-8], 0, 0, 0, 0, 0, 0, 0, 0), text: "cut or broken"},
		{name: "unasked encoding", encoding: "br", body: []byte(good), text: "content encoding br was not asked for"},
		{name: "wrong type", body: []byte(`[]`), text: "cannot be decoded"},
		{name: "too large", body: []byte(good + strings.Repeat(" ", 10_000)), text: "larger than 10000 bytes"},
		{name: "zip bomb", encoding: "gzip", body: gzipped(t, append([]byte(good), make([]byte, 8<<20)...)), text: "larger than 10000 bytes"},
	} {
		c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if tt.name == "HTML" {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
			}
			if tt.encoding != "" {
				w.Header().Set("Content-Encoding", tt.encoding)
			}
			if tt.length != 0 {
				w.Header().Set("Content-Length", fmt.Sprint(tt.length))
			}
			w.Write(tt.body)
		}, func(o *Options) { o.MaxBodyBytes = 10_000 })
		page, err := c.Runs(context.Background(), "o/r", RunFilter{}, PageRequest{})
		if tt.text == "" {
			if err != nil || len(page.Items) != 1 || page.Items[0].ID != 1 {
				t.Errorf("%s: %+v, %v", tt.name, page, err)
			}
			continue
		}
		if e := wantKind(t, err, KindBody); e.Status != 200 {
			t.Errorf("%s: status %d", tt.name, e.Status)
		}
		wantText(t, err, "list_runs: GET /repos/o/r/actions/runs: 200 OK: ", tt.text)
		if page.Items != nil || page.Next != "" || !page.Tag.IsZero() {
			t.Errorf("%s: something was returned: %+v", tt.name, page)
		}
	}
}

// The bombs of other statuses are cut before they are looked at; the status says what matters.
func TestErrorBodies(t *testing.T) {
	for name, body := range map[string][]byte{
		"bomb": gzipped(t, make([]byte, 8<<20)), "no gzip": []byte("x"), "message": gzipped(t, []byte(`{"message":"Server Error"}`)),
	} {
		c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(502)
			w.Write(body)
		})
		_, err := c.Runs(context.Background(), "o/r", RunFilter{}, PageRequest{})
		e := wantKind(t, err, KindServer)
		if want := map[bool]string{true: "Server Error"}[name == "message"]; e.Message != want {
			t.Errorf("%s: message %q, want %q", name, e.Message, want)
		}
	}
}

// Buffers are used again: what was decoded must not live in them.
func TestDecodedDataIsOwned(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		branch := r.URL.Query().Get("branch")
		write(w, 200, fmt.Sprintf(`{"total_count":1,"workflow_runs":[{"id":1,"head_branch":"%s","updated_at":""}]}`, branch))
	})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			var kept []Run
			for n := range 20 {
				page, err := c.Runs(context.Background(), "o/r", RunFilter{Branch: fmt.Sprintf("branch-%d-%d", i, n)}, PageRequest{})
				if err != nil {
					t.Error(err)
					return
				}
				kept = append(kept, page.Items...)
			}
			for n, run := range kept {
				if want := fmt.Sprintf("branch-%d-%d", i, n); run.HeadBranch != want {
					t.Errorf("run %d of %d is on %q", n, i, run.HeadBranch)
				}
			}
		})
	}
	wg.Wait()
}

// Headers have a limit too, and what is kept of them a smaller one.
func TestHugeHeaders(t *testing.T) {
	size := 0
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", `<?page=2&x=`+strings.Repeat("x", size)+`>; rel="next"`)
		w.Header().Set("ETag", `"`+strings.Repeat("x", size)+`"`)
		write(w, 200, `{"total_count":2,"workflow_runs":[{"id":1}]}`)
	})
	for _, size = range []int{0, 100, 5_000, 20_000} {
		page, err := c.Runs(context.Background(), "o/r", RunFilter{}, PageRequest{})
		if err != nil || len(page.Items) != 1 || len(page.Next) > maxURL+512 || page.Tag.IsZero() != (size > 1024) || page.Next == "" {
			t.Errorf("%d bytes: next of %d bytes, %v", size, len(page.Next), err)
		}
		if _, err = c.Runs(context.Background(), "o/r", RunFilter{}, PageRequest{Next: page.Next}); (err != nil) != (size > maxURL) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	size = maxHeaders
	_, err := c.Runs(context.Background(), "o/r", RunFilter{}, PageRequest{})
	wantKind(t, err, KindNetwork)
}
