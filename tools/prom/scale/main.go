// Command scale shortens all times in rule files alike, so that a test can see in minutes what takes hours or days:
//
//	go run ./scale -by 60 -out DIR ../../deploy/prometheus/*.yml
//
// It relies on how the rules are written: times as 5m, 1h, 1w in ranges, offsets, `for` and intervals, and as "N * 60" in
// thresholds. The names of what is recorded stay as they are.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

func main() {
	by := flag.Int("by", 60, "how many times shorter")
	out := flag.String("out", "", "directory to write to")
	flag.Parse()
	if err := run(*by, *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run(by int, out string, paths []string) error {
	if by < 1 || out == "" || len(paths) == 0 {
		return errors.New("usage: scale -by N -out DIR FILE…, N at least 1")
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, filepath.Base(path)), []byte(rules(string(b), by)), 0o600); err != nil {
			return err
		}
	}
	return nil
}

var (
	// Not "increase1h" or "p90_4w": there is no word boundary before those.
	duration  = regexp.MustCompile(`\b(\d+)(ms|s|m|h|d|w)\b`)
	threshold = regexp.MustCompile(`\b\d+ \* 60\b`)

	units = map[string]time.Duration{
		"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
	}
)

// rules returns a rule file with all times shortened; comments and annotations stay.
func rules(text string, by int) string {
	lines := strings.Split(text, "\n")
	annotations := -1 // how far the key is indented, while what it holds lasts
	for i, line := range lines {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		switch {
		case strings.TrimSpace(line) == "annotations:":
			annotations = indent
			continue
		case strings.TrimSpace(line) != "" && indent <= annotations:
			annotations = -1
		}
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		if annotations >= 0 {
			// What a text says of its limits stays; what it asks for has to follow the rules.
			lines[i] = query.ReplaceAllStringFunc(line, func(q string) string { return shorten(q, by) })
			continue
		}
		line = threshold.ReplaceAllString(line, "$0 / "+strconv.Itoa(by))
		lines[i] = shorten(line, by)
	}
	return strings.Join(lines, "\n")
}

var query = regexp.MustCompile(`printf "(?:[^"\\]|\\.)*"`)

func shorten(text string, by int) string {
	return duration.ReplaceAllStringFunc(text, func(s string) string {
		m := duration.FindStringSubmatch(s)
		n, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return s // more digits than a duration has
		}
		d := time.Duration(n) * units[m[2]] / time.Duration(by)
		return strconv.FormatInt(max(d.Milliseconds(), 1), 10) + "ms"
	})
}
