package ledger

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// damageOf is what is told of a file's headers.
func damageOf(t *testing.T, file []byte) (headersDamage, uint64) {
	t.Helper()
	p, err := openPages(bytesAt(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return p.damage, p.txid
}

// TestHeaderFlips flips every bit of both headers. The older one's loss is harmless and told as such; with the newer one a
// transaction is lost, and that is said. What is around them nobody reads.
func TestHeaderFlips(t *testing.T) {
	good, _ := sampleFile(t)
	page := os.Getpagesize()
	damage, txid := damageOf(t, good)
	if damage != headersSound {
		t.Fatalf("damage %d in a sound file", damage)
	}
	newer := int(txid % 2)
	for _, at := range []int{0, page} {
		for i := range 2 * (pageHeader + metaSize) {
			for bit := range 8 {
				file := bytes.Clone(good)
				file[at+i] ^= 1 << bit
				want, wantID := headersSound, txid
				if i >= pageHeader && i < pageHeader+metaSize {
					want = olderDamaged
					if at == newer*page {
						want, wantID = newerDamaged, txid-1
					}
				}
				if got, id := damageOf(t, file); got != want || id != wantID {
					t.Errorf("bit %d of byte %d of page %d: damage %d, transaction %d, want %d, %d", bit, i, at/page, got, id, want, wantID)
				}
			}
		}
	}
}

// TestHeaderDamage: more than a bit.
func TestHeaderDamage(t *testing.T) {
	good, contents := sampleFile(t)
	page := os.Getpagesize()
	_, txid := damageOf(t, good)
	newer := good[int(txid%2)*page:][:page]
	older := good[int(1-txid%2)*page:][:page]
	at := func(file, p []byte) []byte { // the same page of another copy
		if &p[0] == &good[0] {
			return file[:page]
		}
		return file[page : 2*page]
	}
	for _, c := range []struct {
		name     string
		hurt     func(file []byte)
		want     headersDamage
		contents int
	}{
		{"the newer one zeroed", func(file []byte) { clear(at(file, newer)) }, newerDamaged, 0},
		{"the newer one of another page", func(file []byte) { copy(at(file, newer), file[5*page:6*page]) }, newerDamaged, 0},
		{"the newer one written over by the older", func(file []byte) { copy(at(file, newer), older) }, newerDamaged, 0},
		{"the older one written over by the newer", func(file []byte) { copy(at(file, older), newer) }, newerDamaged, 1},
		{"the older one zeroed", func(file []byte) { clear(at(file, older)) }, newerDamaged, 1},
		{"the next one torn before its number", func(file []byte) {
			m := at(file, older)[pageHeader:]
			native.PutUint64(m[16:], 77)
		}, olderDamaged, 1},
		{"the next one torn behind its number", func(file []byte) {
			m := at(file, older)[pageHeader:]
			native.PutUint64(m[16:], 77)
			native.PutUint64(m[48:], txid+1)
		}, newerDamaged, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := bytes.Clone(good)
			c.hurt(file)
			if got, _ := damageOf(t, file); got != c.want {
				t.Fatalf("damage %d, want %d", got, c.want)
			}
			o := plant(t, file)
			r, err := Check(o.Dir)
			if err != nil {
				t.Fatal(err)
			}
			l := open(t, o)
			same(t, "contents", contents[c.contents], dump(t, l))
			warnings, notes := l.Warnings(), l.Notes()
			for _, got := range [][]string{warnings, r.Warnings} {
				if c.want == newerDamaged && (len(got) != 1 || !strings.Contains(got[0], filepath.Join(o.Dir, fileName)) ||
					!strings.Contains(got[0], "has to be read again")) || c.want != newerDamaged && len(got) != 0 {
					t.Errorf("warnings %q", got)
				}
			}
			for _, got := range [][]string{notes, r.Notes} {
				if c.want == olderDamaged && (len(got) != 1 || !strings.Contains(got[0], "nothing is lost")) || c.want != olderDamaged && len(got) != 0 {
					t.Errorf("notes %q", got)
				}
			}
			// It is mended by going on.
			commitBatch(t, l, Batch{Repository: 1, Entries: []Entry{entry(78, conclusion("after", "success"))}})
			if l = reopen(t, l, o); len(l.Warnings())+len(l.Notes()) != 0 {
				t.Errorf("after a commit still %q, %q", l.Warnings(), l.Notes())
			}
		})
	}
}
