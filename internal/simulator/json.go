package simulator

import (
	"encoding/json"
	"strconv"
	"time"
)

// object writes a JSON object field by field. Lists of a hundred runs are asked for thousands of times in a test;
// appending is an order of magnitude cheaper than reflection, and keeps every name visible where it is written.
type object struct{ b []byte }

func newObject(b []byte) object { return object{append(b, '{')} }

func (o *object) end() []byte { return append(o.b, '}') }

func (o *object) key(k string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(o.b, '"')
	o.b = append(o.b, k...)
	o.b = append(o.b, '"', ':')
}

func (o *object) str(k, v string) {
	o.key(k)
	o.b = appendString(o.b, v)
}

func (o *object) strOrNull(k, v string, valid bool) {
	if !valid {
		o.null(k)
		return
	}
	o.str(k, v)
}

func (o *object) num(k string, v int64) {
	o.key(k)
	o.b = strconv.AppendInt(o.b, v, 10)
}

func (o *object) flag(k string, v bool) {
	o.key(k)
	o.b = strconv.AppendBool(o.b, v)
}

func (o *object) null(k string) {
	o.key(k)
	o.b = append(o.b, "null"...)
}

func (o *object) raw(k string, v []byte) {
	o.key(k)
	o.b = append(o.b, v...)
}

func (o *object) time(k string, t time.Time) {
	o.key(k)
	o.b = append(o.b, '"')
	o.b = t.UTC().AppendFormat(o.b, "2006-01-02T15:04:05Z")
	o.b = append(o.b, '"')
}

func (o *object) timeOrNull(k string, t time.Time, valid bool) {
	if !valid {
		o.null(k)
		return
	}
	o.time(k, t)
}

func (o *object) strings(k string, list []string) {
	o.key(k)
	o.b = append(o.b, '[')
	for i, v := range list {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = appendString(o.b, v)
	}
	o.b = append(o.b, ']')
}

func appendString(b []byte, v string) []byte {
	for i := range len(v) {
		if c := v[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(v) // a string always can
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, v...)
	return append(b, '"')
}

func itoa(i int) string { return strconv.Itoa(i) }

func i64(i int64) string { return strconv.FormatInt(i, 10) }
