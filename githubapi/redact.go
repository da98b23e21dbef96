package githubapi

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// A server or a proxy may repeat the token it was sent, as it came or as it was written into a URL, a JSON text or a page. No
// such echo may get into an error, a log line or a label, so texts are masked before they are cut and headers before
// they are read.

const (
	masked = "[token]"
	// shortToken is the length below which innocent text would be taken for an echo; GitHub's tokens have 40 and more.
	shortToken = 12
)

// redact masks the token in a text: as it is, in other case, with any of its characters percent-encoded or escaped as in JSON
// or HTML, also when what was encoded is encoded again, and in base64 wherever it begins there.
func redact(s, token string) string {
	if token == "" || len(s) < len(token) { // no spelling is shorter
		return s
	}
	s = strings.ReplaceAll(s, token, masked)
	if len(token) < shortToken {
		return s
	}
	for _, core := range base64Cores(token) {
		s = strings.ReplaceAll(s, core, masked)
	}
	first := lower(token[0])
	var b strings.Builder
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if lower(c) != first && c != '%' && c != '\\' && c != '&' {
			i++
			continue
		}
		n := echo(s[i:], token)
		if n == 0 {
			i++
			continue
		}
		b.WriteString(s[from:i])
		b.WriteString(masked)
		i += n
		from = i
	}
	if from == 0 {
		return s
	}
	return b.String() + s[from:]
}

// echo is how many bytes at the front of s spell the token, 0 if they don't. Where a character can be read in two ways (a % of
// the token itself, say) both are followed.
func echo(s, token string) int {
	ends := [8]int{0} // where the characters matched so far can end
	n := 1
	for i := range len(token) {
		want, after, m := lower(token[i]), [8]int{}, 0
		for _, at := range ends[:n] {
			for way := range ways {
				if c, length := spelled(s[at:], way); length > 0 && lower(c) == want && m < len(after) && !slices.Contains(after[:m], at+length) {
					after[m], m = at+length, m+1
				}
			}
		}
		if m == 0 {
			return 0
		}
		ends, n = after, m
	}
	return slices.Max(ends[:n])
}

const (
	ways = 10
	// mostAgain bounds how often something is encoded again: each time a text grows, and so does the time to read it.
	mostAgain = 16
)

// times is how often s begins with what encoding again puts there.
func times(s, again string) (n int) {
	for n < mostAgain && strings.HasPrefix(s[n*len(again):], again) {
		n++
	}
	return n
}

// spelled reads the character that s begins with in one of several ways, and tells how many bytes it takes; 0 = none.
func spelled(s string, way int) (c byte, n int) {
	if s == "" {
		return 0, 0
	}
	code, base := "", 16
	switch way {
	case 0:
		return s[0], 1
	case 1: // percent-encoded twice
		if len(s) >= 5 && s[:3] == "%25" {
			code, n = s[3:5], 5
		}
	case 2:
		if len(s) >= 3 && s[0] == '%' {
			code, n = s[1:3], 3
		}
	case 3:
		if k := times(s, `\`); k > 0 && len(s) >= k+5 && s[k] == 'u' {
			code, n = s[k+1:k+5], k+5
		}
	case 4:
		if k := times(s, `\`); k > 0 && len(s) >= k+3 && s[k] == 'x' {
			code, n = s[k+1:k+3], k+3
		}
	case 5:
		if len(s) >= 2 && s[0] == '\\' {
			return s[1], 2
		}
	case 6:
		for _, e := range [...]struct {
			text string
			c    byte
		}{{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}} {
			if strings.HasPrefix(s, e.text) {
				return e.c, len(e.text)
			}
		}
	case 7:
		if s[0] != '&' {
			return 0, 0
		}
		at := 1 + len("amp;")*times(s[1:], "amp;")
		end := strings.IndexByte(s[at:min(len(s), at+9)], ';')
		if end < 2 || s[at] != '#' {
			return 0, 0
		}
		if code, n, base = s[at+1:at+end], at+end+1, 10; code[0] == 'x' || code[0] == 'X' {
			code, base = code[1:], 16
		}
	case 8, 9: // percent-encoded more often; the last 25 may be of a % that was
		if s[0] != '%' {
			return 0, 0
		}
		if at := 1 + len("25")*(times(s[1:], "25")-(way-8)); at > 3 && len(s) >= at+2 {
			code, n = s[at:at+2], at+2
		}
	}
	value, err := strconv.ParseUint(code, base, 8)
	if err != nil {
		return 0, 0
	}
	return byte(value), n
}

// base64Cores are the characters every base64 text has that holds the token, for each of the three places it can begin at.
func base64Cores(token string) []string {
	var cores []string
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := encoding.EncodeToString([]byte("\x00\x00"[:before] + token))
			if (before+len(token))%3 != 0 {
				text = text[:len(text)-1] // mixed with what follows
			}
			cores = append(cores, text[(before*8+5)/6:])
		}
	}
	return cores
}

// redactHeader masks the token in the values of an answer's header.
func redactHeader(h http.Header, token string) {
	if len(token) < shortToken {
		return
	}
	for _, values := range h {
		for i, v := range values {
			values[i] = redact(v, token)
		}
	}
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
