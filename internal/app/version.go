package app

import (
	"runtime/debug"

	"github.com/prometheus/common/version"
)

// StampVersion fills in what the linker was not told of version, revision and date, from what go build and go install
// record: the module's version, and the commit with its date. Call it once, before anything shows a version.
func StampVersion(info *debug.BuildInfo) {
	stamp := stamped(info)
	for _, f := range []struct {
		to   *string
		from string
	}{{&version.Version, stamp.version}, {&version.Revision, stamp.revision}, {&version.BuildDate, stamp.date}} {
		if *f.to == "" {
			*f.to = f.from
		}
	}
	for _, f := range []*string{&version.Branch, &version.BuildUser} {
		if *f == "" {
			*f = "unknown"
		}
	}
}

type stamp struct{ version, revision, date string }

// stamped reads a build's own record, "unknown" where it has none: of a test, of go run, or built with -buildvcs=false.
func stamped(info *debug.BuildInfo) stamp {
	s := stamp{"unknown", "unknown", "unknown"}
	if info == nil {
		return s
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		s.version = v
	} else {
		s.version = "devel"
	}
	settings := map[string]string{}
	for _, setting := range info.Settings {
		settings[setting.Key] = setting.Value
	}
	if r := settings["vcs.revision"]; r != "" {
		s.revision = r
		if settings["vcs.modified"] == "true" {
			s.revision += "-modified"
		}
	}
	if at := settings["vcs.time"]; at != "" {
		s.date = at + " (of the commit)"
	}
	return s
}
