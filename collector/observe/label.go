package observe

import (
	"strings"
	"unicode/utf8"

	"github_workflow_exporter/githubapi"
)

// maxValue is the longest label value in bytes. Names are user text of any length.
const maxValue = 200

// other stands for every conclusion GitHub may invent and every branch that is not singled out.
const other = "other"

// clean makes a label value of user text: valid, and cut at maxValue bytes between two runes.
func clean(s string) string {
	s = valid(s)
	if len(s) <= maxValue {
		return s
	}
	cut := maxValue
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}

// valid replaces what is no valid UTF-8, and NUL, which ends a Prometheus text exposition, by U+FFFD.
func valid(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return s
}

// conclusion bounds GitHub's word: values may be added at any time without a new API version.
func conclusion(word string) string {
	switch word {
	case "success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required", "stale", "startup_failure":
		return word
	}
	return other
}

// branch names the default branch and those the settings single out. The head branch of a pull request is the
// author's own word, even where it is spelt like the default branch.
func (o *Observer) branch(repo githubapi.Repository, run githubapi.Run) string {
	if name, ok := o.Watched(repo, run); ok {
		return name
	}
	return other
}

// event is GitHub's word for what triggered the run: a new one is welcome, what is no word is not.
func event(word string) string {
	if len(word) > 50 || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return other
	}
	return word
}
