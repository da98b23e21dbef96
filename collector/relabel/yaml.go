package relabel

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// UnmarshalYAML reads a rule as Prometheus writes it: fields left out have their defaults, actions are read in any case,
// a field that does not exist or is given twice is an error, and so is a rule that is not valid. Errors are *FieldError
// with a line.
func (r *Rule) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return &FieldError{Line: node.Line, Problem: "must be a mapping such as {source_labels: [repository], target_label: workflow}"}
	}
	rule := Default()
	lines := make(map[string]int)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if _, twice := lines[key.Value]; twice {
			return &FieldError{Field: key.Value, Line: key.Line, Problem: "given twice; keep one"}
		}
		lines[key.Value] = key.Line
		if wrong := rule.set(key.Value, value); wrong != "" {
			return &FieldError{Field: key.Value, Line: value.Line, Problem: wrong}
		}
	}
	if wrong := rule.wrong(); wrong != nil {
		if wrong.Line = lines[wrong.Field]; wrong.Line == 0 {
			wrong.Line = node.Line
		}
		return wrong
	}
	*r = rule
	return nil
}

// set reads one field and returns what is wrong with it, if anything.
func (r *Rule) set(field string, node *yaml.Node) (wrong string) {
	switch field {
	case "source_labels":
		// Decoding null would silently leave the field out.
		if isNull(node) || node.Decode(&r.SourceLabels) != nil {
			return "must be a list of label names such as [repository, workflow]"
		}
	case "separator":
		return text(node, &r.Separator)
	case "target_label":
		return text(node, &r.TargetLabel)
	case "replacement":
		return text(node, &r.Replacement)
	case "modulus":
		if isNull(node) || node.Decode(&r.Modulus) != nil {
			return "must be a whole number, 1 or more"
		}
	case "regex":
		var s string
		if wrong := text(node, &s); wrong != "" {
			return wrong
		}
		if err := r.Regex.UnmarshalText([]byte(s)); err != nil {
			return err.Error()
		}
	case "action":
		var s string
		if wrong := text(node, &s); wrong != "" {
			return wrong
		}
		r.Action = Action(strings.ToLower(s))
	default:
		return "unknown key; known keys are " + strings.Join(fieldNames(), ", ")
	}
	return ""
}

func text(node *yaml.Node, into *string) (wrong string) {
	if isNull(node) {
		return `has no value; write "" for an empty text, or leave the key out`
	}
	if node.Decode(into) != nil {
		return "must be text"
	}
	return ""
}

func isNull(node *yaml.Node) bool { return node.ShortTag() == "!!null" }
