package githubapi

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MostText is how many bytes of a foreign text, such as the name of a repository, a label of the exporter's own figures or
// a log line holds.
const MostText = 200

// Text makes a foreign text fit for a label or a log line: valid UTF-8 without control characters, at most so many bytes,
// cut between runes. A text that is fit comes back as it is.
func Text(s string, most int) string {
	if len(s) <= most && fit(s) {
		return s
	}
	const more = "…"
	cut := len(s) > most
	if cut {
		s = s[:most]
		for i := 0; i < utf8.UTFMax && len(s) > 0; i++ { // a rune that was cut in two
			if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size != 1 {
				break
			}
			s = s[:len(s)-1]
		}
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if !cut {
		return s
	}
	for len(s) > most-len(more) {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s + more
}

func fit(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' })
}
