//go:build linux

package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github_workflow_exporter/collector/family"
)

// diskBatch is the n-th of a series of batches that need more and more room.
func diskBatch(n int) Batch {
	b := entries()
	for i := range int64(200) {
		id := int64(n)*1000 + i + 1
		b.Entries = append(b.Entries, Entry{Run: int64(n + 1), ID: id, Attempt: 1, Fingerprint: uint64(id), Samples: []Sample{
			conclusion(fmt.Sprint("job ", id), "success"), duration(fmt.Sprint("job ", id), float64(i))}})
	}
	b.Runs = []RunChange{{Run: int64(n + 1), Started: start, Open: true, Close: []Closing{{Attempt: 1}}}}
	return b
}

// commitFirst commits the first n batches.
func commitFirst(t *testing.T, l *Ledger, n int) int {
	t.Helper()
	for i := range n {
		commitBatch(t, l, diskBatch(i))
	}
	return n
}

// fill commits batches from n on until one fails, which must change nothing, and returns its number.
func fill(t *testing.T, l *Ledger, n int, want ...error) int {
	t.Helper()
	for ; n < 2000; n++ {
		before := dump(t, l)
		r, err := l.Commit(context.Background(), diskBatch(n))
		if err == nil {
			continue
		}
		expected := false
		for _, w := range want {
			expected = expected || errors.Is(err, w) || strings.Contains(err.Error(), w.Error())
		}
		if !expected || errors.Is(err, ErrUnconfirmed) || !strings.Contains(err.Error(), "committing to repository 1") {
			t.Fatalf("commit %d: %v, want %v", n, err, want)
		}
		if len(r.Recorded)+len(r.Changed) != 0 {
			t.Errorf("a failed commit reports %d jobs, %d series", len(r.Recorded), len(r.Changed))
		}
		same(t, "a failed commit changed something", before, dump(t, l))
		return n
	}
	t.Fatal("the disk never filled up")
	return 0
}

// straightTo is what a ledger holds that has taken batches up to n undisturbed.
func straightTo(t *testing.T, c *clock, n int) string {
	t.Helper()
	l := open(t, c.options(fastDir(t)))
	commitFirst(t, l, n)
	return dump(t, l)
}

// recovers checks that after a failure at batch n everything works, and equals a ledger that never failed.
func recovers(t *testing.T, c *clock, l *Ledger, n int) *Ledger {
	t.Helper()
	for i := range 3 {
		if r := commitBatch(t, l, diskBatch(n+i)); len(r.Recorded) != 200 {
			t.Errorf("batch %d after the failure recorded %d", n+i, len(r.Recorded))
		}
	}
	want := straightTo(t, c, n+3)
	same(t, "after the failure", want, dump(t, l))
	l = reopen(t, l, c.options(l.dir))
	same(t, "reopened", want, dump(t, l))
	return l
}

// TestDiskFull fills a small disk of its own; only root may have one.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("no disk to fill: ", err)
	}
	defer func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	c := newClock()
	l := open(t, c.options(filepath.Join(dir, "data")))
	n := fill(t, l, 0, syscall.ENOSPC)
	if _, err := l.Configure(layouts(1), nil, 0); err == nil {
		t.Error("Configure found room")
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=100m"); err != nil {
		t.Fatal(err)
	}
	l = recovers(t, c, l, n)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Check(l.dir); err != nil {
		t.Error(err)
	}
}

// TestNoRoomToBeBorn: a disk that is full from the start leaves no half a ledger.
func TestNoRoomToBeBorn(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=8k"); err != nil {
		t.Skip("no disk to fill: ", err)
	}
	defer func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }()
	o := newClock().options(filepath.Join(dir, "data"))
	if _, err := Open(o); err == nil || !strings.Contains(err.Error(), "creating the ledger") {
		t.Fatalf("Open = %v", err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=10m"); err != nil {
		t.Fatal(err)
	}
	l := open(t, o)
	commitBatch(t, l, diskBatch(0))
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// TestWritesFailBeyond lets writes fail from some place in the file on, in the midst of transactions. The limit that does
// it is one of the whole process, so it is done in another one.
func TestWritesFailBeyond(t *testing.T) {
	const env = "LEDGER_TEST_LIMITED"
	if os.Getenv(env) == "" {
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(exe, "-test.run=^TestWritesFailBeyond$", "-test.timeout=60s")
		cmd.Env = append(os.Environ(), env+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	limit := func(bytes uint64) {
		t.Helper()
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: old.Max}); err != nil {
			t.Fatal(err)
		}
	}
	defer limit(old.Cur)
	c := newClock()
	l := open(t, c.options(fastDir(t)))
	n := commitFirst(t, l, 3)
	failures := 0
	for at := uint64(20 << 10); at < 250<<10; at += 13 << 10 {
		before := dump(t, l)
		limit(at)
		_, err := l.Commit(context.Background(), diskBatch(n))
		limit(old.Cur)
		if err == nil {
			n++
			continue
		}
		failures++
		if !errors.Is(err, syscall.EFBIG) && !strings.Contains(err.Error(), "file too large") {
			t.Fatal(err)
		}
		same(t, "a failed commit changed something", before, dump(t, l))
		if failures%3 == 0 { // go on in between, with what the failures left behind
			commitBatch(t, l, diskBatch(n))
			n++
		}
	}
	if failures < 5 {
		t.Errorf("only %d commits failed", failures)
	}
	recovers(t, c, l, n)
}

// TestEveryWriteFails gives the ledger a file that from some moment on cannot be written, then can again.
func TestEveryWriteFails(t *testing.T) {
	c := newClock()
	o := c.options(fastDir(t))
	var file *os.File
	o.OpenFile = func(name string, flag int, perm os.FileMode) (f *os.File, err error) {
		file, err = os.OpenFile(name, flag, perm)
		return file, err
	}
	l := open(t, o)
	if file == nil {
		t.Fatal("the file was opened in another way")
	}
	commitFirst(t, l, 3)

	// The descriptor is made to lead to the same file opened for reading only.
	fd := int(file.Fd())
	writable, err := unix.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	readOnly, err := os.Open(l.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer readOnly.Close()
	if err := unix.Dup3(int(readOnly.Fd()), fd, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	before, onDisk := dump(t, l), readFile(t, l.Path())
	fill(t, l, 3, syscall.EBADF, errors.New("file resize error"))
	_, expireErr := l.Expire(t.Context(), start.Add(time.Hour), time.Minute, nil)
	_, pruneErr := l.Prune(t.Context(), 1, start.Add(time.Hour))
	_, configureErr := l.Configure(layouts(1), nil, 5)
	find(t, l, family.JobConclusions, "job 1").shown.Store(false)
	_, revealErr := l.Reveal(t.Context(), 0)
	if find(t, l, family.JobConclusions, "job 1").Shown() {
		t.Error("a series is shown though the file does not say so")
	}
	find(t, l, family.JobConclusions, "job 1").shown.Store(true)
	for what, err := range map[string]error{"Reveal": revealErr, "Expire": expireErr, "Prune": pruneErr, "Configure": configureErr} {
		if err == nil {
			t.Errorf("%s succeeded", what)
		}
	}
	same(t, "failed changes changed something", before, dump(t, l))
	if !bytes.Equal(onDisk, readFile(t, l.Path())) {
		t.Error("the file changed")
	}

	if err := unix.Dup3(writable, fd, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	unix.Close(writable)
	recovers(t, c, l, 3)
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
