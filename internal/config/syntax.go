package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntaxError words an error of yaml's parser and puts it on the line where it shows. yaml itself names, if any, the
// line before the one on which the innermost unfinished collection began.
func syntaxError(data []byte, err error) *Error {
	text := err.Error()
	line := 0
	if match := yamlError.FindStringSubmatch(text); match != nil {
		line, _ = strconv.Atoi(match[1]) // stays 0 where yaml names no line
	}
	line = lineOf(data, text, line)
	problem := yamlError.ReplaceAllString(text, "")
	switch lines := bytes.Split(data, []byte("\n")); {
	case line > 0 && line <= len(lines) && bytes.HasPrefix(bytes.TrimLeft(lines[line-1], " "), []byte("\t")):
		problem += "; indent with spaces, not with tabs"
	case strings.HasPrefix(problem, "mapping values are not allowed"):
		problem += "; look for a missing colon or quote, or a wrong indentation"
	case problem == "did not find expected key":
		problem += "; look at the indentation"
	}
	return &Error{Line: line, Problem: "is not valid YAML: " + problem}
}

// maxSearch bounds the lines of a document that is parsed again and again; longer ones keep the line that yaml names.
const maxSearch = 1000

// lineOf returns the number of lines that have to be read to run into the error, tried from the line that yaml names.
func lineOf(data []byte, text string, named int) int {
	lines := bytes.SplitAfter(data, []byte("\n"))
	if len(lines) > maxSearch {
		return named
	}
	want := yamlError.ReplaceAllString(text, "")
	end := 0
	for i, line := range lines {
		end += len(line)
		if i+1 < named {
			continue
		}
		if err := syntax(data[:end]); err != nil && yamlError.ReplaceAllString(err.Error(), "") == want {
			return i + 1
		}
	}
	return named
}

// syntax returns the first error of any document in data.
func syntax(data []byte) error {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
