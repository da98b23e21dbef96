package config

import (
	"fmt"
	"regexp"

	"github_workflow_exporter/collector/relabel"
)

// Failures says how it is found out why jobs failed.
type Failures struct {
	// Annotations is one of the ways below.
	Annotations string `yaml:"annotations"`
}

// Where the annotations of failed jobs are read.
const (
	AnnotationsAuto = "auto" // over GraphQL, where the credential may
	AnnotationsREST = "rest" // over REST, a request for each failed job
	AnnotationsOff  = "off"  // nowhere
)

func (f Failures) check() *Error {
	switch f.Annotations {
	case AnnotationsAuto, AnnotationsREST, AnnotationsOff:
		return nil
	}
	return wrong("failures.annotations", "must be auto, rest or off, not %s", quote(f.Annotations))
}

// FailureRule gives a failure a reason where Regex is found in the message of an annotation or in the name of the first step
// that failed.
type FailureRule struct {
	Regex  Search `yaml:"regex"`
	Reason string `yaml:"reason"`
}

// Search is a regular expression that may be found anywhere in a text.
type Search struct{ *regexp.Regexp }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Search) UnmarshalText(text []byte) error {
	re, err := regexp.Compile(string(text))
	switch {
	case err != nil:
		return fmt.Errorf("must be a regular expression: %w", err)
	case re.MatchString(""):
		return fmt.Errorf("%s is found in every text, also in none; write what is to be found", quote(string(text)))
	}
	s.Regexp = re
	return nil
}

// MarshalYAML implements yaml.Marshaler.
func (s Search) MarshalYAML() (any, error) { return s.String(), nil }

// Equal is for tests.
func (s Search) Equal(other Search) bool { return s.String() == other.String() }

func (s Search) String() string {
	if s.Regexp == nil {
		return ""
	}
	return s.Regexp.String()
}

// maxReasons is how many reasons of one's own there may be: each is a series for every job that fails for it.
const maxReasons = 32

var reasonWord = regexp.MustCompile(`^[a-z][a-z0-9_]{0,49}$`)

func checkFailureRules(m Metrics) *Error {
	own := map[string]bool{}
	for i, rule := range m.FailureRules {
		at := indexed("metrics.failure_rules", i)
		switch {
		case rule.Regex.Regexp == nil:
			return wrong(at+".regex", "must be there, such as OOMKilled")
		case !reasonWord.MatchString(rule.Reason):
			return wrong(at+".reason", "must be a word of lower case letters, digits and _ of at most 50, such as out_of_memory, not %s", quote(rule.Reason))
		}
		if own[rule.Reason] = true; len(own) > maxReasons {
			return wrong(at+".reason", "is one too many: there may be %d different reasons", maxReasons)
		}
	}
	return nil
}

// Price is what a minute on a runner costs whose label, one of runs-on in lower case or all of them joined by ",", is
// matched whole by Label.
type Price struct {
	Label        relabel.Regexp `yaml:"label"`
	SKU          string         `yaml:"sku"`
	USDPerMinute float64        `yaml:"usd_per_minute"`
}

// SetDefaults tells a price that was left out from one of 0.
func (p *Price) SetDefaults() { p.USDPerMinute = -1 }

var skuWord = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,50}$`)

// maxPrice is more than any machine costs a minute.
const maxPrice = 1000

func checkPrices(m Metrics) *Error {
	for i, p := range m.Prices {
		at := indexed("metrics.prices", i)
		switch {
		case p.Label.Regexp == nil:
			return wrong(at+".label", "must be there: a regular expression for a runs-on label, such as build-large")
		case !skuWord.MatchString(p.SKU):
			return wrong(at+".sku", "must be a name for the runner of letters, digits, _, - and . of at most 50, such as build_large, not %s", quote(p.SKU))
		case !(p.USDPerMinute >= 0 && p.USDPerMinute <= maxPrice):
			return wrong(at+".usd_per_minute", "must be there: US dollars a minute from 0 to %d, such as 0.016", maxPrice)
		}
	}
	return nil
}
