package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// bytesAt is a file in memory.
type bytesAt []byte

func (b bytesAt) ReadAt(p []byte, off int64) (int, error) { return bytes.NewReader(b).ReadAt(p, off) }

// sampleFile is a ledger's file with several levels of pages, free pages and overflow pages, and the contents it may
// show: its own, and those before its last transaction, to which a damaged header falls back as after a power cut.
func sampleFile(t testing.TB) (file []byte, contents []string) {
	t.Helper()
	c := newClock()
	o := c.options(fastDir(t))
	l := open(t, o)
	for i := range int64(12) {
		b := Batch{Repository: i%3 + 1, Account: account(i%3 + 1), WorkflowNames: map[int64]string{i: "CI"}}
		for j := range int64(40) {
			id := i*1000 + j + 4
			b.Entries = append(b.Entries, Entry{Run: id / 4, ID: id, Attempt: 1, Fingerprint: uint64(id), Discards: []Discard{{"missing_time", 1}},
				Samples: []Sample{conclusion(fmt.Sprint("job ", id%97), "success"), duration(fmt.Sprint("job ", id%97), float64(id))}})
			b.Runs = append(b.Runs, RunChange{Run: id / 4, Started: start.Add(time.Duration(i) * time.Hour), Open: id%5 == 0, Close: []Closing{{Attempt: 1}}})
		}
		if i == 5 {
			// A run of very many jobs does not fit a page.
			for j := range int64(500) {
				b.Entries = append(b.Entries, Entry{Run: 1 << 40, ID: 1<<40 + j*1000, Attempt: 1, Fingerprint: 1})
			}
		}
		commitBatch(t, l, b)
		c.pass(time.Minute)
	}
	if _, err := l.Prune(context.Background(), 1, start.Add(4*time.Hour)); err != nil {
		t.Fatal(err)
	}
	contents = append(contents, dump(t, l))
	commitBatch(t, l, Batch{Repository: 1, Entries: []Entry{entry(77, conclusion("last", "success"))}})
	contents = append(contents, dump(t, l))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(l.Path())
	if err != nil {
		t.Fatal(err)
	}
	// Without the space for growth, in which damage does no harm.
	p, err := openPages(bytesAt(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return file[:int64(p.pages)*p.pageSize], contents
}

// damage is tried in many places. The file must be refused and left alone, or show what it held (the damage hit something
// not in use), never anything else, and nothing may crash.
func damage(t *testing.T, rounds int, hurt func(r *rand.Rand, file []byte) []byte) {
	good, contents := sampleFile(t)
	r := rand.New(rand.NewPCG(7, 7))
	refused := 0
	for range rounds {
		file := hurt(r, bytes.Clone(good))
		o := plant(t, file)
		l, err := Open(o)
		if err != nil {
			refused++
			var corrupt *CorruptError
			if !errors.As(err, &corrupt) {
				t.Fatalf("not a CorruptError: %v", err)
			}
			if now, err := os.ReadFile(filepath.Join(o.Dir, fileName)); err != nil || !bytes.Equal(now, file) {
				t.Fatalf("the refused file was changed (%v)", err)
			}
			continue
		}
		if got := dump(t, l); got != contents[0] && got != contents[1] {
			t.Fatalf("a damaged file was opened and shows something else")
		}
		// What opens works.
		commitBatch(t, l, Batch{Repository: 1, Entries: []Entry{entry(78, conclusion("after", "success"))}})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := Check(o.Dir); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of %d refused", refused, rounds)
	if refused < rounds/8 {
		t.Errorf("only %d of %d damaged files were refused", refused, rounds)
	}
}

func TestBitFlips(t *testing.T) {
	damage(t, 200, func(r *rand.Rand, file []byte) []byte {
		file[r.IntN(len(file))] ^= 1 << r.IntN(8)
		return file
	})
}

func TestOverwrittenPages(t *testing.T) {
	page := os.Getpagesize()
	damage(t, 150, func(r *rand.Rand, file []byte) []byte {
		n := len(file) / page
		to, from := 2+r.IntN(n-2), 2+r.IntN(n-2)
		switch dst := file[to*page : (to+1)*page]; r.IntN(4) {
		case 0:
			clear(dst)
		case 1:
			copy(dst, file[from*page:]) // another page
		case 2:
			copy(dst[:16], file[to*page:]) // header kept, rest random
			for i := 16; i < page; i++ {
				dst[i] = byte(r.Uint32())
			}
		case 3:
			copy(dst[page/2:], file[from*page:]) // a torn write
		}
		return file
	})
}

func TestTruncations(t *testing.T) {
	damage(t, 100, func(r *rand.Rand, file []byte) []byte { return file[:r.IntN(len(file))] })
}

// TestReadErrors: a disk that cannot be read is reported, wherever it fails.
func TestReadErrors(t *testing.T) {
	good, _ := sampleFile(t)
	page := os.Getpagesize()
	failed := 0
	for id := 2; id < len(good)/page; id++ {
		_, err := readPages(failingAt{good, int64(id * page)}, int64(len(good)))
		if err != nil {
			failed++
			if !errors.Is(err, io.ErrNoProgress) {
				t.Errorf("page %d: %v", id, err)
			}
		}
	}
	if failed < 10 {
		t.Errorf("only %d pages were read", failed)
	}
}

type failingAt struct {
	b  bytesAt
	at int64
}

func (f failingAt) ReadAt(p []byte, off int64) (int, error) {
	if off <= f.at && f.at < off+int64(len(p)) {
		return 0, io.ErrNoProgress
	}
	return f.b.ReadAt(p, off)
}
