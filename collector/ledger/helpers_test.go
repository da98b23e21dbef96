package ledger

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"github_workflow_exporter/collector/family"
)

const testHost = "https://api.example.com"

var start = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

// clock is a clock that tests set.
type clock struct{ t time.Time }

func newClock() *clock                      { return &clock{start} }
func (c *clock) now() time.Time             { return c.t }
func (c *clock) pass(d time.Duration)       { c.t = c.t.Add(d) }
func (c *clock) options(dir string) Options { return Options{Dir: dir, Host: testHost, Now: c.now} }
func open(t testing.TB, o Options) *Ledger  { t.Helper(); return must(t)(Open(o)) }
func account(repo int64) *Account {
	return &Account{ID: repo, Name: "octo/repo", Since: start.Add(-24 * time.Hour)}
}
func sweptAccount(repo int64) *Account { a := account(repo); a.Swept = true; return a }
func must(t testing.TB) func(*Ledger, error) *Ledger {
	return func(l *Ledger, err error) *Ledger {
		t.Helper()
		if err != nil {
			t.Fatalf("opening: %v", err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
}

func commitBatch(t testing.TB, l *Ledger, b Batch) Result {
	t.Helper()
	r, err := l.Commit(context.Background(), b)
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	return r
}

func reopen(t testing.TB, l *Ledger, o Options) *Ledger {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	return open(t, o)
}

// counted is a conclusion counter sample for a job name, one for its duration.
func conclusion(job, conclusion string) Sample {
	return Sample{Family: family.JobConclusions, Values: []string{"octo/repo", "CI", job, "GitHub Actions", "ubuntu", conclusion}, Value: 1}
}

func duration(job string, seconds float64) Sample {
	return Sample{Family: family.JobDuration, Values: []string{"octo/repo", "CI", job, "GitHub Actions", "ubuntu", "success"}, Value: seconds}
}

func lastCompletion(conclusion string, unix float64) Sample {
	return Sample{Family: family.RunLastCompletion, Values: []string{"octo/repo", "CI", "push", "main", conclusion}, Value: unix}
}

// entry is a job of run 1.
func entry(id int64, samples ...Sample) Entry {
	return Entry{Run: 1, ID: id, Attempt: 1, Samples: samples}
}

func entries(e ...Entry) Batch { return Batch{Repository: 1, Account: account(1), Entries: e} }

// find returns the series of a family that has the given value in one of its labels, failing unless there is one.
func find(t testing.TB, l *Ledger, f family.ID, value string) *Series {
	t.Helper()
	var found []*Series
	for _, s := range l.Series(f) {
		for _, v := range s.Values {
			if v == value {
				found = append(found, s)
				break
			}
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d series of %s with %q, want 1", len(found), family.Get(f).Name, value)
	}
	return found[0]
}

// dump writes down everything a ledger holds, but for exemplars, which are not durable.
func dump(t testing.TB, l *Ledger) string {
	t.Helper()
	var b strings.Builder
	for _, a := range l.Accounts() {
		fmt.Fprintf(&b, "account %+v\n", a)
	}
	fmt.Fprintf(&b, "names %v\ntotals %v\nbranches %+v\n", l.names, l.totals, l.branches)
	for i := range l.families {
		f := &l.families[i]
		fmt.Fprintf(&b, "%s number %d disabled %v counted %d bounds %v\n", f.Name, f.number, f.disabled, f.counted, f.bounds)
		for _, s := range f.series {
			st := *s.State()
			st.Exemplars = nil
			fmt.Fprintf(&b, "  %d %q repo %d born %v created %v baseline %v overflow %v named %v shown %v: %+v\n",
				s.ID, s.Values, s.Repository, s.Born, s.Created, s.Baseline, s.Overflow, s.Named, s.Shown(), st)
		}
	}
	err := l.snapshot(func(tx *bolt.Tx) error {
		for _, table := range []table{runTable, openTable} {
			err := tx.Bucket([]byte(table.name)).ForEach(func(k, v []byte) error {
				repo, run, _ := splitKey2(k)
				p, err := table.unseal(k, v)
				if err != nil {
					return err
				}
				rec := runRecord{}
				if len(p) > 0 {
					rec, err = decodeRun(p)
				}
				fmt.Fprintf(&b, "%s %d %d: %+v\n", table.name, repo, run, rec)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("dump: %v", err)
	}
	return b.String()
}

func same(t testing.TB, what, want, got string) {
	t.Helper()
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// fastDir is a directory in which syncing costs nothing, where there is one: most tests are not about the disk.
func fastDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "ledger")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "data")
}

func unsafeData(s string) *byte { return unsafe.StringData(s) }
