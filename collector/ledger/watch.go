package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// This file looks after the ledger's file while it is in use: whether its name still leads to it, and whether anybody else
// wrote to it. bbolt maps the file into memory and notices neither.

// errChanged: somebody else wrote to the file.
var errChanged = errors.New("somebody else wrote to it")

// sight is the file as it was after the last transaction.
type sight struct {
	headers  [2]header
	size     int64
	modified time.Time
	// unsure: the file could not be looked at then. What it holds has to be found out.
	unsure bool
}

// Look looks after the file: see Health. Every transaction does so too; without any, damage would be found when it is too
// late. It waits for a transaction under way.
func (l *Ledger) Look(ctx context.Context) error {
	return l.use(ctx, "looking after the ledger", func() error { return nil })
}

// Health tells, as of the last look, why nothing can be recorded: an ErrAway as long as the file is not in its place, or for
// good a CorruptError. Otherwise it is nil; a failed commit alone, as by a full disk, says nothing of the next one.
func (l *Ledger) Health() error {
	if broken := l.broken.Load(); broken != nil {
		return broken
	}
	if away := l.away.Load(); away != nil {
		return *away
	}
	return nil
}

// Failed is closed when the file broke in use: see Health. Nothing but a restart helps then.
func (l *Ledger) Failed() <-chan struct{} { return l.failed }

// place returns what the name of the file leads to, if that is the open file.
func (l *Ledger) place() (fs.FileInfo, error) {
	info, err := os.Stat(l.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("%w: there is no %s any more; put it back, or restart to begin anew", ErrAway, l.path)
	case err != nil:
		err = fmt.Errorf("%w: %w", ErrAway, err)
	case !os.SameFile(info, l.identity):
		err = fmt.Errorf("%w: %s is another file now; put the old one back, or restart to go on with the new one", ErrAway, l.path)
	}
	if err != nil {
		l.away.Store(&err)
		return nil, err
	}
	l.away.Store(nil)
	return info, nil
}

// inspect is done before the file is used. Whoever writes to it changes its time; then it is verified whole. On a file
// system that changes times by itself that finds nothing, and takes no more than a hundredth of all time.
func (l *Ledger) inspect() error {
	info, err := l.place()
	if err != nil {
		return err
	}
	headers, err := readHeaders(l.file, l.pageSize)
	if err != nil {
		return changedUnlessFailing(err)
	}
	seen := &l.seen
	if !seen.unsure && headers != seen.headers {
		return fmt.Errorf("%w: its headers are not those of the last transaction", errChanged)
	}
	if !seen.unsure && info.Size() == seen.size && info.ModTime().Equal(seen.modified) {
		return nil
	}
	if !seen.unsure && info.Size() == seen.size && time.Since(l.verified) < l.verifying*100 {
		return nil // it stays conspicuous
	}
	began := time.Now()
	c, err := readPages(l.file, info.Size())
	if err != nil {
		return changedUnlessFailing(err)
	}
	if id, err := l.txid(); err != nil || uint64(id) != c.txid {
		return errors.Join(err, fmt.Errorf("%w: it shows transaction %d", errChanged, c.txid))
	}
	l.verified, l.verifying = time.Now(), time.Since(began)
	l.seen = sight{headers: headers, size: info.Size(), modified: info.ModTime()}
	return nil
}

// changedUnlessFailing tells a disk that does not answer, which may pass, from a file that is not what it was.
func changedUnlessFailing(err error) error {
	if failing := (*fs.PathError)(nil); errors.As(err, &failing) {
		return err
	}
	return fmt.Errorf("%w: %w", errChanged, err)
}

// seesIt looks, and tells whether that went well.
func (l *Ledger) seesIt() bool { return l.look() == nil }

// written notes what the file is like after transaction id was written, or, unless whole, after some of it was.
func (l *Ledger) written(id int, whole bool) error {
	before := l.seen.headers
	if !l.seesIt() {
		l.seen.unsure = true
		return nil // it was written; who comes next finds out
	}
	now, own := &l.seen.headers, id%2
	if now[1-own] != before[1-own] || whole && (!now[own].valid() || now[own].txid() != uint64(id)) {
		return fmt.Errorf("%w: its headers are not those of the last transaction", errChanged)
	}
	_, err := l.place()
	return err
}

// look takes the file as it is for what it should be.
func (l *Ledger) look() error {
	info, err := l.file.Stat()
	if err != nil {
		return err
	}
	headers, err := readHeaders(l.file, l.pageSize)
	if err != nil {
		return err
	}
	l.seen = sight{headers: headers, size: info.Size(), modified: info.ModTime()}
	l.size.Store(info.Size())
	return nil
}
