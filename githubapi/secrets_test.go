package githubapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
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
		func(w http.ResponseWriter, r *http.Request) { // in other spellings, and where a cut would leave a part of it
			w.Header().Set("X-Accepted-GitHub-Permissions", strings.Repeat("x", 180)+percent(testToken, "%%%02x"))
			write(w, 403, `{"message":"`+strings.Repeat("x", 170)+percent(testToken, `\u%04x`)+` `+percent(testToken, "%%%02X")+`"}`)
		},
		func(w http.ResponseWriter, r *http.Request) {
			write(w, 502, base64.StdEncoding.EncodeToString([]byte("x:"+testToken))+" "+strings.ToUpper(testToken))
		},
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example/"+percent(testToken, "%%%02X")+"/%2567"+testToken[1:])
			w.WriteHeader(301)
		},
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-GitHub-SSO", "required; url=https://h/orgs/"+testToken[:8]+percent(testToken, "%%%02x")+testToken+"/sso?x="+testToken)
			w.Header().Set("X-RateLimit-Resource", testToken)
			write(w, 403, `{}`)
		},
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "<https://h/"+percent(testToken, "%%%02x")+"/"+testToken+`>; rel="next"`)
			write(w, 200, `{"total_count":2,"jobs":[],"workflow_runs":[]}`)
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
			plain, _ := url.PathUnescape(text)
			if encoded := base64.StdEncoding.EncodeToString([]byte("x:" + testToken)); strings.Contains(text, encoded[6:30]) ||
				strings.Contains(strings.ToLower(text+plain), "s3cr3t") || strings.Contains(text, "%67%68%73") || strings.Contains(text, `\u0067`) {
				t.Errorf("token in other spelling in %s", text)
			}
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

// percent spells each character of s by a format.
func percent(s, format string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

func TestRedact(t *testing.T) {
	const token = `ghs_12&4"\/s3cr3t+x.y-z%7e`
	quoted, err := json.Marshal(token)
	if err != nil {
		t.Fatal(err)
	}
	for name, echo := range map[string]string{
		"raw": token, "upper": strings.ToUpper(token), "query": url.QueryEscape(token), "query, lower": strings.ToLower(url.QueryEscape(token)),
		"path": url.PathEscape(token), "all": percent(token, "%%%02x"), "all, upper": percent(token, "%%%02X"), "twice": url.QueryEscape(url.QueryEscape(token)),
		"JSON": strings.Trim(string(quoted), `"`), "JSON in full": percent(token, `\u%04x`), "HTML": html.EscapeString(token), "HTML numbers": percent(token, "&#%d;"),
		"HTML hex": percent(token, "&#x%x;"), "Go": strings.Trim(fmt.Sprintf("%q", token), `"`), "hex escapes": percent(token, `\x%02x`),
		"three times": url.QueryEscape(url.QueryEscape(url.QueryEscape(token))), "all, three times": percent(token, "%%2525%02x"),
		"JSON in JSON": percent(token, `\\u%04x`), "JSON in JSON in JSON": percent(token, `\\\\u%04x`), "hex escapes in JSON": percent(token, `\\x%02x`),
		"HTML in HTML": percent(token, "&amp;#%d;"), "HTML hex in HTML in HTML": percent(token, "&amp;amp;#x%x;"),
	} {
		for _, around := range []string{"", "x", "token: ", "ghs_", "%67", "&"} {
			if got, want := redact(around+echo+around, token), around+masked+around; got != want {
				t.Errorf("%s: %s became %s", name, around+echo+around, got)
			}
		}
	}
	for before := range 4 {
		text := strings.Repeat("u", before) + token + strings.Repeat("v", 3)
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
			got := redact("Basic "+encoding.EncodeToString([]byte(text)), token)
			if !strings.Contains(got, masked) || len(got) > len("Basic ")+before*2+len(masked)+12 {
				t.Errorf("base64 with %d before: %s", before, got)
			}
		}
	}
	for _, innocent := range []string{"", "ghs", "ghs_", "%", "%6", "%2", "%25", "%256", `\`, `\u00`, `\x`, "&", "&#", "&#;", "&#x;", "&amp", "&amp;#", "&amp;#;", "%25252525", `\\\\u`, "&#999999;", "ghs_12", "gggg", token[:len(token)-1]} {
		if got := redact(innocent, token); got != innocent {
			t.Errorf("%q became %q", innocent, got)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("ghs_1234", "a ghs_1234 %67hs_1234 &#103;hs_1234")
	f.Add("%25", "%2525%25")
	f.Add("&amp;", "&amp;amp;")
	f.Fuzz(func(t *testing.T, token, text string) {
		if checkToken(token) != nil || len(token) < shortToken || strings.Contains(masked, token) {
			return
		}
		got := redact(text+url.QueryEscape(token)+text+token, token)
		if strings.Contains(got, token) && !strings.Contains(masked+text+masked+text+masked, token) {
			t.Fatalf("%q in %q", token, got)
		}
	})
}
