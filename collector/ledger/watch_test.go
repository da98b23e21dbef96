package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/collector/family"
)

// overwrite writes into an existing file, as cp and dd do.
func overwrite(t *testing.T, path string, at int, b []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(b, int64(at)); err != nil {
		t.Fatal(err)
	}
}

// overwritings are what somebody may do to the file of a running program, which was good, and is now as given.
func overwritings(page int) map[string]func(t *testing.T, path string, good, now []byte) {
	random := func(n int) []byte {
		b := make([]byte, n)
		rand.NewChaCha8([32]byte{byte(n)}).Read(b)
		return b
	}
	all := map[string]func(t *testing.T, path string, good, now []byte){
		"a backup copied over": func(t *testing.T, path string, good, now []byte) {
			overwrite(t, path, 0, good)
		},
		"a backup copied over, cut first": func(t *testing.T, path string, good, now []byte) {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
			overwrite(t, path, 0, good)
		},
		"half a backup copied over": func(t *testing.T, path string, good, now []byte) {
			overwrite(t, path, 0, good[:len(good)/2])
		},
		"the other half of a backup": func(t *testing.T, path string, good, now []byte) {
			overwrite(t, path, len(good)/2, good[len(good)/2:])
		},
		"another program's file": func(t *testing.T, path string, good, now []byte) {
			overwrite(t, path, 0, foreignFile(t))
		},
		"text": func(t *testing.T, path string, good, now []byte) {
			overwrite(t, path, 0, []byte(strings.Repeat("hello, world\n", 9)))
		},
		"emptied": func(t *testing.T, path string, good, now []byte) {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
		},
		"cut in half": func(t *testing.T, path string, good, now []byte) {
			if err := os.Truncate(path, int64(len(good)/2)); err != nil {
				t.Fatal(err)
			}
		},
		"cut to its headers": func(t *testing.T, path string, good, now []byte) {
			if err := os.Truncate(path, int64(2*page)); err != nil {
				t.Fatal(err)
			}
		},
		"zeroed": func(t *testing.T, path string, good, now []byte) { overwrite(t, path, 0, make([]byte, len(now))) },
		"zeroed but for the headers": func(t *testing.T, path string, good, now []byte) {
			overwrite(t, path, 2*page, make([]byte, len(now)-2*page))
		},
		"random":           func(t *testing.T, path string, good, now []byte) { overwrite(t, path, 0, random(len(now))) },
		"a header swapped": func(t *testing.T, path string, good, now []byte) { overwrite(t, path, 0, now[page:2*page]) },
		"both swapped": func(t *testing.T, path string, good, now []byte) {
			overwrite(t, path, 0, append(bytes.Clone(now[page:2*page]), now[:page]...))
		},
		"pages in reverse": func(t *testing.T, path string, good, now []byte) {
			for id := 2; id < len(now)/page; id++ {
				overwrite(t, path, (len(now)/page+1-id)*page, now[id*page:(id+1)*page])
			}
		},
		"every page's head random": func(t *testing.T, path string, good, now []byte) {
			for id := 2; id < len(now)/page; id++ {
				overwrite(t, path, id*page, random(16))
			}
		},
	}
	for i := range 8 {
		r := rand.New(rand.NewPCG(uint64(i), 5))
		all[fmt.Sprint("random from somewhere on ", i)] = func(t *testing.T, path string, good, now []byte) {
			at := r.IntN(len(good) / 2)
			overwrite(t, path, at, random(len(good)-at))
		}
	}
	return all
}

// TestOverwrittenInUse: whatever is written into the file of a running program is noticed before it is used, and nothing is
// counted on top of it.
func TestOverwrittenInUse(t *testing.T) {
	good, _ := sampleFile(t)
	for name, do := range overwritings(os.Getpagesize()) {
		t.Run(name, func(t *testing.T) {
			o := plant(t, good)
			l := open(t, o)
			commitBatch(t, l, Batch{Repository: 1, Entries: []Entry{entry(100, conclusion("mine", "success"))}})
			do(t, l.Path(), good, readAll(t, l.Path()))
			hurt := readAll(t, l.Path())
			if l.Health() != nil {
				t.Fatal("known before anybody looked")
			}
			_, commitErr := l.Commit(t.Context(), Batch{Repository: 1, Entries: []Entry{entry(101, conclusion("mine", "success"))}})
			_, _, runErr := l.Run(1, 1)
			for what, err := range map[string]error{"Commit": commitErr, "Run": runErr, "Look": l.Look(t.Context()), "Health": l.Health()} {
				var corrupt *CorruptError
				if !errors.As(err, &corrupt) || !corrupt.InUse || corrupt.Path != l.Path() || !strings.Contains(err.Error(), "Start again") {
					t.Errorf("%s = %v", what, err)
				}
			}
			select {
			case <-l.Failed():
			default:
				t.Error("not failed")
			}
			if n := find(t, l, family.JobConclusions, "mine").State().Value; n != 1 {
				t.Errorf("counted %v", n)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			if !bytes.Equal(hurt, readAll(t, l.Path())) {
				t.Error("the file was written to")
			}
			if again, err := Open(o); err == nil { // a sound one is gone on with
				again.Close()
			} else if corrupt := (*CorruptError)(nil); !errors.As(err, &corrupt) || corrupt.InUse {
				t.Errorf("Open = %v", err)
			}
		})
	}
}

func readAll(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTouchedInUse: a time that changes alone does no harm.
func TestTouchedInUse(t *testing.T) {
	l := open(t, newClock().options(fastDir(t)))
	for i := range int64(20) {
		commitBatch(t, l, entries(entry(i+1, conclusion("a", "success"))))
		if err := os.Chtimes(l.Path(), time.Time{}, start.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Look(t.Context()); err != nil || l.Health() != nil {
		t.Error(err, l.Health())
	}
}

// TestPanicsInUse: whatever panics in a transaction becomes an error that names the place, and is the last that runs.
func TestPanicsInUse(t *testing.T) {
	for name, do := range map[string]func(){
		"assertion": func() { panic("page 7 already freed") },
		"error":     func() { panic(errors.New("mergepgids bad len")) },
		"index":     func() { _ = []int{}[len(os.Args)] },
		"nil":       func() { _ = make([]*Ledger, 1)[0].path },
	} {
		t.Run(name, func(t *testing.T) {
			o := newClock().options(fastDir(t))
			l := open(t, o)
			ran := 0
			for range 2 {
				err := l.use(t.Context(), "testing", func() error { ran++; do(); return nil })
				var corrupt *CorruptError
				if !errors.As(err, &corrupt) || !strings.Contains(err.Error(), "watch_test.go:") {
					t.Errorf("%v", err)
				}
			}
			if ran != 1 {
				t.Errorf("ran %d times", ran)
			}
			l = reopen(t, l, o)
			commitBatch(t, l, entries(entry(1, conclusion("a", "success"))))
		})
	}
}

// TestAway: as long as the file is not in its place nothing is counted, and afterwards all is as before.
func TestAway(t *testing.T) {
	for _, c := range []struct {
		name, want string
		away       func(dir string) error
		back       func(dir string) error // nil: it cannot come back
	}{
		{"directory deleted", "there is no", os.RemoveAll, nil},
		{"file deleted", "there is no", func(dir string) error { return os.Remove(filepath.Join(dir, fileName)) }, nil},
		{"directory moved", "there is no", func(dir string) error { return os.Rename(dir, dir+"2") },
			func(dir string) error { return os.Rename(dir+"2", dir) }},
		{"file replaced", "is another file now", func(dir string) error {
			at := filepath.Join(dir, fileName)
			b, err := os.ReadFile(at)
			return errors.Join(err, os.Rename(at, at+"2"), os.WriteFile(at, b, 0o600))
		}, func(dir string) error { at := filepath.Join(dir, fileName); return os.Rename(at+"2", at) }},
		{"directory replaced by a file", "not a directory", func(dir string) error {
			return errors.Join(os.Rename(dir, dir+"2"), os.WriteFile(dir, nil, 0o600))
		}, func(dir string) error { return errors.Join(os.Remove(dir), os.Rename(dir+"2", dir)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := open(t, newClock().options(fastDir(t)))
			commitBatch(t, l, entries(entry(1, conclusion("a", "success"))))
			before := dump(t, l)
			if err := c.away(l.dir); err != nil {
				t.Fatal(err)
			}
			_, commitErr := l.Commit(t.Context(), entries(entry(2, conclusion("a", "success"))))
			_, revealErr := l.Reveal(t.Context(), 0)
			for what, err := range map[string]error{"Commit": commitErr, "Reveal": revealErr, "Look": l.Look(t.Context()), "Health": l.Health()} {
				if !errors.Is(err, ErrAway) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s = %v", what, err)
				}
			}
			same(t, "counted without a file", before, dump(t, l))
			if c.back == nil {
				return
			}
			if err := c.back(l.dir); err != nil {
				t.Fatal(err)
			}
			if err := l.Look(t.Context()); err != nil || l.Health() != nil {
				t.Errorf("back again: %v, %v", err, l.Health())
			}
			commitBatch(t, l, entries(entry(2, conclusion("a", "success"))))
			if n := find(t, l, family.JobConclusions, "a").State().Value; n != 2 {
				t.Errorf("counted %v, want 2", n)
			}
		})
	}
}

// TestTakenAwayMeanwhile: what was committed into a file that is being deleted was not confirmed.
func TestTakenAwayMeanwhile(t *testing.T) {
	l := open(t, newClock().options(fastDir(t)))
	commitBatch(t, l, entries(entry(1, conclusion("a", "success"))))
	l.now = func() time.Time { // called in the midst of a transaction
		_ = os.RemoveAll(l.dir)
		return start
	}
	r, err := l.Commit(t.Context(), entries(entry(2, conclusion("a", "success"))))
	if !errors.Is(err, ErrUnconfirmed) || !errors.Is(err, ErrAway) || len(r.Recorded) != 1 {
		t.Errorf("Commit = %v, %v", r.Recorded, err)
	}
}

// TestSecondOpenerAfterDeletion: as long as one lives, no second one is let in, whatever was deleted.
func TestSecondOpenerAfterDeletion(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(dir string) error
	}{
		{"the lock file", func(dir string) error { return os.Remove(filepath.Join(dir, lockName)) }},
		{"both files", func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, lockName)), os.Remove(filepath.Join(dir, fileName)))
		}},
		{"the directory", os.RemoveAll},
		{"the directory, moved", func(dir string) error { return os.Rename(dir, dir+"2") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newClock().options(fastDir(t))
				l := open(t, o)
				if err := c.do(o.Dir); err != nil {
					t.Fatal(err)
				}
				if second, err := Open(o); !errors.Is(err, ErrLocked) {
					if strings.HasPrefix(c.name, "the directory") && lockPlaceMissing(t) {
						t.Skip("this system locks no places")
					}
					t.Fatalf("Open = %v, %v, want ErrLocked", second, err)
				}
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				open(t, o) // begins anew, or goes on
			})
		})
	}
}

func lockPlaceMissing(t *testing.T) bool {
	place, err := lockPlace(t.TempDir(), time.Second)
	if err == nil {
		place.Close()
	}
	return err != nil
}

// TestPlacesApart: the same name elsewhere is another place.
func TestPlacesApart(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "data")
	o := newClock().options(a)
	open(t, o)
	o.Dir = b
	open(t, o)
	// A link to the first is the first.
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(a, link); err != nil {
		t.Fatal(err)
	}
	o.Dir, o.LockTimeout = link, time.Nanosecond
	if _, err := Open(o); !errors.Is(err, ErrLocked) {
		t.Errorf("Open = %v", err)
	}
	if _, err := os.Stat(filepath.Join(a, fileName)); errors.Is(err, syscall.ENOENT) {
		t.Error(err)
	}
}
