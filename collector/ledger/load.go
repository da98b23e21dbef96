package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github_workflow_exporter/collector/family"
)

// contents is a ledger file read whole and found sound.
type contents struct {
	txid     uint64 // of the last transaction
	pageSize int64
	damage   headersDamage
	format   int
	host     string
	born     time.Time
	families map[string]familyRecord
	accounts map[int64]Account
	names    map[nameKey]string
	totals   map[string]uint64
	branches map[branchKey]BranchState
	series   [][]*Series // by family.ID, ascending by their own ID
	widened  []family.ID // families whose series have fewer labels in the file
	index    index
	intern   *interner

	runs, openRuns, executions int
}

// readLedger verifies every page and every value of a ledger file and returns what belongs in memory. The file is not
// written to; nobody else may write to it meanwhile, for which its lock is held shared.
func readLedger(path string, timeout time.Duration) (*contents, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	defer f.Close()
	if err := lockFile(f, false, timeout); err != nil {
		return nil, lockError(path, err)
	}
	return readOpen(f)
}

// readOpen is readLedger for a file that is open and locked.
func readOpen(f *os.File) (*contents, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, &CorruptError{Path: f.Name(), Err: errors.New("it is not a regular file")}
	}
	c, err := readPages(f, info.Size())
	switch {
	case errors.Is(err, ErrNewerFormat):
		return nil, fmt.Errorf("ledger file %s: %w", f.Name(), err)
	case err != nil:
		return nil, &CorruptError{Path: f.Name(), Err: err}
	}
	return c, nil
}

// findings are what is to be said of a file that is sound but for the header it is not read by.
func (c *contents) findings(path string) (warnings, notes []string) {
	switch c.damage {
	case newerDamaged:
		return []string{fmt.Sprintf("the newer one of the two headers of %s is damaged, or may have been it. The ledger is what it was "+
			"at transaction %d, the one before: what the last one counted is gone from it and has to be read again. Cut power in the midst of "+
			"a commit may do this, and loses nothing; otherwise a disk or another program did it. The next commit writes it anew",
			path, c.txid)}, nil
	case olderDamaged:
		return nil, []string{fmt.Sprintf("the older one of the two headers of %s is damaged; the newer one is sound and nothing is lost. "+
			"The next commit writes it anew", path)}
	}
	return nil, nil
}

func lockError(path string, err error) error {
	if errors.Is(err, ErrLocked) {
		return fmt.Errorf("%w %s; only one may use it at a time", ErrLocked, path)
	}
	return fmt.Errorf("locking %s: %w", path, err)
}

// loader reads the tables of one file in the order in which they refer to each other.
type loader struct {
	contents
	file     *pageFile
	buckets  map[string]bucketRef
	byNumber map[uint64]*loadedFamily
	byID     []*Series // all series, ascending by ID
	open     map[[2]int64]struct{}
	sought   *Peeked // nil: nothing but the whole is asked for
}

type loadedFamily struct {
	familyRecord
	family.Family
}

func readPages(r io.ReaderAt, size int64) (*contents, error) { return readFor(nil, r, size) }

// readFor is readPages that fills in what is remembered of one run beside it.
func readFor(sought *Peeked, r io.ReaderAt, size int64) (*contents, error) {
	file, err := openPages(r, size)
	if err != nil {
		return nil, err
	}
	l := &loader{file: file, byNumber: map[uint64]*loadedFamily{}, open: map[[2]int64]struct{}{}, sought: sought}
	l.contents = contents{
		txid:     file.txid,
		pageSize: file.pageSize,
		damage:   file.damage,
		families: map[string]familyRecord{},
		accounts: map[int64]Account{},
		names:    map[nameKey]string{},
		totals:   map[string]uint64{},
		branches: map[branchKey]BranchState{},
		series:   make([][]*Series, len(family.All())),
		index:    newIndex(newSeed(), 0),
		intern:   newInterner(),
	}
	if l.buckets, err = file.buckets(); err != nil {
		return nil, err
	}
	if err := l.readTables(); err != nil {
		return nil, err
	}
	for _, read := range []func() error{l.readFamilies, l.readAccounts, l.readNames, l.readTotals, l.readIndex, l.readBranches} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	var both errgroup.Group // the two big halves know nothing of each other
	both.Go(l.readRuns)
	both.Go(l.readSeries)
	if err := both.Wait(); err != nil {
		return nil, err
	}
	return &l.contents, file.finish()
}

// readTables reads the format and finds out whether the file has the tables it should.
func (l *loader) readTables() error {
	if _, ok := l.buckets[metaTable.name]; !ok {
		return errors.New("it is no ledger: it does not say its format")
	}
	if err := l.readMeta(); err != nil {
		return err
	}
	want := 0
	for _, t := range tables {
		if t.since > l.format {
			continue
		}
		want++
		if _, ok := l.buckets[t.name]; !ok {
			return fmt.Errorf("table %s is missing", t.name)
		}
	}
	if len(l.buckets) != want {
		return fmt.Errorf("%d tables where there should be %d", len(l.buckets), want)
	}
	return nil
}

// walk visits the verified payloads of a table. A file of an earlier format may not have it.
func (l *loader) walk(t table, visit func(key, payload []byte) error) error {
	if t.since > max(l.format, 1) {
		return nil
	}
	err := l.file.walk(l.buckets[t.name], func(key, value []byte) error {
		payload, err := t.unseal(key, value)
		if err != nil {
			return err
		}
		return visit(key, payload)
	})
	if err != nil {
		return fmt.Errorf("table %s: %w", t.name, err)
	}
	return nil
}

func (l *loader) readMeta() error {
	format := uint64(0)
	err := l.walk(metaTable, func(key, payload []byte) error {
		r := reader{b: payload}
		switch string(key) {
		case string(metaBorn):
			l.born = r.time()
		case string(metaFormat):
			if format = r.uvarint(); !r.bad && format > formatVersion {
				return fmt.Errorf("%w: its format is %d, this version knows %d; start a version that knows it",
					ErrNewerFormat, format, formatVersion)
			}
		case string(metaHost):
			l.host = string(r.bytes())
		default:
			return errors.New("unknown key")
		}
		return r.end()
	})
	l.format = int(min(format, formatVersion))
	if err == nil && (format == 0 || l.host == "") {
		return errors.New("it is no ledger: it does not say its format and host")
	}
	return err
}

func (l *loader) readFamilies() error {
	return l.walk(familyTable, func(key, payload []byte) error {
		rec, err := decodeFamily(payload)
		if err != nil {
			return err
		}
		f, ok := family.ByName(string(key))
		if !ok || !f.Durable {
			return fmt.Errorf("%w: it counts %s, which this version does not know", ErrNewerFormat, key)
		}
		if l.byNumber[rec.Number] != nil {
			return fmt.Errorf("number %d is used twice", rec.Number)
		}
		l.families[f.Name] = rec
		l.byNumber[rec.Number] = &loadedFamily{rec, f}
		if l.byNumber[rec.Number].grown() {
			l.widened = append(l.widened, f.ID)
		}
		return nil
	})
}

func (l *loader) readAccounts() error {
	return l.walk(accountTable, func(key, payload []byte) error {
		if len(key) != 8 {
			return errValue
		}
		id := int64(binary.BigEndian.Uint64(key))
		a, err := decodeAccount(id, payload)
		l.accounts[id] = a
		return err
	})
}

func (l *loader) readNames() error {
	return l.walk(nameTable, func(key, payload []byte) error {
		repository, workflow, ok := splitKey2(key)
		if !ok {
			return errValue
		}
		if !l.known(repository) {
			return fmt.Errorf("no account of repository %d", repository)
		}
		r := reader{b: payload}
		l.names[nameKey{repository, workflow}] = string(r.bytes())
		return r.end()
	})
}

func (l *loader) readTotals() error {
	return l.walk(totalTable, func(key, payload []byte) error {
		r := reader{b: payload}
		l.totals[string(key)] = r.uvarint()
		return r.end()
	})
}

func (l *loader) readIndex() error {
	return l.walk(openTable, func(key, payload []byte) error {
		repository, run, ok := splitKey2(key)
		if !ok || len(payload) != 0 {
			return errValue
		}
		l.open[[2]int64{repository, run}] = struct{}{}
		return nil
	})
}

func (l *loader) known(repository int64) bool {
	_, ok := l.accounts[repository]
	return ok
}

func (l *loader) readRuns() error {
	last, known := int64(0), false
	err := l.walk(runTable, func(key, payload []byte) error {
		repository, run, ok := splitKey2(key)
		if !ok {
			return errValue
		}
		if repository != last || !known {
			if last, known = repository, l.known(repository); !known {
				return fmt.Errorf("no account of repository %d", repository)
			}
		}
		s, err := readRun(payload, nil)
		if err != nil {
			return err
		}
		if p := l.sought; p != nil && p.repository == repository && p.run == run {
			if err := p.take(payload); err != nil {
				return err
			}
		}
		l.runs++
		l.executions += s.executed
		if s.open {
			l.openRuns++
			if _, ok := l.open[[2]int64{repository, run}]; !ok {
				return errors.New("the run is open but not among the open ones")
			}
		}
		return nil
	})
	if err == nil && l.openRuns != len(l.open) {
		return fmt.Errorf("table %s: %d runs where %d are open", openTable.name, len(l.open), l.openRuns)
	}
	return err
}

func (l *loader) readSeries() error {
	var of []*loadedFamily // parallel to byID
	err := l.walk(labelTable, func(key, payload []byte) error {
		if len(key) != 8 {
			return errValue
		}
		b, err := decodeBirth(payload, l.intern)
		if err != nil {
			return err
		}
		f := l.byNumber[b.Family]
		if f == nil {
			return fmt.Errorf("no family has the number %d", b.Family)
		}
		if len(b.Values) != len(f.familyRecord.Labels) {
			return fmt.Errorf("%d label values for %d labels", len(b.Values), len(f.familyRecord.Labels))
		}
		if f.grown() {
			b.Values = f.grow(b.Values)
		}
		if l.index.find(f.ID, b.Values) != nil {
			return errors.New("the label set is there twice")
		}
		if shared := l.index.shared(b.Values); shared != nil {
			b.Values = shared
		}
		s := &Series{ID: binary.BigEndian.Uint64(key), Family: f.ID, Values: b.Values, Repository: b.Repository,
			Born: b.Born, Created: b.Created, Baseline: b.Baseline, Named: b.Named, bounds: f.Bounds}
		s.shown.Store(b.Shown || b.Baseline || family.Kind(f.familyRecord.Kind) == family.Gauge)
		s.Overflow = len(s.Values) == len(f.Family.Labels) && isOverflow(f.Family, s.Values)
		l.index.add(s)
		l.series[f.ID] = append(l.series[f.ID], s)
		l.byID, of = append(l.byID, s), append(of, f)
		return nil
	})
	if err != nil {
		return err
	}
	at := 0
	err = l.walk(stateTable, func(key, payload []byte) error {
		if len(key) != 8 || at == len(l.byID) || l.byID[at].ID != binary.BigEndian.Uint64(key) {
			return errors.New("there is no such series, or one before has no state")
		}
		f, s := of[at], l.byID[at]
		histogram := family.Kind(f.familyRecord.Kind) == family.Histogram
		state, err := decodeState(payload, histogram)
		if err != nil {
			return err
		}
		if histogram && (len(state.Buckets) != len(f.Bounds)+1 || !state.consistent()) {
			return errors.New("the buckets do not agree with the count")
		}
		s.state.Store(state)
		at++
		return nil
	})
	if err == nil && at != len(l.byID) {
		return fmt.Errorf("table %s: series %d has no state", stateTable.name, l.byID[at].ID)
	}
	return err
}

// The keys of totals that come in several.
const (
	totalDiscard  = "discard/"
	totalOverflow = "overflow/"
)

func cutTotal(key, kind string) (string, bool) { return strings.CutPrefix(key, kind) }
