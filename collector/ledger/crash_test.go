package ledger

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github_workflow_exporter/collector/family"
)

var crashKills = flag.Int("ledger.kills", 15, "how many times the crash test kills the process that writes")

// step does the n-th of an endless series of changes, the same whenever and on whichever ledger it is done. Each moves
// Through, which tells how many steps a ledger has taken.
func step(l *Ledger, c *clock, n int) error {
	c.t = start.Add(time.Duration(n) * time.Minute)
	ctx := context.Background()
	r := rand.New(rand.NewPCG(uint64(n), 1))
	l.initialZero = time.Hour // as a program says when it starts: births are at 0 first
	switch {
	case n%19 == 5:
		if _, err := l.Reveal(ctx, 10*time.Minute); err != nil {
			return err
		}
	case n%23 == 7:
		if _, err := l.Expire(ctx, c.t, 30*time.Minute, nil); err != nil {
			return err
		}
	case n%29 == 11:
		if _, err := l.Prune(ctx, 1, c.t.Add(-40*time.Minute)); err != nil {
			return err
		}
	case n%31 == 13:
		if _, err := l.Configure(layouts([][]float64{{1, 5, 60, 600}, {5, 600}, {2, 600}}[n/31%3]...), nil, crashLimit); err != nil {
			return err
		}
	}
	b := Batch{Repository: 1, Account: &Account{ID: 1, Name: "octo/repo", Since: start, Swept: n > 20, Through: c.t},
		WorkflowNames: map[int64]string{int64(n % 5): strconv.Itoa(n / 5)}}
	for i := range 1 + r.IntN(60) {
		id := int64(n*100 + i + 1)
		job := strconv.Itoa(r.IntN(90))
		b.Entries = append(b.Entries, Entry{Run: int64(n + 1), ID: id, Attempt: 1, Fingerprint: uint64(id), Samples: []Sample{
			conclusion(job, "success"), duration(job, float64(r.IntN(1000))), lastCompletion(job, float64(n))}})
	}
	b.Entries = append(b.Entries, Entry{Run: int64(n + 1), ID: 1, Attempt: 2, Omitted: "carried_over"})
	b.Runs = []RunChange{{Run: int64(n + 1), Created: c.t, Started: c.t, Open: true}, {Run: int64(n - 2), Close: []Closing{{Attempt: 1,
		Samples: []Sample{conclusion("run", "success")}}}}}
	_, err := l.Commit(ctx, b)
	return err
}

const crashLimit = 60

// crashOptions opens a ledger with the layouts it has: they are changed by steps, not by opening.
func crashOptions(c *clock, dir string) Options {
	o := c.options(dir)
	o.SeriesLimit = crashLimit
	if found, err := readLedger(filepath.Join(dir, fileName), 0); err == nil {
		for name, rec := range found.families {
			if f, ok := family.ByName(name); ok && len(rec.Bounds) > 0 {
				if o.Layouts == nil {
					o.Layouts = map[family.ID][]float64{}
				}
				o.Layouts[f.ID] = rec.Bounds
			}
		}
	}
	return o
}

func stepsTaken(l *Ledger) int {
	a, ok := l.Account(1)
	if !ok {
		return 0
	}
	return int(a.Through.Sub(start)/time.Minute) + 1
}

// crashChild takes steps until it is killed and says each that it has taken.
func crashChild(dir string) {
	c := newClock()
	l, err := Open(crashOptions(c, dir))
	n := 0
	if err == nil {
		n = stepsTaken(l)
	}
	for ; err == nil; n++ {
		if err = step(l, c, n); err == nil {
			fmt.Println(n)
		}
	}
	fmt.Println("error:", err)
	os.Exit(3)
}

// TestKill kills a process that commits, at random moments, also while it starts and while a ledger is born. Every time the
// ledger must open, hold all that was acknowledged, and equal one that has taken the same steps undisturbed.
func TestKill(t *testing.T) {
	dir := t.TempDir() + "/data"
	c := newClock()
	straight := open(t, crashOptions(c, fastDir(t)))
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	taken, before := 0, 0
	for kill := range *crashKills {
		if kill%5 == 4 { // anew, so that births are hit too
			before += taken
			taken = 0
			dir = t.TempDir() + "/data"
			straight = open(t, crashOptions(c, fastDir(t)))
		}
		cmd := helper(t, "crash", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		wait := time.Duration(r.Int64N(int64(100 * time.Millisecond)))
		timer := time.AfterFunc(wait, func() { _ = cmd.Process.Kill() })
		acknowledged := taken
		for lines := bufio.NewScanner(out); lines.Scan(); {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatalf("the child failed: %s", lines.Text())
			}
			acknowledged = n + 1
		}
		_ = cmd.Wait() // killed
		timer.Stop()

		crashed, err := Open(crashOptions(c, dir))
		if err != nil {
			t.Fatalf("after a kill at %v: %v", wait, err)
		}
		taken = stepsTaken(crashed)
		if taken < acknowledged || taken > acknowledged+1 {
			t.Fatalf("%d steps were acknowledged, the ledger has %d", acknowledged, taken)
		}
		for n := stepsTaken(straight); n < taken; n++ {
			if err := step(straight, c, n); err != nil {
				t.Fatal(err)
			}
		}
		// A step may have been cut between its housekeeping and its batch; the next process takes it again, whole.
		want, got := dump(t, straight), dump(t, crashed)
		if want != got && !housekeeping(taken) {
			same(t, "after a kill", want, got)
			t.FailNow()
		}
		for f := range straight.families {
			for _, s := range crashed.Series(family.ID(f)) {
				if s.bounds != nil && !s.State().consistent() {
					t.Fatalf("series %d: %+v", s.ID, s.State())
				}
			}
		}
		// All that it has is known as seen: offering it again changes nothing.
		id, _ := crashed.txid()
		if taken > 0 && !again(t, crashed, taken-1) {
			t.Fatal("a batch offered again was counted again")
		}
		if now, _ := crashed.txid(); now != id {
			t.Fatalf("a batch offered again was written")
		}
		if err := crashed.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d steps, %d kills", before+taken, *crashKills)
}

// housekeeping tells whether step n does something before its batch.
func housekeeping(n int) bool { return n%19 == 5 || n%23 == 7 || n%29 == 11 || n%31 == 13 }

// again offers some executions of step n once more.
func again(t *testing.T, l *Ledger, n int) bool {
	t.Helper()
	b := Batch{Repository: 1}
	execs, _, err := l.History(1, int64(n+1))
	if err != nil || len(execs) == 0 {
		t.Fatalf("step %d left no executions (%v)", n, err)
	}
	for _, e := range execs {
		b.Entries = append(b.Entries, Entry{Run: int64(n + 1), ID: e.ID, Attempt: 1, Samples: []Sample{conclusion("again", "success")}})
	}
	b.Entries = append(b.Entries, Entry{Run: int64(n + 1), ID: 1, Attempt: 2, Omitted: "carried_over"})
	r, err := l.Commit(context.Background(), b)
	return err == nil && len(r.Recorded) == 0 && len(r.Changed) == 0 && !strings.Contains(dump(t, l), "again")
}
