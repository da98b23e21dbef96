package ledger

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
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
	// ErrAway: the ledger's name leads to another file than the one that is open, or to none. Nothing is written as long as
	// that is so: it would be gone with the process.
	ErrAway = errors.New("the ledger's file is not in its place")
)

// CorruptError says that the file is not a ledger or is damaged.
type CorruptError struct {
	Path string
	Err  error // what was found
	// InUse: the file was sound when it was opened. Nothing reads or writes it any more. Otherwise it has been left as it was
	// found.
	InUse bool
}

func (e *CorruptError) Error() string {
	if e.InUse {
		return fmt.Sprintf("ledger file %s was changed from outside, or broke, while in use: %v; nothing more is counted. "+
			"Start again: the file is verified then, and gone on with if it is sound", e.Path, e.Err)
	}
	return fmt.Sprintf("ledger file %s is damaged or is no ledger: %v; restore a backup in its place, "+
		"or move the file away to start anew (all counts then begin at zero)", e.Path, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// BatchError says that a batch, or one thing in it, cannot be recorded by the rules of the ledger. It says nothing of the
// ledger or of other batches.
type BatchError struct{ Err error }

func (e *BatchError) Error() string { return e.Err.Error() }
func (e *BatchError) Unwrap() error { return e.Err }

// Unrecordable tells who cannot know the type that trying something else may succeed.
func (*BatchError) Unrecordable() bool { return true }

// panicError is what a panic was turned into.
type panicError struct {
	value any
	at    string
}

func (e *panicError) Error() string { return fmt.Sprintf("%v (at %s)", e.value, e.at) }

func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// guarded runs fn, which reads the mapped file, and turns its panics into errors. bbolt believes what it finds there: where
// the file has been cut it faults, which otherwise is fatal, and where it holds something else bbolt's own checks panic, or
// Go's, anywhere.
func guarded(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = &panicError{r, panicked()}
		}
	}()
	return fn()
}

// panicked names the place of the panic that is being recovered from.
func panicked() string {
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "runtime.") || !more {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
	}
}
