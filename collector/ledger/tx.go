package ledger

import (
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// write runs one write transaction: change fills it, and once it is durable publish brings memory up to it. A change that
// reports nothing to write is undone. It is the only place where the file is written.
func (l *Ledger) write(ctx context.Context, doing string, change func(*bolt.Tx) (dirty bool, err error), publish func()) error {
	select {
	case <-l.turn:
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	defer func() { l.turn <- struct{}{} }()
	switch {
	case l.closed:
		return ErrClosed
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	return l.guard(doing, func() error { return l.transact(change, publish) })
}

// guard runs what uses the mapped file. If that faults, nothing uses it any more until a restart.
func (l *Ledger) guard(doing string, fn func() error) error {
	if broken := l.broken.Load(); broken != nil {
		return fmt.Errorf("%s: stopped until a restart: %w", doing, broken)
	}
	finished := false
	err := guarded(l.path, func() error {
		err := fn()
		finished = true
		return err
	})
	if corrupt := (*CorruptError)(nil); !finished && errors.As(err, &corrupt) {
		l.broken.Store(corrupt)
	}
	if err != nil && !errors.Is(err, ErrClosed) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return err
}

func (l *Ledger) transact(change func(*bolt.Tx) (bool, error), publish func()) error {
	tx, err := l.db.Begin(true)
	if err != nil {
		return err
	}
	id := tx.ID()
	dirty, err := change(tx)
	if err != nil || !dirty {
		return errors.Join(err, tx.Rollback())
	}
	return l.settle(id, tx.Commit(), publish)
}

// settle brings memory up to transaction id, if its commit succeeded. A failed one leaves memory alone, but for one case:
// when the last sync fails, the file as the system shows it has changed all the same, and all that is read from here on
// builds on it. Memory then follows the file.
func (l *Ledger) settle(id int, err error, publish func()) error {
	if err != nil {
		if now, viewErr := l.txid(); viewErr != nil || now < id {
			return errors.Join(err, viewErr)
		}
		err = fmt.Errorf("%w: %w", ErrUnconfirmed, err)
	}
	publish()
	l.measure()
	return err
}

// txid is the number of the last transaction that the file shows.
func (l *Ledger) txid() (int, error) {
	id := 0
	err := l.snapshot(func(tx *bolt.Tx) error {
		id = tx.ID()
		return nil
	})
	return id, err
}

// read runs a read transaction, beside writers.
func (l *Ledger) read(doing string, fn func(*bolt.Tx) error) error {
	return l.guard(doing, func() error { return l.snapshot(fn) })
}

func (l *Ledger) snapshot(fn func(*bolt.Tx) error) error {
	err := l.db.View(fn)
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}
