package config

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// Duration is a span of time, never negative. It is written as Go writes it or in days and weeks: 30s, 1h30m, 2d, 1w.
type Duration time.Duration

var errDuration = errors.New("must be a duration such as 30s, 1h30m or 2d")

// ParseDuration reads numbers, each with its unit: ns, us, µs, ms, s, m, h, d (24 hours) and w (7 days). A single 0 needs
// no unit.
func ParseDuration(s string) (Duration, error) {
	if s == "0" {
		return 0, nil
	}
	if s == "" {
		return 0, errDuration
	}
	var sum time.Duration
	for s != "" {
		digits := len(s) - len(strings.TrimLeft(s, "0123456789."))
		unit := strings.IndexAny(s[digits:], "0123456789.")
		if unit < 0 {
			unit = len(s) - digits
		}
		part, err := parsePart(s[:digits], s[digits:digits+unit])
		if err != nil || part > math.MaxInt64-sum {
			return 0, errDuration
		}
		sum += part
		s = s[digits+unit:]
	}
	return Duration(sum), nil
}

func parsePart(number, unit string) (time.Duration, error) {
	factor := time.Duration(1)
	switch unit {
	case "d":
		unit, factor = "h", 24
	case "w":
		unit, factor = "h", 7*24
	}
	part, err := time.ParseDuration(number + unit)
	if err != nil || part < 0 || number == "" || unit == "" || part > math.MaxInt64/factor {
		return 0, errDuration
	}
	return part * factor, nil
}

// String writes it as Go does, without units that are zero: 2m30s, 1m, 840h, 0s.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// UnmarshalText reads what ParseDuration reads; the error says what would be right.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%w, not %s", err, quote(string(text)))
	}
	*d = parsed
	return nil
}

// MarshalYAML prints it as String does.
func (d Duration) MarshalYAML() (any, error) { return d.String(), nil }
