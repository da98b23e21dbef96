package explain

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github_workflow_exporter/collector/observe"
)

// Columns is how wide the text is at most.
const Columns = 100

// Write writes a report as text.
func Write(w io.Writer, r Report) error {
	var b strings.Builder
	line := func(format string, args ...any) {
		b.WriteString(strings.TrimRight(cut(clean(fmt.Sprintf(format, args...)), Columns), " "))
		b.WriteString("\n")
	}
	line("%s #%d of %s, %s on %s", orDash(r.Workflow), r.RunNumber, r.Repository, orDash(r.Event), orDash(r.HeadBranch))
	line("%s", strings.ToUpper(r.Verdict[:1])+r.Verdict[1:]+".")
	for _, text := range append([]string{"Ledger: " + r.Ledger}, notes(r.Notes)...) {
		for _, l := range wrap("", strings.Fields(text), " ") {
			line("%s", l)
		}
	}
	for _, a := range r.Attempts {
		b.WriteString("\n")
		writeAttempt(line, a)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func notes(all []string) []string {
	out := make([]string, len(all))
	for i, note := range all {
		out[i] = "Note: " + note
	}
	return out
}

func writeAttempt(line func(string, ...any), a Attempt) {
	head := fmt.Sprintf("Attempt %d: %s", a.Number, orElse(a.Conclusion, a.Status))
	if a.Started != nil {
		head += ", " + clock(*a.Started)
	}
	if a.Seconds != nil {
		head += ", took " + span(*a.Seconds)
	}
	if a.Reason != "" {
		head += ", reason " + a.Reason
	}
	line("%s", head)
	line("  counted: %s (%s)", a.Counted, a.Why)
	if len(a.Labels) > 0 {
		line("  run labels: %s", pairs(a.Labels, "repository"))
	}
	if a.Branch != "" {
		line("  branch: this run says %s", a.Branch)
	}
	if len(a.Discards) > 0 {
		line("  discarded: %s", strings.Join(a.Discards, ", "))
	}
	if len(a.Path) > 0 {
		var parts []string
		for _, s := range slices.Backward(a.Path) {
			parts = append(parts, fmt.Sprintf("%s %s %s", cut(s.Job, 24), s.Phase, span(s.Seconds)))
		}
		for _, l := range wrap("  critical path: ", parts, " > ") {
			line("%s", l)
		}
	}
	if len(a.Jobs) == 0 {
		line("  no jobs")
		return
	}
	const row = "  %-28s %-10s %7s %7s %8s  %s"
	line(row, "JOB", "CONCLUSION", "QUEUE", "RAN", "ON PATH", "COUNTED")
	for _, j := range a.Jobs {
		line(row, middle(j.Name, 28), cut(orElse(j.Conclusion, j.Status), 10), orWait(j), secondsOf(j.Seconds), onPath(j), said(j))
		for _, more := range detail(j) {
			line("      %s", more)
		}
		for _, l := range j.Log {
			line("      | %s", l)
		}
	}
}

// inBrief are the causes as a column has room for them; others are said with the attempt.
var inBrief = map[string]string{
	leftOut[observe.CarriedOver]: "carried over", leftOut[observe.CheckRun]: "a check run", leftOut[observe.Undecodable]: "cannot be read",
	leftOut[observe.NeverFinished]: "never final", whenOver: "when it is over",
}

// said is whether and as what a job is counted.
func said(j Job) string {
	words := j.Counted
	if brief := inBrief[j.Why]; brief != "" {
		words += ": " + brief
	}
	var marks []string
	if j.Reason != "" {
		marks = append(marks, "failed: "+j.Reason)
	}
	if j.Flake {
		marks = append(marks, "flake")
	}
	if j.Rerun && j.Seconds != nil {
		marks = append(marks, "re-run")
	}
	if len(marks) > 0 {
		words += " | " + strings.Join(marks, ", ")
	}
	return words
}

// detail is the second line of a job that has something to say.
func detail(j Job) []string {
	var parts []string
	if runner := j.Labels["runner"]; runner != "" {
		parts = append(parts, "runner "+cut(runner, 30))
	}
	if label := j.Labels["label"]; label != "" {
		parts = append(parts, "label "+middle(label, 40))
	}
	if j.Held != "" {
		parts = append(parts, "held by "+j.Held)
	}
	if j.SKU != "" {
		parts = append(parts, fmt.Sprintf("bills %s as %s, $%.3f", span(j.Billable), j.SKU, j.Cost))
	}
	var out []string
	if len(parts) > 0 {
		out = append(out, strings.Join(parts, ", "))
	}
	if j.FailedStep != "" {
		out = append(out, "failed step: "+j.FailedStep)
	}
	if len(j.Discards) > 0 {
		out = append(out, "discarded: "+strings.Join(j.Discards, ", "))
	}
	return out
}

func orWait(j Job) string {
	if j.Queue == nil && j.Abandoned != nil {
		return secondsOf(j.Abandoned)
	}
	return secondsOf(j.Queue)
}

func onPath(j Job) string {
	sum := 0.0
	for _, v := range j.Path {
		sum += v
	}
	if sum == 0 {
		return "-"
	}
	return span(sum)
}

func secondsOf(v *float64) string {
	if v == nil {
		return "-"
	}
	return span(*v)
}

// span writes seconds as people say them.
func span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	if d < time.Minute {
		return d.String()
	}
	text := d.String() // 1h2m3s
	if d >= time.Hour {
		text = strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return text
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

func pairs(labels map[string]string, without ...string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if !slices.Contains(without, name) {
			out = append(out, fmt.Sprintf("%s=%q", name, labels[name]))
		}
	}
	return strings.Join(out, " ")
}

// wrap breaks a list over lines of which the later ones are indented like the first.
func wrap(first string, parts []string, between string) []string {
	var lines []string
	current := first
	for i, p := range parts {
		if i > 0 {
			p = between + p
		}
		if utf8.RuneCountInString(current)+utf8.RuneCountInString(p) > Columns && current != first {
			lines = append(lines, current)
			current = strings.Repeat(" ", 4) + strings.TrimLeft(p, " ")
			continue
		}
		current += p
	}
	return append(lines, current)
}

// clean takes out what a terminal would take for a command.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s)
}

func cut(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}

// middle cuts in the middle: what a matrix' jobs differ in stands at the end.
func middle(s string, most int) string {
	runes := []rune(clean(s))
	if len(runes) <= most {
		return string(runes)
	}
	left := (most - 1) / 2
	return string(runes[:left]) + "…" + string(runes[len(runes)-(most-1-left):])
}

func orDash(s string) string { return orElse(s, "-") }

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
