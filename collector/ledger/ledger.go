// Package ledger keeps the durable, exactly-once accounts behind /metrics: which executions and attempts have been counted,
// and what every series has come to. It knows neither GitHub nor Prometheus.
//
// All changes that belong together go through Commit, in one transaction of one bbolt file: what has been seen, what is
// added to the series, and the progress mark. A batch may be offered any number of times; what it holds is counted once.
// Memory follows the file, never the other way round: after a crash the file is right by itself.
//
// Series are kept in memory too. Readers (scrapes) get immutable snapshots and never wait for a writer or the disk.
package ledger

import (
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"github_workflow_exporter/collector/family"
)

// File names within Options.Dir.
const (
	fileName    = "ledger.db"
	newFileName = "ledger.db.new" // while a ledger is being born
	lockName    = "ledger.lock"
)

// Options are what Open needs.
type Options struct {
	Dir  string // created with its parents if missing, for the user alone
	Host string // API base URL; stored at birth, must be the same ever after
	// Layouts are the upper bounds of the histogram families in seconds, ascending, without +Inf; families left out, or
	// with none, have those of package family.
	Layouts map[family.ID][]float64
	// Disabled families are neither counted nor shown.
	Disabled    map[family.ID]bool
	SeriesLimit int              // label sets per family; 0: no limit
	Now         func() time.Time // clock of births and increments; default time.Now
	LockTimeout time.Duration    // how long to wait for another process; default 1 s
	// OpenFile replaces os.OpenFile for the ledger's file once it has been verified; for tests of failing disks.
	OpenFile func(name string, flag int, perm os.FileMode) (*os.File, error)
}

// Ledger is an open ledger. Its methods may be called from several goroutines.
type Ledger struct {
	dir, path string
	now       func() time.Time
	locks     []io.Closer
	db        *bolt.DB
	file      *os.File    // as bbolt has it open
	identity  fs.FileInfo // of that file
	pageSize  int64

	// turn holds one token; who has it may write. A channel, so that waiting for it can be given up.
	turn chan struct{}
	// The rest of this group belongs to who has the turn.
	closed      bool
	expected    atomic.Int64 // repositories, see Expect
	seriesLimit int
	initialZero time.Duration // as last given to Reveal
	index       index
	intern      *interner
	families    []familyState // by family.ID
	seen        sight
	verified    time.Time     // when a conspicuous file was found sound last,
	verifying   time.Duration // and how long that took

	// broken is set, and failed closed, once the file cannot be relied on any more; nor can bbolt's locks.
	broken atomic.Pointer[CorruptError]
	failed chan struct{}
	// away is set while the file is not in its place.
	away atomic.Pointer[error]

	// views is what readers see of the series, by family.ID.
	views []atomic.Pointer[view]
	size  atomic.Int64

	// mu guards what follows; it is never held during a transaction.
	mu       sync.RWMutex
	accounts map[int64]Account
	names    map[nameKey]string
	totals   map[string]uint64
	branches map[branchKey]BranchState // without their runs
	warnings []string
	notes    []string
}

// familyState is the writer's side of a family.
type familyState struct {
	family.Family
	number   uint64 // in the file
	bounds   []float64
	disabled bool
	series   []*Series // ascending by ID; grown in place, never changed below the length readers know
	counted  int       // those that count against the limit
	claims   claims    // the same by repository
}

// view is the readers' side of a family.
type view struct {
	series []*Series
	count  int
}

type nameKey struct{ repository, workflow int64 }

// Execution is a recorded job execution of a run.
type Execution struct {
	ID          int64
	Attempt     int
	Fingerprint uint64 // this and the following as given in its Entry
	Name        uint32
	Ended       time.Time // in whole seconds
	Failed      bool
	Reason      string
}

// publish shows a family's series to readers.
func (l *Ledger) publish(f *familyState) {
	v := &view{}
	if !f.disabled {
		v.series, v.count = slices.Clip(f.series), f.counted
	}
	l.views[f.ID].Store(v)
}

// Series lists the series of a family by birth. The list is shared and stays as it is; it is empty while the family is
// disabled. Reading it takes no lock.
func (l *Ledger) Series(f family.ID) []*Series { return l.view(f).series }

// Count is the number of label sets of a family that count against the limit: all but the overflow series, none
// while the family is disabled.
func (l *Ledger) Count(f family.ID) int { return l.view(f).count }

func (l *Ledger) view(f family.ID) *view {
	if f >= 0 && int(f) < len(l.views) {
		if v := l.views[f].Load(); v != nil {
			return v
		}
	}
	return &view{} // of a family that is not durable
}

// Account returns what is remembered of a repository.
func (l *Ledger) Account(repository int64) (Account, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	a, ok := l.accounts[repository]
	return a, ok
}

// Accounts lists all repositories ever counted, by id.
func (l *Ledger) Accounts() []Account {
	l.mu.RLock()
	defer l.mu.RUnlock()
	all := make([]Account, 0, len(l.accounts))
	for _, id := range slices.Sorted(maps.Keys(l.accounts)) {
		all = append(all, l.accounts[id])
	}
	return all
}

// WorkflowName is the name last seen of a workflow, "" if none was.
func (l *Ledger) WorkflowName(repository, workflow int64) string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.names[nameKey{repository, workflow}]
}

// Recorded is how many executions have been recorded since the ledger was born.
func (l *Ledger) Recorded() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.totals[totalRecorded]
}

// Discards are the discards since the ledger was born, by reason.
func (l *Ledger) Discards() map[string]uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	d := map[string]uint64{}
	for key, n := range l.totals {
		if reason, ok := cutTotal(key, totalDiscard); ok {
			d[reason] = n
		}
	}
	return d
}

// Overflowed are the samples that went to overflow series since the ledger was born, by family.
func (l *Ledger) Overflowed() map[family.ID]uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	o := map[family.ID]uint64{}
	for key, n := range l.totals {
		if name, ok := cutTotal(key, totalOverflow); ok {
			if f, ok := family.ByName(name); ok {
				o[f.ID] = n
			}
		}
	}
	return o
}

// Warnings are what the last opening or Configure did that an operator should know.
func (l *Ledger) Warnings() []string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.Clone(l.warnings)
}

// Notes are what the opening found that has done no harm.
func (l *Ledger) Notes() []string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.Clone(l.notes)
}

// Size is the size of the ledger's file in bytes, as of the last transaction.
func (l *Ledger) Size() int64 { return l.size.Load() }

// Path is the ledger's file.
func (l *Ledger) Path() string { return l.path }

// checkLayout refuses bounds that are no histogram's.
func checkLayout(name string, bounds []float64) error {
	for i, b := range bounds {
		if math.IsNaN(b) || math.IsInf(b, 0) {
			return fmt.Errorf("buckets of %s: bound %d is %v; bounds are finite, +Inf is added by itself", name, i+1, b)
		}
		if i > 0 && b <= bounds[i-1] {
			return fmt.Errorf("buckets of %s: bound %d, %v, is not above the one before, %v", name, i+1, b, bounds[i-1])
		}
	}
	return nil
}

func newSeed() maphash.Seed { return maphash.MakeSeed() }
