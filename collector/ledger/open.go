package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github_workflow_exporter/collector/family"
)

// Open opens the ledger in a directory, or gives birth to it if there is no file. A file that is there is verified whole
// before it is opened for writing; what is damaged, foreign, of a newer format, of another host or in use by another
// process is refused as it is. See the errors of this package.
func Open(o Options) (*Ledger, error) {
	if o.Host == "" {
		return nil, errors.New("opening the ledger: no host given")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.LockTimeout == 0 {
		o.LockTimeout = time.Second
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the ledger's directory: %w", err)
	}
	l := &Ledger{dir: o.Dir, path: filepath.Join(o.Dir, fileName), now: o.Now, turn: make(chan struct{}, 1), failed: make(chan struct{})}
	if err := l.open(o); err != nil {
		_ = l.release() // the first error says more
		return nil, err
	}
	return l, nil
}

func (l *Ledger) open(o Options) error {
	if err := l.takeLocks(o.LockTimeout); err != nil {
		return err
	}
	if _, err := os.Lstat(l.path); errors.Is(err, fs.ErrNotExist) {
		if err := create(l.dir, o.Host, o.Now()); err != nil {
			return fmt.Errorf("creating the ledger %s: %w", l.path, err)
		}
	}
	c, err := readLedger(l.path, o.LockTimeout)
	if err != nil {
		return err
	}
	if c.host != o.Host {
		return fmt.Errorf("%w: %s keeps the counts of %s, the configuration says %s; use another directory for another host",
			ErrOtherHost, l.path, c.host, o.Host)
	}
	if err := l.openFile(o, c); err != nil {
		return err
	}
	l.adopt(c)
	l.turn <- struct{}{}
	if err := l.upgrade(c); err != nil {
		return err
	}
	if _, err = l.Configure(o.Layouts, o.Disabled, o.SeriesLimit); err != nil {
		return err
	}
	warnings, notes := c.findings(l.path)
	l.warnings, l.notes = append(warnings, l.warnings...), notes
	return nil
}

// openFile opens the file for writing, which must be what has been read of it.
func (l *Ledger) openFile(o Options, c *contents) error {
	openFile := o.OpenFile
	if openFile == nil {
		openFile = os.OpenFile
	}
	options := &bolt.Options{Timeout: o.LockTimeout, FreelistType: bolt.FreelistMapType, NoStatistics: true}
	options.OpenFile = func(name string, flag int, perm os.FileMode) (*os.File, error) {
		f, err := openFile(name, flag, perm)
		l.file = f
		return f, err
	}
	l.pageSize = c.pageSize
	var id int
	err := guarded(func() (err error) {
		if l.db, err = bolt.Open(l.path, 0o600, options); err != nil {
			return err
		}
		if l.identity, err = l.file.Stat(); err != nil {
			return err
		}
		if err := l.look(); err != nil {
			return err
		}
		id, err = l.txid()
		return err
	})
	panicked := (*panicError)(nil)
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return lockError(l.path, ErrLocked)
	case errors.As(err, &panicked):
		return l.fail(err)
	case err != nil:
		return fmt.Errorf("opening the ledger %s: %w", l.path, err)
	case uint64(id) != c.txid:
		return fmt.Errorf("%w %s: it changed while it was opened", ErrLocked, l.path)
	}
	return nil
}

// adopt takes what was read from the file into memory.
func (l *Ledger) adopt(c *contents) {
	all := family.All()
	l.index, l.intern = c.index, c.intern
	l.accounts, l.names, l.totals, l.branches = c.accounts, c.names, c.totals, c.branches
	l.families = make([]familyState, len(all))
	l.views = make([]atomic.Pointer[view], len(all))
	for i, f := range all {
		rec := c.families[f.Name]
		fs := &l.families[i]
		*fs = familyState{Family: f, number: rec.Number, bounds: rec.Bounds, disabled: rec.Disabled, series: c.series[i]}
		fs.claims = newClaims(fs.series)
		for _, n := range fs.claims.by {
			fs.counted += n
		}
	}
	for i := range l.families {
		l.publish(&l.families[i])
	}
}

// create writes an empty ledger. It gets its name when it is whole, lest a crash leave something that cannot be opened.
func create(dir, host string, now time.Time) error {
	temp := filepath.Join(dir, newFileName)
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := bolt.Open(temp, 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, t := range tables {
			if _, err := tx.CreateBucket([]byte(t.name)); err != nil {
				return err
			}
		}
		for _, kv := range [][2][]byte{
			{metaFormat, binary.AppendUvarint(begin(), formatVersion)},
			{metaHost, appendString(begin(), host)},
			{metaBorn, appendTime(begin(), stored(now))},
		} {
			if err := put(tx, metaTable, kv[0], kv[1]); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, filepath.Join(dir, fileName)); err != nil {
		return err
	}
	return syncDir(dir)
}

// put seals and stores a value begun with begin.
func put(tx *bolt.Tx, t table, key, value []byte) error {
	return tx.Bucket([]byte(t.name)).Put(key, t.seal(key, value))
}

// syncDir makes a new name in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // the file system has no such thing
	}
	return errors.Join(err, d.Close())
}

// Close waits for a transaction under way, then closes the file. Snapshots remain readable.
func (l *Ledger) Close() error {
	<-l.turn
	defer func() { l.turn <- struct{}{} }()
	if l.closed {
		return ErrClosed
	}
	l.closed = true
	if err := l.release(); err != nil {
		return fmt.Errorf("closing the ledger: %w", err)
	}
	return nil
}

func (l *Ledger) release() error {
	var errs []error
	switch {
	case l.broken.Load() != nil && l.file != nil:
		errs = append(errs, unlockFile(l.file), l.file.Close()) // bbolt might wait for ever for a lock of its own
	case l.db != nil:
		errs = append(errs, l.db.Close())
	}
	for _, lock := range l.locks {
		errs = append(errs, lock.Close())
	}
	return errors.Join(errs...)
}
