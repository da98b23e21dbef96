package simulator

import (
	"net/url"
	"strings"
	"time"
)

// filter is what a runs list is asked to be cut down to.
type filter struct {
	status, event, branch, sha, actor, suite string
	after, before                            time.Time // of created: inclusive bounds
	none                                     bool      // created cannot be understood
}

// filterOf returns nil for a list that is not filtered.
func filterOf(v url.Values) *filter {
	f := filter{
		status: v.Get("status"), event: v.Get("event"), branch: v.Get("branch"), sha: v.Get("head_sha"), actor: v.Get("actor"),
		suite: v.Get("check_suite_id"),
	}
	created := v.Get("created")
	if f == (filter{}) && created == "" {
		return nil
	}
	if created != "" {
		f.after, f.before, f.none = createdRange(created)
	}
	return &f
}

// createdRange reads GitHub's search syntax for dates: a day, >=, >, <, <=, a..b, a..*, *..b, days or ISO 8601.
func createdRange(s string) (after, before time.Time, bad bool) {
	if a, b, ok := strings.Cut(s, ".."); ok {
		if a != "*" {
			after, _, bad = moment(a)
		}
		if b != "*" && !bad {
			_, before, bad = moment(b)
		}
		return after, before, bad
	}
	for _, op := range []string{">=", "<=", ">", "<"} {
		rest, ok := strings.CutPrefix(s, op)
		if !ok {
			continue
		}
		first, last, bad := moment(rest)
		switch op {
		case ">=":
			return first, time.Time{}, bad
		case ">":
			return last.Add(time.Second), time.Time{}, bad
		case "<=":
			return time.Time{}, last, bad
		}
		return time.Time{}, first.Add(-time.Second), bad
	}
	return moment(s)
}

// moment is the first and the last second that a date or a time stands for.
func moment(s string) (first, last time.Time, bad bool) {
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return day, day.AddDate(0, 0, 1).Add(-time.Second), false
	}
	t, err := time.Parse(time.RFC3339, s)
	return t, t, err != nil
}

func (f *filter) matches(n *run, t time.Time) bool {
	p := &n.plan
	a := &p.Attempts[n.attemptAt(t)-1]
	status := a.status(t)
	branch := p.Branch
	if p.NullBranch {
		branch = ""
	}
	switch {
	case f.none:
	case f.status != "" && f.status != status && (status != completed || f.status != a.Conclusion):
	case f.event != "" && f.event != p.Event:
	case f.branch != "" && f.branch != branch:
	case f.sha != "" && f.sha != p.HeadSHA:
	case f.actor != "" && !strings.EqualFold(f.actor, p.Actor):
	case f.suite != "" && f.suite != i64(p.ID+1_000_000_000):
	case !f.after.IsZero() && p.CreatedAt.Before(f.after):
	case !f.before.IsZero() && p.CreatedAt.After(f.before):
	default:
		return true
	}
	return false
}
