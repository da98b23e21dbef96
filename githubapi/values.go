package githubapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// How a reader reads the values that are kept.

// must notes that the entry at hand is odd where a value is not what it has to be.
func (r *reader) must(name string, ok bool) {
	if !ok && r.odd == "" {
		r.odd = name
	}
}

// The following read one value into a field. null leaves the field as it is; a value of another kind is skipped and false.

// text cuts what is longer than maxString.
func (r *reader) text(into *string) bool {
	if r.null() {
		return true
	}
	if r.next() != '"' {
		r.skip()
		return false
	}
	raw, plain := r.quoted()
	*into = kept(raw, plain)
	return true
}

// kept is the text as it is kept: in valid UTF-8, cut, and a copy, for the body's buffer is used again.
func kept(raw []byte, plain bool) string {
	if plain && len(raw) <= maxString && utf8.Valid(raw) {
		switch string(raw) { // what most entries hold needs no copy
		case StatusCompleted:
			return StatusCompleted
		case "success":
			return "success"
		case "failure":
			return "failure"
		case "skipped":
			return "skipped"
		}
		return string(raw)
	}
	end := 0
	for end < len(raw) && end < 6*maxString { // an escape of six bytes gives at least one
		if raw[end] == '\\' {
			end += escape(raw[end:])
		} else {
			end++
		}
	}
	s := unescape(raw[:end])
	if len(s) <= maxString {
		return s
	}
	end = maxString
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return strings.Clone(s[:end])
}

// whole reads a whole number.
func (r *reader) whole(into *int64) bool {
	c := r.next()
	switch {
	case r.null():
		return true
	case c == '-' || c >= '0' && c <= '9':
		n, err := strconv.ParseInt(string(r.number()), 10, 64)
		if err != nil {
			return false
		}
		*into = n
		return true
	}
	r.skip()
	return false
}

// loose reads a whole number also from a text, and takes what is none for missing; false tells of a number out of range
// or with a fraction.
func (r *reader) loose(into *int64) bool {
	if r.next() != '"' {
		start := r.next()
		ok := r.whole(into)
		return ok || start != '-' && (start < '0' || start > '9')
	}
	raw, _ := r.quoted()
	if n, err := strconv.ParseInt(string(raw[:min(len(raw), 24)]), 10, 64); err == nil && len(raw) <= 24 {
		*into = n
	}
	return true
}

// small is loose for an int.
func (r *reader) small(into *int) bool {
	n := int64(*into)
	ok := r.loose(&n)
	*into = int(max(math.MinInt32, min(n, math.MaxInt32)))
	return ok
}

// amount is whole for an int.
func (r *reader) amount(into *int) bool {
	n := int64(*into)
	ok := r.whole(&n)
	*into = int(max(math.MinInt32, min(n, math.MaxInt32)))
	return ok
}

func (r *reader) truth(into *bool) bool {
	switch r.next() {
	case 't':
		r.word("true")
		*into = true
	case 'f':
		r.word("false")
		*into = false
	default:
		if !r.null() {
			r.skip()
			return false
		}
	}
	return true
}

// time takes what is no time in RFC 3339 for missing.
func (r *reader) time(into *time.Time) {
	if r.next() != '"' {
		r.skip()
		return
	}
	var t time.Time
	if raw, _ := r.quoted(); len(raw) <= 64 && t.UnmarshalText(raw) == nil {
		*into = t
	}
}

// count reads a total_count whatever it is: negative, missing or no number is 0, more than MaxListCount is that. How long a
// list is said to be is no reason to lose what stands in it.
func (r *reader) count() int {
	var raw []byte
	switch c := r.next(); {
	case c == '"':
		raw, _ = r.quoted()
	case c == '-' || c >= '0' && c <= '9':
		raw = r.number()
	default:
		r.skip()
	}
	if len(raw) == 0 || len(bytes.Trim(raw, numerals)) > 0 {
		return 0 // ParseFloat knows more words and signs
	}
	n, err := strconv.ParseFloat(string(raw[:min(len(raw), 400)]), 64)
	if n > 0 && (err == nil || errors.Is(err, strconv.ErrRange)) { // too large is +Inf
		return int(min(n, MaxListCount))
	}
	return 0
}

// unescape gives the text that stands between quotes in JSON, in valid UTF-8.
func unescape(raw []byte) string {
	quoted := make([]byte, 0, len(raw)+2)
	quoted = append(append(append(quoted, '"'), raw...), '"')
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return ""
	}
	return s
}
