package githubapi

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"fit", "octo-org/service-1", "octo-org/service-1"},
		{"empty", "", ""},
		{"just fits", strings.Repeat("x", 20), strings.Repeat("x", 20)},
		{"too long", strings.Repeat("x", 21), strings.Repeat("x", 17) + "…"},
		{"cut within a rune", strings.Repeat("ä", 11), strings.Repeat("ä", 8) + "…"},
		{"control characters", "a\nb\x00c\u0085d\u2028e", "a b c d e"},
		{"no UTF-8", "a\xff\xfeb", "a?b"},
		{"a replacement character of its own", strings.Repeat("\ufffd", 7), strings.Repeat("\ufffd", 5) + "…"},
	} {
		if got := Text(test.text, 20); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("octo-org/service-1")
	f.Add(strings.Repeat("\xf0\x9f\x98", 100))
	f.Fuzz(func(t *testing.T, s string) {
		got := Text(s, MostText)
		if len(got) > MostText || !utf8.ValidString(got) || !fit(got) {
			t.Errorf("%q becomes %q", s, got)
		}
		if again := Text(got, MostText); again != got {
			t.Errorf("%q becomes %q, and that %q", s, got, again)
		}
	})
}
