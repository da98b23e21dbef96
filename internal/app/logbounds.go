package app

import (
	"fmt"

	"github.com/go-kit/log"

	"github_workflow_exporter/collector/poll"
)

// mostError is how many bytes of an error a log line holds: it may name several things.
const mostError = 1000

// boundedLogger bounds what reaches a log line from outside: texts as names are, errors less so.
type boundedLogger struct{ next log.Logger }

// Log implements log.Logger.
func (l boundedLogger) Log(keyvals ...any) error {
	bounded := keyvals
	for i := 1; i < len(keyvals); i += 2 {
		var text string
		switch v := keyvals[i].(type) {
		case string:
			most := poll.MostText
			if key := keyvals[i-1]; key == "err" || key == "msg" || key == "warning" || key == "do" {
				most = mostError
			}
			text = poll.Text(v, most)
			if text == v {
				continue
			}
		case error:
			text = poll.Text(v.Error(), mostError)
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
