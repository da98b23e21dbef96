package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github_workflow_exporter/collector/family"
)

// model is the ledger as plain maps that remember every observation. Nothing in it is shared with the ledger's own code.
type model struct {
	clock    *clock
	limit    int
	zero     time.Duration
	disabled map[family.ID]bool
	bounds   map[family.ID][]float64
	series   []*modelSeries // by birth
	accounts map[int64]Account
	names    map[string]string
	runs     map[[2]int64]*modelRun
	branches map[branchKey]BranchState
	totals   map[string]int
	overflow map[family.ID]uint64
}

type modelSeries struct {
	f              family.ID
	values         string // joined
	repo           int64
	born, created  time.Time
	updated        time.Time
	baseline, over bool
	shown, named   bool
	seen           []float64
}

type modelRun struct {
	mark     *RunMark
	touched  time.Time
	executed map[int64]Execution
	omitted  map[string]bool
	closed   map[int]bool
	held     map[Held]bool
}

func (m *model) find(f family.ID, values string) *modelSeries {
	for _, s := range m.series {
		if s.f == f && s.values == values {
			return s
		}
	}
	return nil
}

func (m *model) count(f family.ID) (n int) {
	for _, s := range m.series {
		if s.f == f && !s.over {
			n++
		}
	}
	return n
}

// room: its own share in any case, else below the limit, and without what is kept for others. The account of the batch is there already.
func (m *model) room(f family.ID, repo int64) bool {
	if m.limit == 0 {
		return true
	}
	n := max(len(m.accounts), 2)
	share := m.limit / (2 * n)
	claimed := map[int64]int{}
	for _, s := range m.series {
		if s.f == f && !s.over {
			claimed[s.repo]++
		}
	}
	kept := (n - len(m.accounts)) * share
	for id := range m.accounts {
		if id != repo {
			// Of a commit, as the model is in the midst of one: only the batch's own repository can have got more.
			kept += max(share-claimed[id], 0)
		}
	}
	total := m.count(f)
	return claimed[repo] < share || total < m.limit && total+kept < m.limit
}

func (m *model) sample(b Batch, old Account, s Sample) {
	if m.disabled[s.Family] {
		return
	}
	values := strings.Join(s.Values, "|")
	found := m.find(s.Family, values)
	if found == nil && !m.room(s.Family, b.Repository) {
		over := slices.Clone(s.Values)
		for i, label := range family.Get(s.Family).Labels {
			if label != "conclusion" {
				over[i] = "_overflow"
			}
		}
		values = strings.Join(over, "|")
		m.overflow[s.Family]++
		found = m.find(s.Family, values)
	}
	if found == nil {
		found = &modelSeries{f: s.Family, values: values, repo: b.Repository, born: m.clock.t, created: m.clock.t,
			over: strings.HasPrefix(values, "_overflow|")}
		if found.over {
			found.repo = 0
		}
		if !old.Swept {
			found.baseline, found.created = true, m.accounts[b.Repository].Since
		}
		gauge := family.Get(s.Family).Kind == family.Gauge
		found.shown = found.baseline || gauge || m.zero == 0
		found.named = gauge && !found.over && s.Values[0] == m.accounts[b.Repository].Name
		m.series = append(m.series, found)
	}
	found.seen = append(found.seen, s.Value)
	found.updated = m.clock.t
}

func (m *model) run(repo, run int64) *modelRun {
	r := m.runs[[2]int64{repo, run}]
	if r == nil {
		r = &modelRun{touched: m.clock.t, executed: map[int64]Execution{}, omitted: map[string]bool{}, closed: map[int]bool{}, held: map[Held]bool{}}
		m.runs[[2]int64{repo, run}] = r
	}
	return r
}

func (m *model) commit(b Batch) (recorded []int, closed int) {
	old := m.accounts[b.Repository]
	if b.Account != nil {
		a := *b.Account
		if !old.Since.IsZero() {
			a.Since = old.Since
		}
		a.Swept = a.Swept || old.Swept
		if old.Pruned.After(a.Pruned) {
			a.Pruned = old.Pruned
		}
		m.accounts[b.Repository] = a
	}
	for i, e := range b.Entries {
		if e.Run == 0 || e.ID == 0 {
			continue
		}
		r := m.run(b.Repository, e.Run)
		if e.Omitted != "" {
			if key := fmt.Sprint(e.ID, e.Attempt); !r.omitted[key] {
				r.omitted[key] = true
				r.touched = m.clock.t
				m.totals[e.Omitted]++
			} else {
				continue
			}
		} else {
			if _, done := r.executed[e.ID]; done {
				continue
			}
			r.executed[e.ID] = Execution{ID: e.ID, Attempt: e.Attempt, Fingerprint: e.Fingerprint, Name: e.Name,
				Ended: e.Ended.Truncate(time.Second), Failed: e.Failed, Reason: e.Reason}
			maps.DeleteFunc(r.held, func(h Held, _ bool) bool { return h.ID == e.ID })
			r.touched = m.clock.t
			recorded = append(recorded, i)
		}
		for _, d := range e.Discards {
			m.totals[d.Reason] += int(d.Count)
		}
		for _, s := range e.Samples {
			m.sample(b, old, s)
		}
	}
	for _, rc := range b.Runs {
		if rc.Run == 0 {
			continue
		}
		r := m.run(b.Repository, rc.Run)
		if r.mark == nil {
			r.mark = &RunMark{}
		}
		if r.mark.Created.IsZero() {
			r.mark.Created = rc.Created
		}
		if rc.Started.After(r.mark.Started) {
			r.mark.Started = rc.Started
		}
		r.mark.Open = rc.Open
		for _, c := range rc.Close {
			if r.closed[c.Attempt] {
				continue
			}
			r.closed[c.Attempt] = true
			closed++
			for _, d := range c.Discards {
				m.totals[d.Reason] += int(d.Count)
			}
			for _, s := range c.Samples {
				m.sample(b, old, s)
			}
			if c.Branch != nil {
				m.branches[branchKey{b.Repository, c.Branch.Workflow, c.Branch.Name}] = c.Branch.State
			}
		}
		for _, h := range rc.Held {
			if _, recorded := r.executed[h.ID]; !recorded {
				r.held[h] = true
			}
		}
		if !rc.Open {
			clear(r.held)
		}
	}
	for id, name := range b.WorkflowNames {
		m.names[fmt.Sprint(b.Repository, " ", id)] = name
	}
	return recorded, closed
}

func (m *model) configure(bounds map[family.ID][]float64, disabled map[family.ID]bool, limit int) {
	m.limit = limit
	for _, f := range family.All() {
		want := bounds[f.ID]
		if f.Kind == family.Histogram && want == nil {
			want = f.Buckets
		}
		restart := false
		switch {
		case disabled[f.ID]:
		case m.disabled[f.ID]:
			restart = true
			m.bounds[f.ID] = want
		default:
			for _, b := range want {
				restart = restart || !slices.Contains(m.bounds[f.ID], b)
			}
			m.bounds[f.ID] = want
		}
		m.disabled[f.ID] = disabled[f.ID]
		if !restart {
			continue
		}
		m.series = slices.DeleteFunc(m.series, func(s *modelSeries) bool { return s.f == f.ID && f.Kind == family.Gauge })
		for _, s := range m.series {
			if s.f == f.ID {
				s.seen, s.born, s.created, s.baseline, s.shown = nil, m.clock.t, m.clock.t, false, false
			}
		}
	}
}

func (m *model) expire(ttl time.Duration, watched int64) (n int) {
	before := len(m.series)
	m.series = slices.DeleteFunc(m.series, func(s *modelSeries) bool {
		keep := family.Get(s.f).Kind == family.Gauge && s.repo == watched
		if s.named {
			a, known := m.accounts[watched]
			keep = known && strings.HasPrefix(s.values, a.Name+"|")
		}
		return !s.over && m.clock.t.Sub(s.updated) >= ttl && !keep
	})
	return before - len(m.series)
}

func (m *model) reveal(zero time.Duration) {
	m.zero = zero
	for _, s := range m.series {
		s.shown = s.shown || m.clock.t.Sub(s.born) >= zero
	}
}

func (m *model) prune(repo int64, before time.Time) (n int) {
	if before.Sub(m.clock.t) > 24*time.Hour {
		return 0
	}
	for k, r := range m.runs {
		started := r.touched
		if r.mark != nil && !r.mark.Started.IsZero() {
			started = r.mark.Started
		}
		if k[0] == repo && started.Before(before) && (r.mark == nil || !r.mark.Open) {
			delete(m.runs, k)
			n++
		}
	}
	if a := m.accounts[repo]; a.Pruned.Before(before) {
		a.Pruned = before
		m.accounts[repo] = a
	}
	return n
}

// check compares all that the ledger shows with the model.
func (m *model) check(t *rapid.T, l *Ledger) {
	equal := func(what string, want, got any) {
		t.Helper()
		if diff := gocmp.Diff(want, got, equateEmpty); diff != "" {
			t.Fatalf("%s (-model +ledger):\n%s", what, diff)
		}
	}
	for _, f := range family.All() {
		var want, got []string
		for _, s := range m.series {
			if s.f == f.ID && !m.disabled[f.ID] {
				want = append(want, fmt.Sprint(s.values, s.repo, s.born, s.created, s.baseline, s.over, s.shown, " ", m.value(s)))
			}
		}
		for _, s := range l.Series(f.ID) {
			st := s.State()
			value := fmt.Sprint(st.Value)
			if f.Kind == family.Histogram {
				value = fmt.Sprint(st.Count, st.Sum, st.Buckets, s.Bounds())
				if !st.consistent() {
					t.Fatalf("inconsistent %+v", st)
				}
			}
			got = append(got, fmt.Sprint(strings.Join(s.Values, "|"), s.Repository, s.Born, s.Created, s.Baseline, s.Overflow, s.Shown(), " ", value, " ", st.Updated))
		}
		equal(f.Name, want, got)
		if !m.disabled[f.ID] {
			equal("count of "+f.Name, m.count(f.ID), l.Count(f.ID))
		}
	}
	equal("overflowed", m.overflow, l.Overflowed())
	accounts := slices.SortedFunc(maps.Values(m.accounts), func(a, b Account) int { return cmp.Compare(a.ID, b.ID) })
	equal("accounts", accounts, l.Accounts())
	for reason, n := range m.totals {
		equal(reason, uint64(n), l.Discards()[reason])
	}
	for repo := int64(1); repo <= 2; repo++ {
		var open []int64
		for run := int64(-2); run <= 3; run++ {
			r := m.runs[[2]int64{repo, run}]
			mark, found, err := l.Run(repo, run)
			if err != nil {
				t.Fatal(err)
			}
			var want RunMark
			var executions []Execution
			if r != nil {
				for _, id := range slices.Sorted(maps.Keys(r.executed)) {
					executions = append(executions, r.executed[id])
				}
				if r.mark != nil {
					want = *r.mark
					want.Closed = slices.Sorted(maps.Keys(r.closed))
					if want.Open {
						open = append(open, run)
					}
				}
			}
			equal("mark found", r != nil && r.mark != nil, found)
			equal("mark", want, mark)
			got, held, err := l.History(repo, run)
			if err != nil {
				t.Fatal(err)
			}
			equal("executions", executions, got)
			var wantHeld []Held
			if r != nil {
				wantHeld = slices.SortedFunc(maps.Keys(r.held), compareHeld)
			}
			equal("held", wantHeld, held)
		}
		got, err := l.OpenRuns(repo)
		if err != nil {
			t.Fatal(err)
		}
		equal("open runs", open, got)
		for _, name := range []string{"main", "release"} {
			got, err := l.Branch(repo, 1, name)
			if err != nil {
				t.Fatal(err)
			}
			want := m.branches[branchKey{repo, 1, name}]
			equal("branch", want, got)
			shown := slices.ContainsFunc(l.Branches(), func(b Branch) bool { return b.Repository == repo && b.Name == name })
			equal("branch shown", !want.Ended.IsZero(), shown)
		}
		for id := int64(1); id <= 2; id++ {
			equal("workflow name", m.names[fmt.Sprint(repo, " ", id)], l.WorkflowName(repo, id))
		}
	}
}

func (m *model) value(s *modelSeries) string {
	f := family.Get(s.f)
	updated := " " + s.updated.String()
	sum, most := 0.0, 0.0
	for _, v := range s.seen {
		sum, most = sum+v, max(most, v)
	}
	switch f.Kind {
	case family.Gauge:
		return fmt.Sprint(most) + updated
	case family.Counter:
		return fmt.Sprint(sum) + updated
	}
	buckets := make([]uint64, len(m.bounds[s.f])+1)
	for _, v := range s.seen {
		i := 0
		for i < len(m.bounds[s.f]) && v > m.bounds[s.f][i] {
			i++
		}
		buckets[i]++
	}
	return fmt.Sprint(uint64(len(s.seen)), sum, buckets, m.bounds[s.f]) + updated
}
