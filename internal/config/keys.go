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
	if similar := Nearest(key, near); similar != "" {
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

// Nearest returns the candidate that a word is a slip of: a letter too many, too few, wrong or changed with its neighbour, one
// to three of them by the length of the word; or the only one that begins with the word as a whole part of it. It is ""
// where none is that near, for a far guess misleads.
func Nearest(word string, candidates []string) string {
	word = strings.ToLower(word)
	best, least := "", slips(word)+1
	var longer []string
	for _, candidate := range candidates {
		if d := distance(word, strings.ToLower(candidate)); d < least {
			best, least = candidate, d
		}
		if len(word) >= 3 && len(candidate) > len(word) && strings.HasPrefix(candidate, word) && strings.ContainsRune("_-.", rune(candidate[len(word)])) {
			longer = append(longer, candidate)
		}
	}
	if best == "" && len(longer) == 1 {
		return longer[0]
	}
	return best
}

// slips is how many are taken for slips in a word.
func slips(word string) int {
	switch n := len(word); {
	case n < 3:
		return 0
	case n < 6:
		return 1
	case n < 9:
		return 2
	}
	return 3
}

// distance is the number of bytes to insert, delete, replace or exchange with their neighbour to get from a to b.
func distance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			change := row[j]
			if a[i] != b[j] {
				change++
			}
			next[j+1] = min(change, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
