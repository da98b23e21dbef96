package ledger

// The limit of a family is for all repositories together. Half of it is shared out evenly among them, so that none can fill
// it alone: a repository's first series find room whatever others have done before. Of its share, what a repository does
// not need is kept for it; the other half belongs to who comes first.

// leastRepositories is for how many repositories there are shares at least: a second one may come.
const leastRepositories = 2

// claims are the series of a family that count against its limit.
type claims struct {
	by map[int64]int // by the repository that gave birth to them
	// unclaimed is what is left of all shares, of so many repositories and of so much each; known once it was added up.
	unclaimed, repositories, each int
	known                         bool
}

func newClaims(series []*Series) claims {
	c := claims{by: map[int64]int{}}
	for _, s := range series {
		if !s.Overflow {
			c.by[s.Repository]++
		}
	}
	return c
}

func (c *claims) change(repository int64, by int) {
	if c.by[repository] += by; c.by[repository] == 0 {
		delete(c.by, repository)
	}
	c.known = false
}

// room tells whether a family may have one more series, of a repository that has given birth to so many in this commit.
func (l *Ledger) room(f *familyState, repository int64, born int) bool {
	limit, total := l.seriesLimit, f.counted+born
	if limit <= 0 || total < limit/2 { // all shares together are a half
		return true
	}
	if total >= limit {
		return false
	}
	repositories := len(l.accounts) // only writers change the map, and this is the writer
	if _, known := l.accounts[repository]; !known {
		repositories++
	}
	repositories = max(repositories, leastRepositories)
	each := limit / 2 / repositories
	claimed := f.claims.by[repository]
	if claimed+born < each {
		return true
	}
	return total+l.unclaimed(f, repositories, each)-max(each-claimed, 0) < limit
}

// unclaimed is what is left of all shares of a family. It is added up at most once in a commit.
func (l *Ledger) unclaimed(f *familyState, repositories, each int) int {
	c := &f.claims
	if !c.known || c.repositories != repositories || c.each != each {
		c.unclaimed, c.repositories, c.each, c.known = (repositories-len(l.accounts))*each, repositories, each, true
		for id := range l.accounts {
			c.unclaimed += max(each-c.by[id], 0)
		}
	}
	return c.unclaimed
}
