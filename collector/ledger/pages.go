package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// This file reads a bbolt file (format 2) without bbolt, page by page with bounds checks, to find out whether it may be
// trusted. bbolt itself maps the file into memory and believes what it finds there: a truncated file faults, and a page
// that points to its own ancestor ends in a stack overflow that nothing can recover, in its consistency check too. The
// checks made here are those of that one (every page in use once, or free; keys in order; right types), in one pass that
// hands the values on.
//
// A page is: id (8 bytes), flags (2), count (2), overflow (4: pages that follow and belong to it), then count elements and
// what they point to, relative to their own place. Numbers are in the machine's order.

const (
	pageHeader  = 16
	elementSize = 16 // of leaf and branch pages alike

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagFreelist = 0x10

	elementBucket = 0x01 // flag of a leaf element whose value is a bucket

	boltMagic   = 0xED0CDAED
	boltVersion = 2
	metaSize    = 64
	noFreelist  = ^uint64(0)

	maxPageSize = 64 << 10
	maxDepth    = 64 // of a tree; a real one has less than 10
)

var native = binary.NativeEndian

type pageFile struct {
	r        io.ReaderAt
	at       int64 // where its header's page starts
	damage   headersDamage
	pageSize int64
	root     uint64
	freelist uint64
	pages    uint64 // the high water mark: pages from here on have never been used
	txid     uint64
	used     []atomic.Uint64 // bit set of pages met
}

// bucketRef is where a top-level bucket starts.
type bucketRef struct {
	root   uint64
	inline []byte // the bucket's only page if it is kept within its parent's
}

// claimHeaders notes that the headers' pages are in use.
func (p *pageFile) claimHeaders() {
	p.used = make([]atomic.Uint64, p.pages/64+1)
	p.used[0].Store(0b11)
}

// claim notes that a page and its overflow are in use; each may be once.
func (p *pageFile) claim(id, overflow uint64) error {
	if id >= p.pages || overflow >= p.pages-id {
		return fmt.Errorf("page %d (+%d) is beyond the end, %d", id, overflow, p.pages)
	}
	for i := id; i <= id+overflow; i++ {
		if bit := uint64(1) << (i % 64); p.used[i/64].Or(bit)&bit != 0 {
			return fmt.Errorf("page %d is used twice", i)
		}
	}
	return nil
}

// page reads a page with its overflow into buf, grown if need be.
func (p *pageFile) page(id uint64, buf []byte) ([]byte, error) {
	if id < 2 || id >= p.pages {
		return buf, fmt.Errorf("page %d is beyond the end, %d", id, p.pages)
	}
	buf = grow(buf, int(p.pageSize))
	if err := p.read(buf, id); err != nil {
		return buf, err
	}
	if got := native.Uint64(buf); got != id {
		return buf, fmt.Errorf("page %d says it is page %d", id, got)
	}
	overflow := uint64(native.Uint32(buf[12:]))
	if err := p.claim(id, overflow); err != nil {
		return buf, err
	}
	if overflow > 0 {
		buf = grow(buf, int(p.pageSize)*int(overflow+1))
		if err := p.read(buf, id); err != nil {
			return buf, err
		}
	}
	return buf, nil
}

func (p *pageFile) read(buf []byte, id uint64) error {
	if _, err := p.r.ReadAt(buf, int64(id)*p.pageSize); err != nil {
		return fmt.Errorf("reading page %d: %w", id, err)
	}
	return nil
}

func grow(buf []byte, n int) []byte {
	if cap(buf) < n {
		return make([]byte, n)
	}
	return buf[:n]
}

// buckets lists the top-level buckets.
func (p *pageFile) buckets() (map[string]bucketRef, error) {
	refs := map[string]bucketRef{}
	w := pageWalk{file: p, want: elementBucket, visit: func(key, value []byte) error {
		if len(value) < 16 {
			return fmt.Errorf("bucket %q is malformed", key)
		}
		ref := bucketRef{root: native.Uint64(value)}
		if ref.root == 0 {
			ref.inline = bytes.Clone(value[16:])
		}
		refs[string(key)] = ref
		return nil
	}}
	return refs, w.page(p.root, 0, nil, nil)
}

// walk visits the keys and values of a bucket in order; they are valid during the visit only. Different buckets can be
// walked at the same time.
func (p *pageFile) walk(ref bucketRef, visit func(key, value []byte) error) error {
	w := pageWalk{file: p, visit: visit}
	if ref.root == 0 {
		if len(ref.inline) < pageHeader || native.Uint16(ref.inline[8:]) != flagLeaf {
			return errors.New("inline bucket is malformed")
		}
		return w.leaf(ref.inline, nil, nil)
	}
	return w.page(ref.root, 0, nil, nil)
}

type pageWalk struct {
	file  *pageFile
	want  uint32 // flags that every leaf element must have
	visit func(key, value []byte) error
	bufs  [][]byte // one page for each level of the tree
}

// page walks the tree under a page whose keys must be at least low and less than high, nil for no bound.
func (w *pageWalk) page(id uint64, depth int, low, high []byte) error {
	if depth >= maxDepth {
		return fmt.Errorf("page %d: the tree is too deep", id)
	}
	if depth == len(w.bufs) {
		w.bufs = append(w.bufs, nil)
	}
	b, err := w.file.page(id, w.bufs[depth])
	w.bufs[depth] = b
	if err != nil {
		return err
	}
	switch flags := native.Uint16(b[8:]); flags {
	case flagLeaf:
		err = w.leaf(b, low, high)
	case flagBranch:
		return w.branch(b, id, depth, low, high)
	default:
		err = fmt.Errorf("unexpected type %#x", flags)
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

func (w *pageWalk) branch(b []byte, id uint64, depth int, low, high []byte) error {
	count := int(native.Uint16(b[10:]))
	if count == 0 {
		return fmt.Errorf("page %d: a branch without elements", id)
	}
	var key []byte
	var child uint64
	for i := range count + 1 {
		next, to := high, uint64(0)
		if i < count {
			e, err := element(b, i, count)
			if err != nil {
				return fmt.Errorf("page %d: %w", id, err)
			}
			to = native.Uint64(b[pageHeader+i*elementSize+8:])
			if next, err = slice(e, native.Uint32(e), native.Uint32(e[4:])); err == nil {
				err = inOrder(next, key, i == 0, low, high)
			}
			if err != nil {
				return fmt.Errorf("page %d: %w", id, err)
			}
		}
		// One element behind: the key of the next one bounds the keys of this one.
		if i > 0 {
			if err := w.page(child, depth+1, key, next); err != nil {
				return err
			}
		}
		key, child = next, to
	}
	return nil
}

func (w *pageWalk) leaf(b, low, high []byte) error {
	count := int(native.Uint16(b[10:]))
	var last []byte
	for i := range count {
		e, err := element(b, i, count)
		if err != nil {
			return err
		}
		flags, pos, ksize, vsize := native.Uint32(e), native.Uint32(e[4:]), native.Uint32(e[8:]), native.Uint32(e[12:])
		if flags != w.want {
			return fmt.Errorf("element %d has unexpected flags %#x", i, flags)
		}
		key, err := slice(e, pos, ksize)
		if err != nil {
			return err
		}
		value, err := slice(e[pos:], ksize, vsize)
		if err != nil {
			return err
		}
		if err := inOrder(key, last, i == 0, low, high); err != nil {
			return err
		}
		if err := w.visit(key, value); err != nil {
			return fmt.Errorf("key %x: %w", key, err)
		}
		last = key
	}
	return nil
}

// element is the page from its element i on, for what that points to lies relative to it.
func element(b []byte, i, count int) ([]byte, error) {
	if pageHeader+count*elementSize > len(b) {
		return nil, fmt.Errorf("%d elements do not fit", count)
	}
	return b[pageHeader+i*elementSize:], nil
}

func slice(b []byte, pos, size uint32) ([]byte, error) {
	if uint64(pos)+uint64(size) > uint64(len(b)) {
		return nil, errors.New("an element reaches beyond the page")
	}
	return b[pos : pos+size], nil
}

func inOrder(key, last []byte, first bool, low, high []byte) error {
	if first && low != nil && bytes.Compare(key, low) < 0 || !first && bytes.Compare(key, last) <= 0 ||
		high != nil && bytes.Compare(key, high) >= 0 {
		return fmt.Errorf("key %x is out of order", key)
	}
	return nil
}

// finish checks, after all buckets have been walked, that every page not met is on the list of free ones, and no other.
func (p *pageFile) finish() error {
	if p.freelist != noFreelist { // noFreelist: not stored, all others are free
		if err := p.checkFreelist(); err != nil {
			return fmt.Errorf("list of free pages: %w", err)
		}
		for id := range p.pages {
			if p.used[id/64].Load()&(1<<(id%64)) == 0 {
				return fmt.Errorf("page %d is neither used nor free", id)
			}
		}
	}
	return nil
}

func (p *pageFile) checkFreelist() error {
	b, err := p.page(p.freelist, nil)
	if err != nil {
		return err
	}
	if flags := native.Uint16(b[8:]); flags != flagFreelist {
		return fmt.Errorf("page %d has unexpected type %#x", p.freelist, flags)
	}
	count, ids := uint64(native.Uint16(b[10:])), b[pageHeader:]
	if count == 0xFFFF { // too many for two bytes
		count, ids = native.Uint64(ids), ids[8:]
	}
	if count > uint64(len(ids)/8) {
		return fmt.Errorf("%d entries do not fit", count)
	}
	for i := range count {
		if err := p.claim(native.Uint64(ids[i*8:]), 0); err != nil {
			return err
		}
	}
	return nil
}
