package githubapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// The reader takes for JSON what encoding/json does, and nothing else.
func TestReaderTakesJSONOnly(t *testing.T) {
	for _, text := range []string{
		"null", " true ", "false\n", "0", "-0", "10", "-1.5e+3", "1E9", "1e-9", "0.0", `""`, `"a\u00e4\n\\\"\/"`, "[]", "[ ]", "{}", "{ }", "[1,2]",
		`{"a":1,"b":[{}]}`, "\t[\r\n1 , 2]", `"` + "\x7f\xff" + `"`, strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth),
		"", " ", "nul", "nulll", "tru", "TRUE", "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "Infinity", "NaN", `"`, `"a`, `"\x"`, `"\u12"`, `"\u12g4"`, `"\`,
		"\"\n\"", "\"\x00\"", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{", "}", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{a:1}`, `{1:1}`,
		`{"a" 1}`, "[}", "{]", "1 2", "[] []", "\x00", "\ufeff[]", "//", "[1]x",
	} {
		r := newReader(context.Background(), []byte(text))
		r.skip()
		if err := r.end(); (err == nil) != json.Valid([]byte(text)) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	deep := newReader(context.Background(), []byte(strings.Repeat("[", 1<<20)))
	if deep.skip(); deep.end() == nil || !strings.Contains(deep.err.Error(), "nested too deeply") {
		t.Error(deep.err)
	}
}

func TestTextsAreCut(t *testing.T) {
	for _, tt := range []struct{ name, json, want string }{
		{"short", `ä`, "ä"},
		{"escapes", `a\u00e4\n\"\\\ud83d\ude00`, "aä\n\"\\😀"},
		{"half a surrogate", `\ud83d`, "\ufffd"},
		{"no UTF-8", "a\xffb", "a\ufffdb"},
		{"just fits", strings.Repeat("x", maxString), strings.Repeat("x", maxString)},
		{"one more", strings.Repeat("x", maxString+1), strings.Repeat("x", maxString)},
		{"cut within a letter", strings.Repeat("x", maxString-1) + "ääää", strings.Repeat("x", maxString-1)},
		{"long", strings.Repeat("ä", 1<<20), strings.Repeat("ä", maxString/2)},
		{"long escapes", strings.Repeat(`\u0061`, 1<<16), strings.Repeat("a", maxString)},
		{"long pairs", "a" + strings.Repeat(`\ud83d\ude00`, 1<<16), "a" + strings.Repeat("😀", (maxString-1)/4)},
		{"long backslashes", strings.Repeat(`\\`, 1<<16), strings.Repeat(`\`, maxString)},
		{"long rubbish", strings.Repeat("\xff", 1<<16), strings.Repeat("\ufffd", maxString/3)},
	} {
		var got string
		r := newReader(context.Background(), []byte(`"`+tt.json+`"`))
		if ok := r.text(&got); !ok || r.end() != nil || got != tt.want {
			t.Errorf("%s: %d bytes, %.20q, %v", tt.name, len(got), got, r.err)
		}
	}
}

// looks is a context that ends after some looks at it.
type looks struct {
	context.Context
	left int
}

func (l *looks) Err() error {
	if l.left--; l.left < 0 {
		return context.Canceled
	}
	return nil
}

// A page of any length is given up soon after its context ends, at 64 KB of what is left to read.
func TestDecodingEndsWithItsContext(t *testing.T) {
	body := []byte(`{"total_count":1,"x":[` + strings.Repeat("1,", 1<<18) + `1],"jobs":[` + strings.Repeat(`{"id":1,"x":[1,2,3]},`, 900) + `{}]}`)
	for _, left := range []int{0, 1, 5} {
		ctx := &looks{context.Background(), left}
		r := newReader(ctx, body)
		r.skip()
		if err := r.end(); !errors.Is(err, context.Canceled) || ctx.left != -1 {
			t.Errorf("after %d looks: %v, looked %d times more", left, err, -ctx.left-1)
		}
		if jobs, _, err := decodeJobs(&looks{context.Background(), left}, body, ever); jobs != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("after %d looks: %v", left, err)
		}
	}
	if jobs, _, err := decodeJobs(context.Background(), body, ever); err != nil || len(jobs) != 901 {
		t.Errorf("%d jobs, %v", len(jobs), err)
	}
}

func TestNamesWithEscapes(t *testing.T) {
	body := []byte(`{"total\u005fcount":3,"\u006a\u006fbs":[{"\u0069\u0064":5,"n\u0061me":"n","id\n":6,"\u0169d":7,"` + strings.Repeat(`\u0069`, 99) + `":8}]}`)
	jobs, total, err := decodeJobs(context.Background(), body, ever)
	if err != nil || total != 3 || !cmp.Equal(jobs, []Job{{ID: 5, Name: "n"}}) {
		t.Errorf("%+v, %d, %v", jobs, total, err)
	}
}

func FuzzReader(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-2.5e3,"\u00e4\ud83d",true,null,{}]}`, `[[],{"":""}]`, `"\`, "[1,]", `{"a":1,"a":2}`, "-0.0"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r := newReader(context.Background(), body)
		r.skip()
		err := r.end()
		if valid := json.Valid(body); (err == nil) != valid && bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) < maxDepth {
			t.Fatalf("%v, and yet valid is %t", err, valid)
		}
		var want, got string
		q := newReader(context.Background(), body)
		if ok := q.text(&got); ok && q.end() == nil && json.Unmarshal(body, &want) == nil && len(want) <= maxString && got != want {
			t.Fatalf("%q, want %q", got, want)
		}
		if len(got) > maxString || !utf8.ValidString(got) {
			t.Fatalf("%d bytes of text", len(got))
		}
	})
}

// plainKeys tells whether no object of the body has a name twice, in another case, or with an escape in it: encoding/json
// reads such ones otherwise.
func plainKeys(body []byte) bool {
	if bytes.ContainsRune(body, '\\') {
		return false
	}
	var names []map[string]bool
	d := json.NewDecoder(bytes.NewReader(body))
	expectsKey := []bool{}
	for {
		token, err := d.Token()
		if err != nil {
			return errors.Is(err, io.EOF)
		}
		n := len(names) - 1
		switch token := token.(type) {
		case json.Delim:
			if token == '{' || token == '[' {
				if n >= 0 && names[n] != nil {
					expectsKey[n] = true
				}
				names, expectsKey = append(names, map[json.Delim]map[string]bool{'{': {}}[token]), append(expectsKey, token == '{')
			} else {
				names, expectsKey = names[:n], expectsKey[:n]
			}
		default:
			if n < 0 || names[n] == nil {
				continue
			}
			if key, ok := token.(string); ok && expectsKey[n] {
				if names[n][key] || strings.ToLower(key) != key || strings.ToUpper(key) == key || !utf8.ValidString(key) || strings.ContainsAny(key, "ſK") {
					return false
				}
				names[n][key] = true
			}
			expectsKey[n] = !expectsKey[n]
		}
	}
}

// agree compares with encoding/json what both can read in full and nothing had to be bounded in.
func agree[T any](t *testing.T, body []byte, key string, got []T, gotErr error, id func(*T) int64) {
	t.Helper()
	if !plainKeys(body) || len(body) > 1<<12 {
		return
	}
	var page map[string]json.RawMessage
	var want []T
	if json.Unmarshal(body, &page) != nil || json.Unmarshal(page[key], &want) != nil || want == nil {
		return
	}
	for i := range want {
		if id(&want[i]) <= 0 {
			return
		}
	}
	if gotErr != nil {
		t.Fatalf("%v, want %+v", gotErr, want)
	}
	same := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) || !within(b) || !within(a) })
	nulls := cmp.FilterValues(func(a, b int) bool { return a < 0 || b < 0 || a > MaxAttempt || b > MaxAttempt }, cmp.Ignore())
	ids := cmp.FilterValues(func(a, b int64) bool { return a < 0 || b < 0 }, cmp.Ignore())
	flags := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".ImpossibleTime" }, cmp.Ignore())
	if diff := cmp.Diff(want, got, same, nulls, ids, flags); diff != "" && !strings.Contains(fmt.Sprintf("%+v", got), "Undecodable:true") {
		t.Fatal(diff)
	}
}

func within(at time.Time) bool {
	return !at.IsZero() && at.After(ever.earliest) && at.Before(ever.latest)
}
