package ledger

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// A bbolt file has two headers, one in each of its first two pages: that of its last transaction, and that of the one
// before, whose place the next one takes. If one is damaged, bbolt goes by the other and says nothing. Where it was the
// newer one, the file then shows what it was a transaction earlier.

// headersDamage is what is known of the header that the file is not read by.
type headersDamage int

const (
	headersSound headersDamage = iota
	// olderDamaged: it was the one of the transaction before. Nothing is lost.
	olderDamaged
	// newerDamaged: it was the one of a later transaction, or nobody knows what it was.
	newerDamaged
)

// header is the part of a meta page that bbolt looks at: the page's own head is nothing to it.
type header [metaSize]byte

func (m *header) txid() uint64 { return native.Uint64(m[48:]) }

func (m *header) sum() uint64 {
	h := fnv.New64a()
	_, _ = h.Write(m[:metaSize-8]) // never fails
	return h.Sum64()
}

// valid is bbolt's own test.
func (m *header) valid() bool {
	return native.Uint32(m[:]) == boltMagic && native.Uint32(m[4:]) == boltVersion && native.Uint64(m[56:]) == m.sum()
}

// readHeader reads the header of the page that starts at a place in the file.
func readHeader(r io.ReaderAt, at int64) (m header, err error) {
	_, err = r.ReadAt(m[:], at+pageHeader)
	return m, err
}

// readHeaders reads both.
func readHeaders(r io.ReaderAt, pageSize int64) (both [2]header, err error) {
	for i := range both {
		if both[i], err = readHeader(r, int64(i)*pageSize); err != nil {
			return both, fmt.Errorf("reading the header of page %d: %w", i, err)
		}
	}
	return both, nil
}

// judgeHeader tells what the other header was, next to the newest one that is valid, of transaction txid.
func judgeHeader(other header, txid uint64) headersDamage {
	if other.valid() {
		if other.txid()+1 == txid {
			return headersSound
		}
		return newerDamaged // written over, or a write that never arrived
	}
	// Where the number itself was damaged, the sum tells which one was there: a single bit lies between the two.
	for number, damage := range map[uint64]headersDamage{txid - 1: olderDamaged, txid + 1: newerDamaged} {
		repaired := other
		native.PutUint64(repaired[48:], number)
		if repaired.valid() {
			return damage
		}
	}
	if other.txid()+1 == txid {
		return olderDamaged
	}
	return newerDamaged
}

// openPages reads the newer valid one of the two headers.
func openPages(r io.ReaderAt, size int64) (*pageFile, error) {
	if size == 0 {
		return nil, errors.New("the file is empty")
	}
	best, err := newestHeader(r)
	if err != nil {
		return nil, err
	}
	if have := uint64(size) / uint64(best.pageSize); best.pages > have {
		return nil, fmt.Errorf("the file is cut short: %d pages in use, %d there", best.pages, have)
	}
	other, err := readHeader(r, best.pageSize-best.at)
	if err != nil {
		return nil, fmt.Errorf("reading the header: %w", err)
	}
	best.damage = judgeHeader(other, best.txid)
	best.claimHeaders()
	return best, nil
}

func newestHeader(r io.ReaderAt) (best *pageFile, err error) {
	try := func(at int64) int64 {
		p, readErr := parseHeader(r, at)
		if readErr != nil && !errors.Is(readErr, io.EOF) {
			err = readErr
		}
		if p == nil {
			return 0
		}
		if best == nil || p.txid > best.txid {
			best = p
		}
		return p.pageSize
	}
	if pageSize := try(0); pageSize > 0 {
		try(pageSize)
	} else {
		// The second one starts where the first page ends, whose size only the first could have told.
		for at := int64(1024); best == nil && at <= maxPageSize; at *= 2 {
			try(at)
		}
	}
	if best == nil && err == nil {
		err = errors.New("it has no valid header")
	}
	return best, err
}

// parseHeader returns nil if there is no valid header at a place.
func parseHeader(r io.ReaderAt, at int64) (*pageFile, error) {
	m, err := readHeader(r, at)
	if err != nil {
		return nil, fmt.Errorf("reading the header: %w", err)
	}
	p := &pageFile{
		r:        r,
		at:       at,
		pageSize: int64(native.Uint32(m[8:])),
		root:     native.Uint64(m[16:]),
		freelist: native.Uint64(m[32:]),
		pages:    native.Uint64(m[40:]),
		txid:     m.txid(),
	}
	if !m.valid() || p.pageSize < 1024 || p.pageSize > maxPageSize || at != 0 && at != p.pageSize || p.pages < 2 || p.pages > 1<<40 {
		return nil, nil
	}
	return p, nil
}
