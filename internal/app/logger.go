package app

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// Logger is the program's logger in the two forms it is needed.
type Logger struct {
	log.Logger
	// WithoutCaller is for what other libraries log: the caller would be the bridge to them.
	WithoutCaller log.Logger
	Level         slog.Level
}

// NewLogger logs lines of the format logfmt or json, from the level debug, info, warn or error up.
func NewLogger(w io.Writer, format, from string) (Logger, error) {
	var base log.Logger
	switch format {
	case "logfmt":
		base = log.NewLogfmtLogger(log.NewSyncWriter(w))
	case "json":
		base = log.NewJSONLogger(log.NewSyncWriter(w))
	default:
		return Logger{}, fmt.Errorf("log format must be logfmt or json, not %q", format)
	}
	allow, err := level.Parse(from)
	if err != nil {
		return Logger{}, fmt.Errorf("log level must be debug, info, warn or error, not %q", from)
	}
	var l Logger
	if err := l.Level.UnmarshalText([]byte(from)); err != nil {
		return Logger{}, fmt.Errorf("log level: %w", err)
	}
	filtered := log.With(level.NewFilter(boundedLogger{base}, level.Allow(allow)), "ts", log.DefaultTimestampUTC)
	l.WithoutCaller = filtered
	l.Logger = log.With(filtered, "caller", log.DefaultCaller)
	return l, nil
}
