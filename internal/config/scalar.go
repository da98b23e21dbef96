package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github_workflow_exporter/collector/relabel"
)

var (
	wholeNumber = regexp.MustCompile(`^-?(?:0|[1-9][0-9]*)$`)
	number      = regexp.MustCompile(`^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$`)
)

// setScalar reports false if the scalar is not of v's kind. Text may look like anything but a truth value: 2022-11-28 is
// a date to YAML, and 1.10 as the name of a branch is a number.
func setScalar(node *yaml.Node, v reflect.Value) bool {
	tag, text := node.ShortTag(), node.Value
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(text == "true")
		return tag == "!!bool" && (text == "true" || text == "false")
	case reflect.Int:
		n, err := strconv.ParseInt(text, 10, strconv.IntSize)
		v.SetInt(n)
		return err == nil && tag == "!!int" && wholeNumber.MatchString(text)
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		v.SetFloat(f)
		return err == nil && (tag == "!!int" || tag == "!!float") && number.MatchString(text)
	case reflect.String:
		v.SetString(text)
		return tag != "!!bool" && tag != "!!binary"
	}
	return false
}

// mismatch says what should have been there instead of node.
func mismatch(path string, node *yaml.Node, want reflect.Type) *Error {
	problem := fmt.Sprintf("must be %s, not %s", expectation(want), describe(node))
	if want == reflect.TypeFor[Owner]() && node.Kind == yaml.ScalarNode && ownerName.MatchString(node.Value) {
		problem += "; write {name: " + node.Value + "}"
	}
	return &Error{Key: path, Line: node.Line, Problem: problem}
}

func expectation(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Duration]():
		return "a duration such as 30s, 1h30m or 2d"
	case reflect.TypeFor[Glob]():
		return `a pattern such as "release-*"`
	case reflect.TypeFor[relabel.Regexp](), reflect.TypeFor[Search]():
		return "a regular expression"
	}
	switch t.Kind() {
	case reflect.Struct:
		return "a mapping with the keys " + keysOf(fieldsOf(reflect.New(t).Elem()))
	case reflect.Slice:
		return "a list such as [a, b]"
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	}
	return "text"
}

func describe(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.MappingNode:
		return "a mapping"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case node.Kind == yaml.AliasNode:
		return describe(node.Alias)
	case node.ShortTag() == "!!null":
		return "empty"
	case node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return "the text " + quote(node.Value)
	}
	return quote(node.Value)
}
