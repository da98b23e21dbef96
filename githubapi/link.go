package githubapi

import "strings"

// nextLink finds the target of rel="next" in the values of a Link header (RFC 8288); "" if there is none. A malformed
// link is skipped together with what follows it in the same value.
func nextLink(values []string) string {
	for _, v := range values {
		for v != "" {
			target, rel, rest, ok := cutLink(v)
			if !ok {
				break
			}
			for word := range strings.FieldsSeq(rel) {
				if strings.EqualFold(word, "next") {
					return target
				}
			}
			v = rest
		}
	}
	return ""
}

// cutLink takes one `<target>; name=value; …` off the front and gives its rel parameter.
func cutLink(s string) (target, rel, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t,")
	if !strings.HasPrefix(s, "<") {
		return "", "", "", false
	}
	target, s, ok = strings.Cut(s[1:], ">")
	if !ok || strings.Contains(target, "<") { // no URI holds one: the bracket before was never closed
		return "", "", "", false
	}
	seen := false
	for {
		s = strings.TrimLeft(s, " \t")
		if !strings.HasPrefix(s, ";") {
			break
		}
		var name, value string
		name, value, s = cutParameter(s[1:])
		if !seen && strings.EqualFold(name, "rel") { // only the first counts
			rel, seen = value, true
		}
	}
	if s != "" && s[0] != ',' {
		return "", "", "", false
	}
	return strings.TrimSpace(target), rel, s, true
}

// cutParameter takes `name=value` or `name="value"` off the front; rest begins with what ends it.
func cutParameter(s string) (name, value, rest string) {
	end := strings.IndexAny(s, "=;,")
	if end < 0 {
		return strings.TrimSpace(s), "", ""
	}
	name, s = strings.TrimSpace(s[:end]), s[end:]
	if s[0] != '=' {
		return name, "", s
	}
	s = strings.TrimLeft(s[1:], " \t")
	if !strings.HasPrefix(s, `"`) {
		end = strings.IndexAny(s, ";,")
		if end < 0 {
			end = len(s)
		}
		return name, strings.TrimSpace(s[:end]), s[end:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return name, b.String(), s[i+1:]
		default:
			b.WriteByte(s[i])
		}
	}
	return name, "", "" // no closing quote
}
