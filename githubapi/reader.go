package githubapi

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
)

// reader takes a JSON text apart in one pass over its bytes. It checks the whole text, but keeps only what it is asked for:
// what is skipped costs no memory, whatever it is made of. The first error stands; after it everything reads as nothing.
type reader struct {
	ctx   context.Context
	body  []byte
	at    int
	look  int // where the context is looked at next
	depth int
	err   error
	odd   string // in what way the entry at hand is not what it should be; "" = it is
	steps int    // of all jobs read so far
	name  [32]byte
}

const (
	maxDepth  = 1_000    // of nesting; what GitHub sends has about six levels
	maxString = 1 << 10  // bytes of a text that is kept; longer ones are cut
	lookEvery = 64 << 10 // bytes between two looks at the context
	numerals  = "0123456789.eE+-"
)

func newReader(ctx context.Context, body []byte) *reader { return &reader{ctx: ctx, body: body} }

// syntaxError is a text that is no JSON.
type syntaxError struct {
	what string
	at   int
}

func (e *syntaxError) Error() string { return fmt.Sprintf("no JSON: %s at byte %d", e.what, e.at) }

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.at = len(r.body)
}

func (r *reader) broken(what string) { r.fail(&syntaxError{what, r.at}) }

// next gives the first byte that is no white space, 0 at the end or after an error.
func (r *reader) next() byte {
	for ; r.at < len(r.body); r.at++ {
		if r.at >= r.look {
			r.look = r.at + lookEvery
			if err := r.ctx.Err(); err != nil {
				r.fail(err)
				return 0
			}
		}
		if c := r.body[r.at]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
	}
	return 0
}

// end checks that nothing follows.
func (r *reader) end() error {
	if r.next(); r.err == nil && r.at < len(r.body) {
		r.broken("something behind the end")
	}
	return r.err
}

// object calls field for every member, which must read or skip its value.
func (r *reader) object(field func(key []byte)) {
	if !r.enter() {
		return
	}
	if r.next() == '}' {
		r.leave()
		return
	}
	for r.err == nil {
		if r.next() != '"' {
			r.broken("no name of a member")
			return
		}
		key, plain := r.quoted()
		if !plain {
			key = r.unescapeName(key)
		}
		if r.next() != ':' {
			r.broken("no colon behind a name")
			return
		}
		r.at++
		field(key)
		if !r.more('}') {
			return
		}
	}
}

// list calls element for every element, which must read or skip it.
func (r *reader) list(element func()) {
	if !r.enter() {
		return
	}
	if r.next() == ']' {
		r.leave()
		return
	}
	for r.err == nil {
		element()
		if !r.more(']') {
			return
		}
	}
}

func (r *reader) enter() bool {
	if r.depth++; r.depth > maxDepth {
		r.broken("nested too deeply")
		return false
	}
	r.at++
	return true
}

func (r *reader) leave() {
	r.at++
	r.depth--
}

// more tells whether another member or element follows, and steps over the comma or the end.
func (r *reader) more(end byte) bool {
	switch c := r.next(); {
	case c == ',':
		r.at++
		return true
	case c == end && r.err == nil:
		r.leave()
	case r.err == nil:
		r.broken("neither a comma nor an end")
	}
	return false
}

// skip steps over a value of any kind.
func (r *reader) skip() {
	switch c := r.next(); {
	case c == '{':
		r.object(func([]byte) { r.skip() })
	case c == '[':
		r.list(r.skip)
	case c == '"':
		r.quoted()
	case c == '-' || c >= '0' && c <= '9':
		r.number()
	case c == 't':
		r.word("true")
	case c == 'f':
		r.word("false")
	case c == 'n':
		r.word("null")
	case r.err == nil:
		r.broken("no value")
	}
}

func (r *reader) word(w string) {
	if r.at+len(w) > len(r.body) || string(r.body[r.at:r.at+len(w)]) != w {
		r.broken("no value")
		return
	}
	r.at += len(w)
}

// null steps over null and tells whether it was there.
func (r *reader) null() bool {
	if r.next() != 'n' {
		return false
	}
	r.word("null")
	return true
}

// quoted gives what stands between the quotes; plain if there is no escape in it.
func (r *reader) quoted() (text []byte, plain bool) {
	plain = true
	b := r.body
	for i := r.at + 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			text, r.at = b[r.at+1:i], i+1
			return text, plain
		case c == '\\':
			plain = false
			n := escape(b[i:])
			if n == 0 {
				r.at = i
				r.broken("no escape")
				return nil, false
			}
			i += n - 1
		case c < ' ':
			r.at = i
			r.broken("a control character in a text")
			return nil, false
		}
	}
	r.at = len(b)
	r.broken("a text without end")
	return nil, false
}

// escape is the length of the escape that s begins with, 0 if it is none.
func escape(s []byte) int {
	if len(s) < 2 {
		return 0
	}
	if s[1] != 'u' {
		if bytes.IndexByte([]byte(`"\/bfnrt`), s[1]) < 0 {
			return 0
		}
		return 2
	}
	if len(s) < 6 {
		return 0
	}
	for _, c := range s[2:6] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return 0
		}
	}
	return 6
}

// unescapeName undoes the escapes in a member's name as far as it can be one that is looked for: short and in ASCII. The result
// holds until the next name.
func (r *reader) unescapeName(raw []byte) []byte {
	name := r.name[:0]
	for i := 0; i < len(raw); {
		c, n := raw[i], 1
		if c == '\\' {
			n = escape(raw[i:])
			if n != 6 {
				return raw
			}
			code, err := strconv.ParseUint(string(raw[i+2:i+n]), 16, 8)
			if err != nil {
				return raw
			}
			c = byte(code)
		}
		if len(name) == cap(name) {
			return raw
		}
		name = append(name, c)
		i += n
	}
	return name
}

// number gives the text of a number.
func (r *reader) number() []byte {
	start := r.at
	if r.body[r.at] == '-' {
		r.at++
	}
	switch whole := r.digits(); {
	case whole == 0, whole > 1 && r.body[r.at-whole] == '0':
		r.broken("no number")
		return nil
	}
	if r.at < len(r.body) && r.body[r.at] == '.' {
		r.at++
		if r.digits() == 0 {
			r.broken("no number")
			return nil
		}
	}
	if r.at < len(r.body) && (r.body[r.at] == 'e' || r.body[r.at] == 'E') {
		r.at++
		if r.at < len(r.body) && (r.body[r.at] == '+' || r.body[r.at] == '-') {
			r.at++
		}
		if r.digits() == 0 {
			r.broken("no number")
			return nil
		}
	}
	return r.body[start:r.at]
}

// digits steps over digits and tells how many there were.
func (r *reader) digits() int {
	start := r.at
	for r.at < len(r.body) && r.body[r.at] >= '0' && r.body[r.at] <= '9' {
		r.at++
	}
	return r.at - start
}
