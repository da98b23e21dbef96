package observe

import (
	"regexp"
	"strings"
)

// madeUp tells whether a text of letters and digits is one that a program drew, such as 7f3kq2m8vt1xa or kVnPzHXDa2Gv7,
// and no person's, like ubuntu2204arm64: of a person's all parts between digits can be spoken or are in common use. It is
// right for nearly all of twelve characters and more; those below ten tell too little.
func madeUp(s string) bool {
	if len(s) < 10 {
		return false
	}
	digits, changes, humps, capitals := kindOf(s[0]) == '0', 0, 0, kindOf(s[0]) == 'A'
	for i := 1; i < len(s); i++ {
		from, to := kindOf(s[i-1]), kindOf(s[i])
		if from != to {
			changes++
		}
		if from == 'a' && to == 'A' {
			humps++
		}
		digits, capitals = digits || to == '0', capitals || to == 'A'
	}
	if capitals && strings.ToUpper(s) != s {
		return changes >= 4 && (digits || humps >= 2) && !spoken(s)
	}
	s = strings.ToLower(s)
	return digits && !placeName.MatchString(s) && !spoken(s)
}

// placeName is how machines are named by where they stand, as b12r04u22, or by what they are, as srvbln01dc02.
var placeName = regexp.MustCompile(`^(?:(?:[a-z]\d{1,2}){2,4}|(?:[a-z]{2,8}\d{1,2}){1,2})$`)

// part is a word, perhaps with a capital, or several capitals.
var part = regexp.MustCompile(`[A-Z]?[a-z]+|[A-Z]+`)

// spoken tells whether all parts that are no digits can be: words have a vowel and no crowd of consonants, short forms
// are known. Capitals in a row are taken for a short form where most else are words.
func spoken(s string) bool {
	words, letters, capitals := 0, 0, 0
	for _, p := range part.FindAllString(s, -1) {
		letters += len(p)
		lower := strings.ToLower(p)
		switch {
		case len(p) >= 3 && strings.ContainsAny(lower, "aeiouy") && !crowd.MatchString(lower):
			words += len(p)
		case shortForm[lower]:
		case len(p) > 1 && len(p) <= 4 && p != lower && strings.ToUpper(p) == p:
			capitals++
		default:
			return false
		}
	}
	return capitals == 0 || 2*words >= letters
}

// crowd is a run of letters that no word has.
var crowd = regexp.MustCompile(`[^aeiouy]{5}|[aeiouy]{4}|^[^aeiouy]{4}|[jqvwz][^aeiouyrls]|[^aeiouyscxn][qxzj]`)

// shortForm are what people put between digits.
var shortForm = map[string]bool{
	"x": true, "v": true, "m": true, "c": true, "g": true, "k": true, "i": true, "gb": true, "tb": true, "vm": true, "ci": true, "os": true, "vs": true,
	"qa": true, "amd": true, "rtx": true, "gtx": true, "dgx": true, "gpu": true, "cpu": true, "xl": true, "jdk": true, "npm": true, "sql": true,
}

// kindOf is 'a', 'A' or '0' for what a letter or digit is like.
func kindOf(c byte) byte {
	switch {
	case 'a' <= c && c <= 'z':
		return 'a'
	case 'A' <= c && c <= 'Z':
		return 'A'
	}
	return '0'
}
