package app

import (
	"fmt"

	"github_workflow_exporter/githubapi"

	"github.com/go-kit/log"
)

// mostError is how many bytes of an error, or of any other text that is no name, a log line holds: it may name several things.
const mostError = 1000

// boundedLogger bounds what reaches a log line from outside. It stands next to the writer, below what adds level, time and
// caller.
type boundedLogger struct{ next log.Logger }

// Log implements log.Logger.
func (l boundedLogger) Log(keyvals ...any) error {
	bounded := keyvals
	for i := 1; i < len(keyvals); i += 2 {
		var text string
		switch v := keyvals[i].(type) {
		case string:
			if text = githubapi.Text(v, mostOf(keyvals[i-1])); text == v {
				continue
			}
		case error:
			text = githubapi.Text(v.Error(), mostError)
		default:
			continue // numbers, times, levels and what else is the program's own
		}
		if &bounded[0] == &keyvals[0] { // the caller's, who may use them again
			bounded = append([]any(nil), keyvals...)
		}
		bounded[i] = text
	}
	if err := l.next.Log(bounded...); err != nil {
		return fmt.Errorf("writing a log line: %w", err)
	}
	return nil
}

// mostOf is how many bytes the value of a key may have.
func mostOf(key any) int {
	switch key {
	case "repository", "name", "target", "owner", "workflow", "branch", "job":
		return githubapi.MostText
	}
	return mostError
}
