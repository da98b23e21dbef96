package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// What GitHub allows in names; an enterprise's users have an underscore before their short code.
var (
	ownerName      = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$`)
	repositoryName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
)

// None tells whether nothing is named: with a GitHub App that is all that its installations see.
func (t Targets) None() bool { return len(t.Repositories)+len(t.Organizations)+len(t.Users) == 0 }

func (t Targets) check(app App) *Error {
	if t.None() && !app.On() {
		return wrong("targets", "nothing to watch; name something in targets.repositories (such as octo-org/octo-repo), targets.organizations or targets.users of the file that --config.file names, or give --github.repository")
	}
	for i, repository := range t.Repositories {
		at := indexed("targets.repositories", i)
		if !validRepository(repository) {
			return wrong(at, "must be owner/name such as octo-org/octo-repo, not %s%s", quote(repository), repositoryHint(repository))
		}
		if containsFold(t.Repositories[:i], repository) {
			return wrong(at, "%s is listed twice; keep one", repository)
		}
	}
	var names []string
	for _, list := range []struct {
		key    string
		owners []Owner
	}{{"targets.organizations", t.Organizations}, {"targets.users", t.Users}} {
		for i, owner := range list.owners {
			at := indexed(list.key, i)
			if err := owner.check(at); err != nil {
				return err
			}
			if containsFold(names, owner.Name) {
				return wrong(at+".name", "%s is listed twice; keep one", owner.Name)
			}
			names = append(names, owner.Name)
		}
	}
	if err := t.Workflows.check("targets.workflows"); err != nil {
		return err
	}
	return t.Workflows.checkPaths("targets.workflows")
}

// checkPaths refuses what cannot be a workflow's path, such as its name.
func (s Selector) checkPaths(at string) *Error {
	for _, list := range []struct {
		key   string
		globs []Glob
	}{{".include", s.Include}, {".exclude", s.Exclude}} {
		for i, g := range list.globs {
			if pattern := g.String(); !strings.ContainsAny(pattern, "/*") {
				return wrong(indexed(at+list.key, i), "must match the workflow's whole path, such as .github/workflows/ci.yml or */ci.yml, not its name or its file's name, %s", quote(pattern))
			}
		}
	}
	return nil
}

func inRepositoryName(r rune) bool { return r < 0x80 && repositoryName.MatchString(string(r)) }

// plainName takes away from a name what an address around it adds; "" if nothing was to be taken away.
func plainName(s string) string {
	plain := strings.TrimSpace(s)
	if _, rest, found := strings.Cut(plain, "://"); found {
		_, plain, _ = strings.Cut(rest, "/")
	} else if rest, found := strings.CutPrefix(plain, "git@"); found {
		_, plain, _ = strings.Cut(rest, ":")
	} else if host, rest, found := strings.Cut(plain, "/"); found && strings.Contains(host, ".") {
		plain = rest
	}
	plain = strings.TrimSuffix(strings.Trim(strings.TrimPrefix(plain, "@"), "/"), ".git")
	if plain == s {
		return ""
	}
	return plain
}

// repositoryHint says how to write what was written as an address, or where an owner belongs.
func repositoryHint(s string) string {
	plain := plainName(s)
	if parts := strings.Split(plain, "/"); len(parts) > 2 { // a page below the repository's
		plain = parts[0] + "/" + parts[1]
	}
	switch {
	case validRepository(plain):
		return "; write " + plain
	case strings.HasSuffix(s, "*") && strings.Contains(s, "/"):
		return "; patterns belong into include of an entry of targets.organizations or targets.users"
	case ownerName.MatchString(s):
		return "; to watch all of " + s + ", name it in targets.organizations or targets.users"
	}
	return ""
}

func ownerHint(s string) string {
	plain := plainName(s)
	switch {
	case ownerName.MatchString(plain):
		return "; write " + plain
	case validRepository(s), validRepository(plain):
		return "; a single repository belongs in targets.repositories"
	}
	return ""
}

func validRepository(s string) bool {
	owner, name, found := strings.Cut(s, "/")
	return found && ownerName.MatchString(owner) && repositoryName.MatchString(name) &&
		name != "." && name != ".." && !strings.HasSuffix(name, ".git")
}

func (o Owner) check(at string) *Error {
	if o.Name == "" {
		return wrong(at+".name", "must be the name of the organization or user, such as octo-org")
	}
	if !ownerName.MatchString(o.Name) {
		return wrong(at+".name", "must be a name such as octo-org, not %s%s", quote(o.Name), ownerHint(o.Name))
	}
	if err := o.Selector.check(at); err != nil {
		return err
	}
	for _, list := range []struct {
		key   string
		globs []Glob
	}{{".include", o.Include}, {".exclude", o.Exclude}} {
		for i, g := range list.globs {
			if name := g.String(); strings.Contains(name, "/") {
				return wrong(indexed(at+list.key, i), "must match the repository's name alone, without the owner, such as %s, not %s",
					quote(name[strings.LastIndexByte(name, '/')+1:]), quote(name))
			}
			if bad := g.impossible(inRepositoryName); bad != "" {
				return wrong(indexed(at+list.key, i), "%s matches nothing: names of repositories have letters, digits, -, _ and . only, no %s", quote(g.String()), quote(bad))
			}
		}
	}
	return nil
}

func (s Selector) check(at string) *Error {
	if len(s.Include) == 0 {
		return wrong(at+".include", `must have at least one pattern; ["*"] includes everything`)
	}
	return nil
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(have string) bool { return strings.EqualFold(have, s) })
}

func indexed(key string, i int) string { return fmt.Sprintf("%s[%d]", key, i) }
