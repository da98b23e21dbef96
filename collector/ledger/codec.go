package ledger

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"time"
)

// Every value in the file is: version (1 byte), payload, CRC32C (4 bytes, big-endian). The sum covers the table's name
// and the key too, so that a bit flipped in a key, or a value under a wrong key, is found as well: bbolt has no page
// checksums.
const (
	valueVersion = 1
	sumBytes     = 4
)

var (
	errChecksum = errors.New("checksum mismatch")
	errValue    = errors.New("malformed value")

	castagnoli = crc32.MakeTable(crc32.Castagnoli) // read only
)

// table is a top-level bucket of the file.
type table struct {
	name  string
	sum   uint32 // CRC32C of the name, where the sums of its values start
	since int    // the format that brought it; files of an earlier one have none
}

func newTable(name string, since int) table {
	return table{name: name, sum: crc32.Checksum([]byte(name), castagnoli), since: since}
}

// The tables. Keys are fixed-width big-endian numbers, or short names in meta, families and totals.
var (
	metaTable     = newTable("meta", 1)     // format, host, born
	familyTable   = newTable("families", 1) // family name → number in this file, labels, bounds, disabled
	accountTable  = newTable("accounts", 1) // repository → account
	nameTable     = newTable("names", 1)    // repository, workflow → name
	totalTable    = newTable("totals", 1)   // recorded, discard/REASON, overflow/FAMILY → count
	labelTable    = newTable("labels", 1)   // series → what hardly changes: family, label values, birth
	stateTable    = newTable("state", 1)    // series → what increments change, apart from the labels to write little
	runTable      = newTable("runs", 1)     // repository, run → mark of the run and of its executions
	openTable     = newTable("open", 1)     // repository, run of the runs that are open: an index
	branchTable   = newTable("branches", 2) // repository, workflow, branch → how its runs ended
	tables        = []table{metaTable, familyTable, accountTable, nameTable, totalTable, labelTable, stateTable, openTable, runTable, branchTable}
	metaFormat    = []byte("format")
	metaHost      = []byte("host")
	metaBorn      = []byte("born")
	totalRecorded = "recorded"
)

// formatVersion is the layout of the whole file; a file with a higher one is refused.
const formatVersion = 2

// seal completes a value begun with begin.
func (t table) seal(key, value []byte) []byte {
	sum := crc32.Update(crc32.Update(t.sum, castagnoli, key), castagnoli, value)
	return binary.BigEndian.AppendUint32(value, sum)
}

// unseal verifies a value and returns its payload, which shares the value's memory.
func (t table) unseal(key, value []byte) ([]byte, error) {
	n := len(value) - sumBytes
	if n < 1 {
		return nil, errValue
	}
	sum := crc32.Update(crc32.Update(t.sum, castagnoli, key), castagnoli, value[:n])
	if binary.BigEndian.Uint32(value[n:]) != sum {
		return nil, errChecksum
	}
	if value[0] != valueVersion {
		return nil, errValue
	}
	return value[1:n], nil
}

// begin starts a value.
func begin() []byte { return append(make([]byte, 0, 128), valueVersion) }

func key1(a uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 0, 8), a) }

func key2(a, b int64) []byte {
	k := binary.BigEndian.AppendUint64(make([]byte, 0, 16), uint64(a))
	return binary.BigEndian.AppendUint64(k, uint64(b))
}

func splitKey2(k []byte) (a, b int64, ok bool) {
	if len(k) != 16 {
		return 0, 0, false
	}
	return int64(binary.BigEndian.Uint64(k)), int64(binary.BigEndian.Uint64(k[8:])), true
}

func appendTime(b []byte, t time.Time) []byte {
	b = binary.AppendVarint(b, t.Unix())
	return binary.AppendUvarint(b, uint64(t.Nanosecond()))
}

func appendFloat(b []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(b, math.Float64bits(v))
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// reader takes a payload apart. After the first thing that does not fit it is bad and yields zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// length reads a number of elements of at least size bytes each: never more than the payload can hold.
func (r *reader) length(size int) int {
	v := r.uvarint()
	if v > uint64(len(r.b)/size) {
		r.fail()
		return 0
	}
	return int(v)
}

func (r *reader) byte() byte {
	if len(r.b) < 1 {
		r.fail()
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) fixed() uint64 {
	if len(r.b) < 8 {
		r.fail()
		return 0
	}
	v := binary.BigEndian.Uint64(r.b)
	r.b = r.b[8:]
	return v
}

func (r *reader) fixed32() uint32 {
	if len(r.b) < 4 {
		r.fail()
		return 0
	}
	v := binary.BigEndian.Uint32(r.b)
	r.b = r.b[4:]
	return v
}

func (r *reader) float() float64 { return math.Float64frombits(r.fixed()) }

// bytes reads a string without copying it.
func (r *reader) bytes() []byte {
	n := r.length(1)
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) time() time.Time {
	sec, nsec := r.varint(), r.uvarint()
	if nsec >= 1e9 {
		r.fail()
	}
	if r.bad {
		return time.Time{}
	}
	return time.Unix(sec, int64(nsec)).UTC()
}

func (r *reader) fail() { r.bad, r.b = true, nil }

// end is nil if the payload was read whole and nothing was amiss.
func (r *reader) end() error {
	if r.bad || len(r.b) != 0 {
		return errValue
	}
	return nil
}

// stored is t as it is read back from the file.
func stored(t time.Time) time.Time { return t.Round(0).UTC() }
