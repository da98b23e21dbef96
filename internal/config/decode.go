package config

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github_workflow_exporter/collector/relabel"
)

// positions are the lines of the keys of a document, by dotted path.
type positions map[string]int

// of returns the line of a key or, if it is not in the document, of the nearest key that would hold it, or the first
// line; 0 without a document.
func (p positions) of(key string) int {
	for key != "" {
		if line := p[key]; line > 0 {
			return line
		}
		key = key[:max(0, strings.LastIndexAny(key, ".["))]
	}
	if p == nil {
		return 0
	}
	return 1
}

// parse decodes one document over the values that c has, by c's own field tags. yaml's decoder is used up to its nodes
// only: by itself it ignores further documents, takes yes for true, 010 for 8 and a missing value for zero, and its
// errors do not name the key.
func parse(data []byte, c *Config) (positions, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	d := walker{lines: make(positions)}
	var document, next yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return d.lines, nil
	case err != nil:
		return d.lines, syntaxError(data, err)
	}
	switch err := decoder.Decode(&next); {
	case err == nil:
		return d.lines, &Error{Line: next.Line, Problem: "a second document begins; a configuration is one document"}
	case !errors.Is(err, io.EOF):
		return d.lines, syntaxError(data, err)
	}
	if err := d.value("", document.Content[0], reflect.ValueOf(c).Elem()); err != nil {
		return d.lines, err
	}
	return d.lines, nil
}

// walker fills values from nodes and remembers where they were.
type walker struct{ lines positions }

// value fills v, of a type that occurs in Config, from node. Aliases are followed; as the types do not recurse, neither
// can they.
func (d walker) value(path string, node *yaml.Node, v reflect.Value) error {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	null := node.ShortTag() == "!!null"
	switch target := v.Addr().Interface().(type) {
	case yaml.Unmarshaler:
		return d.foreign(path, node, target)
	case encoding.TextUnmarshaler:
		if null || node.Kind != yaml.ScalarNode {
			return mismatch(path, node, v.Type())
		}
		if err := target.UnmarshalText([]byte(node.Value)); err != nil {
			return &Error{Key: path, Line: node.Line, Problem: err.Error()}
		}
		return nil
	}
	switch v.Kind() {
	case reflect.Struct, reflect.Slice:
		if null {
			return nil // a section whose keys are all commented out
		}
		if v.Kind() == reflect.Struct && node.Kind == yaml.MappingNode {
			return d.mapping(path, node, v)
		}
		if v.Kind() == reflect.Slice && node.Kind == yaml.SequenceNode {
			return d.sequence(path, node, v)
		}
		return mismatch(path, node, v.Type())
	}
	if !null && node.Kind == yaml.ScalarNode && setScalar(node, v) {
		return nil
	}
	return mismatch(path, node, v.Type())
}

// foreign lets another package's type read its node.
func (d walker) foreign(path string, node *yaml.Node, target yaml.Unmarshaler) error {
	err := target.UnmarshalYAML(node)
	var field *relabel.FieldError
	if !errors.As(err, &field) {
		return err
	}
	if field.Field != "" {
		path += "." + field.Field
	}
	return &Error{Key: path, Line: field.Line, Problem: field.Problem}
}

func (d walker) mapping(path string, node *yaml.Node, v reflect.Value) error {
	fields := fieldsOf(v)
	seen := make(map[string]int)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			return &Error{Key: path, Line: key.Line, Problem: "keys must be plain words; known keys are " + keysOf(fields)}
		}
		at := join(path, key.Value)
		field, known := fields.find(key.Value)
		if !known {
			return &Error{Key: at, Line: key.Line, Problem: "unknown key; " + hint(at, fields)}
		}
		if first, twice := seen[key.Value]; twice {
			return &Error{Key: at, Line: key.Line, Problem: fmt.Sprintf("given twice, first on line %d; keep one", first)}
		}
		seen[key.Value] = key.Line
		d.lines[at] = key.Line
		if err := d.value(at, value, field); err != nil {
			return err
		}
	}
	return nil
}

func (d walker) sequence(path string, node *yaml.Node, v reflect.Value) error {
	list := reflect.MakeSlice(v.Type(), len(node.Content), len(node.Content))
	for i, item := range node.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		d.lines[at] = item.Line
		if item.ShortTag() == "!!null" {
			return mismatch(at, item, v.Type().Elem())
		}
		element := list.Index(i)
		if withDefaults, ok := element.Addr().Interface().(interface{ SetDefaults() }); ok {
			withDefaults.SetDefaults()
		}
		if err := d.value(at, item, element); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}
