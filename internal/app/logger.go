package app

import (
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"slices"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github_workflow_exporter/internal/web"
)

// Logger is the program's logger in the two forms it is needed.
type Logger struct {
	log.Logger
	// WithoutCaller is for what other libraries log: the caller would be the bridge to them.
	WithoutCaller log.Logger
	Level         slog.Level
}

// NewLogger logs lines of the format logfmt or json, from the level debug, info, warn or error up. With an error, which names
// the flag, comes a logger of the defaults to log it.
func NewLogger(w io.Writer, format, from string) (l Logger, err error) {
	base := log.Logger(ordered{log.NewLogfmtLogger(log.NewSyncWriter(w))})
	switch format {
	case "logfmt":
	case "json":
		base = log.NewJSONLogger(log.NewSyncWriter(w)) // sorts the keys
	default:
		err = fmt.Errorf("--log.format must be logfmt or json, not %q", format)
	}
	allow, unknown := level.Parse(from)
	if unknown != nil || l.Level.UnmarshalText([]byte(from)) != nil {
		err = fmt.Errorf("--log.level must be debug, info, warn or error, not %q", from)
		allow, l.Level = level.InfoValue(), slog.LevelInfo
	}
	filtered := log.With(level.NewFilter(boundedLogger{base}, level.Allow(allow)), "ts", log.DefaultTimestampUTC)
	l.WithoutCaller = filtered
	l.Logger = log.With(boundedLogger{filtered}, "caller", log.DefaultCaller) // bounded below, or it would be the caller
	return l, err
}

// CaptureStandardLog makes what is said through the standard library's logger, as net/http's client does when a server
// answers what nobody asked, lines like all others. It changes the whole process: call it in main.
func (l Logger) CaptureStandardLog() {
	stdlog.SetFlags(0)
	stdlog.SetPrefix("")
	stdlog.SetOutput(web.NewLineLog(l.WithoutCaller))
}

// ordered puts the keys that all lines have to the front, in one order whoever logs.
type ordered struct{ log.Logger }

func (o ordered) Log(keyvals ...any) error {
	front := [4][]any{}
	rest := make([]any, 0, len(keyvals))
	for pair := range slices.Chunk(keyvals, 2) {
		key, _ := pair[0].(string)
		at := slices.Index([]string{"ts", "level", "caller", "msg"}, key)
		if at < 0 || len(pair) < 2 || front[at] != nil {
			rest = append(rest, pair...)
			continue
		}
		front[at] = pair
	}
	return o.Logger.Log(slices.Concat(front[0], front[1], front[2], front[3], rest)...)
}
