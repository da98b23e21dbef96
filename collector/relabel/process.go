package relabel

import (
	"crypto/md5"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
)

// Label is one label of a sample.
type Label struct{ Name, Value string }

// Process applies valid rules in order. Names must be unique; the input is not changed. Without rules it is returned as
// it is; otherwise the result is sorted by name and has no empty values. keep is false, and out nil, if a rule drops the
// sample.
func Process(labels []Label, rules []Rule) (out []Label, keep bool) {
	if len(rules) == 0 {
		return labels, true
	}
	// Room for a few temporary labels, so that most rule lists need this one allocation only.
	s := set{labels: make([]Label, 0, len(labels)+4)}
	for _, l := range labels {
		if l.Value != "" {
			s.labels = append(s.labels, l)
		}
	}
	sortByName(s.labels)
	s.original = len(s.labels)
	for i := range rules {
		if !s.apply(&rules[i]) {
			return nil, false
		}
	}
	sortByName(s.labels)
	return s.labels, true
}

func sortByName(labels []Label) {
	slices.SortFunc(labels, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
}

// set keeps the labels in the order in which Prometheus visits them: those that were there and are untouched by name,
// then those set, in the order of their first setting. The order decides which wins if labelmap maps two to one name.
type set struct {
	labels   []Label
	original int // so many of labels are untouched
}

func (s *set) index(name string) int {
	for i := range s.labels {
		if s.labels[i].Name == name {
			return i
		}
	}
	return -1
}

func (s *set) get(name string) string {
	if i := s.index(name); i >= 0 {
		return s.labels[i].Value
	}
	return ""
}

func (s *set) put(name, value string) {
	i := s.index(name)
	if i >= s.original && value != "" {
		s.labels[i].Value = value
		return
	}
	if i >= 0 {
		s.remove(i)
	}
	if value != "" {
		s.labels = append(s.labels, Label{name, value})
	}
}

func (s *set) remove(i int) {
	s.labels = slices.Delete(s.labels, i, i+1)
	if i < s.original {
		s.original--
	}
}

// retain removes the labels whose names do not satisfy want.
func (s *set) retain(want func(name string) bool) {
	for i := len(s.labels) - 1; i >= 0; i-- {
		if !want(s.labels[i].Name) {
			s.remove(i)
		}
	}
}

// source joins the values a rule looks at.
func (s *set) source(r *Rule) string {
	switch len(r.SourceLabels) {
	case 0:
		return ""
	case 1:
		return s.get(r.SourceLabels[0])
	}
	var room [8]string
	values := room[:0]
	for _, name := range r.SourceLabels {
		values = append(values, s.get(name))
	}
	return strings.Join(values, r.Separator)
}

// apply applies one rule and reports whether the sample is kept.
func (s *set) apply(r *Rule) bool {
	switch r.Action {
	case Keep:
		return r.Regex.MatchString(s.source(r))
	case Drop:
		return !r.Regex.MatchString(s.source(r))
	case KeepEqual:
		return s.get(r.TargetLabel) == s.source(r)
	case DropEqual:
		return s.get(r.TargetLabel) != s.source(r)
	case Replace:
		s.replace(r)
	case Lowercase:
		s.put(r.TargetLabel, strings.ToLower(s.source(r)))
	case Uppercase:
		s.put(r.TargetLabel, strings.ToUpper(s.source(r)))
	case HashMod:
		sum := md5.Sum([]byte(s.source(r)))
		s.put(r.TargetLabel, strconv.FormatUint(binary.BigEndian.Uint64(sum[8:])%r.Modulus, 10))
	case LabelMap:
		// The copies must not be visited themselves.
		for _, l := range slices.Clone(s.labels) {
			if r.Regex.MatchString(l.Name) {
				s.put(r.Regex.ReplaceAllString(l.Name, r.Replacement), l.Value)
			}
		}
	case LabelDrop:
		s.retain(func(name string) bool { return !r.Regex.MatchString(name) })
	case LabelKeep:
		s.retain(r.Regex.MatchString)
	}
	return true
}

func (s *set) replace(r *Rule) {
	value := s.source(r)
	match := r.Regex.FindStringSubmatchIndex(value)
	if match == nil {
		return
	}
	target := r.TargetLabel
	if isTemplate(target) {
		target = string(r.Regex.ExpandString(nil, target, value, match))
		if !ValidLabelName(target) {
			return
		}
	}
	replacement := r.Replacement
	if isTemplate(replacement) {
		replacement = string(r.Regex.ExpandString(nil, replacement, value, match))
	}
	s.put(target, replacement)
}
