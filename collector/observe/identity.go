package observe

import (
	"regexp"
	"strconv"
	"strings"

	"github_workflow_exporter/githubapi"
)

// identity are the numbers that name one run, one attempt or one job, in decimal, "" where they are not known. In a label
// value each would make series that nothing is ever added to.
type identity struct{ run, job, number, attempt string }

func identityOf(a githubapi.Attempt) identity {
	return identity{run: decimal(a.Run.ID), number: decimal(a.Run.RunNumber), attempt: decimal(int64(a.Number))}
}

func decimal(n int64) string {
	if n <= 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// certain is how many digits make an id that does not stand in a name by chance. Shorter ones, of a young server, and the
// attempt, which nearly always is 1, need a word that says what they are.
const certain = 5

// telling is the same of a run's number: by chance it stands in the names of one run of a workflow.
const telling = 3

var (
	digits     = regexp.MustCompile(`\d+`)
	runWord    = regexp.MustCompile(`(?i)(?:^|[^a-z])run(?:[-_. ]?id)?[-_=:#. ]*$`)
	jobWord    = regexp.MustCompile(`(?i)(?:^|[^a-z])job[-_. ]?id[-_=:#. ]*$`)
	numberWord = regexp.MustCompile(`(?i)(?:^|[^a-z])run(?:[-_. ]?(?:number|num|no|nr))?[-_=:#. ]*$`)
	attempted  = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:run[-_. ]?)?attempt[-_=:#. ]*$`)
	joins      = regexp.MustCompile(`(?i)^[-_./:# ]{1,2}(?:(?:run[-_]?)?(?:attempt|number)[-_=]?)?$|^(?:attempt|a)$`)
	between    = regexp.MustCompile(`^[-_.]$`)
)

// strip takes the ids of the run and the job out of a text, with the run's number and attempt that follow, or that stand
// where a word says what they are, and tidies what is left. With numbers a run's number of some digits that stands by
// itself goes too.
func (who identity) strip(text string, numbers bool) string {
	tokens := digits.FindAllStringIndex(text, -1)
	var cuts [][]int
	for k, at := range tokens {
		token, before := text[at[0]:at[1]], text[:at[0]]
		follows := len(cuts) > 0 && joins.MatchString(text[cuts[len(cuts)-1][1]:at[0]])
		switch {
		case who.isID(token, before):
			cuts = append(cuts, at)
		case follows && (token == who.number || token == who.attempt):
			cuts[len(cuts)-1][1] = at[1]
		case token == who.attempt && attempted.MatchString(before), token == who.number && numberWord.MatchString(before):
			cuts = append(cuts, at)
		case token == who.number && len(token) >= telling && strings.HasSuffix(before, "#"):
			cuts = append(cuts, at)
		case numbers && token == who.number && who.standsAlone(text, tokens, k):
			cuts = append(cuts, at)
		}
	}
	if cuts == nil {
		return text
	}
	left := text[:cuts[0][0]]
	for k, cut := range cuts {
		end := len(text)
		if k+1 < len(cuts) {
			end = cuts[k+1][0]
		}
		left = mend(left, text[cut[1]:end])
	}
	return strings.TrimRight(left, separators)
}

func (who identity) isID(token, before string) bool {
	switch token {
	case who.run:
		return len(token) >= certain || runWord.MatchString(before)
	case who.job:
		return len(token) >= certain || jobWord.MatchString(before)
	}
	return false
}

// standsAlone tells whether the token, which equals the run's number, is a part of its own and long enough, or ends the
// text together with the attempt.
func (who identity) standsAlone(text string, tokens [][]int, k int) bool {
	from, to := tokens[k][0], tokens[k][1]
	if from > 0 && !strings.ContainsRune(separators, rune(text[from-1])) {
		return false
	}
	if last := len(tokens) - 1; k == last-1 && to-from > 1 && tokens[last][1] == len(text) {
		if text[tokens[last][0]:] == who.attempt && between.MatchString(text[to:tokens[last][0]]) {
			return true
		}
	}
	return to-from >= telling && (to == len(text) || strings.ContainsRune(separators, rune(text[to])))
}

const (
	separators = "-_./:=#@,;+~ ("
	parts      = "/,; " // what stands between parts of a text that each have a meaning
)

// mend joins what stood left and right of a cut. One separator stays where both sides have something to say. A key that
// lost its value is left out, but for the first part, which is the name itself.
func mend(left, right string) string {
	kept := strings.TrimRight(left, separators)
	lost := left[len(kept):]
	rest := strings.TrimLeft(right, separators)
	gap := right[:len(right)-len(rest)]
	if strings.HasSuffix(lost, "(") && strings.HasPrefix(rest, ")") {
		rest = strings.TrimLeft(rest[1:], separators)
	}
	alone := rest == "" || strings.ContainsAny(gap, parts)
	if i := strings.LastIndexAny(kept, parts); i >= 0 && alone && strings.ContainsAny(lost, "=:") {
		kept = kept[:i]
	}
	switch {
	case kept == "" || rest == "":
		return kept + rest
	case strings.HasPrefix(rest, ")"):
		return kept + rest
	}
	if i := strings.IndexAny(gap, parts); i >= 0 {
		return kept + gap[i:i+1] + rest
	}
	if joint := lost + gap; joint != "" {
		return kept + joint[:1] + rest
	}
	return kept + "-" + rest
}
