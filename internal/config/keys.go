package config

import (
	"reflect"
	"strings"
)

// field is a key of a mapping and the value it fills.
type field struct {
	key   string
	value reflect.Value
}

type fields []field

// fieldsOf returns the keys of a struct in order of declaration, those of inlined structs in place.
func fieldsOf(v reflect.Value) fields {
	var all fields
	for i := range v.NumField() {
		key, option, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		switch {
		case key == "-":
		case option == "inline":
			all = append(all, fieldsOf(v.Field(i))...)
		default:
			all = append(all, field{key, v.Field(i)})
		}
	}
	return all
}

func (f fields) find(key string) (reflect.Value, bool) {
	for _, field := range f {
		if field.key == key {
			return field.value, true
		}
	}
	return reflect.Value{}, false
}

func keysOf(f fields) string {
	keys := make([]string, 0, len(f))
	for _, field := range f {
		keys = append(keys, field.key)
	}
	return strings.Join(keys, ", ")
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// hint says what may have been meant by an unknown key: one that is spelt alike, the same key elsewhere, or else what
// there is.
func hint(at string, siblings fields) string {
	parent, key := "", at
	if dot := strings.LastIndexByte(at, '.'); dot >= 0 {
		parent, key = at[:dot], at[dot+1:]
	}
	var near []string
	for _, sibling := range siblings {
		near = append(near, sibling.key)
	}
	if similar := nearest(key, near); similar != "" {
		return "did you mean " + join(parent, similar) + "?"
	}
	for _, path := range paths(reflect.ValueOf(Config{}), "") {
		if path[strings.LastIndexByte(path, '.')+1:] == key {
			return "did you mean " + path + "?"
		}
	}
	return "known keys are " + keysOf(siblings)
}

// paths lists the dotted paths of all keys that are not in lists.
func paths(v reflect.Value, prefix string) []string {
	var all []string
	for _, field := range fieldsOf(v) {
		path := join(prefix, field.key)
		all = append(all, path)
		if field.value.Kind() == reflect.Struct {
			all = append(all, paths(field.value, path)...)
		}
	}
	return all
}

// nearest returns the candidate that takes the fewest changes to get from word, if few enough for a slip.
func nearest(word string, candidates []string) string {
	best, least := "", max(1, len(word)/3)+1
	for _, candidate := range candidates {
		if d := distance(strings.ToLower(word), candidate); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance is the number of bytes to insert, delete or replace to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
