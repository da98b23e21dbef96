package ledger

import (
	"fmt"
	"testing"
	"time"

	"github_workflow_exporter/collector/family"
)

// jobsOf is a batch of a repository with so many label sets, numbered from first on.
func jobsOf(repository int64, first, n int) Batch {
	a := account(repository)
	a.Name = fmt.Sprint("octo/", repository)
	b := Batch{Repository: repository, Account: a}
	for i := range n {
		s := conclusion(fmt.Sprint("job ", first+i), "success")
		s.Values[0] = a.Name
		b.Entries = append(b.Entries, Entry{Run: int64(first + i + 1), ID: int64(first + i + 1), Attempt: 1, Samples: []Sample{s}})
	}
	return b
}

func bornOf(l *Ledger, repository int64) (n int) {
	for _, s := range l.Series(family.JobConclusions) {
		if s.Repository == repository {
			n++
		}
	}
	return n
}

// TestFloodLeavesRoom: repository 1 makes a label set for each of its 300 runs, the others have twenty each. Each case is
// the order of what is committed; want is how many series each has in the end, by id.
func TestFloodLeavesRoom(t *testing.T) {
	const limit = 100
	flood := func(l *Ledger) { commitBatch(t, l, jobsOf(1, 0, 300)) }
	trickle := func(l *Ledger) {
		for i := range 300 {
			commitBatch(t, l, jobsOf(1, i, 1))
		}
	}
	account := func(repository int64) func(*Ledger) {
		return func(l *Ledger) { commitBatch(t, l, jobsOf(repository, 0, 0)) }
	}
	healthy := func(repository int64) func(*Ledger) {
		return func(l *Ledger) { commitBatch(t, l, jobsOf(repository, 0, 20)) }
	}
	for _, c := range []struct {
		name  string
		steps []func(*Ledger)
		want  []int
	}{
		{"the flood alone", []func(*Ledger){flood}, []int{75}},
		{"the flood before anybody knows of another", []func(*Ledger){flood, healthy(2)}, []int{75, 20}},
		{"one by one", []func(*Ledger){trickle, healthy(2)}, []int{75, 20}},
		{"the flood after the other", []func(*Ledger){healthy(2), flood}, []int{75, 20}},
		{"the other known", []func(*Ledger){account(2), flood, healthy(2), flood}, []int{75, 20}},
		{"two others known", []func(*Ledger){account(2), account(3), flood, healthy(2), healthy(3), flood}, []int{68, 16, 16}},
		{"two others there", []func(*Ledger){healthy(2), healthy(3), flood}, []int{60, 20, 20}},
		{"four others known", []func(*Ledger){account(2), account(3), account(4), account(5), flood, healthy(2), healthy(3), healthy(4), healthy(5)},
			[]int{60, 10, 10, 10, 10}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newClock().options(fastDir(t))
			o.SeriesLimit = limit
			l := open(t, o)
			for _, do := range c.steps {
				do(l)
				l = reopen(t, l, o)
			}
			total := 0
			for i, want := range c.want {
				got := bornOf(l, int64(i+1))
				if total += got; got != want {
					t.Errorf("repository %d has %d series, want %d", i+1, got, want)
				}
			}
			if total > limit || l.Count(family.JobConclusions) != total {
				t.Errorf("%d series in all, counted %d", total, l.Count(family.JobConclusions))
			}
		})
	}
}

// TestSharesComeBack with series that expire, and change with the limit.
func TestSharesComeBack(t *testing.T) {
	ck := newClock()
	o := ck.options(fastDir(t))
	o.SeriesLimit = 100
	l := open(t, o)
	commitBatch(t, l, jobsOf(1, 0, 300))
	commitBatch(t, l, jobsOf(2, 0, 30))
	expect := func(one, two int) {
		t.Helper()
		if a, b := bornOf(l, 1), bornOf(l, 2); a != one || b != two {
			t.Errorf("%d and %d series, want %d and %d", a, b, one, two)
		}
	}
	expect(75, 25)
	ck.pass(time.Hour)
	commitBatch(t, l, jobsOf(1, 400, 1)) // over the limit still
	if _, err := l.Expire(t.Context(), ck.now(), time.Minute, nil); err != nil {
		t.Fatal(err)
	}
	expect(0, 0)
	commitBatch(t, l, jobsOf(1, 500, 300))
	expect(75, 0)
	if _, err := l.Configure(nil, nil, 200); err != nil {
		t.Fatal(err)
	}
	commitBatch(t, l, jobsOf(1, 1000, 300))
	commitBatch(t, l, jobsOf(2, 1000, 300))
	expect(150, 50)
}
