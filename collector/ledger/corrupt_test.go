package ledger

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github_workflow_exporter/collector/family"
)

// plant makes a ledger's directory with a given file.
func plant(t testing.TB, file []byte) Options {
	t.Helper()
	o := newClock().options(fastDir(t))
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(o.Dir, fileName), file, 0o600); err != nil {
		t.Fatal(err)
	}
	return o
}

// refuses checks that a file is refused as damaged, and left as it is.
func refuses(t *testing.T, o Options, file []byte, want string) {
	t.Helper()
	path := filepath.Join(o.Dir, fileName)
	_, openErr := Open(o)
	_, checkErr := Check(o.Dir)
	backup := filepath.Join(o.Dir, "backup")
	backupErr := Backup(o.Dir, backup)
	for what, err := range map[string]error{"Open": openErr, "Check": checkErr, "Backup": backupErr} {
		var corrupt *CorruptError
		if !errors.As(err, &corrupt) || corrupt.Path != path {
			t.Errorf("%s: %v, want a CorruptError of %s", what, err, path)
			continue
		}
		for _, s := range []string{want, path, "restore a backup", "move the file away"} {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%s: %q does not say %q", what, err, s)
			}
		}
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, file) {
		t.Errorf("the file was changed (%v)", err)
	}
	if _, err := os.Stat(backup); err == nil {
		t.Error("a backup was made of it")
	}
}

func TestRefusedFiles(t *testing.T) {
	good, _ := sampleFile(t)
	page := os.Getpagesize()
	random := make([]byte, 3*page)
	rand.NewChaCha8([32]byte{1}).Read(random)
	for _, c := range []struct {
		name, want string
		file       []byte
	}{
		{"empty", "the file is empty", nil},
		{"text", "no valid header", []byte("not a ledger\n")},
		{"random", "no valid header", random},
		{"zeros", "no valid header", make([]byte, len(good))},
		{"header only", "cut short", good[:2*page]},
		{"half", "cut short", good[:len(good)/2/page*page]},
		{"another program's", "it is no ledger", foreignFile(t)},
	} {
		t.Run(c.name, func(t *testing.T) { refuses(t, plant(t, c.file), c.file, c.want) })
	}
	t.Run("directory", func(t *testing.T) {
		o := newClock().options(fastDir(t))
		if err := os.MkdirAll(filepath.Join(o.Dir, fileName), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(o); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("Open = %v", err)
		}
	})
}

// foreignFile is a sound bbolt file that is no ledger.
func foreignFile(t testing.TB) []byte {
	path := filepath.Join(t.TempDir(), "other.db")
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket([]byte("things"))
		if err != nil {
			return err
		}
		return b.Put([]byte("a"), []byte("b"))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTreeThatBitesItsTail: a branch that points to itself sends bbolt, its check included, into a recursion without end.
func TestTreeThatBitesItsTail(t *testing.T) {
	good, _ := sampleFile(t)
	page := os.Getpagesize()
	found := 0
	for id := 2; id < len(good)/page; id++ {
		p := good[id*page : (id+1)*page]
		if native.Uint64(p) != uint64(id) || native.Uint16(p[8:]) != flagBranch {
			continue
		}
		file := bytes.Clone(good)
		native.PutUint64(file[id*page+pageHeader+8:], uint64(id))
		if _, err := readPages(bytesAt(file), int64(len(file))); err == nil {
			continue // a page no longer in use
		} else if !strings.Contains(err.Error(), "used twice") {
			t.Errorf("page %d: %v", id, err)
		}
		found++
		refuses(t, plant(t, file), file, "used twice")
	}
	if found == 0 {
		t.Error("the sample has no branch page")
	}
}

// tamper changes a sound ledger through bbolt, so that its pages are sound too.
func tamper(t *testing.T, change func(tx *bolt.Tx) error) (Options, []byte) {
	t.Helper()
	good, _ := sampleFile(t)
	o := plant(t, good)
	path := filepath.Join(o.Dir, fileName)
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(change), db.Close()); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return o, file
}

// TestBrokenReferences: sound pages and sums do not make a ledger.
func TestBrokenReferences(t *testing.T) {
	deleteFirst := func(table table) func(tx *bolt.Tx) error {
		return func(tx *bolt.Tx) error {
			c := tx.Bucket([]byte(table.name)).Cursor()
			c.First()
			return c.Delete()
		}
	}
	birth := func(number uint64, values ...string) []byte {
		return appendBirth(begin(), birthRecord{Family: number, Values: values})
	}
	six := []string{"a", "b", "c", "d", "e", "f"}
	for _, c := range []struct {
		name, want string
		change     func(tx *bolt.Tx) error
	}{
		{"no labels", "no such series", deleteFirst(labelTable)},
		{"no state", "one before has no state", deleteFirst(stateTable)},
		{"no account", "no account of repository 1", func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(accountTable.name)).Delete(key1(1))
		}},
		{"open run missing in the index", "not among the open ones", deleteFirst(openTable)},
		{"index without open run", "are open", func(tx *bolt.Tx) error {
			return put(tx, openTable, key2(1, 1<<50), begin())
		}},
		{"table missing", "table state is missing", func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte("state")) }},
		{"table too many", "11 tables", func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("more")); return err }},
		{"a table in a table", "unexpected flags", func(tx *bolt.Tx) error {
			_, err := tx.Bucket([]byte("runs")).CreateBucket([]byte("more"))
			return err
		}},
		{"last state missing", "has no state", func(tx *bolt.Tx) error { return put(tx, labelTable, key1(1<<40), birth(1, six...)) }},
		{"unknown family number", "no family has the number 99", func(tx *bolt.Tx) error {
			return put(tx, labelTable, key1(1<<40), birth(99, six...))
		}},
		{"too few values", "5 label values for 6 labels", func(tx *bolt.Tx) error {
			return put(tx, labelTable, key1(1<<40), birth(1, six[1:]...))
		}},
		{"label set twice", "there twice", func(tx *bolt.Tx) error {
			return errors.Join(put(tx, labelTable, key1(1<<40), birth(1, six...)), put(tx, labelTable, key1(1<<40+1), birth(1, six...)))
		}},
		{"counts that disagree", "do not agree", func(tx *bolt.Tx) error {
			k, v := tx.Bucket([]byte(stateTable.name)).Cursor().Seek(key1(2)) // the first histogram
			p, err := stateTable.unseal(k, v)
			if err != nil {
				return err
			}
			s, err := decodeState(p, true)
			if err != nil {
				return err
			}
			s.Count++
			return putState(tx, 2, s, family.Histogram)
		}},
		{"unknown meta key", "unknown key", func(tx *bolt.Tx) error { return put(tx, metaTable, []byte("x"), begin()) }},
		{"no host", "format and host", func(tx *bolt.Tx) error { return tx.Bucket([]byte("meta")).Delete(metaHost) }},
		{"short key", "malformed", func(tx *bolt.Tx) error { return put(tx, runTable, []byte("x"), begin()) }},
		{"flipped bit", "checksum mismatch", func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(runTable.name))
			k, v := b.Cursor().First()
			v = bytes.Clone(v)
			v[len(v)/2] ^= 4
			return b.Put(bytes.Clone(k), v)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, file := tamper(t, c.change)
			refuses(t, o, file, c.want)
		})
	}
}

// TestVerificationAgreesWithBbolt: what we call sound, bbolt's own check calls sound too.
func TestVerificationAgreesWithBbolt(t *testing.T) {
	good, _ := sampleFile(t)
	o := plant(t, good)
	db, err := bolt.Open(filepath.Join(o.Dir, fileName), 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			t.Error(err)
		}
		c, err := readPages(bytesAt(good), int64(len(good)))
		if err != nil {
			return err
		}
		if c.txid != uint64(tx.ID()) {
			t.Errorf("transaction %d, bbolt says %d", c.txid, tx.ID())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestBrokenStructure: pages whose values are all sound, but not where they should be.
func TestBrokenStructure(t *testing.T) {
	good, _ := sampleFile(t)
	header, err := openPages(bytesAt(good), int64(len(good)))
	if err != nil {
		t.Fatal(err)
	}
	page := int(header.pageSize)
	free := int(header.freelist) * page
	if n := native.Uint16(good[free+10:]); n < 2 {
		t.Fatalf("the sample has %d free pages", n)
	}
	for _, c := range []struct {
		name, want string
		change     func(file []byte)
	}{
		{"a free page forgotten", "is neither used nor free", func(file []byte) {
			native.PutUint16(file[free+10:], native.Uint16(file[free+10:])-1)
		}},
		{"a page free and used", "list of free pages: page 2 is used twice", func(file []byte) {
			// Page 2 is in use, or free and now on the list twice.
			native.PutUint64(file[free+pageHeader:], 2)
			native.PutUint64(file[free+pageHeader+8:], 2)
		}},
		{"a free page beyond the end", "beyond the end", func(file []byte) { native.PutUint64(file[free+pageHeader:], 1<<50) }},
		{"more free pages than fit", "do not fit", func(file []byte) { native.PutUint16(file[free+10:], 0xFFFE) }},
		{"a list of free pages that is none", "list of free pages: page", func(file []byte) { native.PutUint16(file[free+8:], flagLeaf) }},
		{"keys exchanged", "out of order", func(file []byte) {
			for id := 2; id < len(file)/page; id++ {
				p := file[id*page:]
				if native.Uint16(p[8:]) != flagLeaf || native.Uint16(p[10:]) < 2 || native.Uint64(p) != uint64(id) {
					continue
				}
				a, b := p[pageHeader:pageHeader+elementSize], p[pageHeader+elementSize:pageHeader+2*elementSize]
				old := bytes.Clone(a)
				copy(a, b)
				copy(b, old)
				native.PutUint32(a[4:], native.Uint32(a[4:])+elementSize) // positions are relative to the element
				native.PutUint32(b[4:], native.Uint32(b[4:])-elementSize)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := bytes.Clone(good)
			c.change(file)
			refuses(t, plant(t, file), file, c.want)
		})
	}
}
