package ledger

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github_workflow_exporter/collector/family"
)

// model is the ledger as plain maps that remember every observation. Nothing in it is shared with the ledger's own code.
type model struct {
	clock    *clock
	limit    int
	disabled map[family.ID]bool
	bounds   map[family.ID][]float64
	series   []*modelSeries // by birth
	accounts map[int64]Account
	names    map[string]string
	runs     map[[2]int64]*modelRun
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
	seen           []float64
}

type modelRun struct {
	mark     *RunMark
	touched  time.Time
	executed map[int64]Execution
	omitted  map[string]bool
	closed   map[int]bool
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

func (m *model) sample(b Batch, old Account, s Sample) {
	if m.disabled[s.Family] {
		return
	}
	values := strings.Join(s.Values, "|")
	found := m.find(s.Family, values)
	if found == nil && m.limit > 0 && m.count(s.Family) >= m.limit {
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
		m.series = append(m.series, found)
	}
	found.seen = append(found.seen, s.Value)
	found.updated = m.clock.t
}

func (m *model) run(repo, run int64) *modelRun {
	r := m.runs[[2]int64{repo, run}]
	if r == nil {
		r = &modelRun{touched: m.clock.t, executed: map[int64]Execution{}, omitted: map[string]bool{}, closed: map[int]bool{}}
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
			r.executed[e.ID] = Execution{ID: e.ID, Attempt: e.Attempt, Fingerprint: e.Fingerprint}
			r.touched = m.clock.t
			recorded = append(recorded, i)
		}
		for _, d := range e.Discards {
			m.totals[d]++
		}
		for _, s := range e.Samples {
			m.sample(b, old, s)
		}
	}
	for _, rc := range b.Runs {
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
				m.totals[d]++
			}
			for _, s := range c.Samples {
				m.sample(b, old, s)
			}
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
				s.seen, s.born, s.created, s.baseline = nil, m.clock.t, m.clock.t, false
			}
		}
	}
}

func (m *model) expire(ttl time.Duration, watched int64) (n int) {
	before := len(m.series)
	m.series = slices.DeleteFunc(m.series, func(s *modelSeries) bool {
		return !s.over && m.clock.t.Sub(s.updated) >= ttl && !(family.Get(s.f).Kind == family.Gauge && s.repo == watched)
	})
	return before - len(m.series)
}

func (m *model) prune(repo int64, before time.Time) (n int) {
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
				want = append(want, fmt.Sprint(s.values, s.repo, s.born, s.created, s.baseline, s.over, " ", m.value(s)))
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
			got = append(got, fmt.Sprint(strings.Join(s.Values, "|"), s.Repository, s.Born, s.Created, s.Baseline, s.Overflow, " ", value, " ", st.Updated))
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
		for run := int64(1); run <= 3; run++ {
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
			got, err := l.Executions(repo, run)
			if err != nil {
				t.Fatal(err)
			}
			equal("executions", executions, got)
		}
		got, err := l.OpenRuns(repo)
		if err != nil {
			t.Fatal(err)
		}
		equal("open runs", open, got)
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

// The model's worlds are small so that everything meets everything.
func drawSamples(t *rapid.T) []Sample {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Sample {
		f := family.Get(rapid.SampledFrom([]family.ID{family.JobDuration, family.JobConclusions, family.RunLastCompletion}).Draw(t, "family"))
		values := make([]string, len(f.Labels))
		for i := range values {
			values[i] = "v"
		}
		values[2] = rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "job")
		values[len(values)-1] = rapid.SampledFrom([]string{"success", "failure"}).Draw(t, "conclusion")
		value := 1.0
		if f.Kind != family.Counter {
			value = float64(rapid.IntRange(0, 20).Draw(t, "value"))
		}
		return Sample{Family: f.ID, Values: values, Value: value}
	}), 0, 4).Draw(t, "samples")
}

func drawTime(t *rapid.T, what string) time.Time {
	if n := rapid.IntRange(-1, 40).Draw(t, what); n >= 0 {
		return start.Add(time.Duration(n) * time.Hour)
	}
	return time.Time{}
}

func drawBatch(t *rapid.T, m *model) Batch {
	reasons := rapid.SliceOfN(rapid.SampledFrom([]string{"missing_time", "negative_duration"}), 0, 2)
	b := Batch{Repository: rapid.Int64Range(1, 2).Draw(t, "repository")}
	if _, known := m.accounts[b.Repository]; !known || rapid.Bool().Draw(t, "account") {
		b.Account = &Account{ID: b.Repository, Name: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "name"), Since: start.Add(-time.Hour),
			Swept: rapid.Bool().Draw(t, "swept"), Through: drawTime(t, "through"), Pruned: drawTime(t, "pruned")}
	}
	b.Entries = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Entry {
		e := Entry{Run: rapid.Int64Range(1, 3).Draw(t, "run"), ID: rapid.Int64Range(1, 12).Draw(t, "job"),
			Attempt: rapid.IntRange(1, 2).Draw(t, "attempt"), Fingerprint: rapid.Uint64().Draw(t, "fingerprint")}
		if rapid.IntRange(0, 3).Draw(t, "omit") == 0 {
			e.Omitted = rapid.SampledFrom([]string{"carried_over", "check_run"}).Draw(t, "omitted")
			return e
		}
		e.Discards, e.Samples = reasons.Draw(t, "discards"), drawSamples(t)
		return e
	}), 0, 5).Draw(t, "entries")
	b.Runs = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) RunChange {
		rc := RunChange{Run: rapid.Int64Range(1, 3).Draw(t, "run"), Created: drawTime(t, "created"), Started: drawTime(t, "started"),
			Open: rapid.Bool().Draw(t, "open")}
		for range rapid.IntRange(0, 2).Draw(t, "closings") {
			rc.Close = append(rc.Close, Closing{Attempt: rapid.IntRange(1, 3).Draw(t, "attempt"), Samples: drawSamples(t),
				Discards: reasons.Draw(t, "discards")})
		}
		return rc
	}), 0, 2).Draw(t, "runs")
	if rapid.Bool().Draw(t, "names") {
		b.WorkflowNames = map[int64]string{rapid.Int64Range(1, 2).Draw(t, "workflow"): rapid.SampledFrom([]string{"p", "q"}).Draw(t, "called")}
	}
	return b
}

// TestModel does random things to a ledger and to the model and compares them, reopening the file in between.
func TestModel(t *testing.T) {
	root := fastDir(t)
	if err := os.MkdirAll(root, 0o700); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(root, "")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		c := newClock()
		m := &model{clock: c, disabled: map[family.ID]bool{}, bounds: map[family.ID][]float64{}, accounts: map[int64]Account{},
			names: map[string]string{}, runs: map[[2]int64]*modelRun{}, totals: map[string]int{}, overflow: map[family.ID]uint64{}}
		for _, f := range family.All() {
			m.bounds[f.ID] = f.Buckets
		}
		o := c.options(dir)
		l, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { l.Close() }()
		drawOptions := func(t *rapid.T) {
			bounds := rapid.SampledFrom([][]float64{nil, {1, 5, 10}, {5}, {1, 10}, {2, 10}}).Draw(t, "bounds")
			o.Layouts = layouts(bounds...)
			o.Disabled = map[family.ID]bool{}
			if rapid.IntRange(0, 3).Draw(t, "disable") == 0 {
				o.Disabled[rapid.SampledFrom([]family.ID{family.JobDuration, family.JobConclusions, family.RunLastCompletion}).Draw(t, "disabled")] = true
			}
			o.SeriesLimit = rapid.IntRange(0, 4).Draw(t, "limit")
			m.configure(o.Layouts, o.Disabled, o.SeriesLimit)
		}
		commit := func(t *rapid.T) {
			b := drawBatch(t, m)
			recorded, closed := m.commit(b)
			r, err := l.Commit(context.Background(), b)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(r.Recorded, recorded) || r.Closed != closed {
				t.Fatalf("Recorded %v, Closed %d, model %v, %d", r.Recorded, r.Closed, recorded, closed)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"commit":  commit,
			"commit2": commit,
			"commit3": commit,
			"pass":    func(t *rapid.T) { c.pass(time.Duration(rapid.IntRange(1, 10).Draw(t, "hours")) * time.Hour) },
			"reopen": func(t *rapid.T) {
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				if rapid.Bool().Draw(t, "with other options") {
					drawOptions(t)
				}
				if l, err = Open(o); err != nil {
					t.Fatal(err)
				}
			},
			"configure": func(t *rapid.T) {
				drawOptions(t)
				if _, err := l.Configure(o.Layouts, o.Disabled, o.SeriesLimit); err != nil {
					t.Fatal(err)
				}
			},
			"expire": func(t *rapid.T) {
				ttl, watched := time.Duration(rapid.IntRange(1, 20).Draw(t, "ttl"))*time.Hour, rapid.Int64Range(1, 3).Draw(t, "watched")
				removed, err := l.Expire(context.Background(), c.t, ttl, func(repo int64) bool { return repo == watched })
				if err != nil {
					t.Fatal(err)
				}
				if n := m.expire(ttl, watched); n != len(removed) {
					t.Fatalf("%d expired, model %d", len(removed), n)
				}
			},
			"prune": func(t *rapid.T) {
				repo, before := rapid.Int64Range(1, 2).Draw(t, "repository"), start.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "before"))*time.Hour)
				if _, known := m.accounts[repo]; !known {
					t.Skip("no account")
				}
				n, err := l.Prune(context.Background(), repo, before)
				if err != nil {
					t.Fatal(err)
				}
				if want := m.prune(repo, before); n != want {
					t.Fatalf("%d pruned, model %d", n, want)
				}
			},
			"": func(t *rapid.T) { m.check(t, l) },
		})
	})
}
