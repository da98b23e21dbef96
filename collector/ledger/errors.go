package ledger

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
)

// The conditions a caller tells apart with errors.Is. Their text is completed with the file and what to do.
var (
	// ErrClosed is returned by every method once the ledger is closed.
	ErrClosed = errors.New("the ledger is closed")
	// ErrLocked: another process has the ledger open, or is about to.
	ErrLocked = errors.New("another process holds the ledger")
	// ErrOtherHost: the ledger was born for the API of another host; its ids mean nothing here.
	ErrOtherHost = errors.New("the ledger belongs to another host")
	// ErrNewerFormat: the file was written by a newer version of the program.
	ErrNewerFormat = errors.New("the ledger was written by a newer version")
	// ErrUnconfirmed: the file took a transaction whole, but the disk did not confirm that it is durable. Memory follows
	// the file; the same batch committed again adds nothing.
	ErrUnconfirmed = errors.New("the disk did not confirm the commit")
)

// CorruptError says that the file is not a ledger or is damaged. The file has been left as it was found.
type CorruptError struct {
	Path string
	Err  error // what was found
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("ledger file %s is damaged or is no ledger: %v; restore a backup in its place, "+
		"or move the file away to start anew (all counts then begin at zero)", e.Path, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// guarded runs fn and turns what reading a damaged or vanishing memory-mapped file provokes into an error: faults
// (otherwise fatal), and the strings with which bbolt panics when a page is not what it should be. Other panics are bugs
// of this program and go on.
func guarded(path string, fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		switch v := r.(type) {
		case interface {
			runtime.Error
			Addr() uintptr
		}:
			err = &CorruptError{Path: path, Err: fmt.Errorf("reading the mapped file: %w", v)}
		case string:
			err = &CorruptError{Path: path, Err: errors.New(v)}
		default:
			panic(r)
		}
	}()
	return fn()
}
