package explain

import (
	"regexp"
	"strings"
)

// maxLogLines are shown of a log.
const maxLogLines = 40

var (
	stamp  = regexp.MustCompile(`^\x{FEFF}?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z ?`)
	escape = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)
)

// LogTail are the last lines of a job's log before the runner cleans up, without time stamps and what colours them. Where an
// error is marked they end with the last one.
func LogTail(log string) []string {
	var lines []string
	last := -1
	for _, l := range strings.Split(strings.TrimRight(log, "\r\n"), "\n") {
		l = stamp.ReplaceAllString(strings.TrimRight(l, "\r"), "")
		l = clean(escape.ReplaceAllString(l, ""))
		if strings.HasPrefix(l, "##[error]") {
			last = len(lines)
		}
		lines = append(lines, l)
	}
	if last >= 0 {
		lines = lines[:last+1]
	}
	return lines[max(0, len(lines)-maxLogLines):]
}
