package githubapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// The server repeats the token wherever it can; no error may show it, not even in part.
func TestTokenIsInNoError(t *testing.T) {
	var errs []error
	for _, h := range []http.HandlerFunc{
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Accepted-GitHub-Permissions", r.Header.Get("Authorization"))
			write(w, 403, `{"message":"denied to `+strings.Repeat("x", 160)+r.Header.Get("Authorization")+strings.Repeat(testToken, 5)+`"}`)
		},
		func(w http.ResponseWriter, r *http.Request) { write(w, 401, r.Header.Get("Authorization")) },
		func(w http.ResponseWriter, r *http.Request) { write(w, 502, "proxy said "+testToken) },
		func(w http.ResponseWriter, r *http.Request) { write(w, 200, `"`+testToken+`"`) },
		func(w http.ResponseWriter, r *http.Request) {
			write(w, 200, `{"total_count":"`+testToken+`","id":"`+testToken+`"}`)
		},
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example/"+testToken+"?"+testToken)
			w.WriteHeader(301)
		},
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://"+testToken+".example/x")
			w.WriteHeader(307)
		},
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://x:"+testToken+"@elsewhere.example/%zz"+testToken)
			w.WriteHeader(302)
		},
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "../"+testToken)
			w.WriteHeader(302)
		},
		func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			io.WriteString(conn, testToken+" "+testToken+"\r\n\r\n")
			conn.Close()
		},
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", testToken)
			write(w, 200, `{}`)
		},
	} {
		c, server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, testToken) {
				write(w, 404, "")
				return
			}
			h(w, r)
		})
		for _, err := range everyCall(context.Background(), c) {
			errs = append(errs, err)
		}
		server.Close()
		for _, err := range everyCall(context.Background(), c) {
			errs = append(errs, err)
		}
	}
	failed := 0
	for _, err := range errs {
		for e := err; e != nil; {
			failed++
			text := fmt.Sprintf("%v %+v", e, e)
			if strings.Contains(text, testToken) || strings.Contains(text, "s3cr3t") || strings.Contains(text, "Bearer g") {
				t.Errorf("token in %s", text)
			}
			u, ok := e.(interface{ Unwrap() error })
			if !ok {
				break
			}
			e = u.Unwrap()
		}
	}
	if failed < 200 {
		t.Errorf("only %d errors looked at", failed)
	}
}
