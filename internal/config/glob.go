package config

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Glob is a pattern for names, paths and branches: * stands for any run of characters, / included, even none; ? for
// exactly one character; all else for itself. It has to match the whole text. The zero Glob matches only the empty text.
type Glob struct{ pattern string }

// NewGlob returns the glob written as pattern, which must not be empty. What is special in the patterns of other programs, and
// would be taken for itself here and match nothing, is refused with what would be right.
func NewGlob(pattern string) (Glob, error) {
	const may = `only * (any run of characters, / included) and ? (any one character) are special`
	var problem string
	switch {
	case pattern == "":
		problem = `must not be empty; "*" matches everything`
	case strings.ContainsAny(pattern, "[]"):
		problem = "no sets of characters such as [ab]: " + may + "; list each pattern, or write ? for the character"
	case strings.ContainsAny(pattern, "{}"):
		problem = "no alternatives such as {a,b}: " + may + "; list each pattern"
	case strings.Contains(pattern, "**"):
		problem = "no **: * matches / too; write one *"
	case strings.HasPrefix(pattern, "!"):
		problem = "no ! for what is not to match: " + may + "; what is left out goes into exclude where there is one"
	case strings.Contains(pattern, `\`):
		problem = `no \ before a special character: ` + may + "; write ? for it"
	case strings.HasPrefix(pattern, "^"), strings.HasSuffix(pattern, "$"), strings.Contains(pattern, "|"):
		problem = "no regular expressions: " + may + "; list each pattern"
	default:
		return Glob{pattern}, nil
	}
	if pattern != "" {
		problem = "must be a pattern such as \"release-*\", not " + quote(pattern) + ": " + problem
	}
	return Glob{}, errors.New(problem)
}

// impossible returns the first character that is neither special nor passes; "" if there is none. A pattern with it can match
// nothing.
func (g Glob) impossible(passes func(rune) bool) string {
	for _, r := range g.pattern {
		if r != '*' && r != '?' && !passes(r) {
			return string(r)
		}
	}
	return ""
}

// Match reports whether the glob matches the whole of s, upper and lower case being different.
func (g Glob) Match(s string) bool { return g.match(s, false) }

// match walks both texts once; on a mismatch the last * takes one character more. Earlier ones need not be tried again,
// so the cost is at most the product of the lengths.
func (g Glob) match(s string, fold bool) bool {
	p := g.pattern
	star, resume := "", "" // what follows the last *, and what it has not swallowed
	inStar := false
	for s != "" {
		if p != "" && p[0] == '*' {
			p = p[1:]
			star, resume, inStar = p, s, true
			continue
		}
		if p != "" {
			pr, pn := utf8.DecodeRuneInString(p)
			sr, sn := utf8.DecodeRuneInString(s)
			if pr == '?' || equal(pr, sr, fold) {
				p, s = p[pn:], s[sn:]
				continue
			}
		}
		if !inStar {
			return false
		}
		_, n := utf8.DecodeRuneInString(resume)
		resume = resume[n:]
		p, s = star, resume
	}
	for p != "" && p[0] == '*' {
		p = p[1:]
	}
	return p == ""
}

func equal(a, b rune, fold bool) bool {
	return a == b || fold && unicode.ToLower(a) == unicode.ToLower(b)
}

// String returns the pattern as it was written.
func (g Glob) String() string { return g.pattern }

// Equal reports whether both were written alike; go-cmp uses it too.
func (g Glob) Equal(other Glob) bool { return g == other }

// MarshalYAML prints the pattern as it was written.
func (g Glob) MarshalYAML() (any, error) { return g.pattern, nil }

// UnmarshalText reads a pattern.
func (g *Glob) UnmarshalText(text []byte) error {
	glob, err := NewGlob(string(text))
	if err == nil {
		*g = glob
	}
	return err
}

// Selector picks what matches a pattern of Include and none of Exclude.
type Selector struct {
	Include []Glob `yaml:"include,flow"`
	Exclude []Glob `yaml:"exclude,flow"`
}

func all() Selector { return Selector{Include: []Glob{{"*"}}} }

// All tells whether everything is picked.
func (s Selector) All() bool {
	return len(s.Exclude) == 0 && slices.ContainsFunc(s.Include, func(g Glob) bool { return g.pattern == "*" })
}

// Match reports whether s is picked, upper and lower case being different.
func (s Selector) Match(text string) bool { return s.match(text, false) }

func (s Selector) match(text string, fold bool) bool {
	return matchAny(s.Include, text, fold) && !matchAny(s.Exclude, text, fold)
}

func matchAny(globs []Glob, text string, fold bool) bool {
	for _, g := range globs {
		if g.match(text, fold) {
			return true
		}
	}
	return false
}
