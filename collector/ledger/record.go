package ledger

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"
)

// familyRecord is what the file says of a family. IDs of package family are not durable, numbers in the file are.
type familyRecord struct {
	Number   uint64
	Kind     byte
	Labels   []string
	Bounds   []float64
	Disabled bool
}

func appendFamily(b []byte, f familyRecord) []byte {
	b = binary.AppendUvarint(b, f.Number)
	b = append(b, f.Kind, flags(f.Disabled))
	b = binary.AppendUvarint(b, uint64(len(f.Labels)))
	for _, l := range f.Labels {
		b = appendString(b, l)
	}
	b = binary.AppendUvarint(b, uint64(len(f.Bounds)))
	for _, v := range f.Bounds {
		b = appendFloat(b, v)
	}
	return b
}

func decodeFamily(p []byte) (familyRecord, error) {
	r := reader{b: p}
	f := familyRecord{Number: r.uvarint(), Kind: r.byte(), Disabled: r.byte()&1 != 0}
	f.Labels = make([]string, r.length(1))
	for i := range f.Labels {
		f.Labels[i] = string(r.bytes())
	}
	if n := r.length(8); n > 0 {
		f.Bounds = make([]float64, n)
		for i := range f.Bounds {
			f.Bounds[i] = r.float()
		}
	}
	return f, r.end()
}

// birthRecord is what does not change of a series, but for Shown, which does once.
type birthRecord struct {
	Family     uint64 // number in this file
	Repository int64
	Born       time.Time
	Created    time.Time
	Baseline   bool
	Shown      bool
	Named      bool
	Values     []string
}

// The flags of a birth record. A file may be older than the last two: its series are revealed at once if they are old
// enough, and its gauges go by the repository alone.
const (
	birthBaseline = 1 << iota
	birthShown
	birthNamed
)

func appendBirth(b []byte, s birthRecord) []byte {
	b = binary.AppendUvarint(b, s.Family)
	b = append(b, flags(s.Baseline, s.Shown, s.Named))
	b = binary.AppendVarint(b, s.Repository)
	b = appendTime(b, s.Born)
	b = appendTime(b, s.Created)
	b = binary.AppendUvarint(b, uint64(len(s.Values)))
	for _, v := range s.Values {
		b = appendString(b, v)
	}
	return b
}

// decodeBirth takes the label values from intern, nil for none.
func decodeBirth(p []byte, intern *interner) (birthRecord, error) {
	r := reader{b: p}
	s := birthRecord{Family: r.uvarint()}
	f := r.byte()
	s.Baseline, s.Shown, s.Named = f&birthBaseline != 0, f&birthShown != 0, f&birthNamed != 0
	s.Repository, s.Born, s.Created = r.varint(), r.time(), r.time()
	s.Values = make([]string, r.length(1))
	for i := range s.Values {
		s.Values[i] = intern.bytes(r.bytes())
	}
	return s, r.end()
}

func appendAccount(b []byte, a Account) []byte {
	b = appendString(b, a.Name)
	b = append(b, flags(a.Swept))
	b = appendTime(b, a.Since)
	b = appendTime(b, a.Through)
	return appendTime(b, a.Pruned)
}

func decodeAccount(id int64, p []byte) (Account, error) {
	r := reader{b: p}
	a := Account{ID: id, Name: string(r.bytes()), Swept: r.byte()&1 != 0, Since: r.time(), Through: r.time(), Pruned: r.time()}
	return a, r.end()
}

// runRecord is all that is remembered of a run, under one key: its mark and the seen marks of its jobs. One value per run
// rather than per job keeps the file, its check at every start, and pruning small.
type runRecord struct {
	RunMark
	// Marked is set once a RunChange named the run; until then there are only jobs, delivered before the run was seen.
	Marked bool
	// Assumed: Started is not known; it holds the time of the last commit, for pruning.
	Assumed  bool
	Executed []Execution // ascending by ID
	Omitted  []omission  // ascending
	Held     []Held      // jobs that are not recorded yet, ascending by ID
}

type omission struct {
	ID      int64
	Attempt int
}

func compareOmissions(a, b omission) int {
	return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Attempt, b.Attempt))
}

// The flags of a run record.
const (
	runOpen = 1 << iota
	runMarked
	runAssumed
	runTold // what executions were and what held jobs is told; older files know neither
)

// The flags of an execution.
const (
	executionEnded = 1 << iota
	executionFailed
	executionReason
)

func appendRun(b []byte, r runRecord) []byte {
	b = append(b, flags(r.Open, r.Marked, r.Assumed, true))
	b = appendTime(b, r.Created)
	b = appendTime(b, r.Started)
	b = binary.AppendUvarint(b, uint64(len(r.Closed)))
	for _, a := range r.Closed {
		b = binary.AppendVarint(b, int64(a))
	}
	b = binary.AppendUvarint(b, uint64(len(r.Executed)))
	last := int64(0)
	for _, e := range r.Executed {
		b = binary.AppendVarint(b, e.ID-last) // ids of one run are neighbours
		b = binary.AppendVarint(b, int64(e.Attempt))
		b = binary.BigEndian.AppendUint64(b, e.Fingerprint)
		b = appendOutcome(b, e, r.Started)
		last = e.ID
	}
	b = binary.AppendUvarint(b, uint64(len(r.Omitted)))
	last = 0
	for _, o := range r.Omitted {
		b = binary.AppendVarint(b, o.ID-last)
		b = binary.AppendVarint(b, int64(o.Attempt))
		last = o.ID
	}
	b = binary.AppendUvarint(b, uint64(len(r.Held)))
	last = 0
	for _, h := range r.Held {
		b = binary.AppendVarint(b, h.ID-last)
		b = appendString(b, h.By)
		last = h.ID
	}
	return b
}

// appendOutcome writes what an execution was and how it ended, in seconds from a time nearby.
func appendOutcome(b []byte, e Execution, near time.Time) []byte {
	b = append(b, flags(!e.Ended.IsZero(), e.Failed, e.Reason != ""))
	b = binary.BigEndian.AppendUint32(b, e.Name)
	if !e.Ended.IsZero() {
		b = binary.AppendVarint(b, e.Ended.Unix()-near.Unix())
	}
	if e.Reason != "" {
		b = appendString(b, e.Reason)
	}
	return b
}

func (r *reader) outcome(e *Execution, near time.Time, keep bool) {
	f := r.byte()
	e.Name, e.Failed = r.fixed32(), f&executionFailed != 0
	if f&executionEnded != 0 {
		e.Ended = time.Unix(near.Unix()+r.varint(), 0).UTC()
	}
	if f&executionReason != 0 {
		if reason := r.bytes(); keep {
			e.Reason = string(reason)
		}
	}
}

func decodeRun(p []byte) (runRecord, error) {
	var rec runRecord
	_, err := readRun(p, &rec)
	return rec, err
}

// runSummary is what the check of the whole file needs to know of a run.
type runSummary struct {
	open, assumed bool
	started       time.Time
	executed      int
}

// readRun reads a run record, into rec unless that is nil: then nothing is allocated.
func readRun(p []byte, rec *runRecord) (runSummary, error) {
	r := reader{b: p}
	f := r.byte()
	created, started := r.time(), r.time()
	sum := runSummary{open: f&runOpen != 0, assumed: f&runAssumed != 0, started: started}
	told := f&runTold != 0
	if rec != nil {
		rec.Open, rec.Marked, rec.Assumed = sum.open, f&runMarked != 0, sum.assumed
		rec.Created, rec.Started = created, started
	}
	n := r.length(1)
	if rec != nil && n > 0 {
		rec.Closed = make([]int, 0, n)
	}
	for range n {
		a := int(r.varint())
		if rec != nil {
			rec.Closed = append(rec.Closed, a)
		}
	}
	sum.executed = r.length(10)
	if rec != nil && sum.executed > 0 {
		rec.Executed = make([]Execution, 0, sum.executed+1) // room for the next one
	}
	id := int64(0)
	for range sum.executed {
		id += r.varint()
		e := Execution{ID: id, Attempt: int(r.varint()), Fingerprint: r.fixed()}
		if told {
			r.outcome(&e, started, rec != nil)
		}
		if rec != nil {
			rec.Executed = append(rec.Executed, e)
		}
	}
	n = r.length(2)
	id = 0
	for range n {
		id += r.varint()
		o := omission{ID: id, Attempt: int(r.varint())}
		if rec != nil {
			rec.Omitted = append(rec.Omitted, o)
		}
	}
	if told {
		r.held(rec)
	}
	return sum, r.end()
}

func (r *reader) held(rec *runRecord) {
	id := int64(0)
	for range r.length(2) {
		id += r.varint()
		by := r.bytes()
		if rec != nil {
			rec.Held = append(rec.Held, Held{id, string(by)})
		}
	}
}

// hold notes what a job is held back by, beside what it was before.
func (r *runRecord) hold(h Held) {
	at, found := slices.BinarySearchFunc(r.Held, h, compareHeld)
	if !found {
		r.Held = slices.Insert(r.Held, at, h)
	}
}

func compareHeld(a, b Held) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.By, b.By)) }

// release forgets what a job was held back by.
func (r *runRecord) release(id int64) {
	r.Held = slices.DeleteFunc(r.Held, func(h Held) bool { return h.ID == id })
}

func (r *runRecord) executed(id int64) (at int, found bool) {
	return slices.BinarySearchFunc(r.Executed, id, func(e Execution, id int64) int { return cmp.Compare(e.ID, id) })
}

func appendState(b []byte, s *State, histogram bool) []byte {
	b = appendTime(b, s.Updated)
	if !histogram {
		return appendFloat(b, s.Value)
	}
	b = appendFloat(b, s.Sum)
	b = binary.AppendUvarint(b, s.Count)
	b = binary.AppendUvarint(b, uint64(len(s.Buckets)))
	for _, n := range s.Buckets {
		b = binary.AppendUvarint(b, n)
	}
	b = binary.AppendUvarint(b, s.Zero)
	b = binary.AppendUvarint(b, uint64(len(s.Native)))
	last := int32(0)
	for _, n := range s.Native {
		b = binary.AppendVarint(b, int64(n.Index)-int64(last))
		b = binary.AppendUvarint(b, n.Count)
		last = n.Index
	}
	return b
}

func decodeState(p []byte, histogram bool) (*State, error) {
	r := reader{b: p}
	s := &State{Updated: r.time()}
	if !histogram {
		s.Value = r.float()
		return s, r.end()
	}
	s.Sum, s.Count = r.float(), r.uvarint()
	s.Buckets = make([]uint64, r.length(1))
	for i := range s.Buckets {
		s.Buckets[i] = r.uvarint()
	}
	s.Zero = r.uvarint()
	if n := r.length(2); n > 0 {
		s.Native = make([]NativeBucket, n)
		last := int64(0)
		for i := range s.Native {
			last += r.varint()
			s.Native[i] = NativeBucket{Index: int32(last), Count: r.uvarint()}
			if int64(int32(last)) != last || i > 0 && s.Native[i-1].Index >= s.Native[i].Index {
				r.fail()
			}
		}
	}
	return s, r.end()
}

// flags packs up to eight.
func flags(set ...bool) byte {
	var f byte
	for i, on := range set {
		if on {
			f |= 1 << i
		}
	}
	return f
}
