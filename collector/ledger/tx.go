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
	return l.use(ctx, doing, func() error { return l.transact(change, publish) })
}

// read runs a read transaction. It takes its turn with the writers: what panics in the midst of bbolt leaves its locks held,
// and nobody may be waiting for them then.
func (l *Ledger) read(doing string, fn func(*bolt.Tx) error) error {
	return l.use(context.Background(), doing, func() error { return l.snapshot(fn) })
}

// use waits for the turn, looks after the file and runs what uses the mapped file. If that panics, or meets values that
// are not what was written, nothing uses the file any more until a restart.
func (l *Ledger) use(ctx context.Context, doing string, fn func() error) error {
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
	if broken := l.broken.Load(); broken != nil {
		return fmt.Errorf("%s: %w", doing, broken)
	}
	err := guarded(func() error {
		if err := l.inspect(); err != nil {
			return err
		}
		return fn()
	})
	if err == nil {
		return nil
	}
	if fatal(err) {
		err = l.fail(err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// fatal tells whether an error means that the file or bbolt's view of it cannot be relied on any more.
func fatal(err error) bool {
	var panicked *panicError
	return errors.As(err, &panicked) || errors.Is(err, errChanged) || errors.Is(err, errChecksum) || errors.Is(err, errValue) ||
		errors.Is(err, bolterrors.ErrInvalidMapping)
}

// fail notes the first error that ends all use of the file, and returns it.
func (l *Ledger) fail(err error) error {
	if l.broken.CompareAndSwap(nil, &CorruptError{Path: l.path, Err: err, InUse: true}) {
		close(l.failed)
	}
	return l.broken.Load()
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
			return errors.Join(err, viewErr, l.written(id, false))
		}
		err = fmt.Errorf("%w: %w", ErrUnconfirmed, err)
	}
	publish()
	written := l.written(id, true)
	if errors.Is(written, ErrAway) {
		written = fmt.Errorf("%w: %w", ErrUnconfirmed, written) // it was taken away meanwhile
	}
	return errors.Join(err, written)
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

// snapshot runs a read transaction by who has the turn.
func (l *Ledger) snapshot(fn func(*bolt.Tx) error) error { return l.db.View(fn) }
