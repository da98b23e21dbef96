package simulator

import (
	"slices"
	"strings"
	"time"
)

// runs answers the list of a repository's runs, newest created first.
func (g *GitHub) runs(q *request) *answer {
	f := filterOf(q.query)
	var list []*run
	if f == nil {
		list = newestFirst(q.repo, q.at, nil)
	} else {
		list = g.filtered(q, f)
	}
	total := len(list)
	reachable := total
	if f != nil {
		reachable = min(total, 1000) // of which no more can be read
	}
	from, to := q.cut(reachable)
	list = list[from:to]
	t, p := q.at, q.place
	key := []byte("runs " + itoa(total) + " " + itoa(from) + " " + i64(q.repo.version) + "\n")
	for _, n := range list {
		key = n.runKey(key, n.attemptAt(t), t)
	}
	a := found(key, func() []byte {
		return listBody(total, "workflow_runs", len(list), func(b []byte, i int) []byte {
			return g.runJSON(b, p, list[i], list[i].attemptAt(t), false, t)
		})
	})
	a.entries = len(list)
	if link := q.link(q.address(), reachable); link != "" {
		a.header.Set("Link", link)
	}
	return a
}

// newestFirst are the runs that exist at t and match.
func newestFirst(r *repository, t time.Time, match func(*run) bool) []*run {
	list := make([]*run, 0, len(r.runs))
	for _, n := range slices.Backward(r.runs) {
		if n.visible(t) && (match == nil || match(n)) {
			list = append(list, n)
		}
	}
	return list
}

// filtered is a list as the search index knows it, which lags and, under faults, lies.
func (g *GitHub) filtered(q *request, f *filter) []*run {
	t := q.at.Add(-g.opts.FilterLag)
	if lag, ok := q.hits[LaggingFilter]; ok {
		t = t.Add(-lag.Delay)
	}
	if _, ok := q.hits[EmptyFilter]; ok {
		return nil
	}
	_, partial := q.hits[PartialFilter]
	return newestFirst(q.repo, t, func(n *run) bool {
		if !n.deletedAt.IsZero() && !n.deletedAt.After(q.at) {
			return false
		}
		if partial && mix(uint64(g.opts.Seed), uint64(n.plan.ID))%2 == 0 {
			return false
		}
		return f.matches(n, t)
	})
}

// run answers one run, or one of its attempts.
func (g *GitHub) run(q *request) *answer {
	n, number := q.find()
	if n == nil {
		return notFound()
	}
	t, p, ofAttempt := q.at, q.place, q.endpoint == endpointAttempt
	key := n.runKey([]byte("run "+i64(q.repo.version)+"\n"), number, t)
	return found(key, func() []byte { return g.runJSON(nil, p, n, number, ofAttempt, t) })
}

// find looks up the run asked for and the number of the attempt: the one asked for, or the latest.
func (q *request) find() (*run, int) {
	n := q.repo.byID[q.run]
	if n == nil || !n.visible(q.at) {
		return nil, 0
	}
	at := n.attemptAt(q.at)
	switch q.endpoint {
	case endpointAttempt, endpointAttemptJobs:
		if q.attempt < 1 || q.attempt > at {
			return nil, 0
		}
		return n, q.attempt
	}
	return n, at
}

// entry is a job listed under an attempt.
type entry struct {
	j     *JobPlan
	shown int // run_attempt
}

// jobs answers the jobs of an attempt, of the latest one, or with filter=all of all.
func (g *GitHub) jobs(q *request) *answer {
	n, number := q.find()
	if n == nil {
		return notFound()
	}
	t, p := q.at, q.place
	entries := n.entries(number, t)
	if q.endpoint == endpointRunJobs && q.query.Get("filter") == "all" {
		entries = n.allEntries(number, t)
	}
	_, foreign := q.hits[ForeignAttempt]
	if foreign {
		entries = n.foreign(entries, number, t)
	}
	total := len(entries)
	from, to := q.cut(total)
	entries = entries[from:to]
	_, undecodable := q.hits[UndecodableJob]

	var key []byte
	if !foreign && !undecodable {
		key = []byte("jobs " + itoa(total) + " " + itoa(from) + " " + i64(q.repo.version) + " " + i64(n.version) + "\n")
		for _, e := range entries {
			key = e.j.jobKey(key, t)
		}
	}
	_, cut := q.hits[CutBody]
	for i, e := range entries {
		if odd := e.j.Undecodable || undecodable && i == 0; !cut && !foreign && !odd {
			g.told.show(e.j.ID, e.j.status(t))
		}
	}
	a := found(key, func() []byte {
		return listBody(total, "jobs", len(entries), func(b []byte, i int) []byte {
			e := entries[i]
			return jobJSON(b, p, n, e.j, e.shown, e.j.Undecodable || undecodable && i == 0, t)
		})
	})
	a.entries = len(entries)
	if link := q.link(q.address(), total); link != "" {
		a.header.Set("Link", link)
	}
	return a
}

func (n *run) entries(number int, t time.Time) []entry {
	var out []entry
	for _, j := range n.plan.Attempts[number-1].listedJobs(t) {
		out = append(out, entry{j, j.ShownAttempt})
	}
	return out
}

// allEntries are those of every attempt up to one, each id once.
func (n *run) allEntries(number int, t time.Time) []entry {
	seen := map[int64]bool{}
	var out []entry
	for k := number; k >= 1; k-- {
		for _, e := range n.entries(k, t) {
			if !seen[e.j.ID] {
				seen[e.j.ID] = true
				out = append(out, e)
			}
		}
	}
	return out
}

// foreign is what a reader gets who asks while attempts change: the jobs of another attempt, or at least one entry
// that says it is of another.
func (n *run) foreign(entries []entry, number int, t time.Time) []entry {
	if at := n.attemptAt(t); at != number {
		if other := n.entries(at, t); len(other) > 0 {
			return other
		}
	}
	entries = slices.Clone(entries)
	if len(entries) > 0 {
		entries[0].shown = number + 1
	}
	return entries
}

// job answers one job by its id.
func (g *GitHub) job(q *request) *answer {
	n, j := q.findJob()
	if j == nil {
		return notFound()
	}
	t, p := q.at, q.place
	key := j.jobKey([]byte("job "+i64(q.repo.version)+" "+i64(n.version)+"\n"), t)
	return found(key, func() []byte { return jobJSON(nil, p, n, j, j.ShownAttempt, j.Undecodable, t) })
}

// findJob looks a job up by its id: the newest entry that has it.
func (q *request) findJob() (*run, *JobPlan) {
	for _, n := range slices.Backward(q.repo.runs) {
		if !n.visible(q.at) {
			continue
		}
		for k := n.attemptAt(q.at); k >= 1; k-- {
			for _, j := range n.plan.Attempts[k-1].listedJobs(q.at) {
				if j.ID == q.job {
					return n, j
				}
			}
		}
	}
	return nil, nil
}

// repositories answers the lists of repositories: of an owner, or of the token.
func (g *GitHub) repositories(q *request) *answer {
	path := "/user/repos"
	var list []*repository
	known := q.endpoint == endpointMyRepos
	for _, r := range g.repos {
		if r.born.After(q.at) {
			continue
		}
		owner := r.owner()
		switch q.endpoint {
		case endpointMyRepos:
			list = append(list, r)
			continue
		case endpointOrgRepos:
			if r.plan.User {
				continue
			}
			path = "/organizations/"
		case endpointUserRepos:
			path = "/user/"
		}
		id := i64(accountID(owner))
		if strings.EqualFold(owner, q.owner) || q.owner == id {
			known = true
			list = append(list, r)
		}
	}
	if !known {
		return notFound()
	}
	if q.endpoint != endpointMyRepos {
		path += i64(accountID(list[0].owner())) + "/repos"
	}
	list, partial := listed(list)
	count := len(list)
	from, to := q.cut(count)
	list = list[from:to]
	p := q.place
	a := found([]byte("repositories "+i64(g.version)+" "+itoa(count)+" "+itoa(from)), func() []byte {
		return arrayBody(nil, len(list), func(b []byte, i int) []byte { return append(b, repositoryJSON(p, list[i], true)...) })
	})
	if link := q.link(path, count); link != "" {
		a.header.Set("Link", link)
	}
	if partial {
		a.header.Set("X-GitHub-SSO", "partial-results; organizations=4242")
	}
	return a
}
